"""The same network in this project, segmentation_models_pytorch and MONAI: how accurate after equal steps and seconds.

The peers bring no training, so that they get a plain loop: AdamW with warm-up and a cosine, the same crops, the same
loss, the last weights. This project is measured twice: in the same plain loop, and by `unetzoo.fit`, which clips
gradients, averages weights and keeps the best on the validation images. All use the same fused optimizer.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from unetzoo.assembly import create, create_loss
from unetzoo.benchmark.run import machine
from unetzoo.contracts import Encoder
from unetzoo.data.coding import UNKNOWN
from unetzoo.data.opened import Survey
from unetzoo.evaluation.evaluate import evaluate
from unetzoo.interop.smp import from_smp
from unetzoo.leaderboard.grid import file_name
from unetzoo.leaderboard.measure import held_out, opened
from unetzoo.model import Segmenter
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset
from unetzoo.training.fit import fit
from unetzoo.training.loop import Listener
from unetzoo.training.optimizer import DenseAdamW
from unetzoo.training.options import FitOptions
from unetzoo.training.schedule import rate_of

if TYPE_CHECKING:
    from unetzoo.inference.predict import Network

FIT, OURS, SMP, MONAI = "unetzoo.fit", "unetzoo, plain loop", "smp, plain loop", "MONAI, plain loop"
LIBRARIES = (FIT, OURS, SMP, MONAI)
_ENCODER = "resnet18"
_BATCH, _CROP = 4, 128
_OPTIONS = FitOptions(batch=_BATCH, crop=_CROP, loss="dice + ce")
_EPOCHS = 3  # of a training by `unetzoo.fit`, each with a validation
_ROUNDS, _ROUND_STEPS, _WARM = 4, 12, 2  # timed trainings of each, their steps, and how many of these do not count

OnStep = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class PeerRun:
    """One library's U-Net with a ResNet-18, trained once.

    Attributes:
        library: one of `LIBRARIES`.
        data: a data set.
        seed: of the first weights, which are the same in all libraries with the same graph, and of the crops.
        steps: updates of the weights, each of 4 crops of 128 px.
    """

    library: str
    data: str
    seed: int
    steps: int

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.library}, {self.data}, seed {self.seed}, {self.steps:,} steps"

    @property
    def file_name(self) -> str:
        """Of its result."""
        return file_name(f"{self.library}-{self.data}-{self.seed}", asdict(self))


class Peer(nn.Module):
    """A network of another library with what `evaluate` asks of one.

    Args:
        network: maps images (b, c, h, w) to logits (b, classes, h, w), for h and w that 32 divides.
        ours: this project's network of the same kind, for its description.
        memory_format: in which it is the fastest.
    """

    def __init__(self, network: nn.Module, ours: Segmenter, memory_format: torch.memory_format) -> None:
        super().__init__()
        self.network = network.to(memory_format=memory_format)
        self.config = ours.config
        self.memory_format = memory_format
        self._likeness = (ours.encoder,)  # in a tuple, since it is no part of this network

    @property
    def encoder(self) -> Encoder:
        """This project's of the same kind, of which `evaluate` asks the reductions."""
        return self._likeness[0]

    def forward(self, image: Tensor) -> Tensor:
        """The network's logits, of images of any size: padded at the end until 32 divides it, as `Segmenter` does."""
        height, width = image.shape[2:]
        image = F.pad(image, (0, -width % 32, 0, -height % 32), mode="replicate")
        logits: Tensor = self.network(image.contiguous(memory_format=self.memory_format))
        return logits[..., :height, :width]


def measure_peer(run: PeerRun) -> dict[str, Any]:
    """Train, and evaluate on the held-out part."""
    found = opened(run.data)
    start = time.perf_counter()
    trained = _trained(run, found)
    seconds = time.perf_counter() - start
    result = evaluate(cast("Network", trained.eval()), held_out(found))
    return {
        "combination": asdict(run),
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
        "training seconds": seconds,
        "accuracy": {"mean": {"IoU": result.mean["IoU"].value}},
    }


def networks(found: Survey, seed: int) -> dict[str, nn.Module]:
    """The network of each library; this project's begin with the weights of segmentation_models_pytorch's."""
    from monai.networks.nets.flexible_unet import FlexibleUNet

    torch.manual_seed(seed)
    statistics = found.statistics
    classes, channels = len(statistics.class_names), statistics.channels
    theirs = smp.Unet(_ENCODER, encoder_weights=None, in_channels=channels, classes=classes)
    ours = [
        create("unet", encoder=_ENCODER, in_channels=channels, classes=classes, head_kernel_size=3) for _ in range(2)
    ]
    for one in ours:
        one.load_state_dict(from_smp(theirs.state_dict()))
        one.config = _with_statistics(one, found)
    monai = FlexibleUNet(channels, classes, _ENCODER, pretrained=False)
    last = torch.channels_last
    return {FIT: ours[0], OURS: ours[1], SMP: Peer(theirs, ours[1], last), MONAI: Peer(monai, ours[1], last)}


def step_seconds(data: str) -> dict[str, Any]:
    """Seconds of single steps of each library, with the making of their crops, in short trainings one after the other.

    Validation, which the plain loops do not have, is not counted.
    """
    found = opened(data)
    seconds: dict[str, list[float]] = {library: [] for library in LIBRARIES}
    for seed in range(_ROUNDS):
        for library, known in seconds.items():
            times: list[float] = []
            run = PeerRun(library=library, data=data, seed=seed, steps=_ROUND_STEPS)
            _trained(run, found, lambda times=times: times.append(time.perf_counter()))  # type: ignore[misc] # its default binds the list
            known += [later - earlier for earlier, later in pairwise(times)][_WARM - 1 :]
    return {"machine": machine(), "date": time.strftime("%Y-%m-%d"), "seconds": seconds}


def equal_steps(seconds: Mapping[str, Sequence[float]], steps: int) -> dict[str, int]:
    """How many steps each library makes in the time in which segmentation_models_pytorch makes `steps` of them."""
    budget = steps * median(seconds[SMP])
    return {name: round(budget / median(times)) for name, times in seconds.items()}


def _trained(run: PeerRun, found: Survey, on_step: OnStep = lambda: None) -> nn.Module:
    network = networks(found, run.seed)[run.library]
    return (_fitted if run.library == FIT else _looped)(network, found, run, on_step)


def _with_statistics(model: Segmenter, found: Survey) -> Any:  # noqa: ANN401 - ModelConfig
    return replace(model.config, info=found.statistics.info)


def _crops(found: Survey, *, seed: int, steps: int) -> CropDataset:
    statistics = found.statistics
    augmentation = Augmentation(_OPTIONS.augment, crop=_CROP, elastic=_OPTIONS.elastic)
    return CropDataset(
        found.dataset("train"),
        statistics.info,
        count=steps * _BATCH,
        crop=_CROP,
        balance=_OPTIONS.balance,
        augmentation=augmentation,
        seed=seed,
    )


def _fitted(network: nn.Module, found: Survey, run: PeerRun, on_step: OnStep) -> nn.Module:
    epochs = max(1, min(_EPOCHS, run.steps // 20))
    options = replace(_OPTIONS, steps=run.steps, epochs=epochs, seed=run.seed, checkpoint_steps=run.steps)
    listener = Listener(on_step=lambda *_: on_step())
    with TemporaryDirectory(prefix="unetzoo-") as folder:
        return fit(cast("Segmenter", network), found, Path(folder, "run"), options=options, listener=listener).model


def _looped(network: nn.Module, found: Survey, run: PeerRun, on_step: OnStep) -> nn.Module:
    """The plain loop."""
    loss = create_loss(_OPTIONS.loss, ignore_index=UNKNOWN)
    optimizer = DenseAdamW(
        [{"params": list(network.parameters()), "lr": _OPTIONS.learning_rate}], weight_decay=_OPTIONS.weight_decay
    )
    schedule = LambdaLR(optimizer, rate_of(_OPTIONS.schedule, steps=run.steps, warm_up=_OPTIONS.warm_up))
    network.train()
    for batch in DataLoader(_crops(found, seed=run.seed, steps=run.steps), _BATCH):
        optimizer.zero_grad()
        torch.autograd.backward(loss(network(batch.image), batch.mask))
        optimizer.step()
        schedule.step()
        on_step()
    return network
