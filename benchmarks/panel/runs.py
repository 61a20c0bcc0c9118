"""One training of a contestant on a data set of the panel."""

import time
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import segmentation_models_pytorch as smp
import torch
from torch import nn

from benchmarks.claims.peers import Peer
from benchmarks.panel.contestants import FITTED, LOOPS, Fitted, Looped
from benchmarks.panel.data import opened
from benchmarks.panel.loop import train_plainly
from unetzoo.bench.grid import create_parts, file_name
from unetzoo.bench.machine import machine
from unetzoo.data.open import survey
from unetzoo.data.survey.survey import Survey
from unetzoo.evaluation.evaluate import evaluate
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.fit import fit
from unetzoo.training.options import FitOptions

_SMP = {"unet": "Unet", "unetpp": "UnetPlusPlus"}


@dataclass(frozen=True, kw_only=True)
class PanelRun:
    """A network that is trained once.

    Attributes:
        contestant: one of `CONTESTANTS`.
        data: a name in `DATA`.
        steps: updates of the weights.
        seed: of weights and crops.
        decoder: `"unet"` or `"unetpp"`.
        encoder: of timm or, for all but loops over smp's network, any, optionally with options.
        batch: crops a step.
        crop: side of the crops in pixels.
        pretrained: tag of the weights that the encoder of this project's network begins with; empty: random ones.
    """

    contestant: str
    data: str
    steps: int
    seed: int
    decoder: str
    encoder: str
    batch: int
    crop: int
    pretrained: str = ""

    @property
    def title(self) -> str:
        """For people."""
        encoder = f"{self.encoder}.{self.pretrained}" if self.pretrained else self.encoder
        return f"{self.contestant}; {self.decoder}, {encoder}; {self.data}; {self.steps:,} steps, seed {self.seed}"

    @property
    def file_name(self) -> str:
        """Of its result."""
        fields = {name: value for name, value in asdict(self).items() if name != "pretrained" or value}
        return file_name(f"{self.data}-{self.steps}-{self.contestant}-{self.seed}", fields)


def measure_run(run: PanelRun) -> dict[str, Any]:
    """Train, and judge the network by the test images."""
    start = time.process_time()
    name = run.contestant
    network = _fitted(run, FITTED[name]) if name in FITTED else _looped(run, LOOPS[name])
    seconds = time.process_time() - start
    result = evaluate(cast("Any", network.eval()), opened(run.data, "test"))
    classes = {name: scores["IoU"].value for name, scores in zip(result.class_names, result.classes, strict=True)}
    return {
        "combination": asdict(run),
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
        "training seconds": seconds,
        "IoU": {"mean": result.mean["IoU"].value, "classes": classes},
    }


def _fitted(run: PanelRun, contestant: Fitted) -> Segmenter:
    data = _surveyed(run.data, holds_out=contestant.holds_out)
    options = FitOptions(steps=run.steps, batch=run.batch, crop=run.crop, seed=run.seed, device="cpu")
    options = replace(options, **contestant.options)
    with TemporaryDirectory(prefix="unetzoo-") as folder:
        return fit(_own(run, data), data, Path(folder, "run"), options=options).model


def _looped(run: PanelRun, contestant: Looped) -> nn.Module:
    data = survey({"train": opened(run.data, "train")})  # four fifths of the images give their statistics
    own = _own(run, data)
    return train_plainly(
        _smp(run, own) if contestant.smp else own,
        opened(run.data, "train"),
        data.statistics.info,
        steps=run.steps,
        batch=run.batch,
        crop=run.crop,
        rate=contestant.rate,
        seed=run.seed,
    )


def _own(run: PanelRun, data: Survey) -> Segmenter:
    """This project's network, with the statistics of the images."""
    torch.manual_seed(run.seed)
    statistics = data.statistics
    classes, channels = len(statistics.class_names), statistics.channels
    model = create_parts(
        run.decoder, run.encoder, classes=classes, in_channels=channels, pretrained=run.pretrained or False
    )
    model.config = replace(model.config, info=statistics.info)
    return model


def _smp(run: PanelRun, own: Segmenter) -> Peer:
    """The network of segmentation_models_pytorch with the same encoder, in the faster order in memory."""
    torch.manual_seed(run.seed)
    encoder = run.encoder if run.encoder in smp.encoders.encoders else f"tu-{run.encoder}"
    network = getattr(smp, _SMP[run.decoder])(
        encoder, encoder_weights=None, in_channels=own.config.in_channels, classes=own.config.classes
    )
    return Peer(network, own, torch.channels_last)


@cache
def _surveyed(name: str, *, holds_out: bool) -> Survey:
    """The images to train on, of which `survey` holds out a fifth; otherwise the same images choose the weights."""
    images = opened(name, "train")
    return survey(images if holds_out else {"train": images, "val": images})
