"""Rules, and their results."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from unetzoo._utils.isolation import run_isolated

Make = Callable[..., Any]
"""Builds a new instance of the part at each call."""
Rule = Callable[[Make], None]
"""Raises `BrokenRuleError`, or anything else, for a part that breaks it; its docstring's first line is its sentence."""


class BrokenRuleError(Exception):
    """The violation of a rule, with its numbers."""

    def __str__(self) -> str:
        return " ".join(map(str, self.args))


@dataclass(frozen=True)
class OverAxes:
    """Builds a new encoder or decoder at each call, for images or, with three `spatial_dims`, for volumes."""

    build: Make
    spatial_dims: int

    def __call__(self, **arguments: Any) -> Any:  # noqa: ANN401 - a part
        """The part."""
        return self.build(**arguments)


def spatial_dims_of(make: Make) -> int:
    """The number of axes over which a part is checked."""
    return make.spatial_dims if isinstance(make, OverAxes) else 2


@dataclass(frozen=True)
class Result:
    """The result of one rule.

    Attributes:
        part: such as `"decoder unet"`.
        rule: the sentence.
        problem: the violation; empty if the rule holds.
    """

    part: str
    rule: str
    problem: str

    @property
    def holds(self) -> bool:
        """True if the part keeps the rule."""
        return not self.problem


@dataclass(frozen=True)
class Trial:
    """A rule to check on a part."""

    part: str
    rule: Rule
    make: Make

    @property
    def sentence(self) -> str:
        """The sentence of the rule."""
        return sentence_of(self.rule)

    def run(self) -> Result:
        """Check it; the state of torch's random numbers stays unchanged."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            outcome = run_isolated(lambda: self.rule(self.make))
        problem = outcome.error.removeprefix("BrokenRuleError: ")
        if outcome.printed and not problem:
            problem = f"printed {outcome.printed!r}"
        return Result(self.part, self.sentence, problem)


def trials(part: str, rules: Iterable[Rule], make: Make) -> list[Trial]:
    """All rules of a kind, for one part."""
    return [Trial(part, rule, make) for rule in rules]


def sentence_of(rule: Rule) -> str:
    """The first line of a rule's docstring."""
    return (rule.__doc__ or "").strip().splitlines()[0].rstrip(".")


def demand(holds: bool, problem: str) -> None:
    """Raise `BrokenRuleError` unless something holds."""
    if not holds:
        raise BrokenRuleError(problem)


@contextmanager
def without_network() -> Iterator[None]:
    """Turn every connection into a `BrokenRuleError`."""
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise BrokenRuleError("it opened a connection")

    originals = socket.socket.connect, socket.getaddrinfo
    socket.socket.connect, socket.getaddrinfo = refuse, refuse  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        socket.socket.connect, socket.getaddrinfo = originals  # type: ignore[method-assign]
