"""A small GeoTIFF and a small slide, pyramids on which the rules of the contract of formats are checked."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

_TAGS = [  # pixels of 10 m in UTM zone 33 north
    (33550, 12, 3, (10.0, 10.0, 0.0), False),
    (33922, 12, 6, (0.0, 0.0, 0.0, 500_000.0, 5_000_000.0, 0.0), False),
    (34735, 3, 16, (1, 1, 0, 3, 1024, 0, 1, 1, 3072, 0, 1, 32_633, 3076, 0, 1, 9001), False),
]


_APERIO = "Aperio Image Library v12\r\n80x96 [0,0 80x96] (32x32)|AppMag = 20|MPP = 0.5"


def write_example(folder: Path) -> Path:
    """Write it into a folder."""
    return _write(folder / "example.tif", _TAGS, "")


def write_slide(folder: Path) -> Path:
    """Write a pyramid with a header as Aperio's scanners have it into a folder."""
    return _write(folder / "example.svs", [], _APERIO)


def _write(path: Path, tags: list[Any], description: str) -> Path:
    rows, columns = np.mgrid[:96, :80]
    pixels = np.stack([rows + columns, rows - columns + 80, 2 * rows], 2).astype(np.uint8)
    with tifffile.TiffWriter(path) as writer:
        writer.write(
            pixels,
            tile=(32, 32),
            compression="zlib",
            photometric="rgb",
            subifds=1,
            metadata=None,
            extratags=tags,
            description=description or None,
        )
        writer.write(pixels[::2, ::2], tile=(32, 32), compression="zlib", photometric="rgb", subfiletype=1)
    return path
