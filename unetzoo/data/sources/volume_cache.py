"""Volumes that are decoded as a whole, kept for the next slice."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock

from unetzoo.data.formats.content import Role
from unetzoo.data.formats.raster import Raster
from unetzoo.data.formats.slices import open_volume

KEPT_BYTES = 2**29
"""Bytes of the volumes that are kept, of each process."""


class VolumeCache:
    """The volumes that were read last, up to 512 MiB, or the last one alone if it is larger.

    Those of which windows are read are not kept. Threads share it; processes do not.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, Role], Raster] = OrderedDict()
        self._lock = RLock()

    def __reduce__(self) -> tuple[type["VolumeCache"], tuple[()]]:
        """Another process begins with an empty one."""
        return VolumeCache, ()

    @contextmanager
    def opened(self, path: Path, role: Role) -> Iterator[Raster]:
        """A volume (d, h, w, c); raises DataError if it cannot be read."""
        with self._lock:
            kept = self._kept.get((path, role)) or self._whole(path, role)
        if kept is not None:
            yield kept
            return
        with open_volume(path, role) as raster:
            yield raster

    def _whole(self, path: Path, role: Role) -> Raster | None:
        """A volume that is decoded now, and kept; None if windows of it are read."""
        with open_volume(path, role) as raster:
            if is_windowed(path, raster):
                return None
            pixels = raster.read(raster.whole)
            volume = replace(raster, read=pixels.__getitem__)
        self._kept[path, role] = volume
        while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return volume


def is_windowed(path: Path, raster: Raster) -> bool:
    """Whether a slice of a volume is read alone; of a folder of slices all headers are read before."""
    return bool(raster.block or raster.is_mapped) and not path.is_dir()
