import re

import pytest
import timm
import torch

import unetzoo


def _encoder(name, *, in_channels=3, **options):
    return unetzoo.create("unet", encoder=name, in_channels=in_channels, encoder_options=options).encoder


def test_the_levels_are_timms_own_features():
    encoder = _encoder("resnet10t").eval()
    backbone = timm.create_model("resnet10t", features_only=True).eval().to(memory_format=torch.channels_last)
    backbone.load_state_dict(encoder.backbone.state_dict())
    image = torch.randn(1, 3, 64, 96)
    for level, expected in zip(encoder(image), backbone(image), strict=True):
        assert torch.equal(level, expected)


def test_depth_keeps_the_shallow_levels_and_drops_the_layers_behind_them():
    encoder, whole = _encoder("resnet18", depth=3), _encoder("resnet18")
    assert encoder.features == unetzoo.FeatureInfo((64, 64, 128), (2, 4, 8))
    dropped = {key.split(".")[0] for key in whole.backbone.state_dict().keys() - encoder.backbone.state_dict().keys()}
    assert dropped == {"layer3", "layer4"}


def test_a_plain_vit_cut_to_its_shallow_levels_gives_the_same_ones_as_the_whole_one():
    whole, cut = _encoder("test_vit").eval(), _encoder("test_vit", depth=2).eval()
    wanted_keys = cut.state_dict().keys()
    cut.load_state_dict({key: value for key, value in whole.state_dict().items() if key in wanted_keys})
    image = torch.randn(1, 3, 48, 64)
    for level, expected in zip(cut(image), whole(image), strict=False):
        assert torch.equal(level, expected)


def test_a_plain_vit_cut_to_its_shallow_levels_takes_images_that_its_patches_do_not_divide():
    cut = _encoder("test_vit", depth=2)
    assert [tuple(level.shape[2:]) for level in cut(torch.randn(1, 3, 20, 36))] == [(10, 18), (5, 9)]


def test_out_indices_choose_levels():
    encoder = _encoder("resnet18", out_indices=(1, 3))
    assert encoder.features == unetzoo.FeatureInfo((64, 256), (4, 16))


def test_out_indices_choose_blocks_of_a_plain_vit():
    features = _encoder("vit_tiny_patch16_224", out_indices=(2, 5, 11)).features
    assert features == unetzoo.FeatureInfo((48, 96, 192), (4, 8, 16))


@pytest.mark.parametrize("in_channels", [1, 2, 5])
def test_the_first_convolution_has_any_number_of_channels(in_channels):
    encoder = _encoder("resnet10t", in_channels=in_channels)
    assert encoder.backbone.conv1[0].weight.shape[1] == in_channels
    assert len(encoder(torch.randn(2, in_channels, 32, 32))) == 5


def test_a_backbone_of_one_size_says_how_to_build_it_for_another():
    model = unetzoo.create("unet", encoder="coat_lite_tiny")
    expected = (
        r"timm's coat_lite_tiny as it is built cannot take images of 96 x 160 pixels \(padded\); "
        r"create it with encoder_options=\{'img_size': \(96, 160\)\}"
    )
    with pytest.raises(unetzoo.ShapeError, match=expected):
        model(torch.randn(1, 3, 90, 150))


def test_a_backbone_built_for_a_size_takes_what_the_error_proposed():
    model = unetzoo.create("unet", encoder="coat_lite_tiny", encoder_options={"img_size": (96, 160)})
    assert model.eval()(torch.randn(1, 3, 90, 150)).shape == (1, 1, 90, 150)


def test_a_backbone_that_can_be_built_for_one_size_alone_sees_images_scaled_to_it():
    encoder = _encoder("nest_tiny", img_size=(80, 100)).eval()
    native = timm.create_model("nest_tiny", features_only=True).eval()
    native.load_state_dict(encoder.backbone.state_dict())
    image = torch.randn(1, 3, 80, 112)
    seen = torch.nn.functional.interpolate(image, size=(224, 224), mode="bilinear")
    for level, expected, reduction in zip(encoder(image), native(seen), (4, 8, 16), strict=True):
        size = (80 // reduction, 112 // reduction)
        torch.testing.assert_close(level, torch.nn.functional.interpolate(expected, size=size, mode="bilinear"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 6}, "depth must be a whole number from 1 to 5, the levels of this encoder; got 6"),
        ({"depth": 0}, "depth must be a whole number from 1 to 5, the levels of this encoder; got 0"),
        ({"stem": "ones"}, "stem must be one of repeat, zeros, random; got 'ones'"),
        ({"img_size": 64}, "img_size must be a list of whole numbers >= 1, got 64"),
        ({"img_size": (64,)}, r"img_size must be \(height, width\) in pixels, got \(64,\)"),
        ({"out_indices": (7, 9)}, "timm cannot build 'resnet18' with"),
    ],
)
def test_an_option_outside_its_values_is_refused(options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        _encoder("resnet18", **options)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried", RuntimeError),
        ("DefaultCPUAllocator: not enough memory: you tried to allocate 99 bytes.", RuntimeError),
        ("CUDA out of memory. Tried to allocate 2.00 GiB.", torch.OutOfMemoryError),
        ("MPS backend out of memory (MPS allocated: 8 GiB)", RuntimeError),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", RuntimeError),
        ("an error of somebody else's hook", ValueError),
    ],
)
def test_errors_that_are_not_about_the_size_stay_what_they_are(text, kind):
    encoder = _encoder("resnet10t")

    def fail(*_):
        raise kind(text)

    encoder.backbone.layer2.register_forward_hook(fail)
    with pytest.raises(kind, match=re.escape(text)):
        encoder(torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize("name", ["maxvit_rmlp_pico_rw_256", "coatnet_pico_rw_224", "levit_128s"])
def test_a_size_that_a_backbone_refuses_is_named_with_a_way_out(name):
    with pytest.raises(unetzoo.ShapeError, match=rf"{name} .* cannot take images of 96 x 160 .*img_size"):
        _encoder(name)(torch.zeros(1, 3, 96, 160))
