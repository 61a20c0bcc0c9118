"""Rules that hold for networks of both kinds, encoders and decoders."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.testing.rules import BrokenRuleError, demand


def state_of_torch() -> dict[str, object]:
    """What a part must leave as it is."""
    return {
        "default dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "gradient mode": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "seed": torch.initial_seed(),
    }


def demand_same_state(before: dict[str, object]) -> None:
    """Torch's global state must be that of before."""
    for name, value in state_of_torch().items():
        demand(value == before[name], f"torch's {name} was {before[name]} before, and is {value}")


def demand_shapes(maps: object, wanted: Sequence[tuple[int, ...]]) -> None:
    """There must be one map for each wanted shape, in a list."""
    if not isinstance(maps, list | tuple) or not all(isinstance(one, Tensor) for one in maps):
        raise BrokenRuleError(f"forward gave {type(maps).__name__}, not a list of tensors")
    found = [tuple(one.shape) for one in maps]
    demand(found == list(wanted), f"declared {list(wanted)}, got {found}")


def demand_close(found: Sequence[Tensor], wanted: Sequence[Tensor], what: str) -> None:
    """Both must be equal but for rounding."""
    for level, (one, other) in enumerate(zip(found, wanted, strict=True)):
        scale = float(other.abs().max()) or 1.0
        difference = float((one - other).abs().max()) / scale
        demand(difference < 1e-3, f"{what}: map {level} differs by {difference:.1e} of its largest value")


def demand_round_trip(make: nn.Module, other: nn.Module) -> None:
    """The state_dict of one must make the other one equal, and hold tensors alone."""
    state = make.state_dict()
    strange = [name for name, value in state.items() if not isinstance(value, Tensor)]
    demand(not strange, f"its state_dict holds {strange[:3]}, which are no tensors")
    other.load_state_dict(state)


def demand_unchanged(given: Sequence[Tensor], before: Sequence[Tensor]) -> None:
    """Tensors must still be what they were."""
    for index, (one, other) in enumerate(zip(given, before, strict=True)):
        demand(torch.equal(one, other), f"it changed its input {index} in place")
