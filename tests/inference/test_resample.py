"""What a network says of a resampled image, brought back row by row; torch and scipy are the judges."""

import numpy as np
import pytest
import torch
from scipy.ndimage import zoom
from torch.nn import functional

from unetzoo.inference.resample import first_row, rows_back

_SIZES = [((40, 33), (80, 99)), ((40, 33), (57, 41)), ((40, 36), (20, 12)), ((41, 33), (17, 20)), ((9, 9), (9, 9))]


def _image(size, channels=2):
    return np.random.default_rng(0).random((*size, channels), dtype=np.float32)


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


@pytest.mark.parametrize("chunk", [1, 4])
def test_maps_of_a_volume_come_back_slice_by_slice_where_they_lie(chunk):
    """Twice as many slices, a third more rows, as many columns: scipy's grid of centers is the judge."""
    seen, size = (6, 9, 7), (12, 12, 7)
    maps = np.moveaxis(_image(seen), 3, 0)
    parts = ((top, maps[:, top : top + chunk]) for top in range(0, seen[0], chunk))
    result = np.concatenate([part for _, part in rows_back(parts, size, seen)], 1)
    factors = [1, *(new / old for new, old in zip(size, seen, strict=True))]
    expected = zoom(maps.astype(float), factors, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_slices_that_lie_far_apart_are_repeated():
    maps = np.moveaxis(_image((4, 5, 5)), 3, 0)
    ((top, result),) = rows_back(iter([(0, maps)]), (12, 5, 5), (4, 5, 5), stepped=(0,))
    assert top == 0
    np.testing.assert_array_equal(result, maps.repeat(3, 1))
