import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo.decoders.fcn import FCNDecoder

USUAL = unetzoo.FeatureInfo((4, 6, 8, 10, 12), (2, 4, 8, 16, 32))


@pytest.mark.parametrize(("finest", "used"), [(32, (4,)), (16, (3, 4)), (8, (2, 3, 4))])
def test_the_three_networks_of_the_paper_use_one_two_and_three_levels(finest, used):
    decoder = FCNDecoder(USUAL, finest=finest)
    assert decoder.used_levels == used
    assert decoder.reductions == (finest,)


@pytest.mark.parametrize("reductions", [(8, 16), (4, 16), (1, 3)])
def test_upsampling_starts_as_bilinear_interpolation(reductions):
    info = unetzoo.FeatureInfo((4, 6), reductions)
    decoder = FCNDecoder(unetzoo.FeatureInfo((4, 6), (8 * reductions[0], 8 * reductions[1])), width=3)
    factor = info.reductions[1] // info.reductions[0]
    scores = torch.randn(1, 3, 5, 6)
    with torch.no_grad():
        actual = decoder.ups[0](scores)
    expected = F.interpolate(scores, scale_factor=float(factor), mode="bilinear")
    inner = (slice(None), slice(None), slice(factor, -factor), slice(factor, -factor))  # borders see zeros beyond
    assert actual.shape == expected.shape
    torch.testing.assert_close(actual[inner], expected[inner])


def test_the_scores_of_each_level_are_added():
    decoder = FCNDecoder(USUAL, width=3, norm="none").eval()
    features = [torch.randn(1, c, 64 // by, 96 // by) for c, by in zip(USUAL.channels, USUAL.reductions, strict=True)]
    with torch.no_grad():
        (actual,) = decoder(features)
        deep, middle, fine = (
            score(level)
            for score, level in zip(decoder.scores, (decoder.deep(features[4]), features[3], features[2]), strict=True)
        )
        (up_deep, up_middle) = decoder.ups
        torch.testing.assert_close(actual, up_middle(up_deep(deep)) + up_middle(middle) + fine)


def test_another_number_than_the_papers_is_refused():
    with pytest.raises(unetzoo.OptionError, match="finest must be one of 8, 16, 32; got 4"):
        FCNDecoder(USUAL, finest=4)
