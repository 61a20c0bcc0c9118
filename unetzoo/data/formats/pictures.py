"""PNG, JPEG, BMP, GIF and WebP, read by Pillow."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from unetzoo._utils.extras import need
from unetzoo.data.formats.content import Content, Pixels, Role
from unetzoo.data.formats.limits import check_backed, check_memory
from unetzoo.data.formats.raster import Raster, ResultArray, full_palette
from unetzoo.data.masks.colors import pack
from unetzoo.data.masks.forms import PLAIN, Marks

_Shown = Callable[[Image.Image], Image.Image]

_ORIENTATION = 274  # the tag of EXIF
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER = 26  # bytes, up to depth and kind of color
_CHANNELS = {2: 3, 4: 2, 6: 4}  # of a PNG by its kind of color
_PLAIN = {"1": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LA": "L", "La": "L"}

_SCALES = {"L;2": 85, "L;4": 17}  # of pixels of 2 and 4 bits, as Pillow shows them
_WIDE = {"I": 4, "F": 4, "I;16": 2, "I;16B": 2}  # bytes of a pixel
_PACKED = {"1": 8, "P;1": 8, "P;2": 4, "L;2": 4, "P;4": 2, "L;4": 2}  # pixels in a byte
_LOSSY = ("JPEG", "MPO")
_WEBP_KIND = 12  # the byte at which it begins
_MASK_MODES = {"1": "L", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}
_READ_AS_STORED = ("P", "L", "LA", "RGB", "RGBA", "I", "F")


@dataclass(frozen=True)
class _Stored:
    """How the pixels of a picture are stored, and what decodes them, (h, w, c)."""

    channels: int
    dtype: np.dtype[Any]
    marks: Marks
    decode: Callable[[], Pixels]


@contextmanager
def open_picture(content: Content) -> Iterator[Raster]:
    """A picture, an image without palette and alpha.

    Raises:
        DataError: it announces more than it can hold, or than the memory can.
        MissingExtraError: a PNG of 16 bits and several channels needs imagecodecs.
    """
    with opened(content) as picture:
        width, height = picture.size
        stored = _deep(content) or _shallow(picture, content.role)
        pixels = cache(stored.decode)
        yield Raster(
            shape=(height, width, stored.channels),
            dtype=stored.dtype,
            read=lambda window: pixels()[window],
            orientation=_orientation_of(picture),
            marks=stored.marks,
        )


def write_png(path: Path, result: ResultArray) -> None:
    """Write a result of one channel, or of colors, as PNG."""
    picture = Image.fromarray(np.concatenate([block for _, block in result.blocks()]))
    if result.palette is not None:
        picture.putpalette(full_palette(result.palette).tobytes())  # the mode becomes P
    picture.save(path, format="PNG")


def write_example(ending: str, folder: Path) -> Path:
    """Write a small picture, the example of its format."""
    rows, columns = np.mgrid[:40, :30]
    path = folder / f"example{ending}"
    Image.fromarray((5 * rows + columns).astype(np.uint8)).save(path)
    return path


def opened(content: Content) -> Image.Image:
    """Open a picture by its content; what its pixels need is checked before any is decoded.

    Each format's own class is called, not `PIL.Image.open`: that tries all formats that Pillow knows, among them
    PostScript, for which it runs another program; and it takes a picture of more than 179 million pixels for an attack.
    """
    content.stream.seek(0)
    signature = content.stream.read(8)
    content.stream.seek(0)
    classes: dict[bytes, Callable[[IO[bytes]], Image.Image]] = {
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


def _check_size(picture: Image.Image, content: Content) -> None:
    width, height = picture.size
    bytes_of_pixel = _WIDE.get(picture.mode, len(picture.getbands()))
    announced = width * height * bytes_of_pixel
    check_backed(content.name, announced // _PACKED.get(_raw_mode(picture), 1), content.size)
    check_memory(content.name, 2 * announced)  # Pillow's and NumPy's


def _orientation_of(picture: Image.Image) -> int:
    """How a picture is turned, see `Raster`; its pixels are not decoded."""
    orientation = Image.Image.getexif(picture).get(_ORIENTATION, 1)  # that of a PNG's own class decodes its pixels
    return orientation if orientation in range(1, 9) else 1


def _deep(content: Content) -> _Stored | None:
    """A PNG of 16 bits and more channels than one, of which Pillow keeps 8 bits; None: another picture."""
    content.stream.seek(0)
    header = content.stream.read(_PNG_HEADER)
    channels = _CHANNELS.get(header[25], 0) if header[:8] == _PNG and header[24:25] == b"\x10" else 0
    if not channels:
        return None
    has_alpha = channels in (2, 4)
    if content.role == "image":
        channels -= has_alpha
    marks = Marks(has_alpha=has_alpha and content.role == "mask")
    return _Stored(channels, np.dtype(np.uint16), marks, partial(_decode_deep, content, channels))


def _shallow(picture: Image.Image, role: Role) -> _Stored:
    scale, shown, marks = _how_shown(picture, role)
    sample = _decode(Image.new(picture.mode, (1, 1)), shown, scale)
    return _Stored(sample.shape[2], sample.dtype, marks, partial(_decode, picture, shown, scale))


def _decode_deep(content: Content, channels: int) -> Pixels:
    need("images", f"reading {content.name}, a PNG of 16 bits and several channels,", "imagecodecs")
    from imagecodecs import png_decode

    content.stream.seek(0)
    pixels: Pixels = png_decode(content.stream.read())
    return pixels[..., :channels]


def _decode(picture: Image.Image, shown: _Shown, scale: int) -> Pixels:
    pixels = np.asarray(shown(picture))
    pixels = pixels // scale if scale > 1 else pixels
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _how_shown(picture: Image.Image, role: Role) -> tuple[int, _Shown, Marks]:
    """The scale of stored values, how a picture is converted, and what it says of itself; it is not decoded."""
    if role == "image":
        return 1, partial(_without_palette, is_transparent="transparency" in picture.info), PLAIN
    scale, is_lossy = _SCALES.get(_raw_mode(picture), 1), _is_lossy(picture)
    if picture.mode == "P":
        return 1, lambda stored: stored, Marks(palette=_palette(picture), is_lossy=is_lossy)
    is_stored = picture.mode in _READ_AS_STORED or picture.mode.startswith("I;")
    mode = picture.mode if is_stored else _MASK_MODES.get(picture.mode, "RGB")
    marks = Marks(scale=scale, has_alpha=mode in ("LA", "RGBA"), is_lossy=is_lossy)
    return scale, lambda stored: stored if is_stored else stored.convert(mode), marks


def _without_palette(picture: Image.Image, *, is_transparent: bool) -> Image.Image:
    """A picture without palette and alpha."""
    if picture.mode == "P" and is_transparent:
        picture = picture.convert("RGBA")
    return picture.convert(_PLAIN[picture.mode]) if picture.mode in _PLAIN else picture


def _raw_mode(picture: Image.Image) -> str:
    """How the pixels of a picture that is not yet decoded are stored."""
    tile = next(iter(getattr(picture, "tile", ())), None)
    args = tile[3] if tile else ""
    return args if isinstance(args, str) else ""


def _is_lossy(picture: Image.Image) -> bool:
    """Whether the format blurs: JPEG, and WebP unless it is of its other kind."""
    file = getattr(picture, "fp", None)
    if picture.format != "WEBP" or file is None:
        return picture.format in _LOSSY
    place = file.tell()
    file.seek(_WEBP_KIND)
    kind = file.read(4)
    file.seek(place)
    return bool(kind == b"VP8 ")


def _palette(picture: Image.Image) -> tuple[int, ...]:
    """The colors of a palette; indices in `info` are transparent."""
    colors = np.array(picture.getpalette("RGBA"), np.uint8).reshape(1, -1, 4).copy()
    opacity = picture.info.get("transparency")
    if isinstance(opacity, int) and opacity < colors.shape[1]:
        colors[0, opacity, 3] = 0
    elif isinstance(opacity, bytes):
        count = min(len(opacity), colors.shape[1])
        colors[0, :count, 3] = np.frombuffer(opacity[:count], np.uint8)
    return tuple(pack(colors)[0].tolist())
