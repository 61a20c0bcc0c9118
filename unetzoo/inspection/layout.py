"""Where the boxes of a drawing are, in inches: each resolution is a row, image and logits are in the top row."""

from dataclasses import dataclass
from functools import cached_property

from unetzoo.inspection.anatomy import Part

WIDTH, HEIGHT = 1.06, 0.6
"""Of a box."""
_COLUMN, _ROW = 1.68, 1.3
_LABELS, _RIGHT, _TITLE, _LEGEND = 1.95, 0.3, 0.95, 0.75
_NARROWEST = 7.6  # so that the legend has room below few columns
"""The margins: for the labels of the rows, on the right, for the title, for the legend."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Places for the parts of a network."""

    parts: tuple[Part, ...]

    @cached_property
    def rows(self) -> dict[int, int]:
        """The row of each reduction, counted downwards from the top row, which has number 0."""
        reductions = sorted({part.reduction for part in self.parts if part.kind != "head"})
        return {reduction: row for row, reduction in enumerate(reductions, start=1)}

    @property
    def image(self) -> Point:
        """The center of the image's box."""
        return 0.0, 0.0

    def center(self, part: Part) -> Point:
        """The center of a part's box."""
        return part.column * _COLUMN, 0.0 if part.kind == "head" else self.row_height(part.reduction)

    def row_height(self, reduction: int) -> float:
        """The vertical center of a row."""
        return -self.rows[reduction] * _ROW

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the whole drawing."""
        last_column = max(part.column for part in self.parts)
        right = max(last_column * _COLUMN + WIDTH / 2 + _RIGHT, _NARROWEST - _LABELS)
        return -_LABELS, right, -len(self.rows) * _ROW - HEIGHT / 2 - _LEGEND, HEIGHT / 2 + _TITLE

    def boxes_between(self, left: Part, right: Part) -> bool:
        """Whether a straight line between two parts of one row would cross a third."""
        return any(
            left.column < part.column < right.column
            for part in self.parts
            if part.kind != "head" and part.reduction == left.reduction
        )
