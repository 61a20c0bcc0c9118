"""What a rule is, and what came of it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from unetzoo._utils.isolation import run_isolated

Make = Callable[..., Any]
"""Builds the part that is looked at, anew at each call."""
Rule = Callable[[Make], None]
"""Raises `BrokenRuleError`, or anything, when a part breaks it; the first line of its docstring is the sentence."""


class BrokenRuleError(Exception):
    """What was found instead of what the sentence promises, with the numbers."""

    def __str__(self) -> str:
        return " ".join(map(str, self.args))


@dataclass(frozen=True)
class Result:
    """What came of one rule.

    Attributes:
        part: such as `"decoder unet"`.
        rule: the sentence.
        problem: how it was broken; empty where it holds.
    """

    part: str
    rule: str
    problem: str

    @property
    def holds(self) -> bool:
        """Whether the part keeps the rule."""
        return not self.problem


@dataclass(frozen=True)
class Trial:
    """A rule that is to be tried on a part."""

    part: str
    rule: Rule
    make: Make

    @property
    def sentence(self) -> str:
        """What the rule promises."""
        return sentence_of(self.rule)

    def run(self) -> Result:
        """Try it; torch's global random numbers stay as they are."""
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
    """Whoever connects gets a `BrokenRuleError`."""
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise BrokenRuleError("it opened a connection")

    kept = socket.socket.connect, socket.getaddrinfo
    socket.socket.connect, socket.getaddrinfo = refuse, refuse  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        socket.socket.connect, socket.getaddrinfo = kept  # type: ignore[method-assign]
