import pytest
import torch

from unetzoo.errors import OptionError
from unetzoo.layers.block import BlockStyle, FuseBlock


def _run(style, skips=(6, 3), factor=2):
    block = FuseBlock(8, skips, 5, factor=factor, style=style)
    return block, block(torch.randn(2, 8, 3, 4), [torch.randn(2, skip, 3 * factor, 4 * factor) for skip in skips])


@pytest.mark.parametrize("factor", [1, 2, 4])
@pytest.mark.parametrize("upsample", ["nearest", "bilinear", "transpose"])
@pytest.mark.parametrize("attention", ["none", "scse"])
@pytest.mark.parametrize("skips", [(), (6,), (6, 3)])
def test_the_result_has_the_resolution_of_the_skips(factor, upsample, attention, skips):
    _, fused = _run(BlockStyle(upsample=upsample, attention=attention), skips, factor)
    assert fused.shape == (2, 5, 3 * factor, 4 * factor)


@pytest.mark.parametrize(("norm", "biased"), [("batch", False), ("group", False), ("none", True)])
def test_convolutions_have_biases_only_where_no_norm_follows(norm, biased):
    block, _ = _run(BlockStyle(norm=norm))
    assert (block.fuse.bias is not None, block.conv[0].bias is not None) == (biased, biased)


def test_dropout_drops_whole_channels_in_training_alone():
    torch.manual_seed(0)
    block, _ = _run(BlockStyle(dropout=0.5, activation="gelu"))
    deep, skips = torch.randn(2, 8, 3, 4), [torch.randn(2, 6, 6, 8), torch.randn(2, 3, 6, 8)]
    dropped = (block(deep, skips) == 0).flatten(2).float().mean(2)
    assert set(dropped.flatten().tolist()) == {0.0, 1.0}
    assert (block.eval()(deep, skips) != 0).all()


def test_a_gate_sees_all_channels_of_the_concatenated_map():
    block, _ = _run(BlockStyle(attention="scse"))
    assert block.gate_in.spatial[0].weight.shape == (1, 8 + 6 + 3, 1, 1)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("norm", "batchnorm", "norm must be one of batch, group, instance, layer, none; got 'batchnorm'"),
        ("activation", "swish", "activation must be one of relu, .*; got 'swish'"),
        ("upsample", "bicubic", "upsample must be one of nearest, bilinear, transpose; got 'bicubic'"),
        ("attention", "se", "attention must be one of none, scse; got 'se'"),
        ("dropout", 1.0, r"dropout must be a probability in \[0, 1\), got 1.0"),
        ("dropout", "0.1", r"dropout must be a probability in \[0, 1\), got '0.1'"),
    ],
)
def test_an_option_outside_its_values_is_refused(option, value, message):
    with pytest.raises(OptionError, match=message):
        BlockStyle(**{option: value})
