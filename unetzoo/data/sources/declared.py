"""What the masks of a folder mean, by the file masks.json in it: the options classes and masks.

{"classes": {"background": 0, "cell": 1}, "masks": "auto"}
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from unetzoo.data.masks.options import MaskOptions
from unetzoo.errors import DataError, OptionError, describe_error

NAME = "masks.json"
_KEYS = ("classes", "masks")


def read_declared(folder: Path) -> MaskOptions | None:
    """The options that a folder declares; None without such a file.

    Raises:
        DataError: it cannot be read, or holds anything else.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        return _options(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, TypeError, OptionError) as error:
        raise DataError(f"{path} cannot be used: {describe_error(error)}") from error


def _options(values: object) -> MaskOptions:
    if not isinstance(values, Mapping) or not {*values} <= {*_KEYS}:
        raise OptionError(f"it must be a JSON object of {' and '.join(_KEYS)}")
    options = MaskOptions(**values)
    _ = options.named, options.names  # the check
    return options


def write_declared(folder: Path, options: MaskOptions) -> None:
    """Declare what masks mean in a folder that is being written."""
    text = json.dumps({"classes": options.classes, "masks": options.masks}, indent=2)
    (folder / NAME).write_text(f"{text}\n", encoding="utf-8")


def with_declared(options: MaskOptions, declared: MaskOptions | None) -> MaskOptions:
    """What the user says of masks, or else what their folder declares."""
    is_said = options.classes is not None or options.masks == "instances" or options.threshold is not None
    if declared is None:
        return options
    masks = declared.masks if options.masks == "auto" and not is_said else options.masks
    classes = options.classes if is_said else declared.classes
    return replace(options, masks=masks, classes=classes, ignore=options.ignore or declared.ignore)
