"""Pictures of three planes of a volume with the outlines of its objects."""

import numpy as np
import pytest
from PIL import Image

from unetzoo._utils.colors import outline_palette
from unetzoo.data.formats.grid import BODY, NO_GRID, Axis, Grid
from unetzoo.inference.files.object_planes import write_plane_overlay
from unetzoo.inference.files.object_tables import Labels

COLOR = outline_palette(1)


def _grid(steps, **more):
    return Grid(axes=tuple(Axis(name, step, "um") for name, step in zip("zyx", steps, strict=True)), **more)


def _picture(ids, grid, path, **options):
    image = (200 * (ids > 0)).astype(np.uint8)[..., None]
    write_plane_overlay(path, Labels(ids[..., None]), image, grid, COLOR, **options)
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_each_plane_has_its_object_in_the_proportions_of_the_body(tmp_path):
    ids = np.zeros((30, 60, 50), np.uint16)
    ids[10:20, 20:50, 15:35] = 1
    picture = _picture(ids, _grid((2, 1, 1)), tmp_path / "a.png")
    # 50 x 60, 50 x 60 and 60 x 60 micrometers, with gaps of 0.02 * 60 between them, at whole pixels
    small = (60, round(50 + 50 + 60 + 2 * 1.2))
    scale = -(-1024 // small[1])
    assert picture.shape == (small[0] * scale, small[1] * scale, 3)
    lines = (picture == COLOR[0]).all(2)
    rows, columns = (axis // scale for axis in lines.nonzero())
    for left, width, (top, bottom), (first, last) in (
        (0, 50, (20, 50), (15, 35)),
        (51, 50, (20, 40), (15, 35)),
        (102, 60, (20, 40), (20, 50)),
    ):
        own = (columns >= left) & (columns < left + width)
        assert (rows[own].min(), rows[own].max() + 1) == (top, bottom)
        assert (columns[own].min() - left, columns[own].max() + 1 - left) == (first, last)


def test_thin_planes_lie_above_each_other(tmp_path):
    ids = np.zeros((8, 100, 60), np.uint16)
    ids[2:6, 30:70, 20:40] = 1
    picture = _picture(ids, _grid((2, 1, 1)), tmp_path / "a.png")
    scale = picture.shape[0] // 100
    assert picture.shape == (100 * scale, 162 * scale, 3)
    rows, columns = (axis // scale for axis in (picture == COLOR[0]).all(2).nonzero())
    for top, left, height, width in ((0, 0, 100, 60), (0, 62, 16, 60), (18, 62, 16, 100)):
        assert ((rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)).any()
    assert not ((rows > 34) & (columns > 62)).any()


def test_a_body_stands_upright_whatever_the_order_of_its_axes(tmp_path):
    ids = np.zeros((20, 24, 28), np.uint16)
    ids[12:18, 3:20, 6:20] = 1
    upright = _picture(ids, _grid((1, 1, 1)), tmp_path / "a.png")
    # z to the feet, y to the back and x to the left of a patient are the directions of the array itself
    forward = _grid((1, 1, 1), crs=BODY, affine=((0, 0, -1, 0), (0, -1, 0, 0), (-1, 0, 0, 0)))
    np.testing.assert_array_equal(_picture(ids, forward, tmp_path / "b.png"), upright)
    turned = _grid((1, 1, 1), crs=BODY, affine=((0, -1, 0, 0), (0, 0, -1, 0), (1, 0, 0, 0)))  # z, x, y; z to the head
    np.testing.assert_array_equal(_picture(ids.transpose(0, 2, 1)[::-1], turned, tmp_path / "c.png"), upright)


@pytest.mark.parametrize("longest", [100, 101, 64])
def test_a_large_volume_becomes_a_small_picture(longest, tmp_path):
    ids = np.zeros((120, 150, 90), np.uint16)
    ids[40:80, 50:100, 30:60] = 1
    picture = _picture(ids, NO_GRID, tmp_path / "a.png", longest=longest)
    scale = -(-1024 // longest)
    assert max(picture.shape) == longest * scale
    assert (picture == COLOR[0]).all(2).any()


def test_several_classes_have_a_legend(tmp_path):
    ids = np.ones((4, 30, 30), np.uint16)
    plain = _picture(ids, NO_GRID, tmp_path / "a.png")
    named = _picture(ids, NO_GRID, tmp_path / "b.png", class_names=("round", "flat"))
    np.testing.assert_array_equal(named[: len(plain)], plain)
    assert len(named) > len(plain)
