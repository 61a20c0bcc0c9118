"""Open datasets of rasterio: no thread and no process uses a handle of another one."""

import os
import threading
import warnings
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import NotGeoreferencedWarning

_SIGNATURES = {
    "GTiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    "JP2OpenJPEG": (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
    "PNG": (b"\x89PNG",),
    "JPEG": (b"\xff\xd8\xff",),
}


def driver_of(path: Path) -> str:
    """GDAL's driver of a file by its first bytes: TIFF, JPEG 2000, PNG or JPEG; empty: it is something else."""
    with path.open("rb") as stream:
        beginning = stream.read(8)
    return next((driver for driver, known in _SIGNATURES.items() if beginning.startswith(known)), "")


def open_quietly(path: Path | str, **options: Any) -> Any:  # noqa: ANN401 - rasterio ships no types
    """Open a raster to read it; that it has no place on the ground is for the caller to see."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path, **options)


class Handles:
    """A dataset, opened once for each thread of each process that reads it.

    Args:
        path: of the file.
        options: of `rasterio.open`.
    """

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        self._path, self._options = path, options
        self._opened: dict[tuple[int, int], Any] = {}

    def get(self) -> Any:  # noqa: ANN401 - as above
        """The dataset of this thread."""
        place = os.getpid(), threading.get_ident()
        if place not in self._opened:
            self._opened[place] = open_quietly(self._path, **self._options)
        return self._opened[place]

    def close(self) -> None:
        """Close the datasets of this process."""
        for (process, _), dataset in self._opened.items():
            if process == os.getpid():
                dataset.close()
        self._opened.clear()
