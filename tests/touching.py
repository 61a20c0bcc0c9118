"""Volumes of nuclei that touch, whose voxels are longer along one axis, with known objects."""

import numpy as np
from stacks import write_stack

from unetzoo import Dataset, Sample

STEPS = (2.0, 1.0, 1.0)  # along the axes of the array
SHAPE = (14, 40, 36)


def nuclei(seed=0, shape=SHAPE, steps=STEPS, pairs=4):
    """Values and ids (d, h, w): ellipsoids in pairs that touch; a voxel is that of the one whose center is nearer."""
    random = np.random.default_rng(seed)
    places = np.stack(np.indices(shape), -1) * steps
    extent = np.array(shape) * steps
    centers, radii = [], []
    for _ in range(pairs):
        middle = random.uniform(4, extent - 4)
        across = random.normal(size=3)
        across *= 4.5 / np.linalg.norm(across)
        centers += [middle - across, middle + across]
        radii += list(random.uniform(4.6, 6, (2, 3)))
    ratios = np.array(
        [(((places - center) / radius) ** 2).sum(-1) for center, radius in zip(centers, radii, strict=True)]
    )
    nearest = ratios.argmin(0)
    inside = ratios.min(0)
    ids = np.where(inside < 1, nearest + 1, 0)
    values = 200 + 400 * (ids > 0) * (1.3 - inside) + random.normal(0, 25, shape)
    return values.clip(0).astype(np.uint16), ids.astype(np.int32)


class Nuclei(Dataset):
    """Volumes of touching nuclei in memory; the same each time."""

    def __init__(self, count, seed):
        super().__init__(("rest", "nucleus"))
        self.count, self.seed = count, seed

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        values, ids = nuclei((self.seed, index))
        return Sample(values[..., None], (ids > 0).astype(np.uint8), f"volume {index}")

    def instances(self, index):
        return nuclei((self.seed, index))[1]


def write_nuclei(folder, count=4, seed=0):
    """A folder with stacks, and masks that number the nuclei."""
    for number in range(count):
        for name, array in zip(("images", "masks"), nuclei((seed, number)), strict=True):
            write_stack(folder / name / f"cells{number}.tif", array, STEPS)
    return folder
