"""A network without padding, that of 2015, is trained, predicted with, made fast and written as the others are."""

import numpy as np
import pytest
import torch
from squares import Squares

import unetzoo
from unetzoo.layers.valid import mirrored

WIDTHS = (4, 6, 8)
LOST = 40  # pixels of each side, as three levels of two convolutions and two of the way back take them


def _model(norm="none", widths=WIDTHS):
    torch.manual_seed(0)
    return unetzoo.create(
        "unet",
        encoder="plain",
        in_channels=1,
        classes=2,
        encoder_options={"norm": norm, "widths": widths, "padding": "valid"},
        decoder_options={"norm": norm, "upsample": "transpose", "widths": widths[-2::-1], "padding": "valid"},
    ).eval()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (20, 33), (61, 80)])
@pytest.mark.parametrize("reduction", [4, 16])
def test_an_image_is_mirrored_as_far_as_its_logits_need(size, reduction):
    """numpy's `reflect`, which mirrors again and again, knows how."""
    image = torch.randn(1, 2, *size, generator=torch.Generator().manual_seed(0))
    border = {4: 20, 16: 92}[reduction]  # figure 1 of the paper: 572 pixels have logits for the 388 in their middle
    actual = mirrored(image, reduction)
    padding = [(border, more - side - border) for side, more in zip(size, actual.shape[2:], strict=True)]
    expected = np.stack([np.pad(channel, padding, mode="reflect") for channel in image[0].numpy()])
    np.testing.assert_array_equal(actual[0].numpy(), expected)


def test_the_papers_tile_of_388_pixels_needs_an_image_of_572():
    assert mirrored(torch.empty(1, 1, 388, 388), 16).shape == (1, 1, 572, 572)


def test_the_probabilities_of_an_image_are_those_of_the_mirrored_image_s_middle():
    model = _model()
    image = np.random.default_rng(0).random((60, 84), dtype=np.float32)
    grown = np.pad(image, LOST // 2, mode="reflect")  # (100, 124), sides that it takes
    with torch.no_grad():
        expected = model(torch.from_numpy(grown)[None, None]).softmax(1)[0]
    np.testing.assert_allclose(unetzoo.predict(model, image), expected.numpy(), atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (53, 70), (300, 150)])
def test_an_image_of_any_size_has_probabilities_and_tiles_change_them_only_at_the_border(size):
    model = _model()
    image = np.random.default_rng(0).random((*size, 1), dtype=np.float32)
    whole = unetzoo.predict(unetzoo.optimize(model), image)
    assert whole.shape == (2, *size)
    np.testing.assert_allclose(unetzoo.predict(model, image, tile=256, overlap=127), whole, atol=1e-5)


def test_the_optimized_network_gives_the_same_logits():
    model = _model()
    image = torch.randn(1, 1, 92, 60)
    with torch.no_grad():
        torch.testing.assert_close(unetzoo.optimize(model)(image), model(image))


def test_onnx_runtime_gives_its_logits_for_any_size_that_it_takes(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = _model(widths=(4, 6))
    path = unetzoo.export(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for shape in [(1, 1, 20, 20), (3, 1, 28, 38), (2, 1, 74, 20)]:
        image = torch.randn(shape)
        (logits,) = session.run(None, {"image": image.numpy()})
        with torch.no_grad():
            torch.testing.assert_close(torch.from_numpy(logits), model(image), rtol=1e-4, atol=1e-5)


def test_a_file_for_a_size_that_it_does_not_take_is_refused_with_those_that_it_takes(tmp_path):
    with pytest.raises(unetzoo.ShapeError, match=r"takes sides of 44, 48, 52, \.\.\. pixels; got 45 x 44"):
        unetzoo.export(_model(), tmp_path / "model.onnx", image_size=(45, 44))
    assert list(tmp_path.iterdir()) == []


def test_it_learns_from_whole_masks_and_is_evaluated(tmp_path):
    data = {"train": Squares(6, 0), "val": Squares(3, 1)}
    options = unetzoo.FitOptions(steps=40, epochs=2, batch=2, crop=32, learning_rate=1e-2)
    done = unetzoo.fit(_model("group"), data, tmp_path / "run", options=options)
    assert done.best.mean_iou > 0.8
    again = unetzoo.load(done.folder / "best")
    assert unetzoo.evaluate(again, data["val"], resamples=1).mean["IoU"].value == pytest.approx(done.best.mean_iou)
