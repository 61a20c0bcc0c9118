"""A training with images without masks: a student that follows the moving average of its own weights."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

import unetzoo
from unetzoo.data.dataset import Dataset
from unetzoo.data.survey.statistics import Statistics
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.augment import Augmentation, _recolored
from unetzoo.training.crops import Crop, CropDataset, mixed
from unetzoo.training.optim import MovingAverage, create_optimizer, rate_of
from unetzoo.training.options import FitOptions, Plan


@dataclass(frozen=True)
class Teacher:
    """How a student follows its teacher (Tarvainen and Valpola 2017, arXiv:1703.01780).

    Attributes:
        weight: of the difference from the teacher, beside the loss of the labeled crops, at its highest.
        ramp: share of the steps during which the weight rises, as exp(-5 (1 - t)^2).
    """

    weight: float
    ramp: float = 1.0

    def weight_at(self, progress: float) -> float:
        """The weight after a share of the steps."""
        return self.weight * math.exp(-5 * (1 - min(1.0, progress / self.ramp)) ** 2)


def train(
    model: Segmenter,
    labeled: Dataset,
    unlabeled: Dataset,
    teacher: Teacher | None,
    options: FitOptions,
    statistics: Statistics,
) -> Segmenter:
    """Train a network in place as `fit` does on a CPU; its moving average, which is the result, is the teacher.

    Args:
        model: with the statistics in its config.
        labeled: images with masks of class ids.
        unlabeled: images whose masks say nothing but which pixels are `UNKNOWN`.
        teacher: None: the images without masks are not used.
        options: of the training.
        statistics: of the labeled images.
    """
    plan = options.plan(statistics, model.config.classes)
    optimizer = create_optimizer(model, options, torch.device("cpu"))
    schedule = LambdaLR(optimizer, rate_of(options.schedule, steps=plan.steps, warm_up=options.warm_up))
    loss, average = unetzoo.create_loss(plan.loss, ignore_index=UNKNOWN), MovingAverage(model, options.average)
    turned = replace(options, augment="flips", balance=0.0, seed=mixed(options.seed, "unlabeled"))
    bare = _batches(unlabeled, model, turned, plan)
    for step, crops in enumerate(_batches(labeled, model, options, plan, statistics.pixels)):
        torch.manual_seed(mixed(options.seed, "step", step))
        model.train()
        total = loss(model(crops.image), crops.mask)
        if teacher:
            weight = teacher.weight_at((step + 1) / plan.steps)
            total = total + weight * difference(model, average.module, next(bare))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
    return average.module


def difference(student: nn.Module, average: nn.Module, crops: Crop) -> Tensor:
    """The squared error of a student's probabilities, summed over classes, the mean over known pixels, a scalar.

    The teacher sees crops as they are, the student with other colors, so that pixels correspond. As in the paper, the
    batch norms of both normalize by the batch: the averaged statistics lag behind weights that change fast.
    """
    known = crops.mask != UNKNOWN
    with torch.no_grad(), _statistics_kept(average.train()):
        target = average(crops.image).softmax(1)
    with _statistics_kept(student):
        found = student(torch.stack([_recolored(image) for image in crops.image])).log_softmax(1).exp()
    each: Tensor = (found - target).square().sum(1)
    return (each * known).sum() / known.sum().clamp_min(1)


@contextmanager
def _statistics_kept(model: nn.Module) -> Iterator[None]:
    """Batch norms normalize by the batch, as in training, but do not remember what they see."""
    norms = [one for one in model.modules() if isinstance(one, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def _batches(
    samples: Dataset, model: Segmenter, options: FitOptions, plan: Plan, pixels: int | None = None
) -> Iterator[Crop]:
    """The batches that `fit` would train on; `pixels` are those of all samples, None: they count as shown often."""
    crops = CropDataset(
        samples,
        model.config.info,
        count=plan.steps * options.batch,
        crop=plan.crop,
        balance=options.balance,
        augmentation=Augmentation.of(options, plan.crop),
        seed=options.seed,
        pixels=pixels,
    )
    yield from DataLoader(crops, options.batch)
