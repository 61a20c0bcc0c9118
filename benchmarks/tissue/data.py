"""A head in three parts that do not touch: to train on, to be judged by, and to validate, for those who try options."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.head import head
from unetzoo.data.datasets.brain_tissue import CLASSES

Part: TypeAlias = Literal["train", "val", "test"]

SPACING = 2.0  # mm
_SHARES: Mapping[Part, tuple[float, float]] = {"train": (0.0, 0.5), "test": (0.55, 0.8), "val": (0.85, 1.0)}
"""Where each begins and ends on the way from back to front; 10 mm lie between them. The front, most of which is
background, is for validation."""


@dataclass(frozen=True)
class Volume:
    """A part of the head.

    Attributes:
        image: (d, h, w), float32: back to front, feet to head, left to right; less the mean and divided by the standard
            deviation of the part to train on. By itself a part has another share of background than the others, which
            a z-score of each would take for another brightness.
        classes: (d, h, w), of `CLASSES`.
    """

    image: NDArray[np.float32]
    classes: NDArray[np.uint8]


def parts() -> dict[Part, Volume]:
    """All three, of the template of extra `brain`."""
    image, classes = (each.transpose(1, 0, 2) for each in head())
    places = {part: slice(*(round(share * len(image)) for share in shares)) for part, shares in _SHARES.items()}
    mean, std = image[places["train"]].mean(), image[places["train"]].std()
    values = ((image - mean) / std).astype(np.float32)
    return {part: Volume(values[at], classes[at]) for part, at in places.items()}


def write_folder(volume: Volume, folder: Path) -> Path:
    """Write the part to train on, for `unetzoo.fit`, and return the table of its files."""
    np.save(folder / "image.npy", volume.image)
    np.save(folder / "classes.npy", volume.classes)
    table = folder / "parts.csv"
    table.write_text("image,mask,split\nimage.npy,classes.npy,train\n", encoding="utf-8")
    return table


def dice(predicted: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    """The Dice coefficient of each tissue over all voxels, and their mean, which background has no part in."""
    each = {
        name: float(2 * ((predicted == at) & (truth == at)).sum() / ((predicted == at).sum() + (truth == at).sum()))
        for at, name in enumerate(CLASSES)
        if at
    }
    return {"mean": float(np.mean([*each.values()])), **each}
