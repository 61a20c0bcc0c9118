"""The values that stand for class ids in a file: ids, ids with a palette, or the values of the training masks."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import Colors, palette
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.table import endings_that_store, stored_in
from unetzoo.data.masks.colors import TRANSPARENT
from unetzoo.errors import OptionError
from unetzoo.inference.choices import Values
from unetzoo.nn.coding import LEVELS, MaskCoding
from unetzoo.nn.config import ModelConfig

_MOST_COLORS = 256
_APART = 40  # of 255: colors that differ by less in red, green and blue look the same
_FULL = 255  # value of a set pixel of a plane, and of an opaque one
_FULL_VALUES = (1, 255, 65_535)  # of the types of masks
_GRAY = 0x808080


@dataclass(frozen=True)
class Look:
    """How class ids are stored in a file.

    Attributes:
        table: the value (ids,), the planes (ids, planes) or the color (ids, 3 or 4) of each id; the last entry is for
            pixels without a class. None: ids or probabilities are stored unchanged.
        is_colored: whether the table holds colors.
        palette: colors (classes, 3) in which viewers show ids.
        dtype: of numbers of objects, which are stored in a smaller type; None: that of the result.
    """

    table: NDArray[Any] | None = None
    is_colored: bool = False
    palette: Colors | None = None
    dtype: np.dtype[Any] | None = None


def look_of(values: Values | None, ending: str, config: ModelConfig) -> Look:
    """How the class ids of a network are stored in a file with that ending.

    Args:
        values: `"ids"`; `"palette"`: ids with colors; `"trained"`: the values of the training masks; None: with a
            palette if the format has one.
        ending: of the file, in lower case, such as `".png"`.
        config: of the network.

    Raises:
        OptionError: the format has no palette or cannot hold the values, or the training masks are unknown.
    """
    classes = max(2, config.classes)
    can_color = "palette" in (stored_in(ending) or ()) and classes <= _MOST_COLORS
    if values == "trained":
        return _checked(_trained(config), ending)
    if values == "ids" or (values is None and not can_color):
        return Look()
    if not can_color:
        raise OptionError(f"a {ending} file with {classes} classes has no palette; choose the values ids or trained")
    return Look(palette=_colors_of(config, classes))


def look_of_planes(values: Values | None, ending: str, *, per_class: bool = False) -> Look:
    """How planes of 0 and 1 are stored in files with that ending, together or, `per_class`, one by one.

    Raises:
        OptionError: the format cannot hold several planes, or values are asked for that they do not have.
    """
    stored = stored_in(ending) or ()
    if per_class and values in (None, "ids", "palette"):
        if values == "palette" and "palette" not in stored:
            raise OptionError(f"a {ending} file has no palette; choose the values ids")
        return Look(palette=palette(2)) if "palette" in stored and values != "ids" else Look()
    if values is not None:
        raise OptionError(
            f"classes that may overlap are written as planes of 0 and 1, not as values={values!r}: leave values out"
        )
    if "arrays" not in stored:
        endings = endings_that_store("arrays")
        raise OptionError(
            f"a {ending} file holds no planes of classes that may overlap; choose {endings}, or "
            "per_class=True (--per-class)"
        )
    return Look()


def _colors_of(config: ModelConfig, classes: int) -> Colors:
    """The colors of the training masks if they are easy to tell apart, else our own."""
    coding = _coding(config)
    if coding is None or coding.instances or coding.threshold is not None:
        return palette(classes)
    codes = coding.codes if coding.kind in ("colors", "cutout") else coding.colors
    if len(codes) != classes or min(codes) < 0:
        return palette(classes)
    colors = _rgba(codes)[:, :3]
    distances = abs(colors[:, None].astype(int) - colors[None]).max(-1)[~np.eye(classes, dtype=bool)]
    return colors if distances.min() >= _APART else palette(classes)


def _trained(config: ModelConfig) -> Look:
    coding = _coding(config)
    if coding is None:
        raise OptionError(
            "the network does not say what values the masks of its training had; choose the values ids or palette"
        )
    if coding.instances:
        raise OptionError("the masks of the training number objects, not classes; choose the values ids or palette")
    unknown = [code for code in coding.unknown if code >= 0]
    if coding.kind in ("colors", "cutout"):
        colors = _rgba([*coding.codes, *unknown, _GRAY][: len(coding.codes) + 1])
        return Look(colors if coding.kind == "cutout" else colors[:, :3], is_colored=True)
    if coding.kind == "planes":
        planes = np.array([*coding.codes, 0])[:, None] == np.arange(1, coding.planes + 1)
        return Look(np.where(planes, _FULL, 0).astype(np.uint8))
    values = _with_unknown(_numbers(coding), unknown)
    if coding.kind == "levels":
        return Look((values / LEVELS).astype(np.float32))
    return Look(_white(values), is_colored=True) if coding.kind == "alpha" else Look(values)


def _numbers(coding: MaskCoding) -> tuple[int, ...]:
    """The value of each class; for masks with soft edges 0 and the smallest full value above the threshold."""
    if coding.threshold is None:
        return coding.codes
    full = (
        LEVELS
        if coding.kind == "levels"
        else next((number for number in _FULL_VALUES if number >= coding.threshold), math.ceil(coding.threshold))
    )
    return tuple(code * full for code in coding.codes)


def _with_unknown(codes: Sequence[int], unknown: Sequence[int]) -> NDArray[Any]:
    """The codes, and one for pixels without a class: that of the training, or the largest that no class has."""
    dtype = np.min_scalar_type(max(*codes, *unknown, 0))
    largest = int(np.iinfo(dtype).max)
    free = unknown[0] if unknown else next(value for value in range(largest, -1, -1) if value not in codes)
    return np.array([*codes, free], dtype=dtype)


def _checked(look: Look, ending: str) -> Look:
    stored, others = stored_in(ending), endings_that_store("arrays")
    if stored is not None and "arrays" not in stored and look.table is not None:
        if look.table.ndim == 2 and not look.is_colored:
            raise OptionError(f"the masks of the training are planes, which a {ending} cannot hold; choose {others}")
        if look.table.dtype.kind == "f":
            raise OptionError(f"the masks of the training hold fractions, a {ending} cannot; choose {others}")
        if look.table.dtype.itemsize > 2:
            largest = look.table[:-1].max()
            raise OptionError(f"a {ending} holds values up to 65,535, not {largest:,}; choose {others}")
    return look


def _coding(config: ModelConfig) -> MaskCoding | None:
    info = config.info
    return MaskCoding.from_dict(info.class_names, info.mask_coding) if info.mask_coding else None


def _rgba(codes: Sequence[int]) -> Colors:
    """Colors (codes, 4); `TRANSPARENT` has opacity 0."""
    numbers = np.array(codes)
    opacity = np.where(numbers == TRANSPARENT, 0, _FULL)
    return np.stack([numbers >> 16 & 0xFF, numbers >> 8 & 0xFF, numbers & 0xFF, opacity], axis=1).astype(np.uint8)


def _white(opacity: NDArray[Any]) -> Colors:
    """White (values, 4) with the given opacities."""
    return np.stack([*[np.full_like(opacity, _FULL)] * 3, opacity], axis=1).astype(np.uint8)


def _nodata(look: Look, dtype: np.dtype[Any]) -> float | None:
    if look.dtype is not None or (look.table is not None and look.table.ndim > 1):
        return None
    if look.table is not None:
        return float(look.table[-1])
    return math.nan if dtype.kind == "f" else float(np.iinfo(dtype).max)


class Rows(Protocol):
    """Finished rows, or slices of a volume.

    Attributes:
        shape: of all.
        dtype: of the values.
        axes: names of the axes, of which `shape` has the last ones.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: str

    def blocks(self, rows: int = ...) -> Iterator[tuple[int, NDArray[Any]]]:
        """So many rows at once, with the number of the first."""


class EncodedResult:
    """A finished result as a file stores it.

    Args:
        result: of class ids or probabilities.
        look: of the class ids.
        grid: where the pixels lie.

    Attributes:
        shape: (h, w), (planes, h, w), or (h, w, 3 or 4) for colors.
        dtype: of its values.
        axes: a letter for each axis, as of `ResultArray`.
        palette: colors (classes, 3) in which viewers show ids; None: no palette.
        nodata: value of pixels without data; None: there is no such value, as among numbers of objects.
    """

    def __init__(self, result: Rows, look: Look, grid: Grid = NO_GRID) -> None:
        self._result = result
        self.look, self.grid = look, grid
        self.shape, self.dtype = result.shape, look.dtype or result.dtype
        if look.table is not None:
            channels = look.table.shape[1:]
            self.shape = (*result.shape, *channels) if look.is_colored else (*channels, *result.shape)
            self.dtype = look.table.dtype
        self.palette = look.palette
        self.nodata = _nodata(look, self.dtype)
        self.axes = "YXS" if look.is_colored else result.axes[-len(self.shape) :]

    def blocks(self, rows: int | None = None) -> Iterator[tuple[int, NDArray[Any]]]:
        """All rows from the top, `rows` at once: the number of the first, and an array like `shape`, but lower."""
        for top, block in self._result.blocks(rows) if rows else self._result.blocks():
            yield top, self._encoded(block)

    def _encoded(self, ids: NDArray[Any]) -> NDArray[Any]:
        if self.look.table is None:
            return ids.astype(self.dtype, copy=False)
        values = self.look.table[ids.clip(max=len(self.look.table) - 1)]
        are_planes = values.ndim == 3 and not self.look.is_colored
        return np.moveaxis(values, -1, 0) if are_planes else values
