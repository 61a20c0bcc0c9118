"""The network that a command takes: a folder, or a name on the Hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from unetzoo.nn.segmenter import Segmenter

_FILES = (".json", ".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".onnx")
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Folder that unetzoo train or unetzoo.save wrote, or USER/NAME on the Hub",
        show_default=False,
    ),
]


def load_model(name: str, label: str = "MODEL") -> "Segmenter":
    """The network in a folder (the best one of a run) or, where there is none, with that name on the Hub.

    Args:
        name: folder or name.
        label: of the argument or flag, for errors.

    Raises:
        OptionError: the name is that of a file.
        ConfigError, WeightsError, HubError: as `unetzoo.load` and `unetzoo.pull`.
    """
    from unetzoo.weights.named import load_named

    path = Path(name)
    if path.is_file() or (path.suffix in _FILES and not path.exists()):
        raise OptionError(f"{label} is the folder of a network, such as {path.parent}, not a file; got {name}")
    return load_named(name)
