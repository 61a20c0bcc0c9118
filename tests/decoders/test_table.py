"""Every decoder of the table, in a network: any image size, compilers, files, memory. The battery has its contract."""

import copy

import pytest
import torch
from sweeps import sweep

import unetzoo
from benchmarks.memory import saved_bytes
from unetzoo.registry.builtin import unetzoo_decoders

pytestmark = pytest.mark.long

DECODERS = [spec.name for spec in unetzoo_decoders()]
ONNX_SAMPLE = ("pan",)  # the others take minutes: `pytest -m slow tests/decoders`
PLAIN = {"widths": (8, 12, 16, 24)}
SMALL = {  # narrow, so that the tests are quick, and without dropout, so that they compare
    "unet": {},
    "unetpp": {},
    "linknet": {"width": 8},
    "fpn": {"pyramid_width": 16, "width": 64, "dropout": 0.0},
    "pspnet": {"width": 16, "dropout": 0.0},
    "deeplabv3": {"width": 16, "rates": (2, 4), "dropout": 0.0},
    "deeplabv3plus": {"width": 16, "fine_width": 8, "rates": (2, 4), "dropout": 0.0},
    "pan": {"width": 8},
    "manet": {"attention_width": 8},
    "upernet": {"width": 16},
    "segformer": {"width": 16},
    "dpt": {"width": 16, "dropout": 0.0},
    "fcn": {"finest": 8, "width": 8, "deep_width": 16, "dropout": 0.0},
    "resunet": {},
    "u2net": {"small": True},
    "vnet": {"kernel_size": 3},
}


def _model(decoder, encoder="plain", **options):
    torch.manual_seed(0)
    encoder_options = PLAIN if encoder == "plain" else {}
    decoder_options = SMALL[decoder]
    arguments = {"encoder_options": encoder_options, "decoder_options": decoder_options, **options}
    return unetzoo.create(decoder, encoder=encoder, classes=2, **arguments)


def _image(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _logits(model, image):
    with torch.no_grad():
        return model.eval()(image)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("encoder", sweep(["plain", "test_resnet", "convnext_atto", "test_vit"], ["plain", "test_vit"]))
def test_logits_have_the_images_size_over_every_kind_of_pyramid(decoder, encoder):
    model = _model(decoder, encoder)
    for size in ((1, 1), (31, 70)):
        assert _logits(model, _image(1, 3, *size)).shape == (1, 2, *size)


@pytest.mark.parametrize("norm", [pytest.param("group", marks=pytest.mark.slow), "instance"])
@pytest.mark.parametrize("decoder", DECODERS)
def test_one_image_of_one_pixel_trains_whatever_the_width_where_norms_need_no_batch(decoder, norm):
    model = _model(
        decoder, decoder_options={**SMALL[decoder], "norm": norm}, encoder_options={**PLAIN, "norm": "group"}
    )
    model(_image(1, 3, 1, 1)).square().mean().backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("decoder", DECODERS)
def test_levels_of_one_resolution_are_taken_as_dilated_backbones_give_them(decoder):
    model = _model(decoder, "test_resnet", encoder_options={"output_stride": 8})
    assert _logits(model, _image(1, 3, 40, 50)).shape == (1, 2, 40, 50)


@pytest.mark.slow
@pytest.mark.parametrize("decoder", DECODERS)
def test_an_exported_graph_holds_for_other_batches_and_sizes(decoder):
    model = _model(decoder).eval()
    free = dict.fromkeys((0, 2, 3), torch.export.Dim.AUTO)
    program = torch.export.export(model, (_image(2, 3, 150, 170),), dynamic_shapes=(free,))
    # what torch assumes of `pan` holds for maps as large as the traced ones; ONNX, below, has no such assumptions
    for shape in [(1, 3, 136, 130), (3, 3, 201, 133)]:
        actual, expected = program.module()(_image(*shape)), _logits(model, _image(*shape))
        torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("decoder", sweep(DECODERS, ONNX_SAMPLE))
def test_it_is_written_as_onnx_for_any_size(decoder, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = _model(decoder).eval()
    path = unetzoo.export(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for shape in [(1, 3, 8, 8), (3, 3, 33, 101), (1, 3, 200, 264)]:
        (actual,) = session.run(None, {"image": _image(*shape).numpy()})
        expected = _logits(model, _image(*shape))
        assert (torch.from_numpy(actual) - expected).abs().max() <= 1e-3 * expected.abs().max()


@pytest.mark.slow
@pytest.mark.parametrize("decoder", DECODERS)
def test_training_is_one_graph_for_a_compiler(decoder):
    torch._dynamo.reset()  # it gives up a layer after eight networks that use it
    model = _model(decoder)
    twin = copy.deepcopy(model)
    compiled = torch.compile(twin, fullgraph=True, backend="aot_eager")
    compiled(_image(2, 3, 32, 48)).square().mean().backward()
    model(_image(2, 3, 32, 48)).square().mean().backward()
    largest = max(parameter.grad.abs().max() for parameter in model.parameters())
    for actual, expected in zip(twin.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(actual.grad, expected.grad, rtol=1e-3, atol=float(largest) * 1e-4)


@pytest.mark.parametrize("decoder", DECODERS)
def test_the_optimized_network_gives_the_same_logits(decoder):
    model = _model(decoder, "test_resnet")
    model(_image(2, 3, 64, 64))  # statistics of norms that differ from 0 and 1
    fast = unetzoo.optimize(model)
    expected = _logits(model, _image(1, 3, 50, 70))
    assert (fast(_image(1, 3, 50, 70)) - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize("decoder", sweep(DECODERS, ["unetpp", "deeplabv3plus", "dpt", "u2net"]))
def test_it_comes_back_from_its_folder(decoder, tmp_path):
    model = _model(decoder)
    again = unetzoo.load(unetzoo.save(model, tmp_path / "model"))
    assert again.config == model.config
    torch.testing.assert_close(_logits(again, _image(1, 3, 32, 40)), _logits(model, _image(1, 3, 32, 40)))


@pytest.mark.parametrize("decoder", DECODERS)
def test_checkpointed_activations_give_the_same_gradients_with_less_memory(decoder):
    model = _model(decoder)
    twin = copy.deepcopy(model)
    twin.checkpoint_activations()
    image = _image(2, 3, 64, 64)
    for network in (model, twin):
        network(image).square().mean().backward()
    largest = max(parameter.grad.abs().max() for parameter in model.parameters())
    for actual, expected in zip(twin.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(actual.grad, expected.grad, rtol=1e-3, atol=float(largest) * 1e-5)
    for (name, actual), expected in zip(twin.named_buffers(), model.buffers(), strict=True):
        torch.testing.assert_close(actual, expected, msg=name)
    info = model.encoder.features
    features = [torch.randn(2, c, 64 // by, 64 // by) for c, by in zip(info.channels, info.reductions, strict=True)]
    sizes = [saved_bytes(lambda network=network: network.decoder(features)) for network in (twin, model)]
    assert sizes[0] < 0.9 * sizes[1]
