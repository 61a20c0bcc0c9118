import pytest

import unetzoo
from unetzoo.decoders.deeplabv3 import DeepLabV3Decoder
from unetzoo.decoders.deeplabv3plus import DeepLabV3PlusDecoder
from unetzoo.decoders.dpt import DPTDecoder
from unetzoo.decoders.fpn import FPNDecoder
from unetzoo.decoders.levels import coarse_levels, fine_level
from unetzoo.decoders.linknet import LinkNetDecoder
from unetzoo.decoders.segformer import SegFormerDecoder
from unetzoo.decoders.upernet import UPerNetDecoder
from unetzoo.errors import ShapeError


def _pyramid(*reductions):
    return unetzoo.FeatureInfo(tuple(8 + level for level in range(len(reductions))), reductions)


@pytest.mark.parametrize(
    ("reductions", "coarse", "fine"),
    [
        ((2, 4, 8, 16, 32), (1, 2, 3, 4), 1),
        ((4, 8, 16, 32), (0, 1, 2, 3), 0),
        ((1, 2, 4, 8, 16), (2, 3, 4), 2),
        ((2, 4, 8, 16, 16), (1, 2, 3, 4), 1),
        ((8, 16, 32), (0, 1, 2), 0),
        ((1, 2), (0, 1), 0),
        ((4, 4), (0, 1), 0),
    ],
)
def test_levels_are_chosen_by_their_reductions(reductions, coarse, fine):
    assert coarse_levels(_pyramid(*reductions)) == coarse
    assert fine_level(_pyramid(*reductions)) == fine


@pytest.mark.parametrize(
    ("decoder", "reductions", "used", "reduction"),
    [
        (FPNDecoder, (2, 4, 8, 16, 32), (1, 2, 3, 4), 4),
        (FPNDecoder, (4, 16), (0, 1), 4),
        (UPerNetDecoder, (1, 2, 4, 8, 16, 32), (2, 3, 4, 5), 4),
        (SegFormerDecoder, (2, 4, 8, 16, 32), (0, 1, 2, 3, 4), 4),
        (DeepLabV3PlusDecoder, (2, 4, 8, 16, 16), (1, 4), 4),
        (DeepLabV3Decoder, (2, 4, 8, 8, 8), (4,), 8),
        (DPTDecoder, (16, 16, 16, 16), None, 2),
        (DPTDecoder, (1, 2, 4), None, 1),
        (LinkNetDecoder, (4, 8, 16, 32), None, 1),
    ],
)
def test_a_decoder_says_which_levels_it_uses_and_its_outputs_reduction(decoder, reductions, used, reduction):
    outputs = decoder(_pyramid(*reductions))
    assert outputs.used_levels == used
    assert outputs.reductions == (reduction,)


@pytest.mark.parametrize("name", ["fpn", "upernet", "segformer", "deeplabv3plus", "dpt", "linknet", "manet", "pan"])
def test_a_pyramid_of_one_level_is_refused_with_the_reason(name):
    with pytest.raises(ShapeError, match="at least two levels"):
        unetzoo.create(name, encoder="plain", encoder_options={"depth": 1})


@pytest.mark.parametrize(
    ("decoder", "options", "message"),
    [
        ("fpn", {"merge": "mean"}, "merge must be one of add, cat; got 'mean'"),
        ("fpn", {"upsample": "cubic"}, "upsample must be one of nearest, bilinear; got 'cubic'"),
        ("pspnet", {"sizes": []}, "sizes must be a list of whole numbers >= 1"),
        ("deeplabv3", {"dropout": 1}, r"dropout must be a probability in \[0, 1\), got 1"),
        ("dpt", {"widths": [8]}, r"this pyramid needs 5 widths, shallow first; got \(8,\)"),
        ("manet", {"attention_width": 0}, "attention_width must be a whole number >= 1, got 0"),
        ("linknet", {"width": -1}, "width must be a whole number >= 1, got -1"),
    ],
)
def test_an_option_outside_its_values_is_refused(decoder, options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        unetzoo.create(decoder, encoder="plain", decoder_options=options)
