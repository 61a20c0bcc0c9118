"""A data set of ellipses that touch, with dark rims, which a small network tells apart after seconds of training."""

import numpy as np
from drawn_objects import ellipses

from unetzoo import Dataset, Sample
from unetzoo.objects import inner_edges


class Cells(Dataset):
    """Gray images (64, 64, 1) of 8 bits; the objects are numbered, in some order."""

    def __init__(self, count, seed):
        super().__init__(("background", "cell"))
        self.count, self.seed = count, seed

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        ids = self.instances(index)
        random = np.random.default_rng((self.seed, index))
        image = 60 + 100 * (ids > 0) - 50 * inner_edges(ids) + random.normal(0, 5, ids.shape)
        return Sample(image.clip(0, 255).astype(np.uint8)[..., None], (ids > 0).astype(np.int64), f"cells-{index}")

    def instances(self, index):
        if not 0 <= index < self.count:
            raise IndexError(index)
        return ellipses(10, 64, seed=1000 * self.seed + index)
