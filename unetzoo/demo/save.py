"""Write the demo's picture: checked before the work, and never half-written."""

from pathlib import Path

from PIL import Image

from unetzoo._utils.atomic import check_place, whole_file
from unetzoo.errors import OptionError

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def check_target(path: Path) -> None:
    """Ask, before the work is done, whether a picture can be written there.

    Raises:
        OptionError: for a suffix of no known format.
        WriteError: it cannot be written there.
    """
    if path.suffix.lower() not in _FORMATS:
        raise OptionError(f"the picture is written as {', '.join(_FORMATS)}; got {path.name!r}")
    check_place(path)


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture, in place of a file that is already there; its suffix says the format.

    Raises:
        OptionError, WriteError: as `check_target`; what was there before is then still there.
    """
    check_target(path)
    with whole_file(path) as draft:
        picture.save(draft, format=_FORMATS[path.suffix.lower()])
