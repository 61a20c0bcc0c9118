"""A step of training and an inference over three axes beside MONAI and nnU-Net, then write README.md.

    pip install --no-deps dynamic-network-architectures && python -m benchmarks.volumes

nnU-Net's network is that of the package `dynamic-network-architectures`, which is left out where it is not installed.
A case that has been measured is not measured again until its file in `results/volumes` is removed; a measurement that
is stopped goes on with the next case. All by one thread, in one process that keeps freed memory.
"""

import copy
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Literal, cast

import torch
from torch import nn

from benchmarks.memory import saved_bytes
from benchmarks.page.readme import RESULTS, write_pages
from unetzoo._utils.memory import keep_freed_memory
from unetzoo.assembly import create
from unetzoo.bench.calls import Step, peak_bytes
from unetzoo.bench.case import CREATED, OPTIMIZED, Task
from unetzoo.bench.contenders import Contender, has_bfloat16
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json
from unetzoo.bench.worker import difference, inference_step, training_step
from unetzoo.inference.engines.optimize import optimize
from unetzoo.interop.monai import network_from_monai
from unetzoo.interop.nnunet import dynunet_names, renamed
from unetzoo.layers.order import set_order
from unetzoo.layers.upsample import UpsampleConcatConv
from unetzoo.nn.segmenter import Segmenter

PACKAGE = "dynamic-network-architectures"
_ORDER = torch.channels_last_3d
_WIDTHS = [32, 64, 128, 256, 320]  # nnU-Net's
_CLASSES = 3

Graph = Literal["transposed", "nearest"]


@dataclass(frozen=True)
class VolumeCase:
    """A network whose contenders are called in turn.

    Attributes:
        graph: how the decoder upsamples: `"transposed"` as nnU-Net does, by a learned convolution, or `"nearest"`.
        size: side of the cube in voxels; one volume with one channel.
        task: inference, or forward and backward pass.
        rounds: calls of each contender that are timed.
        widths: channels of each level.
    """

    graph: Graph
    size: int
    task: Task
    rounds: int = 3
    widths: tuple[int, ...] = tuple(_WIDTHS)

    @property
    def file_name(self) -> str:
        """The name of the file with its result."""
        return f"{self.graph}-{self.size}-{self.task}.json"


def cases() -> Iterator[VolumeCase]:
    """Those of the page, the short ones first."""
    for size, rounds in ((64, 3), (96, 2)):
        yield VolumeCase("transposed", size, "inference", rounds)
        yield VolumeCase("transposed", size, "training", rounds)
        yield VolumeCase("nearest", size, "inference", rounds)
        yield VolumeCase("nearest", size, "training", rounds)


def contenders(case: VolumeCase) -> Iterator[Contender]:
    """The ways to compute a case, all with the same graph and the same weights; the first is the reference."""
    compared = dict(networks(case))
    for name, network in compared.items():
        yield from _orders(case, name, network)
    if case.task == "inference":
        ours = cast("Segmenter", compared[CREATED])
        yield _contender(OPTIMIZED, optimize(ours.eval()))
        if has_bfloat16("cpu"):
            fast = optimize(ours, dtype=torch.bfloat16)
            yield Contender("unetzoo, optimize(bfloat16)", fast, channels_last=True)


def networks(case: VolumeCase) -> Iterator[tuple[str, nn.Module]]:
    """The networks of a case with their names, this project's last."""
    torch.manual_seed(0)
    if case.graph == "transposed":
        peer = _dynunet(case)
        yield "MONAI DynUNet", peer
        if find_spec("dynamic_network_architectures"):
            yield "nnU-Net PlainConvUNet", _plain_conv_unet(case, peer)
        yield CREATED, network_from_monai(peer.state_dict())
        return
    ours = _nearest(case)
    plain = copy.deepcopy(ours)
    for module in plain.modules():
        if isinstance(module, UpsampleConcatConv):
            module.few_pixels = 2**62  # any number of voxels
    yield "upsampled, concatenated, convolved", plain
    yield CREATED, ours


def _orders(case: VolumeCase, name: str, network: nn.Module) -> Iterator[Contender]:
    """A network as it comes, and in the order `torch.channels_last_3d`."""
    network.train(case.task == "training")
    yield _contender(name, network)
    last = copy.deepcopy(network)
    set_order(last, _ORDER)
    yield _contender(f"{name}, channels_last_3d", last)


def _contender(name: str, network: nn.Module) -> Contender:
    return Contender(name, network, tuple(network.parameters()), True, name.endswith(("_3d", OPTIMIZED)))


def _dynunet(case: VolumeCase) -> nn.Module:
    from monai.networks.nets.dynunet import DynUNet

    finer = len(case.widths) - 1
    strides, factors = [1, *[2] * finer], [2] * finer
    network: nn.Module = DynUNet(3, 1, _CLASSES, [3] * (finer + 1), strides, factors, filters=case.widths)
    return network


def _plain_conv_unet(case: VolumeCase, peer: nn.Module) -> nn.Module:
    """nnU-Net's network with the weights of a DynUNet."""
    from dynamic_network_architectures.architectures.unet import PlainConvUNet

    levels = len(case.widths)
    network: nn.Module = PlainConvUNet(
        1,
        levels,
        list(case.widths),
        nn.Conv3d,
        3,
        [1, *[2] * (levels - 1)],
        2,
        _CLASSES,
        2,
        norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
    )
    names = {ours: theirs for theirs, ours in dynunet_names(levels).items()}
    network.load_state_dict({renamed(name, names): item for name, item in peer.state_dict().items()}, strict=False)
    return network


def _nearest(case: VolumeCase) -> Segmenter:
    return create(
        "unet",
        encoder="plain",
        spatial_dims=3,
        in_channels=1,
        classes=_CLASSES,
        encoder_options={"widths": case.widths, "downsample": "stride"},
        decoder_options={"widths": case.widths[-2::-1]},
    )


def measure(case: VolumeCase) -> dict[str, Any]:
    """Seconds of the processor for each call, memory, and how far the logits of the same weights are apart."""
    compared = list(contenders(case))
    volume = torch.randn(1, 1, *[case.size] * 3, generator=torch.Generator().manual_seed(0))
    volumes = {False: volume, True: volume.to(memory_format=_ORDER)}
    make = training_step if case.task == "training" else inference_step
    steps: dict[str, Step] = {one.name: make(one, volumes[one.channels_last]) for one in compared}
    saved = {name: saved_bytes(step) for name, step in steps.items()} if case.task == "training" else {}
    peak = {name: peak_bytes(step, "cpu") for name, step in steps.items()}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    logits: dict[str, torch.Tensor] = {}
    for _ in range(case.rounds):
        for name, step in steps.items():
            start = time.process_time()
            logits[name] = step()
            seconds[name].append(time.process_time() - start)
    first = logits[compared[0].name]
    differences = {one.name: difference(logits[one.name], first) for one in compared if one.same_weights}
    peers = {PACKAGE: version(PACKAGE)} if find_spec("dynamic_network_architectures") else {}
    return {
        "case": asdict(case),
        "machine": machine(),
        "peers": peers,
        "seconds": seconds,
        "saved_bytes": saved,
        "peak_bytes": peak,
        "relative_difference": differences,
    }


def main() -> None:
    """Measure what is left, then write README.md."""
    warnings.simplefilter("ignore")  # of the peers' imports
    torch.set_num_threads(1)
    keep_freed_memory()
    for case in cases():
        path = RESULTS / "volumes" / case.file_name
        if not path.exists():
            print(case, flush=True)
            path.parent.mkdir(exist_ok=True)
            write_json(measure(case), path)
    write_pages()


if __name__ == "__main__":
    main()
