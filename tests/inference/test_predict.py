from itertools import product

import numpy as np
import pytest
import torch
from sweeps import sweep
from torch import nn

import unetzoo
from unetzoo import OptionError
from unetzoo.inference.predict import predict, predict_rows

WIDTHS = {"widths": (4, 8, 8)}


def _model(classes=2, in_channels=1, info=None, **options):
    torch.manual_seed(0)
    parts = {"encoder_options": {**WIDTHS, **options}, "decoder_options": options}
    model = unetzoo.create("unet", encoder="plain", classes=classes, in_channels=in_channels, **parts)
    if info is not None:
        model.config = unetzoo.ModelConfig(**{**vars(model.config), "info": info})
    return model.eval()


def _image(height, width, channels=1):
    return np.random.default_rng(0).random((height, width, channels), dtype=np.float32)


_SHAPES = [(1, 1), (3, 200), (200, 5), (128, 128), (300, 411)]


@pytest.mark.parametrize(("classes", "shape"), sweep(product([1, 3], _SHAPES), [*product([3], _SHAPES), (1, (3, 200))]))
def test_any_size_gives_probabilities_of_every_class(shape, classes):
    actual = predict(_model(classes), _image(*shape), tile=128, overlap=32)
    assert (actual.shape, actual.dtype) == ((classes, *shape), np.float32)
    assert actual.min() >= 0
    assert actual.max() <= 1
    if classes > 1:
        np.testing.assert_allclose(actual.sum(0), 1, atol=1e-5)


def test_tiles_with_enough_overlap_give_what_the_whole_image_gives():
    # 3 levels of two 3x3 convolutions on both ways see 38 pixels to each side, within the quarter of this overlap
    model, image = _model(), _image(500, 700)
    tiled, whole = predict(model, image, tile=384, overlap=160), predict(model, image, tile=1024)
    inner = (slice(None), slice(40, -40), slice(40, -40))  # beyond the border one sees a mirror, the other zeros
    assert np.abs(tiled - whole)[inner].max() < 1e-5


@pytest.mark.parametrize("optimized", [pytest.param(False, marks=pytest.mark.slow), True])
def test_tiles_begin_where_the_deepest_level_pools(optimized):
    """With kernels of one tap a pixel sees what is pooled with it, 64 x 64 pixels here, and nothing else."""
    torch.manual_seed(0)
    model = unetzoo.create("unet", in_channels=1, classes=2, encoder="plain", encoder_options={"widths": (4,) * 7})
    assert model.encoder.features.reductions[-1] == 64
    for parameter in model.parameters():
        if parameter.ndim == 4:
            one_tap = torch.zeros_like(parameter)
            one_tap[:, :, parameter.shape[2] // 2, parameter.shape[3] // 2] = 1
            parameter.data = torch.randn(parameter.shape) * one_tap
    for norm in model.modules():
        norm.momentum = 1.0  # of a batch norm: one batch tells its statistics
    image = _image(704, 192)
    with torch.no_grad():
        model(torch.from_numpy(image.transpose(2, 0, 1)).expand(2, -1, -1, -1))
    model.eval()
    network = unetzoo.optimize(model) if optimized else model
    tiled, whole = predict(network, image, tile=256, overlap=32), predict(network, image, tile=1024)
    np.testing.assert_allclose(tiled, whole, atol=1e-3)


def test_seams_are_smooth_even_where_a_network_sees_the_border_of_its_tile():
    class Border(nn.Module):
        """Answers by whether a pixel lies at the left end of what is seen."""

        def forward(self, images):
            return torch.linspace(-6, 6, images.shape[3]).expand(images.shape[0], 1, *images.shape[2:])

    model = _model(classes=1)
    model.forward = Border().forward
    actual = predict(model, _image(64, 600), tile=256, overlap=64)[0, 0]
    assert np.abs(np.diff(actual)).max() < 0.06  # a jump at a seam would be near 1


def test_rows_come_in_order_without_gaps_and_are_the_same_as_at_once():
    model, image = _model(), _image(700, 200)
    tops, parts = zip(*predict_rows(model, image, tile=192, overlap=48), strict=True)
    assert len(parts) > 3
    assert list(tops) == [0, *np.cumsum([part.shape[1] for part in parts])[:-1]]
    np.testing.assert_array_equal(np.concatenate(parts, 1), predict(model, image, tile=192, overlap=48))


@pytest.fixture(scope="module")
def resumable():
    """A network, an image of several rows of tiles, options, and the probabilities of the whole image."""
    model, image, options = _model(), _image(350, 300), {"tile": 128, "overlap": 48}
    return model, image, options, np.concatenate([rows for _, rows in predict_rows(model, image, **options)], 1)


@pytest.mark.parametrize("start", sweep([1, 90, 150, 349, 350], [1, 150, 350]))
def test_going_on_from_any_row_gives_the_same_numbers(start, resumable):
    model, image, options, whole = resumable
    joined = whole[:, :start]
    for top, rows in predict_rows(model, image, **options, start=start):
        assert top <= joined.shape[1]
        joined = np.concatenate([joined[:, :top], rows], 1)
    np.testing.assert_array_equal(joined, whole)


def test_running_out_of_memory_says_what_to_lower():
    model = _model()
    model.forward = lambda images: torch.empty(10**15)  # torch says that it can't
    with pytest.raises(unetzoo.OptionError, match=r"out of memory with 1 x 40 x 300 pixels .* tile from 2048 to 1024"):
        predict(model, _image(40, 300))
    with pytest.raises(unetzoo.OptionError, match=r"out of memory with 3 x .* lower batch from 3 to 1"):
        predict(model, _image(300, 900), tile=256, overlap=64, batch=3)


def test_running_out_of_memory_in_a_backbone_says_so_too():
    def run_out(*_):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")

    model = unetzoo.create("unet", encoder="resnet10t").eval()
    model.encoder.backbone.layer1.register_forward_hook(run_out)
    with pytest.raises(unetzoo.OutOfMemoryError, match="lower tile from 256 to 128"):
        predict(model, _image(64, 64, 3), tile=256)


def test_a_batch_of_tiles_gives_the_same_as_tile_by_tile():
    model, image = _model(), _image(300, 500)
    one, three = (predict(model, image, tile=128, overlap=32, batch=batch) for batch in (1, 3))
    np.testing.assert_allclose(one, three, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"padding": "valid"}], ids=["same", "valid"])
def test_eight_mirrors_are_the_mean_over_the_symmetries_of_the_square_by_hand(options):
    model, image = _model(**options), _image(64, 96)
    each = []
    for quarters in range(4):
        turned = np.rot90(image, quarters)
        each.append(np.rot90(predict(model, turned.copy()), -quarters, (1, 2)))
        each.append(np.rot90(predict(model, turned[:, ::-1].copy())[..., ::-1], -quarters, (1, 2)))
    np.testing.assert_allclose(predict(model, image, mirrors=8), np.mean(each, 0), atol=1e-5)
    assert abs(predict(model, image, mirrors=4) - np.mean(each, 0)).max() > 1e-4


def test_two_mirrors_are_the_mean_of_the_image_and_its_mirror_image_from_left_to_right():
    model, image = _model(), _image(64, 96)
    expected = (predict(model, image) + predict(model, image[:, ::-1])[..., ::-1]) / 2
    np.testing.assert_allclose(predict(model, image, mirrors=2), expected, atol=1e-6)
    assert abs(predict(model, image[::-1])[:, ::-1] - predict(model, image)).max() > 1e-4  # up and down are not alike


@pytest.mark.parametrize("mirrors", [0, 3, True, "8", None])
def test_there_are_one_two_four_and_eight_mirrors(mirrors):
    with pytest.raises(OptionError, match="mirrors must be 1, 2, 4 or 8, got"):
        predict(_model(), _image(32, 32), mirrors=mirrors)


def test_four_mirrors_make_the_prediction_of_a_mirrored_image_the_mirrored_prediction():
    model, image = _model(), _image(64, 96)
    actual, mirrored = predict(model, image, mirrors=4), predict(model, image[:, ::-1], mirrors=4)
    np.testing.assert_allclose(mirrored, actual[..., ::-1], atol=1e-5)
    assert np.abs(predict(model, image[:, ::-1]) - predict(model, image)[..., ::-1]).max() > 1e-4


def test_the_image_is_normalized_as_the_network_was_trained():
    info = unetzoo.ModelInfo(value_range=(0, 4000), mean=[0.5, 0.25], std=[0.2, 0.1])
    image = np.random.default_rng(0).integers(0, 4000, (32, 48, 2), dtype=np.uint16)
    model = _model(in_channels=2, info=info)
    tensor = torch.from_numpy((image / 4000 - [0.5, 0.25]) / [0.2, 0.1]).float().permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = model(tensor).softmax(1)[0].numpy()
    np.testing.assert_allclose(predict(model, image), expected, atol=1e-5)
    np.testing.assert_array_equal(image, np.random.default_rng(0).integers(0, 4000, (32, 48, 2), dtype=np.uint16))


@pytest.mark.parametrize(("dtype", "largest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_without_a_saved_normalization_whole_numbers_go_from_0_to_1(dtype, largest):
    image = np.random.default_rng(0).integers(0, largest, (32, 32), dtype=dtype)
    floats = (image / largest).astype(np.float32)
    np.testing.assert_allclose(predict(_model(), image), predict(_model(), floats), atol=1e-5)


def test_an_optimized_network_predicts_too():
    model, image = _model(), _image(90, 70)
    actual = predict(unetzoo.optimize(model), image)
    np.testing.assert_allclose(actual, predict(model, image), atol=1e-4)
    halved = predict(unetzoo.optimize(model, dtype=torch.bfloat16), image)
    assert np.abs(halved - actual).max() < 0.05


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 2)), r"takes images \(h, w\) or \(h, w, 1\), got \(4, 4, 2\)"),
        (np.zeros((0, 4)), r"got \(0, 4\)"),
        (np.zeros(4), r"got \(4,\)"),
        ("image.png", "got str"),
    ],
)
def test_what_is_no_image_of_the_network_is_refused(image, message):
    with pytest.raises(unetzoo.ShapeError, match=message):
        predict(_model(), image)


def test_infinity_is_refused():
    image = _image(8, 8)
    image[3, 3] = np.inf
    with pytest.raises(unetzoo.OptionError, match="the image holds infinity"):
        predict(_model(), image)


@pytest.mark.parametrize(
    ("missing", "shape"),
    sweep(
        product(["nan", "masked", "value"], [(60, 50), (300, 290)]),
        [("nan", (300, 290)), ("masked", (60, 50)), ("value", (60, 50))],
    ),
)
@pytest.mark.filterwarnings("error")
def test_pixels_without_data_have_no_result_and_are_the_mean_to_the_network(missing, shape):
    info = unetzoo.ModelInfo(value_range=(0, 2), mean=(0.2, 0.3), std=(0.2, 0.1), nodata=(-9999,))
    model, image = _model(in_channels=2, info=info), 2 * _image(*shape, channels=2)
    gone, channel = (slice(5, 30), slice(10, 20)), (slice(40, 45), slice(0, 9), 1)
    filled = image.copy()
    filled[gone], filled[channel] = (0.4, 0.6), 0.6
    value = np.nan if missing == "nan" else -9999 if missing == "value" else 2.0**90
    image[gone], image[channel] = value, value
    image = np.ma.masked_equal(image, value) if missing == "masked" else image
    actual, expected = (predict(model, pixels, tile=128) for pixels in (image, filled))
    assert np.isnan(actual[:, *gone]).all()
    assert np.isnan(actual).sum() == 2 * 25 * 10
    is_known = ~np.isnan(actual)
    np.testing.assert_allclose(actual[is_known], expected[is_known], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tile": 32}, "tile must be at least 128"),
        ({"overlap": 1024}, "overlap must be a whole number from 0 to less than half of tile=2048"),
        ({"overlap": -1}, "overlap must be a whole number"),
        ({"batch": 0}, "batch must be a whole number >= 1"),
    ],
)
def test_options_outside_their_values_are_refused(options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        predict(_model(), _image(8, 8), **options)


def test_a_network_in_training_mode_is_refused():
    with pytest.raises(unetzoo.OptionError, match=r"in training mode; call model\.eval"):
        predict(_model().train(), _image(8, 8))


def test_small_tiles_have_an_overlap_that_fits_them():
    model, image = _model(), _image(300, 500)
    np.testing.assert_array_equal(predict(model, image, tile=128), predict(model, image, tile=128, overlap=32))
    np.testing.assert_array_equal(predict(model, image, tile=512), predict(model, image, tile=512, overlap=128))
