"""The encoder of a saved network as the pretrained weights of a new one."""

import json
from pathlib import Path

from unetzoo.errors import PretrainedError, UnetzooError
from unetzoo.interop.smp_config import is_smp_config
from unetzoo.nn.contracts import Encoder
from unetzoo.weights.files import CONFIG, WEIGHTS
from unetzoo.weights.folder import load, network_folder

_SHOWN = 3


def saved_network(pretrained: object) -> Path | None:
    """The folder of the network that `pretrained` names: by itself, as a run's, or by its weights; None: none does."""
    if not isinstance(pretrained, str | Path):
        return None
    path = Path(pretrained)
    folder = network_folder(path.parent if path.name == WEIGHTS else path)
    return folder if _is_ours(folder / CONFIG) else None


def _is_ours(path: Path) -> bool:
    """Whether a configuration is of a saved network; a backbone's own folder is for its builder."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and (found.keys() >= {"encoder", "decoder"} or is_smp_config(found))


def take_encoder(encoder: Encoder, name: str, folder: Path) -> None:
    """Give an encoder the weights of the one of a saved network.

    Args:
        encoder: built with the options that it shall have.
        name: of it.
        folder: of the network.

    Raises:
        PretrainedError: the network cannot be loaded, or its encoder has other tensors.
    """
    try:
        network = load(folder)
    except UnetzooError as error:
        raise PretrainedError(f"the weights {str(folder)!r} cannot be had for {name!r}: {error}") from error
    theirs, ours = network.encoder.state_dict(), encoder.state_dict()
    missing = [key for key in ours if key not in theirs]
    different = [key for key in ours if key in theirs and theirs[key].shape != ours[key].shape]
    beyond = [key for key in theirs if key not in ours]  # such as levels that a `depth` leaves out
    is_same = _bare(network.config.encoder) == _bare(name)
    if missing or different or (beyond and not is_same):
        kinds = {"missing": missing, "of another shape": different, "unexpected": beyond}
        told = ", ".join(f"{len(keys)} {kind} ({_listed(keys)})" for kind, keys in kinds.items() if keys)
        options = f"{network.config.encoder!r}, in_channels={network.config.in_channels}"
        if network.config.encoder_options:
            options += f", encoder_options={dict(network.config.encoder_options)}"
        raise PretrainedError(f"the network in {str(folder)!r} has another encoder ({options}) than {name!r}: {told}")
    encoder.load_state_dict({key: theirs[key] for key in ours})


def _bare(name: str) -> str:
    return name.rpartition(":")[2]


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
