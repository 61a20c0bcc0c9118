"""What an architecture can do, tried: sizes of images it takes, files it becomes, whether a compiler sees one graph."""

import contextlib
import io
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.architectures import CHANNELS, SIZE, Logits, Table
from benchmarks.peers.encoders import check_logits
from benchmarks.peers.names import RUNS
from benchmarks.peers.outcomes import Outcomes
from unetzoo._utils.time_limit import TimedOut, time_limit

Ability = Callable[[nn.Module], None]

SIZES = ((97, 131), (250, 333), (31, 31), (1, 1))  # pixels
_TRACED, _OTHER = (
    (544, 608),
    (128, 224),
)  # multiples of 32; of the first no deep map has one pixel, which would be fixed
_TOLERANCE = 1e-3  # of the largest logit
_PATIENCE = 600.0  # seconds for a file


def abilities() -> dict[str, Ability]:
    """By name; each takes a network in evaluation mode and raises where it cannot."""
    sizes = {f"images of {h} x {w}": _takes((h, w)) for h, w in SIZES}
    return {
        RUNS: _takes(SIZE),
        **sizes,
        "torch.compile": _compiles,
        "torch.export": _exports,
        "ONNX": _becomes_onnx,
    }


def try_table(
    tried: dict[str, Outcomes], table: Table, on_architecture: Callable[[], None] = lambda: None
) -> dict[str, Outcomes]:
    """For each ability what comes of it with each architecture of a table.

    Args:
        tried: what is known already, which is not tried again. It is changed.
        table: the architectures of a library.
        on_architecture: called after each.
    """
    for architecture, build in table.items():
        with contextlib.redirect_stdout(io.StringIO()):  # MONAI's networks print
            for name, ability in abilities().items():
                outcomes = tried.setdefault(name, Outcomes())
                if architecture not in outcomes.tried:
                    outcomes.add(architecture, partial(_tried, ability, build))
        on_architecture()
    return tried


def _tried(ability: Ability, build: Callable[[], nn.Module]) -> None:
    ability(_built(build))


def _built(build: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return Logits(build()).eval().requires_grad_(False)


def _image(batch: int, size: tuple[int, int]) -> Tensor:
    return torch.randn(batch, CHANNELS, *size, generator=torch.Generator().manual_seed(0))


def _takes(size: tuple[int, int]) -> Ability:
    return lambda network: check_logits(network, _image(1, size))


def _compiles(network: nn.Module) -> None:
    """One graph, run as it was found: what stops a compiler is not its own code's speed."""
    torch._dynamo.reset()  # it gives up a layer after eight networks that use it
    compiled = torch.compile(network, fullgraph=True, backend="eager")
    _compare(compiled(_image(1, SIZE)), network(_image(1, SIZE)))


def _exports(network: nn.Module) -> None:
    program = _program(network)
    _compare(program.module()(_image(1, _OTHER)), network(_image(1, _OTHER)))


def _becomes_onnx(network: nn.Module) -> None:
    from unetzoo.inference.exports.export import export
    from unetzoo.nn.segmenter import Segmenter

    inner = network.network
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        if isinstance(inner, Segmenter):
            export(inner, path, patience=_PATIENCE)
        else:
            program = _program(network)
            torch.onnx.export(program, (), path, dynamo=True, external_data=False, verbose=False)
        _compare(_of_onnx_runtime(path, _image(1, _OTHER)), network(_image(1, _OTHER)))


def _program(network: nn.Module) -> Any:  # noqa: ANN401 - torch's ExportedProgram
    """The graph of a network for any batch, height and width."""
    free = dict.fromkeys((0, 2, 3), torch.export.Dim.AUTO)
    try:
        with time_limit(_PATIENCE):
            return torch.export.export(network, (_image(2, _TRACED),), dynamic_shapes=(free,))
    except TimedOut as error:
        raise TimeoutError(f"found no graph for every size in {_PATIENCE:g} seconds") from error


def _of_onnx_runtime(path: Path, image: Tensor) -> Tensor:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    return torch.from_numpy(logits)


def _compare(logits: Tensor, reference: Tensor) -> None:
    difference = float((logits - reference).abs().max() / reference.abs().max())
    if logits.shape != reference.shape or not difference < _TOLERANCE:
        raise ValueError(f"other logits: they differ by {difference:.1g} of the largest")
