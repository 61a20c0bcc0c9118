"""The network that a command is given: a folder, or a name on the Hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from unetzoo.nn.segmenter import Segmenter

ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="a folder that unetzoo train or unetzoo.save wrote, or USER/NAME", show_default=False
    ),
]


def load_model(name: str) -> "Segmenter":
    """The network in a folder (of a run: its best one) or, where there is none, of that name on the Hub.

    Raises:
        ConfigError, WeightsError, HubError: as `unetzoo.load` and `unetzoo.pull`.
    """
    from unetzoo.weights.folder import load
    from unetzoo.weights.hub import pull

    return load(name) if Path(name).exists() or name.count("/") != 1 else pull(name)
