"""Run lengths of COCO and CVAT: alternately the numbers of pixels outside and inside, beginning outside."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.annotations.shapes import Size
from unetzoo.errors import DataError

_FIRST_CHARACTER = 48
_BITS = 5  # of a number in each character
_MORE, _SIGN = 0x20, 0x10


def decode_columns(counts: object, size: Size) -> NDArray[np.bool_]:
    """The pixels (h, w) of COCO's run lengths, which go down the columns: numbers, or pycocotools' characters.

    Raises:
        DataError: they are not those of so many pixels.
    """
    numbers = _unpack(counts) if isinstance(counts, str) else counts
    return decode_rows(numbers, size[::-1]).T


def decode_rows(counts: object, size: Size) -> NDArray[np.bool_]:
    """The pixels (h, w) of run lengths that go along the rows.

    Raises:
        DataError: they are not those of so many pixels.
    """
    lengths = _checked(counts)
    if int(lengths.sum()) != size[0] * size[1]:
        raise DataError(f"run lengths are of {int(lengths.sum()):,} pixels instead of {size[0] * size[1]:,}")
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(size)


def _checked(counts: object) -> NDArray[np.int64]:
    is_list = isinstance(counts, Sequence) and not isinstance(counts, str)
    if not is_list or not all(type(count) is int and 0 <= count < 2**40 for count in counts):  # type: ignore[attr-defined] # it is a list
        raise DataError("run lengths are not whole numbers from 0 on")
    return np.array(counts, dtype=np.int64)


def _unpack(text: str) -> list[int]:
    """The numbers of pycocotools' characters: 5 bits each, low ones first; from the third on, the change from two back.

    Source: rleFrString of cocoapi, common/maskApi.c.
    """
    counts: list[int] = []
    number = shift = 0
    for character in text:
        bits = ord(character) - _FIRST_CHARACTER
        if not 0 <= bits < 2 * _MORE:
            raise DataError(f"run lengths hold {character!r}, which pycocotools does not write")
        number |= (bits & ~_MORE) << shift
        shift += _BITS
        if bits & _MORE:
            continue
        number -= (1 << shift) if bits & _SIGN else 0
        counts.append(number + counts[-2] if len(counts) > 2 else number)
        number = shift = 0
    return counts
