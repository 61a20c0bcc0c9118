"""What a recipe gave where it was measured: a table of its file, which no training reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from unetzoo.errors import OptionError
from unetzoo.training.recipe_file import RECEIPT, read_tables


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The measurement of a recipe.

    Attributes:
        command: the line that trained; its data and seed are those of the first training.
        data: the images, in words.
        score: what was measured on images that no training saw, such as `"mean IoU"`.
        seeds: of the trainings.
        values: the score of each, from 0 to 1.
        mean: of the scores.
        interval: half the width of the 95 % confidence interval of the mean, of Student's t over the seeds.
        cpu_seconds: of the command without its imports, the mean.
        machine: processor and number of threads.
        versions: of Python and of the packages that compute.
        commit: of unetzoo.
        date: of the last training, such as `"2026-11-27"`.
    """

    command: str
    data: str
    score: str
    seeds: Sequence[int]
    values: Sequence[float]
    mean: float
    interval: float
    cpu_seconds: float
    machine: str
    versions: Mapping[str, str]
    commit: str
    date: str

    @property
    def text(self) -> str:
        """The score with its interval, such as `"mean IoU 0.81 ± 0.02"`."""
        return f"{self.score} {self.mean:.3f} ± {self.interval:.3f}"


def read_receipt(recipe: str | Path) -> Receipt | None:
    """The receipt of a recipe; None if it has none.

    Args:
        recipe: a .toml file, or a name.

    Raises:
        OptionError: the file cannot be read, or its table has other keys.
        UnknownNameError: there is no recipe of that name.
    """
    table: dict[str, Any] | None = read_tables(recipe).get(RECEIPT)
    if table is None:
        return None
    names = {each.name for each in fields(Receipt)}
    if not isinstance(table, dict) or set(table) != names:
        raise OptionError(f"the receipt of the recipe {recipe} must be a table of {', '.join(sorted(names))}")
    return Receipt(**table)
