"""What each recipe is measured on: a data set of unetzoo by its name, or images of the panel in a folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from benchmarks.panel.data import opened
from unetzoo.data.dataset import Sample

_HELD_OUT = 5  # every how many images for training one is for validation


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The data and the score of a recipe.

    Attributes:
        source: a data set that unetzoo has by that name, or one of the panel.
        words: what it is.
        score: name of the score.
        place: of the score in the JSON of `unetzoo evaluate`.
        classes: of a data set of the panel, as `--classes` takes them.
    """

    source: str
    words: str
    score: str
    place: tuple[str | int, ...]
    classes: str = ""

    def read(self, evaluation: Mapping[str, Any]) -> float:
        """The score in the JSON of an evaluation."""
        value: Any = evaluation
        for key in self.place:
            value = value[key]
        return float(value)


_MEAN = ("mean", "IoU", "value")
MEASURED: Mapping[str, Measured] = {
    "cells": Measured(
        source="nuclei",
        words="the real image of 125 nuclei that comes with unetzoo (StarDist's, CC0), in three parts",
        score="AP at 0.5",
        place=("objects", "scores", "AP at 0.5", "value"),
    ),
    "cracks": Measured(
        source="cracks",
        words="cracks of one to three pixels, drawn into a photograph of gravel: 24 images to train, 6 to validate, 6"
        " to test, of 160 x 160 px",
        score="IoU of crack",
        place=("classes", 1, "IoU", "value"),
        classes="surface=0,crack=1",
    ),
    "satellite": Measured(
        source="satellite",
        words="drawn land cover in five bands of 16 bits, with clouds: 20 images to train, 4 to validate, 6 to test, of"
        " 128 x 128 px",
        score="mean IoU of 5 classes",
        place=_MEAN,
        classes="field=0,forest=1,water=2,road=3,building=4",
    ),
}
"""By name of the recipe."""


def write_data(name: str, folder: Path) -> None:
    """Write a data set of the panel as images and masks: `train`, `val`, every fifth of its images to train, `test`.

    Args:
        name: of the data set.
        folder: that is made.
    """
    for split in ("train", "test"):
        data = opened(name, split)
        for index in range(len(data)):
            is_held_out = split == "train" and index % _HELD_OUT == _HELD_OUT - 1
            _write(data[index], folder / ("val" if is_held_out else split), f"{index:02}")


def _write(sample: Sample, folder: Path, name: str) -> None:
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    image, path = np.asarray(sample.image), folder / "images" / f"{name}.tif"
    if image.shape[2] == 1:
        tifffile.imwrite(path, image[..., 0])
    else:
        tifffile.imwrite(path, image, photometric="minisblack", planarconfig="contig")
    Image.fromarray(np.asarray(sample.mask).astype(np.uint8)).save(folder / "masks" / f"{name}.png")
