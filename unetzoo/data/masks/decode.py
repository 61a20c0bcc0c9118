"""Read masks by their coding: the class id of each pixel, and what is wrong with pixels of no class."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.texts import count_of
from unetzoo.data.masks.colors import TRANSPARENT, Codes, squared_distances
from unetzoo.data.masks.forms import Form
from unetzoo.data.masks.raw import RawMask, encode
from unetzoo.data.masks.wording import complain
from unetzoo.errors import DataError
from unetzoo.nn.coding import COLORED, LEVELS, MOST_PLANES, NO_NUMBER, UNKNOWN, Kind, MaskCoding

_NO_CLASS = -1


def read_mask(raw: RawMask | NDArray[Any], coding: MaskCoding) -> NDArray[np.uint8]:
    """The class ids (h, w) of a mask, `UNKNOWN` where the class is not known; of overlapping ones as `planes_of`.

    Raises:
        DataError: it is stored in another way, or has a code of no class.
    """
    form, stored = encode(raw)
    codes = form.read_as(kind_of(form, coding), stored)
    if coding.kind == "sets":
        _check_planes(form, coding)
        return planes_of(codes, coding)
    if coding.regions:
        if strangers := strange_codes(codes, coding):
            raise DataError(complaint(strangers, form, coding))
        return planes_of(codes, coding)
    ids = class_ids(codes, coding)
    strange = ids == _NO_CLASS
    if strange.any():
        raise DataError(complaint(np.unique(codes[strange]).tolist(), form, coding))
    return ids.astype(np.uint8)


def kind_of(form: Form, coding: MaskCoding) -> Kind:
    """The kind as which a mask is read; one that numbers objects is read as it is stored."""
    return form.natural if coding.instances else coding.kind


def planes_of(codes: Codes, coding: MaskCoding) -> NDArray[np.uint8]:
    """The planes (classes, ...) of codes (...) of classes that may overlap: 1 where a class is, `UNKNOWN`, else 0."""
    if coding.regions:
        regions = np.stack([np.isin(codes, region) for region in coding.regions]).astype(np.uint8)
        regions[:, np.isin(codes, coding.unknown)] = UNKNOWN
        return regions
    planes = np.stack([(codes & code) != 0 for code in coding.codes]).astype(np.uint8)
    if coding.unknown:
        for plane, code in zip(planes, coding.codes, strict=True):
            plane[(codes >> MOST_PLANES & code) != 0] = UNKNOWN
    return planes


def _check_planes(form: Form, coding: MaskCoding) -> None:
    if form.channels != coding.planes:
        raise DataError(f"the mask has {count_of(form.channels, 'plane')}, the others {coding.planes}")


def class_ids(codes: Codes, coding: MaskCoding) -> NDArray[np.int16]:
    """The class id of each code, `UNKNOWN` where it is not known, -1 for a code of no class."""
    if coding.instances or coding.threshold is not None:
        return _switched(codes, coding)
    table, table_ids = _table(coding)
    places = np.searchsorted(table, codes).clip(max=len(table) - 1)
    strange = table[places] != codes
    ids: NDArray[np.int16] = table_ids[places]
    if strange.any():
        ids[strange] = _nearest(codes[strange], coding) if coding.nearest else _NO_CLASS
    return ids


def strange_codes(codes: Codes, coding: MaskCoding) -> list[int]:
    """The codes that are of no class, each once; planes that may overlap have none, and 0 is in no region."""
    if coding.kind == "sets":
        return []
    if coding.regions:
        return sorted({*np.unique(codes).tolist()} - {0} - coding.class_codes - {*coding.unknown})
    strange: list[int] = np.unique(codes[class_ids(codes, coding) == _NO_CLASS]).tolist()
    return strange


def complaint(strange: Sequence[int], form: Form, coding: MaskCoding) -> str:
    """What is wrong with a mask that holds codes of no class, and what helps."""
    known = sorted(coding.class_codes) if coding.regions else coding.codes
    return complain(coding.kind, known, strange, is_lossy=form.marks.is_lossy)


def distances(codes: Codes, code: int, kind: Kind) -> Codes:
    """How far codes are from another one: the squared distance of colors, the difference of values."""
    return squared_distances(codes, code) if kind in COLORED else np.abs(codes - code)


def _switched(codes: Codes, coding: MaskCoding) -> NDArray[np.int16]:
    """0 or 1, by the threshold, or by what is not 0."""
    threshold = coding.threshold
    limit = None if threshold is None else threshold * (LEVELS if coding.kind == "levels" else 1)
    is_on = codes != 0 if limit is None else codes >= limit
    ids = np.where(is_on, coding.codes.index(1), coding.codes.index(0)).astype(np.int16)
    if limit is not None:
        ids[codes == NO_NUMBER] = _NO_CLASS
    if coding.unknown:
        ids[np.isin(codes, coding.unknown)] = UNKNOWN
    return ids


@lru_cache(maxsize=64)
def _table(coding: MaskCoding) -> tuple[Codes, NDArray[np.int16]]:
    """The codes in ascending order, and the class id of each; unknown codes come before those of classes."""
    table = dict(zip(coding.codes, range(len(coding.codes)), strict=True))
    table |= dict(coding.merged)
    table |= dict.fromkeys(coding.unknown, UNKNOWN)
    codes = sorted(table)
    return np.array(codes, dtype=np.int64), np.array([table[code] for code in codes], dtype=np.int16)


def _nearest(codes: Codes, coding: MaskCoding) -> NDArray[np.int16]:
    """The class ids of the codes (n,) that are nearest to others (n,)."""
    unique, inverse = np.unique(codes, return_inverse=True)
    best, ids = np.full(len(unique), np.iinfo(np.int64).max), np.full(len(unique), _NO_CLASS, np.int16)
    for code, class_id in zip(*_table(coding), strict=True):
        far = distances(unique, int(code), coding.kind)
        closer = far < best
        best[closer], ids[closer] = far[closer], class_id
    ids[(unique <= NO_NUMBER) | ((coding.kind == "cutout") & (unique == TRANSPARENT))] = _NO_CLASS
    return ids[inverse.reshape(-1)]
