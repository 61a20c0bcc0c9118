"""What each recipe is measured on: a data set of unetzoo by its name, or images that are written into a folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from benchmarks.head import Slab, Split
from benchmarks.panel.data import Samples, opened
from unetzoo.assembly import create_dataset
from unetzoo.data.dataset import Dataset, Sample

_HELD_OUT = 5  # every how many images for training one is for validation
_SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The data and the score of a recipe.

    Attributes:
        source: a data set that unetzoo has by that name, or the folder that `write_data` makes.
        dataset: gives the images of a split.
        words: what it is.
        license: SPDX identifier of the images; empty: not stated where they come from.
        score: name of the score.
        place: of the score in the JSON of `unetzoo evaluate`.
        classes: of a folder, as `--classes` takes them.
    """

    source: str
    dataset: Callable[[Split], Dataset]
    words: str
    license: str
    score: str
    place: tuple[str | int, ...]
    classes: str = ""

    def read(self, evaluation: Mapping[str, Any]) -> float:
        """The score in the JSON of an evaluation."""
        value: Any = evaluation
        for key in self.place:
            value = value[key]
        return float(value)


def _panel(name: str, split: Split) -> Dataset:
    """Images of the panel, of which every fifth for training is for validation."""
    data = opened(name, "test" if split == "test" else "train")
    numbers = [each for each in range(len(data)) if split == "test" or _is_for(split, each)]
    return Samples([data[each] for each in numbers], data.class_names)


def _is_for(split: Split, number: int) -> bool:
    return (number % _HELD_OUT == _HELD_OUT - 1) == (split == "val")


def _nuclei(split: Split) -> Dataset:
    return create_dataset("nuclei", split=split)


_DRAWN = "Apache-2.0"  # the license of this project, which draws them
MEASURED: Mapping[str, Measured] = {
    "brain": Measured(
        source="head",
        dataset=Slab,
        words="tissues of one volume, the ICBM152 template of 152 heads, in voxels of 2 mm: the back half to train, a"
        " tenth to validate, the front to test",
        license="",  # nilearn, which carries it, calls it unknown
        score="mean Dice of 4 classes",
        place=("mean", "Dice", "value"),
        classes="background=0,CSF=1,grey=2,white=3",
    ),
    "cells": Measured(
        source="nuclei",
        dataset=_nuclei,
        words="the real image of 125 nuclei that comes with unetzoo (StarDist's, CC0), in three parts",
        license="CC0-1.0",
        score="AP at 0.5",
        place=("objects", "scores", "AP at 0.5", "value"),
    ),
    "cracks": Measured(
        source="cracks",
        dataset=partial(_panel, "cracks"),
        words="cracks of one to three pixels, drawn into a photograph of gravel: 24 images to train, 6 to validate, 6"
        " to test, of 160 x 160 px",
        license="CC0-1.0",  # of the photograph
        score="IoU of crack",
        place=("classes", 1, "IoU", "value"),
        classes="surface=0,crack=1",
    ),
    "documents": Measured(
        source="documents",
        dataset=partial(_panel, "documents"),
        words="drawn pages with uneven light, stains, ruled lines and the writing of the other side: 8 images to train,"
        " 2 to validate, 5 to test, of 192 x 128 px",
        license=_DRAWN,
        score="IoU of ink",
        place=("classes", 1, "IoU", "value"),
        classes="paper=0,ink=1,line=2",
    ),
    "satellite": Measured(
        source="satellite",
        dataset=partial(_panel, "satellite"),
        words="drawn land cover in five bands of 16 bits, with clouds: 20 images to train, 4 to validate, 6 to test, of"
        " 128 x 128 px",
        license=_DRAWN,
        score="mean IoU of 5 classes",
        place=("mean", "IoU", "value"),
        classes="field=0,forest=1,water=2,road=3,building=4",
    ),
}
"""By name of the recipe."""


def write_data(name: str, folder: Path) -> None:
    """Write the images and masks of each split, images of two axes or volumes, as `train`, `val` and `test`.

    Args:
        name: of the recipe.
        folder: that is made.
    """
    for split in _SPLITS:
        data = MEASURED[name].dataset(split)
        for index in range(len(data)):
            _write(data[index], folder / split, f"{index:02}")


def _write(sample: Sample, folder: Path, name: str) -> None:
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    image, mask = np.asarray(sample.image), np.asarray(sample.mask).astype(np.uint8)
    _write_image(image, folder / "images" / f"{name}.tif")
    if mask.ndim == 2:
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
    else:
        _write_image(mask[..., None], folder / "masks" / f"{name}.tif")


def _write_image(image: NDArray[Any], path: Path) -> None:
    """An image (h, w, c), or a volume (d, h, w, c)."""
    if image.shape[-1] == 1:
        axes = "ZYX"[-image.ndim + 1 :]
        tifffile.imwrite(path, np.ascontiguousarray(image[..., 0]), photometric="minisblack", metadata={"axes": axes})
    else:
        tifffile.imwrite(path, image, photometric="minisblack", planarconfig="contig")
