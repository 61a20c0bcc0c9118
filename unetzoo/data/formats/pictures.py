"""PNG, JPEG, BMP, GIF and WebP, read by Pillow."""

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.extras import need
from unetzoo.data.formats.content import Content, Glance, Known, Pixels, Raster, Role
from unetzoo.data.formats.limits import check_backed, check_memory
from unetzoo.data.formats.windows import Rows, full_palette
from unetzoo.data.masks.colors import pack
from unetzoo.data.masks.forms import PLAIN, Marks

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

_ORIENTATION = 274  # the tag of EXIF
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER = 26  # bytes, up to depth and kind of color
_PLAIN = {"1": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LA": "L", "La": "L"}

_SCALES = {"L;2": 85, "L;4": 17}  # of pixels of 2 and 4 bits, as Pillow shows them
_LOSSY = ("JPEG", "MPO")
_WEBP_KIND = 12  # the byte at which it begins
_MASK_MODES = {"1": "L", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}
_READ_AS_STORED = ("P", "L", "LA", "RGB", "RGBA", "I", "F")


def read_picture(content: Content, role: Role, _: Known) -> Raster:
    """The pixels of a picture, of an image without palette and alpha.

    Raises:
        DataError: it announces more than it can hold, or than the memory can.
        MissingExtraError: a PNG of 16 bits and several channels needs imagecodecs.
    """
    with open_picture(content) as picture:
        orientation = _orientation_of(picture)
        if _is_deep_color(content):
            pixels, marks = _read_deep_color(content, role)
        elif role == "mask":
            pixels, marks = _mask(picture)
        else:
            pixels, marks = np.asarray(_image(picture)), PLAIN
        return Raster(pixels, orientation, marks)


def glance_picture(content: Content) -> Glance:
    """Size and orientation; the pixels are not decoded."""
    with open_picture(content) as picture:
        return Glance(picture.size[::-1], _orientation_of(picture))


def write_png(rows: Rows, path: Path) -> None:
    """Write rows of one channel, or of colors, as PNG."""
    from PIL import Image

    picture = Image.fromarray(np.concatenate([block for _, block in rows.blocks()]))
    if rows.palette is not None:
        picture.putpalette(full_palette(rows.palette).tobytes())  # the mode becomes P
    picture.save(path, format="PNG")


def open_picture(content: Content) -> "Image":
    """Open a picture by its content; what its pixels need is checked before any is decoded.

    Each format's own class is called, not `PIL.Image.open`: that tries all formats that Pillow knows, among them
    PostScript, for which it runs another program; and it takes a picture of more than 179 million pixels for an attack.
    """
    from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    content.stream.seek(0)
    signature = content.stream.read(8)
    content.stream.seek(0)
    classes: dict[bytes, Callable[[IO[bytes]], Image]] = {
        b"\x89PNG": PngImagePlugin.PngImageFile,
        b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
        b"BM": BmpImagePlugin.BmpImageFile,
        b"GIF8": GifImagePlugin.GifImageFile,
        b"RIFF": WebPImagePlugin.WebPImageFile,
    }
    chosen = next(chosen for beginning, chosen in classes.items() if signature.startswith(beginning))
    picture = chosen(content.stream)
    _check_size(picture, content)
    return picture


def _check_size(picture: "Image", content: Content) -> None:
    width, height = picture.size
    bytes_of_pixel = {"I": 4, "F": 4}.get(picture.mode[:1], len(picture.getbands()))
    announced = width * height * bytes_of_pixel
    check_backed(content.name, announced, content.size)
    check_memory(content.name, 2 * announced)  # Pillow's and NumPy's


def _orientation_of(picture: "Image") -> int:
    """How a picture is turned, see `Raster`; its pixels are not decoded."""
    from PIL.Image import Image

    orientation = Image.getexif(picture).get(_ORIENTATION, 1)  # that of a PNG's own class decodes its pixels
    return orientation if orientation in range(1, 9) else 1


def _is_deep_color(content: Content) -> bool:
    """Whether it is a PNG of 16 bits and more channels than one, of which Pillow keeps 8 bits."""
    content.stream.seek(0)
    header = content.stream.read(_PNG_HEADER)
    signature, depth, color = header[:8], header[24:25], header[25:26]
    return signature == _PNG and depth == b"\x10" and color != b"\x00"


def _read_deep_color(content: Content, role: Role) -> tuple[Pixels, Marks]:
    need("images", f"reading {content.name}, a PNG of 16 bits and several channels,", "imagecodecs")
    from imagecodecs import png_decode

    content.stream.seek(0)
    pixels: Pixels = png_decode(content.stream.read())
    has_alpha = pixels.shape[2] in (2, 4)
    return (pixels[..., :-1], PLAIN) if has_alpha and role == "image" else (pixels, Marks(has_alpha=has_alpha))


def _image(picture: "Image") -> "Image":
    """A picture without palette and alpha."""
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    return picture.convert(_PLAIN[picture.mode]) if picture.mode in _PLAIN else picture


def _mask(picture: "Image") -> tuple[NDArray[Any], Marks]:
    """The pixels of a picture as they are stored: indices of a palette, numbers of few bits, colors with opacity."""
    scale = _SCALES.get(_raw_mode(picture), 1)
    is_lossy = _is_lossy(picture)
    if picture.mode == "P":
        return np.asarray(picture), Marks(palette=_palette(picture), is_lossy=is_lossy)
    stored = picture.mode in _READ_AS_STORED or picture.mode.startswith("I;")
    shown = picture if stored else picture.convert(_MASK_MODES.get(picture.mode, "RGB"))
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
        return picture.format in _LOSSY
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
