"""Loose state dicts: out of a checkpoint that holds more, without the prefix that a wrapper put before names."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor

from unetzoo.errors import WeightsError

_REASONS, _LONGEST = 2, 150


def tensors_in(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state dict that a checkpoint is, or the only one that it holds, as under `"state_dict"`.

    Raises:
        WeightsError: there is none, or there are several.
    """
    if _is_state(checkpoint):
        return dict(checkpoint)
    states = {key: value for key, value in checkpoint.items() if _is_state(value)}
    if len(states) == 1:
        return dict(next(iter(states.values())))
    if states:
        raise WeightsError(f"this checkpoint holds several state dicts, {', '.join(map(repr, states))}: choose one")
    raise WeightsError("this holds no state dict, a mapping of names to tensors")


def prefix_before(names: Collection[str], known: Collection[str], spelled: Callable[[str], str] = str) -> str:
    """What stands before most known names among `names`, such as `"module."`; empty where it is nothing.

    Args:
        names: to look at.
        known: what may follow a prefix.
        spelled: how a name has to be spelled to be compared with the known ones.
    """
    counts = Counter(
        name[:end]
        for name in names
        for end in (0, *(place + 1 for place, letter in enumerate(name) if letter == "."))
        if spelled(name[end:]) in known
    )
    return min(counts, key=lambda prefix: (-counts[prefix], len(prefix)), default="")


def without_prefix(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors behind a prefix, under their own names; others are left out."""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def shortened(error: RuntimeError) -> str:
    """What torch says of tensors that do not fit, in one line: the beginnings of its first reasons."""
    reasons = [line.strip() for line in str(error).splitlines()[1:] if line.strip()][:_REASONS]
    return "; ".join(reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]} ..." for reason in reasons)


def _is_state(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(one, Tensor) for one in value.values())
