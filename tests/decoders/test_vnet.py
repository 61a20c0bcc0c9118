import warnings

import pytest
import torch

import unetzoo
from unetzoo.decoders.vnet import VNetDecoder
from unetzoo.errors import OptionError

with warnings.catch_warnings():  # torch deprecates what MONAI imports
    warnings.simplefilter("ignore")
    from monai.networks.nets.vnet import VNet

PAPER = unetzoo.FeatureInfo.by_axis((16, 32, 64, 128, 256), [(number,) * 3 for number in (1, 2, 4, 8, 16)])


def _peers_parts(stage):
    """The modules of a stage of MONAI's V-Net, in the order of this decoder's."""
    convolutions = (part for one in stage.ops for part in (one.conv_block.conv, one.conv_block.adn.N, one.act_function))
    return [stage.up_conv, stage.bn1, stage.act_function1, *convolutions, stage.act_function2]


@torch.no_grad()
def test_it_is_the_right_half_of_the_peers_v_net():
    torch.manual_seed(0)
    peer = VNet().eval()
    decoder = VNetDecoder(
        PAPER, depths=(2, 2, 1, 1), activation="elu"
    ).eval()  # MONAI has these; the paper 3, 3, 2, 1 and PReLU
    pyramid = [torch.randn(1, 16 * 2**level, *([16 // 2**level] * 3)) for level in range(5)]
    expected = pyramid[-1]
    for stage, name, skip in zip(decoder.stages, ("256", "128", "64", "32"), pyramid[-2::-1], strict=True):
        theirs = getattr(peer, f"up_tr{name}")
        for norm in (module for module in theirs.modules() if isinstance(module, torch.nn.BatchNorm3d)):
            norm.running_mean.uniform_(-1, 1)
            norm.running_var.uniform_(0.5, 2)
        expected = theirs(expected, skip)
        ours = [*stage.up, *(part for one in stage.convolutions for part in one), stage.activation]
        for mine, part in zip(ours, _peers_parts(theirs), strict=True):
            mine.load_state_dict(part.state_dict())
    torch.testing.assert_close(decoder(pyramid)[0], expected, rtol=1e-3, atol=1e-4)


def test_its_stages_have_the_papers_channels_and_convolutions():
    decoder = VNetDecoder(PAPER)
    assert [stage.up[0].out_channels for stage in decoder.stages] == [128, 64, 32, 16]
    assert [len(stage.convolutions) for stage in decoder.stages] == [3, 3, 2, 1]
    assert {one[0].kernel_size for stage in decoder.stages for one in stage.convolutions} == {(5, 5, 5)}
    assert decoder.out_channels == (32,)


def test_a_skip_that_is_wider_than_the_upsampled_map_is_squeezed_to_it():
    decoder = VNetDecoder(unetzoo.FeatureInfo((300, 10, 500), (2, 4, 8)))
    assert [stage.convolutions[0][0].in_channels for stage in decoder.stages] == [20, 256, 16]
    assert [[type(one).__name__ for one in stage.squeeze] for stage in decoder.stages] == [
        ["Identity"],
        ["ConvNormAct"],
        [],
    ]


def test_widths_may_end_at_the_shallowest_level():
    decoder = VNetDecoder(unetzoo.FeatureInfo((8, 16), (4, 8)), widths=(5,), depths=(4,))
    assert (decoder.out_channels, decoder.reductions, len(decoder.stages[0].convolutions)) == ((10,), (4,), 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": 4}, "kernel_size must be odd, got 4"),
        ({"depths": (1, 2)}, "this pyramid needs 4 depths, one for each stage; got (1, 2)"),
        ({"depths": 3}, "depths must be a list of whole numbers >= 1, got 3"),
    ],
)
def test_the_error_says_what_is_asked(options, message):
    with pytest.raises(OptionError) as error:
        VNetDecoder(PAPER, **options)
    assert str(error.value) == message
