"""Short tests that networks of this installation run: training, saving and prediction."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from unetzoo.errors import describe_error

if TYPE_CHECKING:
    from unetzoo.nn.segmenter import Segmenter

_SIDE = 70  # pixels, which the encoder's stride does not divide
_STEPS = 5
_TOLERANCE = 1e-2  # of logits; a GPU may compute in TF32


def failures(device: str) -> Iterator[str]:
    """A line for each test that fails on a device."""
    for name, check in CHECKS.items():
        try:
            check(device)
        except Exception as error:
            yield f"{name} fails on {device}: {describe_error(error)}"


def _check_training(device: str) -> None:
    import torch

    from unetzoo.assembly import create_loss

    model = _network().to(device)
    images, masks = torch.rand(2, 3, _SIDE, _SIDE, device=device), torch.ones(2, _SIDE, _SIDE, device=device).long()
    optimizer, loss = torch.optim.AdamW(model.parameters(), lr=1e-2), create_loss("bce + dice")
    values = []
    for _ in range(_STEPS):
        value = loss(model(images), masks)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    if not values[-1] < values[0]:
        raise ArithmeticError(f"the loss goes from {values[0]:.3g} to {values[-1]:.3g} in {_STEPS} steps")


def _check_saving(device: str) -> None:
    import torch

    from unetzoo.weights.folder import load, save

    model, image = _network().eval(), torch.rand(1, 3, _SIDE, _SIDE)
    with TemporaryDirectory(prefix="unetzoo-") as folder, torch.no_grad():
        save(model, Path(folder, "model"))
        loaded = load(Path(folder, "model")).to(device)
        difference = float((loaded(image.to(device)).cpu() - model(image)).abs().max())
    if not difference < _TOLERANCE:
        raise ArithmeticError(f"logits of the loaded network differ by {difference:.3g}")


def _check_prediction(device: str) -> None:
    import numpy as np

    from unetzoo.inference.devices import on_device
    from unetzoo.inference.predict import predict

    probabilities = predict(on_device(_network(), device), np.zeros((_SIDE, _SIDE, 3), np.uint8))
    if not (probabilities.min() >= 0 and probabilities.max() <= 1):
        raise ArithmeticError(f"probabilities reach from {probabilities.min()} to {probabilities.max()}")


def _network() -> "Segmenter":
    from unetzoo.assembly import create

    return create("unet", encoder="plain", encoder_options={"widths": (4, 8, 16)})


CHECKS: Mapping[str, Callable[[str], None]] = {
    "training": _check_training,
    "saving": _check_saving,
    "prediction": _check_prediction,
}
"""Each raises an error unless it works on a device."""
