"""Patch classifiers, trained and judged on the nuclei."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.claims.patches import PatchClassifier
from unetzoo.bench.grid import file_name
from unetzoo.bench.machine import machine
from unetzoo.data.dataset import Sample
from unetzoo.evaluation.scores import count, iou

SIDES = (17, 33, 65)
_BATCH, _RATE = 128, 1e-3


@dataclass(frozen=True, kw_only=True)
class PatchRun:
    """One patch classifier, trained once.

    Attributes:
        side: of the patch in pixels.
        seed: of weights and patches.
        steps: updates of the weights, of 128 patches each, half of them of either class.
    """

    side: int
    seed: int
    steps: int

    @property
    def title(self) -> str:
        """For people."""
        return f"patches of {self.side} px, seed {self.seed}"

    @property
    def file_name(self) -> str:
        """Of its result."""
        return file_name(f"patches-{self.side}-{self.seed}", asdict(self))


def measure_patches(run: PatchRun) -> dict[str, Any]:
    """Train a classifier on the training part of the nuclei, and judge it on the part that is held out.

    It is judged by the dense form, which gives the same as the sliding window.
    """
    from unetzoo.data.datasets.nuclei import NucleiDataset

    torch.manual_seed(run.seed)
    network = PatchClassifier(run.side)
    start = time.perf_counter()
    _train(network, NucleiDataset(split="train")[0], run)
    seconds = time.perf_counter() - start
    held_out = NucleiDataset(split="test")[0]
    with torch.no_grad():
        ids = network.eval().sweep(normalized(held_out))[0].argmax(0).numpy()
    return {
        "combination": asdict(run),
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
        "training seconds": seconds,
        "accuracy": {"mean": {"IoU": float(np.mean(iou(count(ids, held_out.mask, 2))))}},
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "redundant": network.redundant,
    }


def normalized(sample: Sample) -> Tensor:
    """An image (1, 1, h, w) of mean 0 and deviation 1."""
    image = torch.from_numpy(sample.image.astype(np.float32)).permute(2, 0, 1)[None]
    return (image - image.mean()) / image.std()


def _train(network: PatchClassifier, sample: Sample, run: PatchRun) -> None:
    """Cross entropy and AdamW with a rate that falls as half a cosine; patches are turned and mirrored at random."""
    image, random = normalized(sample), np.random.default_rng(run.seed)
    windows = network.windows(image)
    places = [np.argwhere(sample.mask == class_id) for class_id in (0, 1)]
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, run.steps)
    expected = torch.arange(2).repeat_interleave(_BATCH // 2)
    for _ in range(run.steps):
        chosen = np.concatenate([random.choice(class_id, _BATCH // 2) for class_id in places])
        patches = _turned(windows[chosen[:, 0], chosen[:, 1]], random)
        loss = torch.nn.functional.cross_entropy(network(patches), expected)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()


def _turned(patches: Tensor, random: np.random.Generator) -> Tensor:
    """All patches of a step in one of the eight positions."""
    patches = patches.rot90(int(random.integers(4)), (-2, -1))
    return patches.flip(-1) if random.integers(2) else patches
