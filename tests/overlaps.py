"""Images with discs of two classes that overlap: red and green add up."""

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from unetzoo import Dataset, Sample

NAMES = ("cell", "nucleus")


def draw(seed, side=48):
    """An image (side, side, 3) of 8 bits, and the planes (2, side, side) of its classes, 0 and 1."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    centers = random.integers(side // 3, 2 * side // 3, (2, 2))
    radii = random.integers(side // 6, side // 4, 2)
    planes = np.stack(
        [np.hypot(y - top, x - left) < radius for (top, left), radius in zip(centers, radii, strict=True)]
    )
    image = 60 + 120 * np.stack([*planes, np.zeros_like(planes[0])], axis=-1) + random.normal(0, 8, (side, side, 3))
    return image.clip(0, 255).astype(np.uint8), planes.astype(np.uint8)


class Discs(Dataset):
    """Some of these images."""

    def __init__(self, count, seed=0, side=48):
        super().__init__(NAMES, labels="overlapping")
        self.count, self.seed, self.side = count, seed, side

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if not 0 <= index < self.count:
            raise IndexError(index)
        return Sample(*draw((self.seed, index), self.side), f"disc-{index}")


def write_planes(folder: Path, count, seed=0):
    """The same as a folder of PNG images and TIFF masks of two planes."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for index in range(count):
        image, planes = draw((seed, index))
        Image.fromarray(image).save(folder / "images" / f"{index}.png")
        tifffile.imwrite(folder / "masks" / f"{index}.tif", planes, photometric="minisblack")
    return folder
