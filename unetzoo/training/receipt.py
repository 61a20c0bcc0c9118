"""What a recipe gave where it was measured: a table of its file, which no training reads."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from unetzoo.checks import Range, check_fields
from unetzoo.errors import OptionError
from unetzoo.training.recipe_file import RECEIPT, read_tables


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The measurement of a recipe.

    A file may lack what has a default here.

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
        license: SPDX identifier of the images; empty: not stated.
        parameters: number of those of the network; None: not counted.
        prediction_seconds: of the processor, for a million pixels of images or voxels of volumes, by torch, the mean;
            None: not measured.

    Raises:
        OptionError: a value is invalid.
    """

    command: str
    data: str
    score: str
    seeds: Sequence[int]
    values: Sequence[float]
    mean: Annotated[float, Range(0, 1)]
    interval: Annotated[float, Range(0, 1e3)]
    cpu_seconds: Annotated[float, Range(0, 1e9)]
    machine: str
    versions: Mapping[str, str]
    commit: str
    date: str
    license: str = ""
    parameters: Annotated[int | None, Range(1, 1e15)] = None
    prediction_seconds: Annotated[float | None, Range(0, 1e9)] = None

    def __post_init__(self) -> None:
        check_fields(self)
        for name, kind in (("seeds", list), ("values", list), ("versions", dict)):
            if not isinstance(getattr(self, name), kind):
                raise OptionError(f"{name} must be a {kind.__name__}, got {getattr(self, name)!r}")

    @property
    def text(self) -> str:
        """The score with its interval, such as `"mean IoU 0.81 ± 0.02"`."""
        return f"{self.score} {self.mean:.3f} ± {self.interval:.3f}"


def read_receipt(recipe: str | Path) -> Receipt | None:
    """The receipt of a recipe; None if it has none.

    Args:
        recipe: a .toml file, or a name.

    Raises:
        OptionError: the file cannot be read, or its table has other keys or an invalid value.
        UnknownNameError: there is no recipe of that name.
    """
    table: dict[str, Any] | None = read_tables(recipe).get(RECEIPT)
    if table is None:
        return None
    names = {each.name: each.default is MISSING for each in fields(Receipt)}
    needed = {name for name, is_needed in names.items() if is_needed}
    if not isinstance(table, dict) or not needed <= set(table) <= set(names):
        more = sorted(set(names) - needed)
        raise OptionError(
            f"the receipt of the recipe {recipe} must be a table of {', '.join(sorted(needed))}; it may also have "
            f"{', '.join(more)}"
        )
    try:
        return Receipt(**table)
    except OptionError as error:
        raise OptionError(f"the receipt of the recipe {recipe}: {error}") from error
