"""The files of classes that may overlap, each in a file of its own."""

import re

from unetzoo.errors import OptionError
from unetzoo.inference.thresholds import class_names
from unetzoo.nn.config import ModelConfig

_UNSAFE = re.compile(r'[/\\:*?"<>|\x00-\x1f]+')  # in names of files


def file_names(config: ModelConfig, suffix: str) -> tuple[str, ...]:
    """The name of the file of each class, such as `cell.png`.

    Raises:
        OptionError: two classes would have one name.
    """
    names = tuple(f"{_UNSAFE.sub('-', name)}{suffix}" for name in class_names(config))
    if len({name.casefold() for name in names}) < len(names):
        raise OptionError(f"the files of classes would have the same names, {', '.join(names)}: leave per_class out")
    return names
