"""Where the dots and bars of a reliability diagram lie (DeGroot and Fienberg 1983, doi:10.2307/2987588)."""

from typing import NamedTuple

from unetzoo.evaluation.calibration import BINS, Reliability
from unetzoo.evaluation.measure import Evaluation, calibration_rows

MOST = 12
"""Diagrams on a page."""
SIDE, SHARES = 200, 40
"""Pixels of a diagram, and of the bars below it."""


class Dot(NamedTuple):
    """A bin: its mean probability to the right, the share of its pixels that have the class upwards.

    Attributes:
        x: pixels from the left.
        y: pixels from the top.
        ideal: y of the diagonal; the network is too sure where the dot lies below it.
        text: the numbers in words.
    """

    x: float
    y: float
    ideal: float
    text: str


class Bar(NamedTuple):
    """The share of all pixels that lie in a bin; x, width and height in pixels."""

    x: float
    width: float
    height: float
    text: str


class Diagram(NamedTuple):
    """The bins of a class, or of the most probable classes, that have pixels."""

    name: str
    dots: list[Dot]
    bars: list[Bar]


def diagrams(evaluation: Evaluation) -> list[Diagram]:
    """That of the most probable class, if there is one, and those of the classes with the largest errors."""
    rows = calibration_rows(evaluation)
    ranked = sorted(rows[:-1], key=lambda row: -(row[1].ece.value or 0))
    rows = [(name, each) for name, each in (*rows[-1:], *ranked) if sum(each.pixels)]
    return [_diagram(name, each) for name, each in rows[:MOST]]


def _diagram(name: str, each: Reliability) -> Diagram:
    dots, bars = list[Dot](), list[Bar]()
    for number, (count, confidence, frequency) in enumerate(
        zip(each.pixels, each.confidence, each.frequency, strict=True)
    ):
        if confidence is None or frequency is None:
            continue
        share = count / sum(each.pixels)
        text = f"probability {confidence:.3f}, share {frequency:.3f}, {count:,} pixels"
        dots.append(Dot(SIDE * confidence, SIDE * (1 - frequency), SIDE * (1 - confidence), text))
        bars.append(Bar(SIDE * number / BINS, SIDE / BINS - 1, SHARES * share, f"{share:.1%} of the pixels"))
    return Diagram(name, dots, bars)
