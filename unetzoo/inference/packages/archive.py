"""The files of a package of bioimage.io: a .zip file or a folder, outside of which nothing is read."""

import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from unetzoo.data.formats.limits import free_memory
from unetzoo.errors import WeightsError
from unetzoo.weights.confined import open_inside

DESCRIPTIONS = ("rdf.yaml", "bioimageio.yaml")
"""Names of the file that describes a package."""
_MOST_TEXT = 2**20  # bytes of a description


def is_package(path: Path) -> bool:
    """Whether a path is that of a .zip file, or of a folder with a description of bioimage.io."""
    if path.is_dir():
        return any((path / name).is_file() for name in DESCRIPTIONS)
    return path.suffix.lower() == ".zip" and path.is_file()


@dataclass(frozen=True)
class Archive:
    """The files of a package.

    Attributes:
        path: of the .zip file or the folder.
    """

    path: Path

    def description(self) -> str:
        """The text of the description.

        Raises:
            WeightsError: there is none, or it cannot be read.
        """
        name = next((name for name in DESCRIPTIONS if self._has(name)), None)
        if name is None:
            raise WeightsError(
                f"{self.path} is not a package of bioimage.io: it has no {' and no '.join(DESCRIPTIONS)}"
            )
        content = self.read(name, most=_MOST_TEXT)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise WeightsError(f"{name} in {self.path} is not a text in UTF-8") from error

    def read(self, name: str, *, most: int | None = None, digest: str | None = None) -> bytes:
        """The content of a file.

        Args:
            name: relative to the package.
            most: bytes; None: what fits into the free memory.
            digest: SHA-256 that the content must have; None: it is not compared.

        Raises:
            WeightsError: there is no such file in the package, or it is too large, damaged, or another one.
        """
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or "\\" in name or ":" in name:
            raise WeightsError(f"{self.path} names the file {name[:200]!r}, which is outside of it: it is not read")
        limit = free_memory() // 2 if most is None else most
        content = self._from_folder(place, limit) if self.path.is_dir() else self._from_zip(str(place), limit)
        if digest and sha256(content).hexdigest() != digest.lower():
            raise WeightsError(f"{name} in {self.path} is not the file that its description has the SHA-256 of")
        return content

    def _has(self, name: str) -> bool:
        if self.path.is_dir():
            return (self.path / name).is_file()
        try:
            with zipfile.ZipFile(self.path) as archive:
                return name in archive.namelist()
        except (OSError, zipfile.BadZipFile) as error:
            raise WeightsError(f"{self.path} cannot be read as a .zip file: {error}") from error

    def _from_folder(self, place: PurePosixPath, most: int) -> bytes:
        with open_inside(self.path, str(place)) as file:
            return self._within(file.read(most + 1), str(place), most)

    def _from_zip(self, name: str, most: int) -> bytes:
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(name) as file:
                return self._within(file.read(most + 1), name, most)  # whatever size it announces
        except KeyError as error:
            raise WeightsError(f"there is no {name} in {self.path}") from error
        except (OSError, RuntimeError, ValueError, zipfile.BadZipFile, zipfile.LargeZipFile, EOFError) as error:
            raise WeightsError(f"{name} in {self.path} is damaged: {error}") from error

    def _within(self, content: bytes, name: str, most: int) -> bytes:
        if len(content) > most:
            raise WeightsError(f"{name} in {self.path} has more than {most:,} bytes, and is not read")
        return content
