"""Masks of any type, number of channels and values, with any options: read, or refused by an error of the project."""

import json

import numpy as np

import unetzoo
from unetzoo.data.masks.decode import read_mask
from unetzoo.data.masks.forms import Marks
from unetzoo.data.masks.meaning import find_coding
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.masks.stored import store
from unetzoo.data.survey.doubts import find_doubts
from unetzoo.nn.coding import UNKNOWN, MaskCoding

_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "?")
_VALUES = ([0, 1], [0, 255], [0, 1, 2], [0, 65535], [1, 2], [0], [255], [0, -1], [0, 0.5, 1], [0, np.nan], [0, 1e30])
_COLORS = (0, 0xFFFFFF, 0xFF0000, 0xFF, 255 << 24)
_CLASSES = (None, None, ["a"], ["a", "b"], {"a": 0, "b": 255}, {"a": 0, "b": "1|2"}, {"a": "#000000", "b": "#ff0000"})
_IGNORED = ((), (), (), 0, 255, "nan", "#000000", [0, 1], 0.5, 1e30)


def _pick(random, choices):
    return choices[random.integers(len(choices))]


def _mask(random):
    channels = _pick(random, (0, 0, 0, 1, 2, 3, 3, 4, 5))
    shape = (*random.integers(1, 9, 2), *[channels] * (channels > 0))
    with np.errstate(all="ignore"):
        values = np.array(_pick(random, _VALUES), float)
        pixels = values[random.integers(0, len(values), shape)].astype(_pick(random, _TYPES))
    palette = tuple(_pick(random, _COLORS) for _ in range(_pick(random, (2, 4, 256))))
    is_indexed = channels == 0 and pixels.dtype == np.uint8 and random.random() < 0.4
    return RawMask(
        pixels,
        Marks(
            palette=palette if is_indexed else (),
            scale=_pick(random, (1, 85, 17)) if channels == 0 else 1,
            has_alpha=channels in (2, 4) and random.random() < 0.5,
            is_lossy=random.random() < 0.1,
            nodata=_pick(random, (None, None, 0, 255, -9999, np.nan, -3.4e38)),
        ),
    )


def _options(random):
    return {
        "classes": _pick(random, _CLASSES),
        "ignore": _pick(random, _IGNORED),
        "threshold": _pick(random, (*[None] * 9, 0.5)),
        "nearest_color": random.random() < 0.1,
        "masks": _pick(random, (*["auto"] * 9, "instances", "overlapping", "exclusive")),
    }


def test_any_masks_are_read_or_refused_by_an_error_of_the_project():
    readable = 0
    for seed in range(1500):
        random = np.random.default_rng(seed)
        first = _mask(random)
        masks = [first, _mask(random) if random.random() < 0.2 else first]
        try:
            options = MaskOptions(**_options(random))
            stored = [store(mask, str(number)) for number, mask in enumerate(masks)]
            coding = find_coding(stored, options)
            find_doubts(stored, coding)
            assert MaskCoding.from_dict(coding.class_names, json.loads(json.dumps(coding.to_dict()))) == coding
            for mask in masks:
                ids = read_mask(mask, coding)
                may_overlap = coding.labels == "overlapping"
                assert ids.shape == ((len(coding.codes),) if may_overlap else ()) + mask.shape[:2]
                assert {*ids.ravel().tolist()} <= {*range(2 if may_overlap else len(coding.class_names)), UNKNOWN}
            readable += 1
        except unetzoo.UnetzooError:
            pass
    assert readable > 200
