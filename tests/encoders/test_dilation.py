import pytest
import torch
from torch import nn

import unetzoo


def _encoder(name="resnet18", **options):
    torch.manual_seed(0)
    return unetzoo.create_encoder(name, options=options).eval()


@pytest.mark.parametrize(
    ("name", "stride", "reductions"),
    [
        ("resnet18", 16, (2, 4, 8, 16, 16)),
        ("resnet18", 8, (2, 4, 8, 8, 8)),
        ("convnext_atto", 16, (4, 8, 16, 16)),
        ("mobilenetv3_small_050", 8, (2, 4, 8, 8, 8)),
    ],
)
def test_the_resolution_stops_to_fall_at_the_output_stride(name, stride, reductions):
    encoder = _encoder(name, output_stride=stride)
    assert encoder.features.reductions == reductions
    levels = encoder(torch.randn(1, 3, 64, 96))
    assert [tuple(level.shape[2:]) for level in levels] == [(64 // by, 96 // by) for by in reductions]


def test_a_dilated_backbone_sees_at_every_second_pixel_what_the_usual_one_sees():
    """Without its stride the last level has the usual one's values among its own (arXiv:1606.00915, figure 2)."""
    usual, dilated = _encoder("resnet18"), _encoder("resnet18", output_stride=16)
    dilated.load_state_dict(usual.state_dict())
    image = torch.randn(1, 3, 256, 256)
    with torch.no_grad():
        expected, actual = usual(image)[-1], dilated(image)[-1]
    middle = slice(3, 5)  # the borders see other zeros
    torch.testing.assert_close(actual[:, :, ::2, ::2][..., middle, middle], expected[..., middle, middle])


@pytest.mark.parametrize(("dilation", "first"), [("gradual", (1, 2)), ("uniform", (2, 4))])
def test_the_first_convolution_of_a_dilated_level_has_its_dilation_only_where_all_have(dilation, first):
    encoder = _encoder(output_stride=8, dilation=dilation)
    levels = (encoder.backbone.layer3, encoder.backbone.layer4)
    assert tuple(level[0].conv1.dilation[0] for level in levels) == first
    assert tuple(level[1].conv2.dilation[0] for level in levels) == (2, 4)
    kernels = [module for level in levels for module in level.modules() if isinstance(module, nn.Conv2d)]
    assert {module.stride for module in kernels} == {(1, 1)}


def test_a_level_of_several_modules_is_dilated_from_its_first_on():
    blocks = _encoder("efficientnet_b0", output_stride=8, dilation="uniform").backbone.blocks
    dilations = [
        {layer.dilation[0] for layer in stage.modules() if isinstance(layer, nn.Conv2d) and layer.groups > 1}
        for stage in blocks
    ]
    assert dilations == [{1}, {1}, {1}, {2}, {2}, {4}, {4}]  # its levels end with the stages 0, 1, 2, 4 and 6


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("swin_tiny_patch4_window7_224", {"output_stride": 16}, "timm cannot build 'swin_tiny_patch4_window7_224'"),
        ("pvt_v2_b0", {"output_stride": 16}, "output_stride"),
        ("resnet18", {"dilation": "all"}, "dilation must be one of gradual, uniform; got 'all'"),
        ("resnet18", {"readout": "cat"}, "timm's resnet18 has no class token for readout='cat'"),
    ],
)
def test_what_a_backbone_cannot_is_refused(name, options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        _encoder(name, **options)


@pytest.mark.parametrize("readout", ["ignore", "add", "cat"])
def test_the_maps_of_a_plain_vit_may_keep_their_stride(readout):
    encoder = _encoder("test_vit", pyramid=False, readout=readout)
    assert set(encoder.features.reductions) == {16}
    assert {tuple(level.shape) for level in encoder(torch.randn(1, 3, 64, 96))} == {(1, 64, 4, 6)}


def test_an_added_class_token_is_the_same_for_all_pixels_of_a_map():
    ignoring, adding = (_encoder("test_vit", pyramid=False, readout=readout) for readout in ("ignore", "add"))
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        for after, before in zip(adding(image), ignoring(image), strict=True):
            token = (after - before).flatten(2)
            assert token.abs().max() > 0
            torch.testing.assert_close(token, token[..., :1].expand_as(token), rtol=1e-3, atol=1e-5)
