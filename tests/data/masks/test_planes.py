"""Masks of planes."""

import numpy as np
import pytest
from discs import CLASSES, assert_same, painted

import unetzoo


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
def test_planes_that_overlap_are_refused_of_any_type_if_classes_are_exclusive(read, dtype, channels):
    with pytest.raises(unetzoo.DataError, match="planes of the mask overlap"):
        read(
            painted(
                lambda mask, _: (
                    np.eye(channels)[mask].astype(dtype)
                    + (mask == 2)[..., None].astype(dtype) * np.eye(channels)[0].astype(dtype)
                )
            ),
            CLASSES,
            "npy",
            masks="exclusive",
        )


@pytest.mark.parametrize("channels", [3, 4, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
def test_planes_of_0_and_1_are_classes_of_any_type(read, dtype, channels):
    planes = painted(lambda mask, _: np.eye(channels)[mask].astype(dtype))
    assert_same(read(planes, CLASSES, "npy", classes=list("abcde")[:channels])[1], CLASSES)
