import pytest
import torch

from unetzoo.encoders.pyramid import Level, PyramidAdapter, nearest_power_of_two, plan_levels
from unetzoo.errors import OptionError


@pytest.mark.parametrize(("stride", "power"), [(1, 1), (7, 8), (12, 16), (14, 16), (16, 16), (17, 16), (28, 32)])
def test_a_stride_stands_for_the_power_of_two_at_the_smallest_ratio(stride, power):
    assert nearest_power_of_two(stride) == power


@pytest.mark.parametrize(
    ("strides", "targets"),
    [
        ((2, 4, 8, 16, 32), (2, 4, 8, 16, 32)),
        ((16, 16, 16, 16), (2, 4, 8, 16)),
        ((14, 14, 14), (4, 8, 16)),
        ((12, 17), (8, 16)),
        ((7, 14, 28), (8, 16, 32)),
        ((7, 14, 14), (4, 8, 16)),
    ],
)
def test_earlier_maps_become_the_finer_levels(strides, targets):
    assert tuple(level.target for level in plan_levels((64,) * len(strides), strides)) == targets


def test_more_maps_than_there_are_halvings_are_refused():
    with pytest.raises(OptionError, match=r"3 maps of strides \(1, 2, 2\) are too many for a pyramid: use fewer"):
        plan_levels((8, 8, 8), (1, 2, 2))


def test_channels_halve_with_each_doubling_of_a_map_but_not_below_16():
    levels = plan_levels((192, 192, 192, 192), (16, 16, 16, 16))
    assert [level.target_channels for level in levels] == [24, 48, 96, 192]
    assert plan_levels((64, 64, 64, 64), (16,) * 4)[0].target_channels == 16


def test_a_map_in_its_place_passes_as_it_is_and_without_weights():
    adapter = PyramidAdapter(plan_levels((3, 5), (8, 16)))
    maps = [torch.randn(1, 3, 4, 4), torch.randn(1, 5, 2, 2)]
    assert all(level is before for level, before in zip(adapter(maps), maps, strict=True))
    assert not list(adapter.parameters())


def test_a_map_is_doubled_until_it_is_where_it_should_be():
    adapter = PyramidAdapter([Level(64, 16, 16, 16, 2)])
    (level,) = adapter([torch.randn(2, 64, 3, 5)])
    assert level.shape == (2, 16, 24, 40)
