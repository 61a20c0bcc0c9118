"""A page of a TIFF: its palette, opacity, orientation and value for no data, and its pixels as viewers show them.

tifffile has no types, so that pages and files are `Any`.
"""

from typing import Any

import numpy as np

from unetzoo.data.formats.content import Pixels
from unetzoo.data.masks.colors import pack
from unetzoo.data.masks.forms import Marks

_ORIENTATION = 274  # the tag


def page_marks(page: Any) -> Marks:  # noqa: ANN401 - see above
    """What a page says of its pixels."""
    from tifffile import COMPRESSION

    return Marks(
        palette=_palette(page) if has_palette(page) else (),
        has_alpha=_has_alpha(page),
        is_lossy=page.compression in (COMPRESSION.JPEG, COMPRESSION.OJPEG),
        nodata=_nodata(page),
    )


def has_palette(page: Any) -> bool:  # noqa: ANN401 - see above
    """Whether the pixels are indices of colors."""
    from tifffile import PHOTOMETRIC

    return page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None


def page_nodata(page: Any) -> tuple[float, ...]:  # noqa: ANN401 - see above
    """The value for no data by the tag that GDAL writes; empty if it is missing, not a number, or NaN."""
    value = _nodata(page)
    return () if value is None or np.isnan(value) else (value,)


def page_orientation(page: Any) -> int:  # noqa: ANN401 - see above
    """How the pixels of a page are turned, see `Raster`."""
    orientation = page.tags.valueof(_ORIENTATION)
    return int(orientation) if orientation in range(1, 9) else 1


def is_shown_as_stored(page: Any) -> bool:  # noqa: ANN401 - see above
    """Whether the pixels of a page are values in place: 0 is black, no palette, nothing to turn."""
    from tifffile import PHOTOMETRIC

    is_plain = page.photometric not in (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.PALETTE)
    return is_plain and page_orientation(page) == 1


def keeps_values(file: Any) -> bool:  # noqa: ANN401 - see above
    """Whether the values of a file count in a mask even if it says that 0 is white.

    ImageJ inverts the display alone, and Python's writers say so of every array of true and false.
    """
    return bool(file.is_imagej or file.is_shaped or file.is_ome)


def as_shown(page: Any, pixels: Pixels) -> Pixels:  # noqa: ANN401 - see above
    """Pixels of which 0 is black."""
    from tifffile import PHOTOMETRIC

    is_inverted = page.photometric == PHOTOMETRIC.MINISWHITE and pixels.dtype.kind in "bu"
    return ~pixels if is_inverted else pixels


def as_colors(page: Any, pixels: Pixels) -> Pixels:  # noqa: ANN401 - see above
    """The colors of indices, (..., 3)."""
    colors: Pixels = np.moveaxis(page.colormap[:, pixels] >> 8, 0, -1).astype(np.uint8)
    return colors


def as_bytes(pixels: Pixels) -> Pixels:
    """Pixels of one bit as 0 and 255, as a PNG of one bit has them."""
    return pixels.astype(np.uint8) * np.uint8(255) if pixels.dtype.kind == "b" else pixels


def _nodata(page: Any) -> float | None:  # noqa: ANN401 - see above
    tag = page.tags.get("GDAL_NODATA")
    try:
        return float(str(tag.value).strip("\0 ")) if tag else None
    except ValueError:
        return None


def _palette(page: Any) -> tuple[int, ...]:  # noqa: ANN401 - see above
    """Of 8 or of 16 bits a channel: some writers use the low byte alone."""
    colors = page.colormap if page.colormap.max() <= 0xFF else page.colormap >> 8
    return tuple(pack(np.moveaxis(colors, 0, -1)[None].astype(np.uint8))[0].tolist())


def _has_alpha(page: Any) -> bool:  # noqa: ANN401 - see above
    """Whether the last of two or four channels is the opacity."""
    from tifffile import EXTRASAMPLE, PHOTOMETRIC

    is_named = page.extrasamples[:1] in ((EXTRASAMPLE.ASSOCALPHA,), (EXTRASAMPLE.UNASSALPHA,))
    channels = page.samplesperpixel
    return channels in (2, 4) and (is_named or (channels == 4 and page.photometric == PHOTOMETRIC.RGB))
