"""Write the objects of an image as a label image: the number of each pixel's object."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.resample import nearest
from unetzoo.data.formats.table import endings_that_store, format_written
from unetzoo.errors import DataError
from unetzoo.inference.files.looks import Look
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.files.writers import write_result
from unetzoo.inference.objects import Decoder

_MOST_OF_16_BITS = 2**16 - 1


def write_objects(
    maps: PartialResult,
    decoder: Decoder,
    target: Path,
    made_of: Mapping[str, Any],
    grid: Grid = NO_GRID,
    size: tuple[int, int] | None = None,
) -> None:
    """Decode finished maps, and write the objects into `target`: uint16, or uint32 for more than 65,535 objects.

    Args:
        maps: of the image, or of one that was resampled.
        decoder: of the network.
        target: the file.
        made_of: plain data that determines it.
        grid: of the image.
        size: of the image, (h, w), each pixel of which has the object at its center; None: that of the maps.

    Raises:
        DataError: the format does not hold so many objects.
        OptionError: as `Decoder.strips`.
    """
    _, height, width = maps.shape
    down, right = (nearest(*lengths) for lengths in zip((height, width), size or (height, width), strict=True))
    scratch = target.with_name(f".{target.name}.objects")
    with PartialResult(scratch, made_of, (len(down), len(right)), np.dtype(np.int32)) as result:
        try:
            classes: list[int] = []
            for strip in decoder.strips(maps.read, (height, width)):
                first, beyond = np.searchsorted(down, [strip.top, strip.top + len(strip.ids)]).tolist()
                if beyond > first:
                    result.write(first, strip.ids[np.ix_(down[first:beyond] - strip.top, right)])
                classes += strip.classes.tolist()
            look = Look(dtype=type_of_numbers(len(classes), target))
            write_result(result, target, made_of, look, grid=grid, classes=classes if decoder.classes else ())
        finally:
            result.remove()


def type_of_numbers(count: int, target: Path) -> np.dtype[Any]:
    """The type of the numbers of so many objects in a file; DataError if its format does not hold them."""
    if count <= _MOST_OF_16_BITS:
        return np.dtype(np.uint16)
    spec = format_written(target)
    if "arrays" not in spec.stores:
        raise DataError(
            f"{target}: a {target.suffix} file holds numbers up to {_MOST_OF_16_BITS:,}, and there are {count:,} "
            f"objects; choose {endings_that_store('arrays')}"
        )
    return np.dtype(np.uint32)
