"""What the file of a mask says of its pixels, beyond their numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.masks.colors import pack

if TYPE_CHECKING:
    from PIL.Image import Image

_SCALES = {"L;2": 85, "L;4": 17}  # of pixels of 2 and 4 bits, as Pillow shows them
_LOSSY_PICTURES = ("JPEG", "MPO")
_WEBP_KIND = 12  # the byte at which it begins
_PLAIN = {"1": "L", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}
_READ_AS_STORED = ("P", "L", "LA", "RGB", "RGBA", "I", "F")


@dataclass(frozen=True)
class Marks:
    """What the file of a mask says of its pixels.

    Attributes:
        palette: the color of each index, as `unetzoo.data.masks.colors.pack` writes it; empty: pixels are no indices.
        scale: how bright a pixel of the value 1 is shown; 85 for 2 bits a pixel.
        has_alpha: the last channel is the opacity.
        is_lossy: the format blurs, as JPEG does.
        nodata: the value that the file says is none.
    """

    palette: tuple[int, ...] = ()
    scale: int = 1
    has_alpha: bool = False
    is_lossy: bool = False
    nodata: float | None = None


PLAIN = Marks()


def picture_mask(picture: "Image") -> tuple[NDArray[Any], Marks]:
    """The pixels of a picture as they are stored: indices of a palette, numbers of few bits, colors with opacity."""
    scale = _SCALES.get(_raw_mode(picture), 1)
    is_lossy = _is_lossy(picture)
    if picture.mode == "P":
        return np.asarray(picture), Marks(palette=_palette(picture), is_lossy=is_lossy)
    stored = picture.mode in _READ_AS_STORED or picture.mode.startswith("I;")
    shown = picture if stored else picture.convert(_PLAIN.get(picture.mode, "RGB"))
    pixels = np.asarray(shown)
    has_alpha = shown.mode in ("LA", "RGBA")
    return pixels // scale if scale > 1 else pixels, Marks(scale=scale, has_alpha=has_alpha, is_lossy=is_lossy)


def _raw_mode(picture: "Image") -> str:
    """How the pixels of a picture that is not yet decoded are stored."""
    tile = next(iter(getattr(picture, "tile", ())), None)
    args = tile[3] if tile else ""
    return args if isinstance(args, str) else ""


def _is_lossy(picture: "Image") -> bool:
    """Whether the format blurs: JPEG, and WebP unless it is of its other kind."""
    file = getattr(picture, "fp", None)
    if picture.format != "WEBP" or file is None:
        return picture.format in _LOSSY_PICTURES
    place = file.tell()
    file.seek(_WEBP_KIND)
    kind = file.read(4)
    file.seek(place)
    return bool(kind == b"VP8 ")


def _palette(picture: "Image") -> tuple[int, ...]:
    """The colors of a palette; indices in `info` are transparent."""
    colors = np.array(picture.getpalette("RGBA"), np.uint8).reshape(1, -1, 4).copy()
    opacity = picture.info.get("transparency")
    if isinstance(opacity, int) and opacity < colors.shape[1]:
        colors[0, opacity, 3] = 0
    elif isinstance(opacity, bytes):
        count = min(len(opacity), colors.shape[1])
        colors[0, :count, 3] = np.frombuffer(opacity[:count], np.uint8)
    return tuple(pack(colors)[0].tolist())


def page_marks(page: Any) -> Marks:  # noqa: ANN401 - of tifffile, which has no types
    """What a page of a TIFF says of its pixels."""
    from tifffile import COMPRESSION, PHOTOMETRIC

    has_palette = page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None
    return Marks(
        palette=_page_palette(page) if has_palette else (),
        has_alpha=_has_alpha(page),
        is_lossy=page.compression in (COMPRESSION.JPEG, COMPRESSION.OJPEG),
        nodata=nodata_of(page),
    )


def keeps_values(file: Any) -> bool:  # noqa: ANN401 - as above
    """Whether the values of a TIFF count in a mask even where it says that 0 is white.

    ImageJ inverts the display alone, and Python's writers say so of each array of true and false.
    """
    return bool(file.is_imagej or file.is_shaped or file.is_ome)


def _page_palette(page: Any) -> tuple[int, ...]:  # noqa: ANN401 - as above
    """Of 8 or of 16 bits a channel: some writers use the low byte alone."""
    colors = page.colormap if page.colormap.max() <= 0xFF else page.colormap >> 8
    return tuple(pack(np.moveaxis(colors, 0, -1)[None].astype(np.uint8))[0].tolist())


def _has_alpha(page: Any) -> bool:  # noqa: ANN401 - as above
    """Whether the last of two or four channels is the opacity."""
    from tifffile import EXTRASAMPLE, PHOTOMETRIC

    named = page.extrasamples[:1] in ((EXTRASAMPLE.ASSOCALPHA,), (EXTRASAMPLE.UNASSALPHA,))
    channels = page.samplesperpixel
    return channels in (2, 4) and (named or (channels == 4 and page.photometric == PHOTOMETRIC.RGB))


def nodata_of(page: Any) -> float | None:  # noqa: ANN401 - as above
    """The value that stands for no data by GDAL's tag, a text; None where there is no such number."""
    tag = page.tags.get("GDAL_NODATA")
    try:
        return float(str(tag.value).strip("\0 ")) if tag else None
    except ValueError:
        return None
