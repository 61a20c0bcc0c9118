import numpy as np
import pytest
from pycocotools import mask as coco

import unetzoo
from unetzoo.data.annotations.rle import decode_columns, decode_rows

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools, by NumPy 2


def _masks():
    random = np.random.default_rng(0)
    for share in (0, 0.02, 0.5, 0.98, 1):
        for size in ((1, 1), (7, 13), (300, 200)):
            yield (random.random(size) < share).astype(np.uint8)


@pytest.mark.parametrize("mask", list(_masks()))
def test_characters_that_pycocotools_writes_are_read(mask):
    runs = coco.encode(np.asfortranarray(mask))
    np.testing.assert_array_equal(decode_columns(runs["counts"].decode(), mask.shape), mask)


@pytest.mark.parametrize("mask", list(_masks()))
def test_numbers_are_read_as_pycocotools_does(mask):
    flat = mask.T.reshape(-1)
    ends = np.flatnonzero(np.diff(flat, prepend=0, append=2))
    counts = np.diff(ends, prepend=0).tolist()
    runs = coco.frPyObjects({"counts": counts, "size": list(mask.shape)}, *mask.shape)
    np.testing.assert_array_equal(coco.decode(runs), mask)  # the numbers are right
    np.testing.assert_array_equal(decode_columns(counts, mask.shape), mask)
    np.testing.assert_array_equal(decode_rows(counts, mask.shape[::-1]), mask.T)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([3, 4], "7 pixels instead of 8"),
        ([10, -2], "not whole numbers"),
        ([4.0, 4], "not whole numbers"),
        ([2**60, 8], "not whole numbers"),
        ({"a": 1}, "not whole numbers"),
        (None, "not whole numbers"),
        ("\x7f0", "pycocotools does not write"),
        ("ooooooooooooooooooooo", "not whole numbers|instead of"),
    ],
)
def test_run_lengths_of_other_sizes_or_kinds_are_refused(counts, message):
    with pytest.raises(unetzoo.DataError, match=message):
        decode_columns(counts, (2, 4))
