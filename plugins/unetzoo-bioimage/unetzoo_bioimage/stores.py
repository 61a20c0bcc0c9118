"""The folders of Zarr, of which no file outside is read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import zarr
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore, WrapperStore

from unetzoo import DataError


class ConfinedStore(WrapperStore[LocalStore]):
    """A folder, to read from; what its links lead to must lie in it, too.

    Args:
        store: of the folder.
    """

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The bytes of a file; raises DataError if they lie elsewhere."""
        self._check(key)
        return await super().get(key, prototype, byte_range)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """As `get`, of parts of files."""
        ranges = [*key_ranges]
        for key, _ in ranges:
            self._check(key)
        return await super().get_partial_values(prototype, ranges)

    def _check(self, key: str) -> None:
        root: Path = self._store.root
        if not (place := (root / key).resolve()).is_relative_to(root):
            raise DataError(f"{root / key} leads to {place}, outside of its store, and is not read; store a copy of it")


def open_group(folder: Path, name: str) -> Any:  # noqa: ANN401 - zarr's types depend on its version
    """The group in a folder, to read from; raises DataError if there is none."""
    store = ConfinedStore(LocalStore(folder.resolve(), read_only=True))
    try:
        node = zarr.open(store, mode="r", use_consolidated=False)
    except FileNotFoundError:
        node = None
    if not isinstance(node, zarr.Group):
        raise DataError(f"{name} cannot be read: it is not a group of Zarr, as an OME-Zarr image is")
    return node


def image_group(folder: Path, name: str) -> Any:  # noqa: ANN401 - see above
    """The group of the image in a folder: of a series by bioformats2raw that of its only image.

    Raises:
        DataError: the folder holds no image, or several.
    """
    group = open_group(folder, name)
    attributes = ome_attributes(group)
    if "multiscales" in attributes:
        return group
    images = sorted(key for key, _ in group.groups() if key.isdecimal())
    if "bioformats2raw.layout" in attributes and len(images) == 1:
        return group[images[0]]
    holds = f"{len(images)} images" if images else "no multiscales of OME-Zarr"
    raise DataError(
        f"{name} holds {'a plate' if 'plate' in attributes else holds}, and one image is read; give the folder of one, "
        "with a name that ends with .ome.zarr"
    )


def ome_attributes(group: Any) -> dict[str, Any]:  # noqa: ANN401 - see above
    """The metadata of OME-Zarr: up to 0.4 they are all attributes of a group, from 0.5 on they lie under `ome`."""
    attributes = dict(group.attrs)
    inner = attributes.get("ome")
    return inner if isinstance(inner, dict) else attributes
