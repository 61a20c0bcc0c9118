import pytest
import torch

from benchmarks.claims.patches import PatchClassifier
from unetzoo.errors import OptionError


@pytest.mark.parametrize(("side", "sides"), [(17, (17, 7, 2)), (33, (33, 15, 6, 1)), (65, (65, 31, 14, 5, 1))])
def test_maps_shrink_as_counted_by_hand(side, sides):
    assert PatchClassifier(side).sides == sides


@pytest.mark.parametrize("side", [17, 33])
def test_one_sweep_gives_what_the_sliding_window_gives(side):
    torch.manual_seed(0)
    network, image = PatchClassifier(side, classes=3, in_channels=2).double(), torch.randn(1, 2, 40, 37).double()
    with torch.no_grad():
        torch.testing.assert_close(network.sweep(image), network.slide(image, batch=100))


def test_a_pixel_is_judged_by_the_patch_around_it():
    torch.manual_seed(0)
    network, image = PatchClassifier(17), torch.randn(1, 1, 40, 40)
    with torch.no_grad():
        alone = network(image[..., 12:29, 3:20])
        torch.testing.assert_close(network.slide(image)[0, :, 20, 11], alone[0])


def test_redundant_work_is_what_a_count_by_hand_says():
    first, second, linear = 48 * 16, 48 * 48 * 16, 200 * 48 * 4 + 2 * 200
    slid = first * 14**2 + second * 4**2 + linear
    assert PatchClassifier(17).redundant == pytest.approx(1 - (first + second + linear) / slid)


@pytest.mark.parametrize("side", [16, 9])
def test_a_patch_without_a_middle_or_too_small_is_refused(side):
    with pytest.raises(OptionError, match=str(side)):
        PatchClassifier(side)
