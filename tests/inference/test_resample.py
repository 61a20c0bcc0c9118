"""Resampling by windows; torch's interpolation of whole images is the judge."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from unetzoo.inference.resample import Resampled, first_row, rows_back

_SIZES = [((40, 33), (80, 99)), ((40, 33), (57, 41)), ((40, 36), (20, 12)), ((41, 33), (17, 20)), ((9, 9), (9, 9))]


def _image(size, channels=2):
    return np.random.default_rng(0).random((*size, channels), dtype=np.float32)


@pytest.mark.parametrize(("size", "new"), _SIZES)
def test_images_grow_as_by_torchs_cubic_function_and_shrink_to_means_of_areas(size, new):
    image = _image(size)
    stacked = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    if new[0] >= size[0]:
        expected = functional.interpolate(stacked, new, mode="bicubic")
    else:  # every pixel as a block of so many that areas have whole numbers of them
        blocks = stacked.repeat_interleave(new[0], 2).repeat_interleave(new[1], 3)
        expected = functional.avg_pool2d(blocks, size)
    resampled = Resampled(image, new)
    assert resampled.shape == (*new, 2)
    whole = slice(0, new[0]), slice(0, new[1])
    np.testing.assert_allclose(resampled[whole], expected[0].permute(1, 2, 0).numpy(), atol=1e-5)
    window = slice(new[0] // 3, new[0] // 2 + 1), slice(2, new[1] - 1)
    np.testing.assert_allclose(resampled[window], resampled[whole][window], atol=1e-6)


@pytest.mark.parametrize(("size", "seen"), _SIZES)
@pytest.mark.parametrize("chunk", [1, 7, 100])
@pytest.mark.parametrize("start", [0, 5])
def test_maps_come_back_row_by_row_as_all_at_once(size, seen, chunk, start):
    maps = np.moveaxis(_image(seen), 2, 0)
    begin = first_row(start, size[0], seen[0])
    parts = ((top, maps[:, top : top + chunk]) for top in range(begin - begin % chunk, seen[0], chunk))
    rows = list(rows_back(parts, size, seen, start=start))
    assert [top for top, _ in rows] == list(np.cumsum([start, *(part.shape[1] for _, part in rows)])[:-1])
    result = np.concatenate([part for _, part in rows], 1)
    stacked = torch.from_numpy(maps)[None].double()
    if seen[0] > size[0]:
        blocks = stacked.repeat_interleave(size[0], 2).repeat_interleave(size[1], 3)
        expected = functional.avg_pool2d(blocks, seen)
    else:
        expected = functional.interpolate(stacked, size, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(result, expected[0, :, start:].numpy(), atol=1e-5)
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize("new", [(20, 20), (80, 80)])
def test_what_is_no_data_has_no_influence(new):
    image = np.full((40, 40, 1), 7, np.int16)
    image[:, 20:] = -9999
    result = Resampled(image, new, nodata=(-9999,))[0 : new[0], 0 : new[1]]
    assert result.dtype == np.int16
    assert set(np.unique(result.compressed()).tolist()) == {7}
    np.testing.assert_array_equal(result.mask[0, :, 0], np.arange(new[1]) >= new[1] // 2)
