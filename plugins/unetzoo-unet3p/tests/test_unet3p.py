import pytest
import torch
from torch.nn import functional as F
from unetzoo_unet3p.decoder import UNet3PlusDecoder

import unetzoo
from unetzoo.testing import check_decoder

INFO = unetzoo.FeatureInfo((4, 6, 8), (1, 2, 4))


def _features():
    return [torch.randn(2, 4, 8, 12), torch.randn(2, 6, 4, 6), torch.randn(2, 8, 2, 3)]


@pytest.mark.parametrize(
    "options",
    [
        {"branch_width": 8},
        {"branch_width": 8, "deep_supervision": True},
        {"branch_width": 8, "classification_guided": True},
        {"branch_width": 8, "upsample": "bilinear", "norm": "group", "activation": "gelu"},
    ],
    ids=["plain", "supervised", "guided", "bilinear"],
)
def test_the_decoder_keeps_the_contract(options):
    check_decoder("unet3p", options=options)


def test_its_parameters_are_those_of_the_papers_graph():
    # 64..1024 channels at five levels: each node has five branches of 3x3 to 64 channels and one 3x3 of 320 to 320
    widths = (64, 128, 256, 512, 1024)
    decoder = UNet3PlusDecoder(unetzoo.FeatureInfo(widths, (1, 2, 4, 8, 16)), norm="none")
    branches = sum(
        9 * 64 * (320 if node < level < 4 else widths[level]) + 64 for node in range(4) for level in range(5)
    )
    fusions = 4 * 9 * 320 * 320
    assert sum(parameter.numel() for parameter in decoder.parameters()) == branches + fusions


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_a_node_is_the_convolution_of_the_concatenated_branches(mode):
    torch.manual_seed(0)
    decoder = UNet3PlusDecoder(INFO, branch_width=5, upsample=mode).eval()
    for norm in (module for module in decoder.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    features = _features()
    with torch.no_grad():
        maps = list(features)
        for index in (1, 0):
            node = decoder.nodes[str(index)]
            size = features[index].shape[2:]
            scaled = [
                F.adaptive_max_pool2d(level, size) if k < index else F.interpolate(level, size=size, mode=mode)
                for k, level in enumerate([*features[: index + 1], *maps[index + 1 :]])
            ]
            stacked = [
                branch.norm(F.conv2d(level, branch.bring.weight, padding=1)).relu()
                for level, branch in zip(scaled, node.branches, strict=True)
            ]
            kernel = torch.cat([branch.share.weight for branch in node.branches], 1)
            maps[index] = node.norm(F.conv2d(torch.cat(stacked, 1), kernel, padding=1)).relu()
        (actual,) = decoder(features)
    torch.testing.assert_close(actual, maps[0], rtol=1e-4, atol=1e-5)


def test_supervised_outputs_are_all_scales_with_the_best_last():
    decoder = UNet3PlusDecoder(INFO, branch_width=5, deep_supervision=True)
    assert decoder.out_channels == (8, 15, 15)
    assert decoder.reductions == (4, 2, 1)
    model = unetzoo.create("unet3p", encoder="plain", decoder_options={"deep_supervision": True, "branch_width": 8})
    assert [logits.shape for logits in model.all_logits(torch.randn(1, 3, 37, 50))] == [(1, 1, 37, 50)] * 5


def test_an_image_that_the_classifier_finds_empty_has_no_output():
    decoder = UNet3PlusDecoder(INFO, branch_width=5, classification_guided=True).eval()
    with torch.no_grad():
        decoder.presence[1].weight.zero_()
        decoder.presence[1].bias.fill_(-200.0)
        assert not decoder(_features())[0].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"branch_width": 0}, "branch_width must be"), ({"upsample": "cubic"}, "upsample must be one of")],
)
def test_options_outside_their_values_are_refused(options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        unetzoo.create("unet3p", encoder="plain", decoder_options=options)
