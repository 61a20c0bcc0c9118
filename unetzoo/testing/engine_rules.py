"""The contract of engines, rule by rule."""

import copy
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch
from torch import Tensor

from unetzoo.assembly import create
from unetzoo.errors import MissingExtraError, UnetzooError
from unetzoo.inference.engines.calibration import Calibration
from unetzoo.inference.engines.started import PLAIN_NAME, guarded
from unetzoo.nn.segmenter import Segmenter
from unetzoo.specs import EngineSpec
from unetzoo.testing.common import demand_same_state, state_of_torch
from unetzoo.testing.rules import BrokenRuleError, Make, Rule, demand, without_network

_SIZES = ((1, 3, 48, 64), (2, 3, 31, 50), (1, 3, 1, 1))
_LIMITS = {"float32": 1e-3, "bfloat16": 0.05, "float16": 0.01}
_MOST_OF_INT8 = 0.25  # of the root mean square
_PASSES = 20  # in training mode
_PICKLE = b"\x80"  # how those of all protocols in use begin

Run = Callable[[Tensor], Tensor]


def converts_to_data(make: Make) -> None:
    """It converts a network, without a connection, to files of bytes with plain names, none of which is a pickle."""
    spec = make()
    with without_network():
        files = _files(spec, spec.dtypes[0])
    demand(isinstance(files, Mapping), f"convert returned {type(files).__name__}, not a mapping")
    for name, content in files.items():
        demand(isinstance(name, str) and PLAIN_NAME.fullmatch(name) is not None, f"a file has the name {name!r}")
        demand(isinstance(content, bytes), f"{name} is {type(content).__name__}, not bytes")
        is_pickle = content[:1] == _PICKLE or b"data.pkl" in content[:1000]
        demand(not is_pickle, f"{name} is a pickle, which may run code when it is read")


def gives_the_logits(make: Make) -> None:
    """It gives the network's logits (b, classes, h, w), float32, for images of any batch, height and width."""
    spec = make()
    run = _start(spec, spec.dtypes[0])
    for shape in _SIZES:
        image = _image(shape)
        _demand_near(_run(run, image), _network()(image), spec.dtypes[0], f"{tuple(shape)}")


def computes_in_each_dtype(make: Make) -> None:
    """It computes in each of its dtypes that this machine has, near float32; in int8 after a calibration."""
    spec = make()
    image = _image(_SIZES[0])
    for dtype in spec.dtypes:
        try:
            guarded(spec.name, "be used here", spec.check or (lambda _: None), dtype)
        except MissingExtraError:
            raise
        except UnetzooError:  # this machine does not compute in it
            continue
        _demand_near(_run(_start(spec, dtype), image), _network()(image), dtype, f"in {dtype}")


def keeps_its_inputs(make: Make) -> None:
    """It changes neither the network nor images nor the state of torch, nor results that it gave before."""
    spec, before = make(), state_of_torch()
    network = copy.deepcopy(_network())
    weights = copy.deepcopy(network.state_dict())
    _start(spec, spec.dtypes[0], network)
    same = all(torch.equal(weights[name], tensor) for name, tensor in network.state_dict().items())
    demand(same and not network.training, "it changed the network")
    run, image = _start(spec, spec.dtypes[0]), _image(_SIZES[0])
    kept = image.clone()
    first = run(image)
    result = first.clone()
    run(image.flip(3) + 1)
    demand(torch.equal(image, kept), "it changed its image in place")
    demand(torch.equal(first, result), "a later call changed an earlier result")
    demand_same_state(before)


def starts_again(make: Make) -> None:
    """Started again with the same files, it gives the same logits: nothing is kept but the files."""
    spec, image = make(), _image(_SIZES[1])
    files = {name: bytes(bytearray(content)) for name, content in _files(spec, spec.dtypes[0]).items()}
    first = _run(_start(spec, spec.dtypes[0]), image)
    again = guarded(spec.name, "start", spec.start, copy.deepcopy(_network()), files, spec.dtypes[0])
    demand(torch.allclose(_run(again, image), first, rtol=0, atol=1e-5), "the second time gives other logits")


def serves_several_threads(make: Make) -> None:
    """Several threads at once get what one after the other gets."""
    spec = make()
    run = _start(spec, spec.dtypes[0])
    images = [_image((1, 3, 32, 32 + 8 * (number % 3)), seed=number) for number in range(12)]
    expected = [_run(run, image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda image: _run(run, image), images))
    near = all(torch.allclose(result, other, atol=1e-5) for result, other in zip(results, expected, strict=True))
    demand(near, "four threads at once got other logits")


@cache
def _network() -> Segmenter:
    """A small U-Net++, whose graph has every kind of skip; its norms know noise, so that logits depend on the image."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = create("unetpp", encoder="plain", encoder_options={"widths": (4, 8, 8)}, classes=2)
        for seed in range(_PASSES):
            model.train()(_image((4, 3, 64, 64), seed))
    return model.eval().requires_grad_(False)


def _image(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@cache
def _files(spec: EngineSpec, dtype: str) -> Any:  # noqa: ANN401 - it is checked
    calibration = Calibration([_image(_SIZES[0], seed=seed) for seed in range(4)]) if dtype == "int8" else None
    if spec.check is not None:
        guarded(spec.name, "be used here", spec.check, dtype)
    return guarded(spec.name, "convert a U-Net++", spec.convert, copy.deepcopy(_network()), [], dtype, calibration)


def _start(spec: EngineSpec, dtype: str, network: Segmenter | None = None) -> Run:
    files = _files(spec, dtype)
    run: Run = guarded(spec.name, "start", spec.start, network or copy.deepcopy(_network()), files, dtype)
    if not callable(run):
        raise BrokenRuleError(f"start returned {type(run).__name__}, not a function")
    return run


def _run(run: Run, image: Tensor) -> Tensor:
    logits = run(image)
    if not isinstance(logits, Tensor) or logits.dtype != torch.float32:
        raise BrokenRuleError(f"it gives {getattr(logits, 'dtype', type(logits).__name__)}, not a float32 tensor")
    return logits


def _demand_near(logits: Tensor, expected: Tensor, dtype: str, what: str) -> None:
    shapes = tuple(logits.shape), tuple(expected.shape)
    demand(shapes[0] == shapes[1], f"{what}: the logits are {shapes[0]}, not {shapes[1]}")
    if dtype == "int8":
        share = float((logits - expected).square().mean().sqrt() / expected.square().mean().sqrt())
        demand(share <= _MOST_OF_INT8, f"{what}: the logits differ by {share:.2g} of their root mean square")
        return
    difference = float((logits - expected).abs().max() / expected.abs().max())
    demand(difference <= _LIMITS[dtype], f"{what}: the logits differ by {difference:.2g} of the largest")


RULES: tuple[Rule, ...] = (
    converts_to_data,
    gives_the_logits,
    computes_in_each_dtype,
    keeps_its_inputs,
    starts_again,
    serves_several_threads,
)
