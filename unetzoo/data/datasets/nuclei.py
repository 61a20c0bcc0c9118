"""The image of nuclei that ships with the package, as a data set; `SOURCE.md` says where it comes from."""

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unetzoo.data.dataset import Dataset, Sample

_COLUMNS = {"train": slice(0, 272), "val": slice(304, 368), "test": slice(400, 512)}  # gaps wider than a nucleus


class NucleiDataset(Dataset):
    """One image (512, columns, 1) of brightness 0 to 255 a split, cut from the same picture with gaps of 32 columns.

    Args:
        split: `"train"`, 272 columns; `"val"`, 64; `"test"`, 112.
    """

    def __init__(self, *, split: str) -> None:
        super().__init__(class_names=("background", "nucleus"))
        image, labels = load_nuclei()
        columns = _COLUMNS[split]
        mask = (labels[:, columns] > 0).astype("int64")
        self._numbers = labels[:, columns]
        self.samples = [Sample(image[:, columns, None], mask, f"columns {columns.start} to {columns.stop - 1}")]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    def instances(self, index: int) -> NDArray[np.uint8]:
        """The number (h, w) of each pixel's nucleus, 0 for the background."""
        self.samples[index]  # raises IndexError beyond the last
        return self._numbers


def load_nuclei() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The image (512, 512), brightness 0 to 255, and its labels: 0 for background, one value for each of 125 nuclei."""
    return _load("nuclei.png"), _load("nuclei_labels.png")


def _load(name: str) -> NDArray[np.uint8]:
    with files("unetzoo.data.datasets").joinpath(name).open("rb") as file, Image.open(file, formats=("PNG",)) as image:
        return np.asarray(image)
