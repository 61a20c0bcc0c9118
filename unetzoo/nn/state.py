"""Find the state dict in a checkpoint, and strip the prefix that a wrapper puts before names."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor

from unetzoo.errors import WeightsError

_REASONS, _LONGEST = 2, 150


def tensors_in(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The checkpoint itself, or the only state dict in it, such as that under `"state_dict"`.

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
    raise WeightsError("there is no state dict here, that is, no mapping of names to tensors")


def prefix_before(names: Collection[str], known: Collection[str], spelled: Callable[[str], str] = str) -> str:
    """The prefix before most known names among `names`, such as `"module."`; it may be empty.

    Args:
        names: names that may have the prefix.
        known: names without the prefix.
        spelled: normalizes a name before it is compared with the known names.
    """
    counts = Counter(
        name[:end]
        for name in names
        for end in (0, *(place + 1 for place, letter in enumerate(name) if letter == "."))
        if spelled(name[end:]) in known
    )
    return min(counts, key=lambda prefix: (-counts[prefix], len(prefix)), default="")


def without_prefix(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names have a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def shortened(error: RuntimeError) -> str:
    """Torch's error for tensors that do not fit, as one line: its first reasons, shortened."""
    reasons = [line.strip() for line in str(error).splitlines()[1:] if line.strip()][:_REASONS]
    return "; ".join(reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]} ..." for reason in reasons)


def _is_state(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(item, Tensor) for item in value.values())
