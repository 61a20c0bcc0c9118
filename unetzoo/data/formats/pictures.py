"""PNG, JPEG, BMP, GIF and WebP, read by Pillow."""

from typing import IO, TYPE_CHECKING

import numpy as np

from unetzoo._utils.extras import need
from unetzoo.data.formats.content import Content, Pixels, Raster, Role
from unetzoo.data.formats.limits import check_backed, check_memory
from unetzoo.data.masks.marks import PLAIN, Marks, picture_mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

_ORIENTATION = 274  # the tag of EXIF
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER = 26  # bytes, up to depth and kind of color
_PLAIN = {"1": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LA": "L", "La": "L"}

SIGNATURES = (_PNG, b"\xff\xd8\xff", b"BM", b"GIF87a", b"GIF89a", b"RIFF")


def read_picture(content: Content, role: Role) -> Raster:
    """The pixels of a picture, of an image without palette and alpha.

    Raises:
        DataError: it announces more than it can hold, or than the memory can.
        MissingExtraError: a PNG of 16 bits and several channels needs imagecodecs.
    """
    with open_picture(content) as picture:
        orientation = orientation_of(picture)
        if _is_deep_color(content):
            pixels, marks = _read_deep_color(content, role)
        elif role == "mask":
            pixels, marks = picture_mask(picture)
        else:
            pixels, marks = np.asarray(picture_pixels(picture)), PLAIN
        return Raster(pixels, orientation, marks)


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


def orientation_of(picture: "Image") -> int:
    """How a picture is to be turned, see `Raster`; its pixels are not decoded."""
    from PIL.Image import Image

    found = Image.getexif(picture).get(_ORIENTATION, 1)  # that of a PNG's own class decodes its pixels
    return found if found in range(1, 9) else 1


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


def picture_pixels(picture: "Image") -> "Image":
    """A picture without palette and alpha."""
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    return picture.convert(_PLAIN[picture.mode]) if picture.mode in _PLAIN else picture
