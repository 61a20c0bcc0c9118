"""The image of nuclei that ships inside the package, and its parts; where it comes from is in `SOURCE.md`."""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

TRAIN_COLUMNS = slice(0, 320)
HELD_OUT_COLUMNS = slice(352, 512)  # after a gap, so that no nucleus lies in both parts


@dataclass(frozen=True)
class Part:
    """Columns of the image.

    Args:
        image: brightness (h, w), 0 to 255.
        nuclei: (h, w), true where a nucleus is.
    """

    image: NDArray[np.uint8]
    nuclei: NDArray[np.bool_]


@dataclass(frozen=True)
class Normalisation:
    """Brings brightness to about 0 to 1.

    Args:
        low: brightness that becomes 0.
        high: brightness that becomes 1.
    """

    low: float
    high: float

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The image (h, w), normalised; what is darker than `low` or brighter than `high` lies outside 0 to 1."""
        return (image.astype(np.float32) - np.float32(self.low)) / np.float32(self.high - self.low)


def load_nuclei() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The image (512, 512), brightness 0 to 255, and its labels: 0 for background, one value for each of 125 nuclei."""
    return _load("nuclei.png"), _load("nuclei_labels.png")


def split(image: NDArray[np.uint8], labels: NDArray[np.uint8]) -> tuple[Part, Part]:
    """The part to train on, columns 0 to 319, and the held-out one, columns 352 to 511, of arrays (512, 512)."""
    train, held_out = (Part(image[:, columns], labels[:, columns] > 0) for columns in (TRAIN_COLUMNS, HELD_OUT_COLUMNS))
    return train, held_out


def fit_normalisation(image: NDArray[np.uint8]) -> Normalisation:
    """The normalisation by the 1st and the 99.8th percentile of an image's brightness."""
    low, high = np.percentile(image, (1, 99.8))
    return Normalisation(float(low), float(high))


def _load(name: str) -> NDArray[np.uint8]:
    with files("unetzoo.data.datasets").joinpath(name).open("rb") as file, Image.open(file, formats=("PNG",)) as image:
        return np.asarray(image)
