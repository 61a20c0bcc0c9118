"""The network that computes predictions, or several, and what results depend on of them."""

from hashlib import blake2b
from typing import Any

import torch

from unetzoo.errors import OptionError
from unetzoo.inference.devices import on_device
from unetzoo.inference.engines.optimize import optimize
from unetzoo.inference.engines.started import EngineRun
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.forward import Network
from unetzoo.nn.ensemble import Member, members_of, together
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import network_of

_OF_NO_EFFECT = (  # of a configuration
    "format",
    "providers",
    "class_frequencies",
    "metrics",
    "license",
    "source",
    "lineage",
    "recipe",
)


def computed(model: Network, options: PredictOptions) -> tuple[Network, dict[str, Any]]:
    """The network that computes predictions, and what its results depend on besides the original one.

    Raises:
        OptionError: the device does not exist, or the engine does not run there; the network has another engine.
        UnetzooError: as `optimize`.
    """
    members = [_computed(member, options) for member in members_of(by_engine(model, options))]
    made_by = [facts for _, facts in members if facts]
    facts = made_by[0] if len(members) == 1 and made_by else {"engines": made_by} if made_by else {}
    return together([network for network, _ in members]), facts


def by_engine(model: Network, options: PredictOptions) -> Network:
    """The network, by the engine of the options if that is not torch; errors as `computed`."""
    return together([_by_engine(member, options) for member in members_of(network_of(model))])


def _computed(network: Member, options: PredictOptions) -> tuple[OptimizedSegmenter, dict[str, str]]:
    if not isinstance(network, OptimizedSegmenter):
        return optimize(on_device(network, options.device), dtype=getattr(torch, options.precision)), {}
    run = network.engine
    if not isinstance(run, EngineRun):
        raise OptionError("an optimized network cannot be optimized again; use the one that was given to optimize()")
    made_by = {"engine": run.engine, "arithmetic": run.dtype}
    return network, made_by if options.engine else {**made_by, "files": run.digest}


def _by_engine(network: Member, options: PredictOptions) -> Member:
    run = network.engine if isinstance(network, OptimizedSegmenter) else None
    engine = run.engine if isinstance(run, EngineRun) else None
    if engine and options.engine not in (None, engine):
        raise OptionError(f"this network was prepared for the engine {engine!r}: leave engine out")
    if isinstance(run, EngineRun) and options.precision not in ("float32", run.dtype):
        raise OptionError(f"this network was prepared to compute in {run.dtype}: leave precision out")
    if (engine or options.engine or "torch") != "torch" and options.device not in (None, "cpu"):
        raise OptionError(f"the engine {engine or options.engine!r} runs on the CPU: leave device out")
    if isinstance(network, OptimizedSegmenter) or options.engine in (None, "torch"):
        return network
    return optimize(network, dtype=options.precision, engine=options.engine or "torch")


def network_for(model: Network, device: str | None, engine: str | None) -> Network:
    """The network on a device, or by an engine, as commands take both; errors as `computed`."""
    members = members_of(by_engine(model, PredictOptions(device=device, engine=engine)))
    return together([each if isinstance(each, OptimizedSegmenter) else on_device(each, device) for each in members])


def digest_of(model: Network) -> str:
    """A digest of a network, or of several together."""
    members = members_of(network_of(model))
    digests = [_digest(each.network if isinstance(each, OptimizedSegmenter) else each) for each in members]
    return digests[0] if len(digests) == 1 else blake2b(repr(digests).encode(), digest_size=16).hexdigest()


def _digest(model: Segmenter) -> str:
    """A digest that networks share if they have the same parts, weights and normalization."""
    config = {name: value for name, value in model.config.to_dict().items() if name not in _OF_NO_EFFECT}
    info = {name: value for name, value in config["info"].items() if name not in _OF_NO_EFFECT}
    digest = blake2b(repr({**config, "info": info}).encode(errors="surrogatepass"), digest_size=16)
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
