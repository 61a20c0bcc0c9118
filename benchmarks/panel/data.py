"""The ten data sets of the panel, each with images to train on and images to be judged by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

import numpy as np

from benchmarks.panel.scenes import cracks, document, histology, membranes, photographs, satellite, spots, vessels
from benchmarks.panel.scenes.parts import Scene
from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.datasets.brain_tissue import BrainTissueDataset
from unetzoo.data.datasets.nuclei import load_nuclei

Split = Literal["train", "test"]
Draw = Callable[[np.random.Generator], Scene]

_TILE = 128
_TILES = {"train": (0, 128, 256), "test": (384,)}  # left column of the nuclei's tiles
_SLICES = 8  # every how many slices of the brain one is taken
_UPPER, _LOWER = slice(0, 300), slice(320, 512)  # rows of the photographs for training and for judging


class Samples(Dataset):
    """Samples that are in memory."""

    def __init__(self, samples: Sequence[Sample], class_names: Sequence[str]) -> None:
        super().__init__(class_names)
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Sample:
        return self._samples[index]


@dataclass(frozen=True)
class Drawn:
    """A data set of drawn scenes.

    Attributes:
        class_names: one for each id in the masks.
        draw: of each split, how an image is drawn.
        images: of each split, how many.
    """

    class_names: tuple[str, ...]
    draw: Mapping[Split, Draw]
    images: Mapping[Split, int]

    def __call__(self, split: Split) -> Dataset:
        """The images of a split, the same each time."""
        offset = 0 if split == "train" else self.images["train"]
        numbers = range(offset, offset + self.images[split])
        scenes = [(self.draw[split](np.random.default_rng(number)), number) for number in numbers]
        return Samples([Sample(*scene, f"scene {number}") for scene, number in scenes], self.class_names)


def _drawn(class_names: tuple[str, ...], draw: Draw, train: int, test: int, draw_test: Draw | None = None) -> Drawn:
    return Drawn(class_names, {"train": draw, "test": draw_test or draw}, {"train": train, "test": test})


def _nuclei(split: Split) -> Dataset:
    """Tiles of 128 px of the real image of nuclei that ships with the package; the test has its right quarter."""
    image, labels = load_nuclei()
    corners = [(top, left) for left in _TILES[split] for top in range(0, image.shape[0], _TILE)]
    tiles = [(slice(top, top + _TILE), slice(left, left + _TILE)) for top, left in corners]
    samples = [Sample(image[at][..., None], (labels[at] > 0).astype(np.uint8), f"tile {at[0].start}") for at in tiles]
    return Samples(samples, ("background", "nucleus"))


def _brain(split: Split) -> Dataset:
    """Slices of the template that nilearn's wheel carries."""
    return BrainTissueDataset(split=split, step=_SLICES)


_UPPER_ROWS, _LOWER_ROWS = (partial(photographs.materials, rows=rows) for rows in (_UPPER, _LOWER))
DATA: Mapping[str, Callable[[Split], Dataset]] = {
    "nuclei": _nuclei,
    "brain": _brain,
    "histology": _drawn(histology.CLASSES, histology.histology, 16, 5),
    "satellite": _drawn(satellite.CLASSES, satellite.satellite, 24, 6),
    "vessels": _drawn(vessels.CLASSES, vessels.vessels, 5, 3),
    "cracks": _drawn(cracks.CLASSES, cracks.cracks, 30, 6),
    "documents": _drawn(document.CLASSES, document.document, 10, 5),
    "spots": _drawn(spots.CLASSES, spots.spots, 40, 8),
    "membranes": _drawn(membranes.CLASSES, membranes.membranes, 60, 12),
    "materials": _drawn(photographs.CLASSES, _UPPER_ROWS, 20, 6, _LOWER_ROWS),
}
"""By name, what gives a split."""


@cache
def opened(name: str, split: Split) -> Dataset:
    """A split of a data set, read or drawn once a process."""
    return DATA[name](split)
