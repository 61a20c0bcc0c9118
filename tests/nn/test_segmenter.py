import copy
import json

import numpy as np
import pytest
import torch
from sweeps import sweep
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo

DECODERS = ["unet", "unetpp"]


def _model(decoder="unet", **options):
    torch.manual_seed(0)
    return unetzoo.create(decoder, encoder="test_resnet", **options)


def _image(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("size", [(1, 1), (1, 70), (31, 33), (64, 64), (65, 127)])
def test_logits_have_the_images_size_whatever_it_is_even_for_one_image(decoder, size):
    model = _model(decoder, classes=3).eval()
    with torch.no_grad():
        assert model(_image(1, 3, *size)).shape == (1, 3, *size)


def test_an_image_that_needs_padding_is_continued_by_its_last_row_and_column():
    model = _model().eval()
    image = _image(1, 3, 40, 50)
    padded = F.pad(image, (0, 14, 0, 24), mode="replicate")
    with torch.no_grad():
        assert torch.equal(model(image), model(padded)[:, :, :40, :50])


def test_a_new_network_is_in_training_mode():
    assert _model().training


def test_one_seed_gives_one_network():
    first, second = _model().state_dict(), _model().state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 4, 32, 32), (1, 1, 3, 32, 32)])
def test_an_image_of_other_axes_or_channels_is_refused(shape):
    with pytest.raises(unetzoo.ShapeError, match=r"this network takes images \(b, 3, h, w\), got"):
        _model()(torch.zeros(shape))


def test_all_logits_are_those_of_every_output_and_the_best_is_last():
    model = _model("unetpp", classes=2, decoder_options={"deep_supervision": True}).eval()
    image = _image(2, 3, 40, 50)
    with torch.no_grad():
        every = model.all_logits(image)
        assert torch.equal(every[-1], model(image))
    assert [tuple(logits.shape) for logits in every] == [(2, 2, 40, 50)] * 4


def test_the_configuration_rebuilds_the_network_through_json():
    model = _model("unetpp", classes=2, in_channels=4, decoder_options={"norm": "group", "deep_supervision": True})
    config = unetzoo.ModelConfig.from_dict(json.loads(json.dumps(model.config.to_dict())))
    assert config == model.config
    again = unetzoo.create(
        config.decoder,
        encoder=config.encoder,
        classes=config.classes,
        in_channels=config.in_channels,
        decoder_options=config.decoder_options,
    )
    again.load_state_dict(model.state_dict())
    image = _image(1, 4, 32, 32)
    with torch.no_grad():
        assert torch.equal(again.eval()(image), model.eval()(image))


def test_the_configuration_says_who_provided_the_parts():
    from importlib.metadata import version

    expected = f"unetzoo {version('unetzoo')}"
    assert _model().config.providers == {"encoder": expected, "decoder": expected}


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_the_head_is_one_convolution_of_the_size_that_was_asked_for(kernel_size):
    (head,) = _model(head_kernel_size=kernel_size).heads
    assert tuple(head.weight.shape) == (1, 16, kernel_size, kernel_size)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 0}, "classes must be a whole number >= 1, got 0"),
        ({"in_channels": "3"}, "in_channels must be a whole number >= 1, got '3'"),
        ({"head_kernel_size": 2}, "head_kernel_size must be odd, got 2"),
        ({"decoder_options": {"norms": "group"}}, "decoder 'unet' has no option 'norms'; did you mean 'norm'?"),
        ({"encoder_options": {"dept": 2}}, "encoder 'test_resnet' has no option 'dept'; did you mean 'depth'?"),
        ({"decoder_options": {"norm": "grup"}}, "norm must be one of batch, group, instance, layer, none; got 'grup'"),
    ],
)
def test_an_option_that_cannot_be_is_one_clear_error(options, message):
    with pytest.raises(unetzoo.OptionError) as caught:
        _model(**options)
    assert str(caught.value).startswith(message)


def test_an_unknown_name_says_what_is_near():
    with pytest.raises(unetzoo.UnknownNameError, match=r"no encoder named 'resnet43'; did you mean 'resnet34'"):
        unetzoo.create("unet", encoder="resnet43")


def test_a_frozen_encoder_keeps_its_weights_and_statistics_in_training():
    model = _model()
    unetzoo.freeze(model.encoder)
    before = copy.deepcopy(model.encoder.state_dict())
    model.train()
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model(_image(2, 3, 64, 64)).square().mean().backward()
    optimiser.step()
    after = model.encoder.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert model.decoder.stages[0].norm.num_batches_tracked == 1


def test_an_encoder_trains_again_after_unfreeze():
    model = _model()
    unetzoo.freeze(model.encoder)
    unetzoo.unfreeze(model.encoder)
    before = model.encoder.backbone.bn1.running_mean.clone()
    model(_image(2, 3, 64, 64)).square().mean().backward()
    assert not torch.equal(before, model.encoder.backbone.bn1.running_mean)
    assert all(parameter.grad is not None for parameter in model.encoder.parameters())


GRAPHS = [("unetpp", "plain", {"widths": (4, 8, 8)}), ("unet", "test_resnet", {"depth": 3})]  # quick to trace


@pytest.mark.parametrize(("decoder", "encoder", "options"), sweep(GRAPHS, GRAPHS[:1]))
def test_a_network_is_one_compiled_graph_with_the_same_logits_and_state(decoder, encoder, options):
    torch.manual_seed(0)
    model = unetzoo.create(decoder, encoder=encoder, encoder_options=options).eval()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    image = _image(1, 3, 40, 50)
    with torch.no_grad():
        torch.testing.assert_close(compiled(image), model(image), rtol=1e-4, atol=1e-5)
    again = unetzoo.create(decoder, encoder=encoder, encoder_options=options)
    again.load_state_dict(compiled._orig_mod.state_dict())


@pytest.mark.parametrize(("decoder", "encoder", "options"), sweep(GRAPHS, GRAPHS[:1]))
def test_an_exported_graph_holds_for_other_batches_and_sizes_and_keeps_the_state(decoder, encoder, options):
    torch.manual_seed(0)
    model = unetzoo.create(decoder, encoder=encoder, encoder_options=options).eval()
    free = dict.fromkeys((0, 2, 3), torch.export.Dim.AUTO)
    program = torch.export.export(model, (_image(2, 3, 70, 90),), dynamic_shapes=(free,))
    assert program.state_dict.keys() == model.state_dict().keys()
    for shape in [(1, 3, 64, 64), (3, 3, 33, 101)]:
        with torch.no_grad():
            torch.testing.assert_close(program.module()(_image(*shape)), model(_image(*shape)), rtol=1e-4, atol=1e-5)


def test_a_network_trains_under_autocast_in_channels_last():
    model = _model("unetpp").to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(_image(2, 3, 40, 50).to(memory_format=torch.channels_last))
    logits.float().square().mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_logits_of_whole_images_come_from_the_deepest_features(pooling):
    model = _model(classes=2, aux_classes=3, aux_pooling=pooling, aux_dropout=0.0).eval()
    image = _image(2, 3, 64, 96)
    with torch.no_grad():
        logits, whole = model.with_class_logits(image)
        deepest = model.encoder(image)[-1].flatten(2)
        pooled = deepest.mean(2) if pooling == "avg" else deepest.max(2).values
        torch.testing.assert_close(whole, F.linear(pooled, model.aux_head.linear.weight, model.aux_head.linear.bias))
        assert torch.equal(logits, model(image))


def test_the_auxiliary_head_is_part_of_the_configuration_and_of_the_files(tmp_path):
    model = _model(aux_classes=4, aux_pooling="max", aux_dropout=0.5).eval()
    again = unetzoo.load(unetzoo.save(model, tmp_path / "model"))
    assert (again.config.aux_classes, again.config.aux_pooling, again.config.aux_dropout) == (4, "max", 0.5)
    image = _image(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(again.with_class_logits(image), model.with_class_logits(image))


def test_a_network_without_auxiliary_head_says_how_to_get_one():
    with pytest.raises(unetzoo.OptionError, match="create it with aux_classes="):
        _model().with_class_logits(_image(1, 3, 64, 64))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"aux_classes": -1}, "aux_classes must be a whole number >= 1, got -1"),
        ({"aux_classes": 2, "aux_pooling": "sum"}, "aux_pooling must be one of avg, max; got 'sum'"),
        ({"aux_classes": 2, "aux_dropout": 1.5}, r"aux_dropout must be a probability in \[0, 1\), got 1.5"),
    ],
)
def test_an_auxiliary_head_that_cannot_be_is_refused(options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        _model(**options)


def _tiny(encoder="plain"):
    options = {"encoder_options": {"widths": (4, 8)}} if encoder == "plain" else {}
    return unetzoo.create("unet", encoder=encoder, **options).eval()


@pytest.mark.parametrize("encoder", sweep(["plain", "test_resnet", "convnext_atto", "test_vit"], ["plain", "test_vit"]))
@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), "takes floating-point images, got uint8; unetzoo.predict"),
        (torch.zeros(1, 3, 63, 64, dtype=torch.int64), "takes floating-point images, got int64; unetzoo.predict"),
        (
            torch.zeros(1, 3, 64, 64, dtype=torch.float64),
            r"in float32, the image is float64: use image.to\(torch.float32\)",
        ),
        (
            torch.zeros(1, 3, 64, 64, dtype=torch.float16),
            r"in float32, the image is float16: use image.to\(torch.float32\)",
        ),
        (torch.zeros(1, 3, 64, 64, device="meta"), r"image is on meta and the network on cpu: use image.to\('cpu'\)"),
        (np.zeros((1, 3, 64, 64), np.float32), "takes a torch tensor .*, got ndarray; unetzoo.predict takes arrays"),
        ([[0.0]], "takes a torch tensor .*, got list"),
    ],
    ids=["uint8", "int64", "float64", "float16", "device", "array", "list"],
)
def test_an_image_of_another_type_or_place_is_refused_for_that_reason(encoder, image, message):
    model = _tiny(encoder)
    for run in (model, model.all_logits):
        with pytest.raises(unetzoo.OptionError, match=message):
            run(image)


def test_a_network_in_float64_says_which_type_it_takes():
    with pytest.raises(unetzoo.OptionError, match="in float64, the image is float32"):
        _tiny("test_resnet").double()(torch.zeros(1, 3, 64, 64))


def test_autocast_may_choose_the_type_but_takes_no_float64():
    model = _tiny("test_resnet")
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert model(torch.zeros(1, 3, 64, 64, dtype=torch.bfloat16)).shape == (1, 1, 64, 64)
        with pytest.raises(unetzoo.OptionError, match="the image is float64"):
            model(torch.zeros(1, 3, 64, 64, dtype=torch.float64))


def test_an_optimized_network_does_not_guess_what_whole_numbers_mean():
    with pytest.raises(unetzoo.OptionError, match="takes floating-point images, got uint8"):
        unetzoo.optimize(_tiny())(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))


@pytest.mark.filterwarnings("ignore:.*torch.jit", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize(
    ("decoder", "widths", "options"),
    [
        ("unetpp", (4, 8, 8, 8), {}),
        ("u2net", (4,) * 6, {"small": True}),
        ("pan", (4,) * 6, {}),
        ("pspnet", (4,) * 4, {}),
    ],
)
def test_a_traced_network_takes_images_of_any_size(decoder, widths, options):
    torch.manual_seed(0)
    model = unetzoo.create(
        decoder, encoder="plain", encoder_options={"widths": widths}, decoder_options=options, classes=2
    ).eval()
    with torch.no_grad():
        traced = torch.jit.trace(model, torch.randn(1, 3, 64, 64))
        for shape in [(1, 3, 64, 64), (2, 3, 160, 96), (1, 3, 70, 90), (3, 3, 33, 1)]:
            image = torch.randn(shape)
            torch.testing.assert_close(traced(image), model(image), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("decoder", ["unet", "unetpp"])
def test_frozen_layers_of_the_user_stay_frozen_after_unfreeze(decoder):
    encoder = _model(decoder).encoder
    stem, *rest = encoder.parameters()
    stem.requires_grad = False
    unetzoo.freeze(encoder)
    unetzoo.freeze(encoder)
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    unetzoo.unfreeze(encoder)
    assert not stem.requires_grad
    assert all(parameter.requires_grad for parameter in rest)
    assert encoder.training
