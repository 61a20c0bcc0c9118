"""Train one network on random crops of one part of the image."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unetzoo.assembly import create_loss

LOSS = "0.5*dice + 0.5*bce"
CROP = 128
_BATCH = 4
_LEARNING_RATE = 4e-3
_WEIGHT_DECAY = 1e-2
_WARM_UP = 0.2  # of the steps
_CONTRAST, _BRIGHTNESS = 0.2, 0.05  # more would hide the dim nuclei


@dataclass(frozen=True)
class Example:
    """An image to train on.

    Args:
        image: (h, w), about 0 to 1; h and w at least `CROP`.
        truth: (h, w), 1 where a nucleus is, 0 elsewhere; int64.
    """

    image: Tensor
    truth: Tensor


def train(model: nn.Module, example: Example, *, steps: int, on_step: Callable[[float], None]) -> None:
    """Train a network in place, on the device that it is on; AdamW with one cycle of the learning rate.

    Every random number comes from torch's global generator.

    Args:
        model: makes logits (b, 1, h, w) of images (b, 1, h, w).
        example: what the crops are cut from.
        steps: updates of the weights, each with a batch of crops.
        on_step: called after each step with its loss.
    """
    loss_of = create_loss(LOSS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=_LEARNING_RATE, total_steps=max(2, steps), pct_start=_WARM_UP
    )
    model.train()
    for _ in range(steps):
        images, truths = random_batch(example)
        loss = loss_of(model(images), truths)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        on_step(loss.item())


def random_batch(example: Example) -> tuple[Tensor, Tensor]:
    """Crops (b, 1, `CROP`, `CROP`) at random places, turned and mirrored, and their truth (b, `CROP`, `CROP`).

    Contrast and brightness of each crop change a little.
    """
    images, truths = zip(*(_random_crop(example) for _ in range(_BATCH)), strict=True)
    contrast = 1 + _CONTRAST * _symmetric(_BATCH)
    brightness = _BRIGHTNESS * _symmetric(_BATCH)
    return torch.stack(images)[:, None] * contrast + brightness, torch.stack(truths)


def _random_crop(example: Example) -> tuple[Tensor, Tensor]:
    height, width = example.image.shape
    top, left = _below(height - CROP + 1), _below(width - CROP + 1)
    turns, mirrored = _below(4), _below(2)

    def cut(pixels: Tensor) -> Tensor:
        crop = pixels[top : top + CROP, left : left + CROP].rot90(turns)
        return crop.flip(1) if mirrored else crop

    return cut(example.image), cut(example.truth)


def _below(bound: int) -> int:
    """A random whole number from 0 to bound - 1."""
    return int(torch.randint(bound, ()))


def _symmetric(count: int) -> Tensor:
    """Random numbers (count, 1, 1, 1) from -1 to 1."""
    return 2 * torch.rand(count, 1, 1, 1) - 1
