"""The same network in this project, segmentation_models_pytorch and MONAI: how accurate after equal steps and seconds.

The peers get a plain loop: AdamW with warm-up and a cosine, the same crops, the same
loss, the last weights. This project is measured twice: in the same plain loop, and by `unetzoo.fit`, which clips
gradients, averages weights, validates at the end and saves. All use the same fused optimizer.
"""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from unetzoo.assembly import create, create_loss
from unetzoo.bench.grid import file_name
from unetzoo.bench.machine import machine
from unetzoo.bench.measure import held_out, opened
from unetzoo.data.survey.survey import Survey
from unetzoo.evaluation.evaluate import evaluate
from unetzoo.interop.smp import from_smp
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.contracts import Encoder
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset
from unetzoo.training.fit import fit
from unetzoo.training.optim import DenseAdamW, rate_of
from unetzoo.training.options import FitOptions
from unetzoo.training.progress import FitListener

if TYPE_CHECKING:
    from unetzoo.inference.forward import Network

FIT, OURS, SMP, MONAI = "unetzoo.fit", "unetzoo, plain loop", "smp, plain loop", "MONAI, plain loop"
LIBRARIES = (FIT, OURS, SMP, MONAI)
_ENCODER = "resnet18"
OPTIONS = FitOptions(batch=4, crop=128, loss="dice + ce", epochs=1, learning_rate=1e-3)


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


class Peer(Segmenter):
    """A network of another library with what `evaluate` asks of one.

    Args:
        network: maps images (b, c, h, w) to logits (b, classes, h, w), for h and w that 32 divides.
        ours: this project's network of the same kind, for its description.
        memory_format: in which it is the fastest.
    """

    def __init__(self, network: nn.Module, ours: Segmenter, memory_format: torch.memory_format) -> None:
        nn.Module.__init__(self)  # it has no parts of ours
        self.network = network.to(memory_format=memory_format)
        self.config = ours.config
        self.memory_format = memory_format
        self._likeness = (ours.encoder,)  # in a tuple, since it is no part of this network

    @property
    def encoder(self) -> Encoder:  # type: ignore[override] # of ours it is a part
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
    survey = opened(run.data)
    network = networks(survey, run.seed)[run.library]
    start = time.perf_counter()
    if run.library == FIT:
        network = fitted(network, survey, seed=run.seed, steps=run.steps)
    else:
        network = _looped(network, survey, run)
    seconds = time.perf_counter() - start
    result = evaluate(cast("Network", network.eval()), held_out(survey))
    return {
        "combination": asdict(run),
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
        "training seconds": seconds,
        "accuracy": {"mean": {"IoU": result.mean["IoU"].value}},
    }


def networks(survey: Survey, seed: int) -> dict[str, nn.Module]:
    """The network of each library; this project's begin with the weights of segmentation_models_pytorch's."""
    from monai.networks.nets.flexible_unet import FlexibleUNet

    torch.manual_seed(seed)
    statistics = survey.statistics
    classes, channels = len(statistics.class_names), statistics.channels
    theirs = smp.Unet(_ENCODER, encoder_weights=None, in_channels=channels, classes=classes)
    ours = [
        create("unet", encoder=_ENCODER, in_channels=channels, classes=classes, head_kernel_size=3) for _ in range(2)
    ]
    for model in ours:
        model.load_state_dict(from_smp(theirs.state_dict()))
        model.config = _with_statistics(model, survey)
    monai = FlexibleUNet(channels, classes, _ENCODER, pretrained=False)
    last = torch.channels_last
    return {FIT: ours[0], OURS: ours[1], SMP: Peer(theirs, ours[1], last), MONAI: Peer(monai, ours[1], last)}


def _with_statistics(model: Segmenter, survey: Survey) -> Any:  # noqa: ANN401 - ModelConfig
    return replace(model.config, info=survey.statistics.info)


class PlainLoop:
    """What one writes who has a network and no training: the same for each library.

    Args:
        network: is trained in place.
        survey: the data.
        seed: of the crops.
        steps: of the schedule.
    """

    def __init__(self, network: nn.Module, survey: Survey, *, seed: int, steps: int) -> None:
        self.network = network.train()
        self._loss = create_loss(OPTIONS.loss, ignore_index=UNKNOWN)
        weights = {"params": list(network.parameters()), "lr": OPTIONS.learning_rate}
        self._optimizer = DenseAdamW([weights], weight_decay=OPTIONS.weight_decay)
        self._schedule = LambdaLR(self._optimizer, rate_of(OPTIONS.schedule, steps=steps, warm_up=OPTIONS.warm_up))
        self._batches = iter(DataLoader(_crops(survey, seed=seed, steps=steps), OPTIONS.batch))

    def step(self) -> None:
        """Cut crops and update the weights, at most `steps` times."""
        batch = next(self._batches)
        self._optimizer.zero_grad()
        torch.autograd.backward(self._loss(self.network(batch.image), batch.mask))
        self._optimizer.step()
        self._schedule.step()


def fitted(
    network: nn.Module, survey: Survey, *, seed: int, steps: int, listener: FitListener | None = None
) -> "Segmenter":
    """This project's own training: the network that it gives."""
    options = replace(OPTIONS, steps=steps, seed=seed, checkpoint_steps=steps, device="cpu")
    with TemporaryDirectory(prefix="unetzoo-") as folder:
        return fit(cast("Segmenter", network), survey, Path(folder, "run"), options=options, listener=listener).model


def _looped(network: nn.Module, survey: Survey, run: PeerRun) -> nn.Module:
    loop = PlainLoop(network, survey, seed=run.seed, steps=run.steps)
    for _ in range(run.steps):
        loop.step()
    return network


def _crops(survey: Survey, *, seed: int, steps: int) -> CropDataset:
    statistics = survey.statistics
    crop = OPTIONS.plan(statistics, len(statistics.class_names)).crop
    augmentation = Augmentation.of(OPTIONS, crop)
    return CropDataset(
        survey.dataset("train"),
        statistics.info,
        count=steps * OPTIONS.batch,
        crop=crop,
        balance=OPTIONS.balance,
        augmentation=augmentation,
        seed=seed,
    )
