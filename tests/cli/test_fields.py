from dataclasses import dataclass, fields
from typing import Annotated, Literal

import pytest
import typer
from typer.testing import CliRunner

from unetzoo import FitOptions
from unetzoo.checks import Range, check_fields
from unetzoo.cli.fields import with_fields


@dataclass(frozen=True)
class Options:
    """Options of a walk.

    Attributes:
        steps: Number of steps, at
            most nine. More words.
        share: Share of `steps`. 0.5 suits most.
        speed: Speed of the walk.
        width: Width of the path. None: as wide as needed. More words.
        flat: Avoid hills.
        tags: Name of a friend.
        pace: Pace, if any. None: any pace.
        place_of: Place of a rest.
    """

    steps: Annotated[int, Range(1, 9)] = 4
    share: Annotated[float, Range(0, 1)] = 1 / 3
    speed: Literal["slow", "fast"] = "slow"
    width: Annotated[int | None, Range(1, 5, "METERS")] = None
    flat: bool = False
    tags: tuple[str, ...] = ()
    pace: Literal["even", "odd"] | None = None
    place_of: tuple[int, int] | None = None

    def __post_init__(self):
        check_fields(self)


def _pair(text):
    x, y = text.split(",")
    return int(x), int(y)


@pytest.fixture
def walk():
    """Runs a command with these options; gives its output and what the command gets."""
    calls = []
    app = typer.Typer(rich_markup_mode=None)

    @app.command()
    @with_fields(
        Options, flags={"tags": "--tag"}, metavars={"tags": "NAME", "place_of": "X,Y"}, readers={"place_of": _pair}
    )
    def walk(place: str, *, values: dict[str, object], resume: bool = False) -> None:
        calls.append((place, Options(**values), values, resume))

    def invoke(*arguments):
        return CliRunner().invoke(app, list(arguments)), calls

    return invoke


def test_a_command_gets_what_was_given_alone(walk):
    _, calls = walk("park", "--steps", "3", "--tag", "a", "--tag", "b", "--flat")
    assert calls == [
        ("park", Options(steps=3, flat=True, tags=["a", "b"]), {"steps": 3, "flat": True, "tags": ["a", "b"]}, False)
    ]
    _, calls = walk("park")
    assert calls[1][1:3] == (Options(), {})


def test_a_reader_makes_the_value_of_a_text(walk):
    assert walk("park", "--place-of", "3,4")[1][0][2] == {"place_of": (3, 4)}


@pytest.mark.parametrize(
    "line",
    [
        "--steps N Number of steps, at most nine [default: 4]",
        "--share NUMBER Share of --steps [default: 1/3]",
        "--speed slow|fast Speed of the walk [default: slow]",
        "--width METERS Width of the path [default: as wide as needed]",
        "--flat Avoid hills --tag NAME Name of a friend; may be repeated",
        "--pace even|odd Pace, if any [default: any pace] --place-of X,Y Place of a rest",
    ],
)
def test_the_help_text_is_the_first_sentence_of_the_documentation(walk, line):
    assert line in " ".join(walk("--help")[0].stdout.split())


def test_each_option_of_a_training_has_a_sentence_in_the_help_text(invoke):
    words = " ".join(invoke("train", "--help").stdout.split())
    for field in fields(FitOptions):
        flag = {"trackers": "--track"}.get(field.name, f"--{field.name.replace('_', '-')}")
        assert (f" {flag} " in words) == (field.name != "cpu"), flag
    assert "<str>" not in words.partition("Options:")[2]
    assert "Examples: unetzoo train cells/ --decoder unetpp --encoder resnet34 --epochs 50 --out run;" in words
