import pytest

from unetzoo.decoders.widths import stage_reductions, stage_widths, step_factors
from unetzoo.errors import OptionError, ShapeError
from unetzoo.features import FeatureInfo


def _pyramid(*reductions):
    return FeatureInfo((8,) * len(reductions), reductions)


@pytest.mark.parametrize(
    ("reductions", "stages", "factors"),
    [
        ((1, 2, 4, 8, 16), (8, 4, 2, 1), (2, 2, 2, 2)),
        ((2, 4, 8, 16, 32), (16, 8, 4, 2, 1), (2, 2, 2, 2)),
        ((4, 8, 16, 32), (16, 8, 4, 2, 1), (2, 2, 2)),
        ((8, 16), (8, 4, 2, 1), (2,)),
        ((4, 16), (4, 2, 1), (4,)),
        ((3, 6), (3,), (2,)),
    ],
)
def test_stages_lead_from_level_to_level_and_then_double_the_resolution_while_it_can_be(reductions, stages, factors):
    assert stage_reductions(_pyramid(*reductions)) == stages
    assert step_factors(_pyramid(*reductions)) == factors


@pytest.mark.parametrize(
    ("reductions", "widths"),
    [
        ((2, 4, 8, 16, 32), (256, 128, 64, 32, 16)),  # segmentation_models_pytorch's
        ((1, 2, 4, 8, 16), (256, 128, 64, 32)),  # the seed U-Net's
        ((1, 2, 4, 8, 16, 32), (256, 256, 128, 64, 32)),
    ],
)
def test_the_usual_widths(reductions, widths):
    assert stage_widths(_pyramid(*reductions), None) == widths


def test_the_widths_of_the_stages_without_a_skip_may_be_left_out():
    assert stage_widths(_pyramid(4, 8, 16), [32, 24]) == (32, 24)
    assert stage_widths(_pyramid(4, 8, 16), [32, 24, 8, 4]) == (32, 24, 8, 4)


@pytest.mark.parametrize("widths", [[], [32], [32, 24, 8], [1] * 5])
def test_another_number_of_widths_is_refused(widths):
    with pytest.raises(
        OptionError, match=r"needs 4 widths, for the reductions 8, 4, 2, 1 \(or only the first 2\); got"
    ):
        stage_widths(_pyramid(4, 8, 16), widths)


def test_a_pyramid_of_one_level_is_refused():
    with pytest.raises(ShapeError, match="a decoder needs at least two levels"):
        stage_reductions(_pyramid(4))
