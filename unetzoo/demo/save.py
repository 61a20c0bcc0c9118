"""Write the demo's picture: checked before the work, and never half-written."""

import os
from pathlib import Path
from tempfile import TemporaryFile

from PIL import Image

from unetzoo.errors import OptionError

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def check_target(path: Path) -> None:
    """Ask, before the work is done, whether a picture can be written there.

    Raises:
        OptionError: for a suffix of no known format, a folder that does not exist or cannot be written to, or a path
            that is a folder.
    """
    if path.suffix.lower() not in _FORMATS:
        raise OptionError(f"the picture is written as {', '.join(_FORMATS)}; got {path.name!r}")
    if not path.parent.is_dir():
        raise OptionError(f"there is no folder {str(path.parent)!r} for the picture {path.name!r}")
    if path.is_dir():
        raise OptionError(f"{str(path)!r} is a folder; the picture needs the name of a file")
    try:
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OptionError(f"cannot write into the folder {str(path.parent)!r}: {error.strerror}") from error


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture, in place of a file that is already there; its suffix says the format.

    Raises:
        OptionError: as `check_target`, or when the file cannot be written; what was there before is then still there.
    """
    check_target(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        picture.save(unfinished, format=_FORMATS[path.suffix.lower()])
        unfinished.replace(path)
    except OSError as error:
        raise OptionError(f"cannot write the picture {str(path)!r}: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
