"""The sources of a VRT, which names other files: nothing but images on this machine is opened for it."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from unetzoo import DataError
from unetzoo.data.formats import Content
from unetzoo_geo.handles import driver_of

_LARGEST = 2**26  # bytes
_SOURCES = ("SourceFilename", "SourceDataset")


def check_sources(content: Content) -> int:
    """The bytes of all sources of a VRT.

    GDAL would follow a VRT to addresses in the network, into archives and databases, and run programs in it.

    Raises:
        DataError: it is damaged, a source is not a file of TIFF, JPEG 2000, PNG or JPEG, or it holds a program.
    """
    root = _root(content)
    if root.find(".//PixelFunctionCode") is not None:
        raise DataError(f"{content.name} holds a program, which is not run; write its result into a TIFF first")
    sources = set(_sources(root, content.file().parent))
    for source in sources:
        _check_image(source, content.name)
    return sum(Path(source).stat().st_size for source in sources)


def _root(content: Content) -> ElementTree.Element:
    if content.size > _LARGEST:
        raise DataError(f"{content.name} has {content.size:,} bytes; a VRT of up to {_LARGEST:,} is read")
    content.stream.seek(0)
    try:
        root = ElementTree.fromstring(content.stream.read())  # noqa: S314 - of expat, which bounds entities
    except ElementTree.ParseError as error:
        raise DataError(f"{content.name} cannot be read: it is no XML, {error}") from error
    if root.tag != "VRTDataset":
        raise DataError(f"{content.name} cannot be read: its content is not a VRT, but <{root.tag}>")
    return root


def _sources(root: ElementTree.Element, folder: Path) -> Iterator[Path]:
    for element in (each for tag in _SOURCES for each in root.iter(tag)):
        name = (element.text or "").strip()
        yield folder / name if element.get("relativeToVRT") == "1" else Path(name)


def _check_image(source: Path, vrt: str) -> None:
    if not source.is_file():
        raise DataError(f"{vrt} names {str(source)!r}, which is not a file on this machine")
    if not driver_of(source):
        raise DataError(f"{vrt} names {source}, which is not a TIFF, JPEG 2000, PNG or JPEG; VRTs may not be nested")
