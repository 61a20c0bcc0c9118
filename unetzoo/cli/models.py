"""The network that a command takes: a folder, or a name on the Hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unetzoo.inference.forward import Network
    from unetzoo.nn.segmenter import Segmenter

_FILES = (".json", ".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".onnx")
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Folder that unetzoo train, deploy or unetzoo.save wrote, or USER/NAME on the Hub",
        show_default=False,
    ),
]


More = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="MODEL",
        help="Average the probabilities of MODEL and of this network; may be repeated",
    ),
]


def load_models(name: str, more: "Sequence[str] | None") -> "Network":
    """The network of a command, by its engine if it is deployed, or all of an ensemble: `--with`, a folder of folds.

    Raises:
        OptionError: as `load_model` and `unetzoo.load_ensemble`.
    """
    from unetzoo.inference.engines.deployed import is_deployed, load_deployed
    from unetzoo.nn.ensemble import Ensemble
    from unetzoo.weights.ensemble import load_all

    if is_deployed(name) and not more:
        return load_deployed(name)

    for each, label in ((name, "MODEL"), *((other, "--with") for other in more or ())):
        _refuse_file(each, label)
    networks = load_all([name, *(more or ())])
    return networks[0] if len(networks) == 1 else Ensemble(networks)


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

    _refuse_file(name, label)
    return load_named(name)


def network_line(model: "Segmenter") -> str:
    """A network in a line."""
    config = model.config
    return f"{config.decoder} with {config.encoder}, {config.in_channels} channels to {config.classes} classes"


def network_facts(model: "Segmenter") -> dict[str, Any]:
    """The same as plain data for JSON, and the number of parameters."""
    names = ("decoder", "encoder", "in_channels", "classes")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {**{name: getattr(model.config, name) for name in names}, "parameters": parameters}


def _refuse_file(name: str, label: str) -> None:
    path = Path(name)
    if path.is_file() or (path.suffix in _FILES and not path.exists()):
        raise OptionError(f"{label} is the folder of a network, such as {path.parent}, not a file; got {name}")
