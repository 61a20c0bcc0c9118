"""The size of pixels and the names of channels in the XML of CZI."""

import math
from xml.etree import ElementTree

from unetzoo import Grid
from unetzoo.data.formats import Axis

_LONGEST = 2**26  # letters
_MICROMETERS = 1e6  # of a meter, in which distances are stated


def czi_grid(xml: str, dimensions: int, channels: int) -> Grid:
    """The grid of an image, as far as its metadata state it.

    Args:
        xml: the metadata; one that declares entities is passed over.
        dimensions: 2 of an image, 3 of a volume.
        channels: of the image.
    """
    root = _root(xml)
    if root is None:
        return Grid()
    distances = {
        each.get("Id"): _number(each.findtext("Value", "")) for each in root.iterfind(".//Scaling/Items/Distance")
    }
    steps = [distances.get(axis, math.nan) * _MICROMETERS for axis in "ZYX"[-dimensions:]]
    is_known = all(math.isfinite(step) and step > 0 for step in steps)
    axes = tuple(Axis(name, step, "um") for name, step in zip("zyx"[-dimensions:], steps, strict=True))
    names = [each.get("Name", "") for each in root.iterfind(".//Image/Dimensions/Channels/Channel")]
    return Grid(axes=axes if is_known else (), bands=tuple(names) if len(names) == channels and all(names) else ())


def _root(xml: str) -> ElementTree.Element | None:
    if not xml or len(xml) > _LONGEST or "<!" in xml.replace("<!--", ""):
        return None
    try:
        return ElementTree.fromstring(xml)  # noqa: S314 - without a declaration, nothing can be expanded
    except (ElementTree.ParseError, ValueError):
        return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
