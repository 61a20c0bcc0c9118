"""The training that people write who have a network and no library for it: crops, flips, AdamW, one cycle."""

from typing import Any

import numpy as np
import segmentation_models_pytorch as smp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from unetzoo.data.dataset import Dataset
from unetzoo.inference.normalize import Normalize
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.info import ModelInfo


class FlippedCrops(TorchDataset[tuple[Tensor, Tensor]]):
    """Random crops, each mirrored along either axis half of the time.

    Args:
        samples: images not smaller than a crop.
        info: how images are normalized.
        crop: side in pixels.
        count: number of crops.
        seed: of all random numbers, which follow from it and the number of a crop.
    """

    def __init__(self, samples: Dataset, info: ModelInfo, *, crop: int, count: int, seed: int) -> None:
        normalize = Normalize(info)
        self._pairs = [(normalize(samples[at].image), samples[at].mask) for at in range(len(samples))]
        self._crop, self._count, self._seed = crop, count, seed

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng((self._seed, index))
        image, mask = self._pairs[random.integers(len(self._pairs))]
        top, left = (random.integers(length - self._crop + 1) for length in mask.shape)
        place = (..., slice(top, top + self._crop), slice(left, left + self._crop))
        axes = tuple(axis for axis in (-2, -1) if random.random() < 0.5)
        return _tensor(np.flip(image[place], axes)), _tensor(np.flip(mask[place], axes).astype(np.int64))


def train_plainly(
    network: nn.Module, samples: Dataset, info: ModelInfo, *, steps: int, batch: int, crop: int, rate: float, seed: int
) -> nn.Module:
    """Train a network in place on all images; its last weights are the result.

    `rate` is the highest learning rate of the cycle.
    """
    crops = FlippedCrops(samples, info, crop=crop, count=steps * batch, seed=seed)
    optimizer = AdamW(network.parameters(), lr=rate)
    schedule = OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    dice = smp.losses.DiceLoss("multiclass", ignore_index=UNKNOWN)
    cross_entropy = nn.CrossEntropyLoss(ignore_index=UNKNOWN)
    network.train()
    for images, masks in DataLoader(crops, batch):
        logits = network(images)
        loss = dice(logits, masks) + cross_entropy(logits, masks)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    return network


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))
