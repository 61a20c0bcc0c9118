"""Use the encoder of a saved network as pretrained weights."""

import json
from pathlib import Path

from unetzoo.errors import PretrainedError, UnetzooError
from unetzoo.interop.smp_config import is_smp_config
from unetzoo.nn.contracts import Encoder
from unetzoo.weights.files import CONFIG, WEIGHTS
from unetzoo.weights.folder import load, network_folder

_SHOWN = 3


def saved_network(pretrained: object) -> Path | None:
    """The folder of a saved network, if `pretrained` names it, its run or its weights; None otherwise."""
    if not isinstance(pretrained, str | Path):
        return None
    path = Path(pretrained)
    folder = network_folder(path.parent if path.name == WEIGHTS else path)
    return folder if _is_ours(folder / CONFIG) else None


def _is_ours(path: Path) -> bool:
    """Whether a file is the configuration of a saved network, not of a backbone, which its builder reads."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(data, dict) and (data.keys() >= {"encoder", "decoder"} or is_smp_config(data))


def take_encoder(encoder: Encoder, name: str, folder: Path) -> None:
    """Load the encoder's weights of a saved network into an encoder.

    Args:
        encoder: with any options that suit the weights.
        name: its name.
        folder: folder of the network.

    Raises:
        PretrainedError: the network cannot be loaded, or its encoder has other tensors.
    """
    try:
        network = load(folder)
    except UnetzooError as error:
        raise PretrainedError(f"the weights {str(folder)!r} cannot be loaded for {name!r}: {error}") from error
    theirs, ours = network.encoder.state_dict(), encoder.state_dict()
    missing = [key for key in ours if key not in theirs]
    different = [key for key in ours if key in theirs and theirs[key].shape != ours[key].shape]
    beyond = [key for key in theirs if key not in ours]  # such as levels that a `depth` leaves out
    is_same = _bare(network.config.encoder) == _bare(name)
    if missing or different or (beyond and not is_same):
        kinds = {"missing": missing, "of another shape": different, "unexpected": beyond}
        differences = ", ".join(f"{len(keys)} {kind} ({_listed(keys)})" for kind, keys in kinds.items() if keys)
        options = f"{network.config.encoder!r}, in_channels={network.config.in_channels}"
        if network.config.encoder_options:
            options += f", encoder_options={dict(network.config.encoder_options)}"
        raise PretrainedError(
            f"the network in {str(folder)!r} has another encoder ({options}) than {name!r}: {differences}"
        )
    encoder.load_state_dict({key: theirs[key] for key in ours})


def _bare(name: str) -> str:
    return name.rpartition(":")[2]


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
