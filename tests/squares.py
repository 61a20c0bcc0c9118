"""A data set that a small network learns in seconds."""

import numpy as np

from unetzoo import Dataset, Sample


class Squares(Dataset):
    """Grey images (40, 48, 1) of 8 bits with a bright square each, whose mask is that square."""

    def __init__(self, count, seed):
        super().__init__(("rest", "square"))
        self.count = count
        self.seed = seed

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if not 0 <= index < self.count:
            raise IndexError(index)
        random = np.random.default_rng((self.seed, index))
        mask = np.zeros((40, 48), dtype=np.int64)
        top, left = random.integers(0, 24, 2)
        mask[top : top + 16, left : left + 16] = 1
        image = (60 + 100 * mask + random.normal(0, 10, mask.shape)).clip(0, 255).astype(np.uint8)
        return Sample(image[..., None], mask, f"square-{index}")
