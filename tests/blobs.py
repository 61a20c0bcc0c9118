"""Small volumes with a bright blob, for networks over three axes."""

import numpy as np

from unetzoo import Dataset, Sample
from unetzoo.nn.info import ModelInfo
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset

SHAPE = (16, 22, 20)


class Blobs(Dataset):
    """Volumes of noise with a brighter ellipsoid; the same each time.

    Args:
        count: of volumes.
        seed: of their random numbers.
        shape: of each, (d, h, w).
    """

    def __init__(self, count, seed, shape=SHAPE):
        super().__init__(("rest", "blob"))
        self.count, self.seed, self.shape = count, seed, shape

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        random = np.random.default_rng((self.seed, index))
        center, radii = random.uniform(5, np.array(self.shape) - 5), random.uniform(3, 5, 3)
        distances = (np.moveaxis(np.indices(self.shape), 0, -1) - center) / radii
        mask = ((distances**2).sum(-1) < 1).astype(np.uint8)
        values = 50 + 100 * mask + random.normal(0, 20, self.shape)
        return Sample(values[..., None].astype(np.float32), mask, f"volume {index}")


def crops_of(samples, crop, balance=0.0, kind="none", **options):
    """Crops for training; options are those of `Augmentation`."""
    augmentation = Augmentation(kind, crop=crop, elastic=0.5, **options)
    info = ModelInfo(value_range=(0, 1))
    return CropDataset(samples, info, count=100, crop=crop, balance=balance, augmentation=augmentation, seed=0)
