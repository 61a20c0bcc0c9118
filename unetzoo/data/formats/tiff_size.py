"""The size of pixels and the names of channels, as microscopes and GDAL write them into a TIFF."""

import math
import re
from html import unescape
from typing import Any
from xml.etree import ElementTree

from unetzoo._utils.units import length_unit, meters_of
from unetzoo.data.formats.grid import Axis

_LONGEST_XML = 2**24  # letters
_OF_PRINTS = 1e-5  # meters: coarser pixels per inch or centimeter are for printing, and say nothing of the object
_PRINTED = ("inch", "cm")
_UNITS = {2: 0.0254, 3: 0.01}  # meters of the units of tag 296
_MPP = re.compile(r"\|\s*MPP\s*=\s*([\d.]+)")

Steps = tuple[Axis, ...]


def pixel_axes(file: Any, series: Any) -> Steps:  # noqa: ANN401 - of tifffile, which has no types
    """The axes (y, x) with the size of a pixel, of slices (z, y, x) if their distance is stated; empty: not stated."""
    page = series.keyframe
    has_slices = dict(zip(series.axes, series.shape, strict=True)).get("Z", 1) > 1
    if file.is_ome:
        return _of_ome(_ome_pixels(file, series), "ZYX" if has_slices else "YX")
    if file.is_imagej:
        metadata = file.imagej_metadata or {}
        unit = length_unit(str(metadata.get("unit", "")))
        in_plane = _of_imagej(page, unit)
        spacing = abs(_number(str(metadata.get("spacing", ""))))  # negative ones turn ImageJ's view of the stack
        return _with_slices(spacing if has_slices else math.nan, unit, in_plane)
    if file.is_svs and (match := _MPP.search(page.description)):
        side = _number(match[1])
        return _axes(side, side, "um")
    meters = _UNITS.get(int(page.tags.valueof(296, 2)))
    along_y, along_x = _per_unit(page, meters or 1.0)
    if meters is None or not 0 < max(along_y, along_x) <= _OF_PRINTS:
        return ()
    return _axes(along_y * 1e6, along_x * 1e6, "um")


def _of_imagej(page: Any, unit: str) -> Steps:  # noqa: ANN401 - see above
    """The size by ImageJ, which takes the resolution of prints for a scale in the units of TIFF."""
    along_y, along_x = _per_unit(page, 1.0)
    is_of_prints = unit in _PRINTED and not max(along_y, along_x) * (meters_of(unit) or math.nan) <= _OF_PRINTS
    return () if is_of_prints else _axes(along_y, along_x, unit)


def channel_names(file: Any, series: Any) -> tuple[str, ...]:  # noqa: ANN401 - see above
    """The names of channels; empty: none has one."""
    sizes = [length for axis, length in zip(series.axes, series.shape, strict=True) if axis not in "YX"]
    channels = math.prod(sizes)
    if file.is_ome:
        pixels = _ome_pixels(file, series)
        names = [each.get("Name", "") for each in pixels.iterfind("{*}Channel")] if pixels is not None else []
    else:
        names = _of_gdal(series.keyframe, channels)
    return tuple(names) if len(names) == channels and any(names) else ()


def _of_gdal(page: Any, channels: int) -> list[str]:  # noqa: ANN401 - see above
    """The descriptions of bands in tag 42112."""
    root = _xml(str(page.tags.valueof(42112, "")))
    names = [""] * channels
    for item in root.iterfind("Item") if root is not None else ():
        sample = item.get("sample", "")
        if item.get("role") == "description" and sample.isdecimal() and int(sample) < channels:
            names[int(sample)] = unescape(item.text or "").strip()  # GDAL escapes twice
    return names


def _of_ome(pixels: ElementTree.Element | None, axes: str) -> Steps:
    if pixels is None:
        return ()
    sizes = []
    for axis in axes:
        unit = meters_of(length_unit(pixels.get(f"PhysicalSize{axis}Unit", "µm")))
        sizes.append(_number(pixels.get(f"PhysicalSize{axis}", "")) * (unit or math.nan) * 1e6)
    *spacing, along_y, along_x = sizes
    return _with_slices(spacing[0] if spacing else math.nan, "um", _axes(along_y, along_x, "um"))


def _with_slices(spacing: float, unit: str, in_plane: Steps) -> Steps:
    """The axes (z, y, x), or without z unless its step is known."""
    is_known = bool(in_plane) and math.isfinite(spacing) and spacing > 0
    return (Axis("z", spacing, unit), *in_plane) if is_known else in_plane


def _ome_pixels(file: Any, series: Any) -> ElementTree.Element | None:  # noqa: ANN401 - see above
    """The element Pixels of the image of a series."""
    root = _xml(file.ome_metadata or "")
    images = root.findall("{*}Image/{*}Pixels") if root is not None else []
    sizes = dict(zip(series.axes, series.shape, strict=True))
    size = (str(sizes.get("X")), str(sizes.get("Y")))
    return next((each for each in images if (each.get("SizeX"), each.get("SizeY")) == size), None)


def _per_unit(page: Any, unit: float) -> tuple[float, float]:  # noqa: ANN401 - see above
    """The length of a pixel along y and x by the tags of the resolution; NaN: not stated."""
    return tuple(unit / _ratio(page.tags.valueof(code)) for code in (283, 282))  # type: ignore[return-value] # two


def _axes(along_y: float, along_x: float, unit: str) -> Steps:
    is_known = unit and all(math.isfinite(step) and step > 0 for step in (along_y, along_x))
    return (Axis("y", along_y, unit), Axis("x", along_x, unit)) if is_known else ()


def _ratio(value: object) -> float:
    match value:
        case (int(numerator), int(denominator)) if denominator > 0 and numerator > 0:
            return numerator / denominator
    return math.nan


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _xml(text: str) -> ElementTree.Element | None:
    """The root of a text that declares no entities; None: it is none, or too long."""
    if not text or len(text) > _LONGEST_XML or "<!" in text.replace("<!--", ""):
        return None
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - without a declaration, nothing can be expanded
    except (ElementTree.ParseError, ValueError):
        return None
