"""Demands on encoders and decoders."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.testing.rules import BrokenRuleError, demand


def state_of_torch() -> dict[str, object]:
    """The global state of torch, which a part must not change."""
    return {
        "default dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "gradient mode": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "seed": torch.initial_seed(),
    }


def demand_same_state(before: dict[str, object]) -> None:
    """Torch's global state must not have changed."""
    for name, value in state_of_torch().items():
        demand(value == before[name], f"torch's {name} was {before[name]} and is now {value}")


def demand_shapes(maps: object, declared: Sequence[tuple[int, ...]]) -> None:
    """The maps must be a list of tensors with the declared shapes."""
    if not isinstance(maps, list | tuple) or not all(isinstance(one, Tensor) for one in maps):
        raise BrokenRuleError(f"forward returned {type(maps).__name__}, not a list of tensors")
    shapes = [tuple(one.shape) for one in maps]
    demand(shapes == list(declared), f"declared {list(declared)}, got {shapes}")


def demand_close(maps: Sequence[Tensor], others: Sequence[Tensor], what: str) -> None:
    """Both must be equal up to rounding."""
    for level, (one, other) in enumerate(zip(maps, others, strict=True)):
        scale = float(other.abs().max()) or 1.0
        difference = float((one - other).abs().max()) / scale
        demand(difference < 1e-3, f"{what}: map {level} differs by {difference:.1e} of its largest value")


def demand_round_trip(module: nn.Module, other: nn.Module) -> None:
    """Load the state_dict of one into the other; it must hold only tensors."""
    state = module.state_dict()
    invalid = [name for name, value in state.items() if not isinstance(value, Tensor)]
    demand(not invalid, f"its state_dict holds {invalid[:3]}, which are not tensors")
    other.load_state_dict(state)


def demand_unchanged(tensors: Sequence[Tensor], before: Sequence[Tensor]) -> None:
    """Tensors must be equal to their copies."""
    for index, (one, other) in enumerate(zip(tensors, before, strict=True)):
        demand(torch.equal(one, other), f"it changed its input {index} in place")
