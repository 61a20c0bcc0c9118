"""Tables and pictures of images that are larger than the memory."""

import numpy as np
import pytest
from drawn_objects import ellipses
from PIL import Image

from unetzoo import measure_objects
from unetzoo._utils.colors import outline_palette
from unetzoo.inference.files.object_overlays import write_overlay
from unetzoo.inference.files.object_tables import Labels, measure_image


class Slices:
    """An array that can only be sliced, and remembers how many rows were read at most."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.most = array, array.shape, array.dtype, 0

    def __getitem__(self, window):
        part = self.array[window]
        self.most = max(self.most, len(part))
        return part


def test_windows_give_the_table_of_the_whole_image_and_read_few_rows_at_once():
    ids = ellipses(60, 400)
    image = np.random.default_rng(0).integers(0, 60_000, (400, 400, 2), dtype=np.uint16)
    labels, pixels = Slices(ids[..., None]), Slices(image)
    columns, count = measure_image(Labels(labels), pixels, rows=16)
    whole = measure_objects(ids, image)
    assert list(columns) == list(whole)
    for name, values in whole.items():
        np.testing.assert_array_equal(columns[name], values, err_msg=name)
    assert count == 160_000
    assert max(labels.most, pixels.most) <= 16 + 16 + max(whole["bottom_px"] - whole["top_px"])


def test_pixels_without_data_are_counted_once_in_windows_that_overlap():
    ids = np.zeros((60, 10), np.uint16)
    ids[5:55, 2] = 1
    image = np.ones((60, 10, 1))
    image[30:40] = -9
    columns, count = measure_image(Labels(ids[..., None]), image, nodata=(-9,), rows=8)
    assert count == 500
    assert columns["sum_c1"].tolist() == [40]


@pytest.mark.parametrize("count", [2, 5, 30])
def test_a_legend_below_the_picture_has_the_color_and_the_name_of_each_class(count, tmp_path):
    ids = ellipses(12, 96)
    names = [f"class number {index}" for index in range(count)]
    pictures = []
    for class_names in ((), names):
        write_overlay(
            tmp_path / "out.png", Labels(ids[..., None]), ids[..., None], outline_palette(5), class_names=class_names
        )
        with Image.open(tmp_path / "out.png") as picture:
            pictures.append(np.asarray(picture))
    plain, named = pictures
    np.testing.assert_array_equal(named[: len(plain)], plain)
    below = named[len(plain) :]
    for color in outline_palette(count):
        rows, columns = (below == color).all(2).nonzero()
        side = 1056 // 48
        assert len(rows) == (side + 1) ** 2  # of one square
        beside = below[rows.min() : rows.max(), columns.max() + 1 :]
        assert (beside.min(2) > 200).any()  # light letters
    assert (below[:, -5:].max(2) < 50).all()  # no text is cut off


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, bool])
def test_a_picture_shows_images_of_any_type(channels, dtype, tmp_path):
    ids = ellipses(12, 96)
    image = ((ids > 0)[..., None] * (1 if dtype is bool else 200) * np.ones(channels)).astype(dtype)
    write_overlay(tmp_path / "out.png", Labels(ids[..., None]), image, outline_palette(5))
    with Image.open(tmp_path / "out.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (11 * 96, 11 * 96, 3)
    middle = pixels[5::11, 5::11]
    assert (middle[ids == 0] == 0).all()
    shades = np.unique(pixels.astype(int) @ [65_536, 256, 1])
    assert 0xFFFFFF in shades
    assert len(shades) == 2 + 5  # black, white, and the colors of lines


def test_a_large_image_becomes_a_small_picture_by_few_rows_at_once(tmp_path):
    ids = np.kron(ellipses(20, 100), np.ones((20, 20), np.int32))
    image = Slices((100 * (ids > 0)).astype(np.uint16)[..., None])
    labels = Slices(ids[..., None])
    write_overlay(tmp_path / "out.png", Labels(labels), image, outline_palette(5), longest=1000)
    assert max(labels.most, image.most) <= 1050
    with Image.open(tmp_path / "out.png") as picture:
        pixels = np.asarray(picture).astype(int)
    assert pixels.shape == (2000, 2000, 3)
    assert set(np.unique(ids[np.ptp(pixels, axis=2) > 0])) == set(np.unique(ids[ids > 0]))


def test_the_contrast_is_that_of_all_rows(tmp_path):
    image = np.linspace(1000, 3000, 300 * 7000).reshape(300, 7000, 1).astype(np.float32)
    write_overlay(tmp_path / "out.png", Labels(np.zeros((300, 7000, 1), int)), image, outline_palette(5), longest=700)
    with Image.open(tmp_path / "out.png") as picture:
        gray = np.asarray(picture)[..., 0].astype(int)
    assert (gray[:, 0][1:] >= gray[:, 0][:-1]).all()
    assert gray[0, 0] < 5 < 250 < gray[-1, -1]
