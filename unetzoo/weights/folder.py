"""Save a network in a folder, and load it: config.json, safetensors, a model card."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from unetzoo.errors import (
    ConfigError,
    OptionError,
    UnetzooError,
    UnknownNameError,
    WeightsError,
    describe_error,
)
from unetzoo.interop.smp_config import config_of_smp, is_smp_config, tensors_of_smp
from unetzoo.layers.axes import AXES
from unetzoo.layers.order import set_order
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.info import ModelInfo
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.weights.build import build_empty, fill, shared_names
from unetzoo.weights.card import card_of
from unetzoo.weights.confined import open_inside
from unetzoo.weights.files import (
    CARD,
    CONFIG,
    INDEX,
    LARGEST_CONFIG,
    MOST_FILES,
    PICTURE,
    opened,
    read_config,
    read_weights,
)
from unetzoo.weights.rebuilt import bare_state, check_rebuilt
from unetzoo.weights.safe_file import digest
from unetzoo.weights.transaction import current, replacing

if TYPE_CHECKING:
    from PIL.Image import Image

BEST = "best"
"""The folder of the best network in the folder of a run."""
FOLDS = "folds.json"
"""The file of the scores in the folder of a training with folds, which is written at its end."""
_PICTURES = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # no others: for PostScript Pillow runs another program
_DISTRIBUTION = re.compile(r"[A-Za-z0-9][\w.-]*( [0-9][\w.+!-]*)?")
_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")


def save(
    model: Segmenter,
    folder: str | Path,
    *,
    info: ModelInfo | None = None,
    picture: str | Path | None = None,
    max_shard_size: int | str = "5GB",
) -> Path:
    """Save a network in a folder: its weights, its configuration and a model card.

    The files are replaced atomically: a kill at any moment leaves the old network or the new one, never a mixture. A
    card that was edited by hand is kept, like all other files.

    Args:
        model: on any device, of any dtype; it may be compiled, parallel or averaged.
        folder: created if needed.
        info: what is known about it; None: `model.config.info`.
        picture: a PNG, JPEG, BMP, GIF, WebP or TIFF file for the card, such as an image beside its predicted mask;
            None: the card has no picture.
        max_shard_size: bytes, or a text such as `"5GB"`; larger weights are split into several files.

    Returns:
        The folder.

    Raises:
        OptionError: the folder cannot be written to, or the picture cannot be read; the network is optimized, on the
            `meta` device, or was changed after it was created, so that its configuration does not rebuild it.
    """
    model = segmenter_of(model, "saved")
    check_rebuilt(model)
    return write(model, Path(folder), info=info, picture=picture, max_shard_size=max_shard_size)


def write(
    model: Segmenter,
    target: Path,
    *,
    info: ModelInfo | None = None,
    picture: str | Path | None = None,
    max_shard_size: int | str = "5GB",
    repo_id: str | None = None,
) -> Path:
    """As `save`, without its checks of the network; `repo_id` names the repository that the folder is for."""
    from huggingface_hub import save_torch_state_dict

    config = model.config if info is None else replace(model.config, info=info)
    tensors = bare_state(model)
    shared = shared_names(tensors)
    state = {name: item.detach().to("cpu").contiguous() for name, item in tensors.items() if shared[name] == name}
    metadata = {"format": "pt", "unetzoo": version("unetzoo")}
    image = None if picture is None else _open_picture(picture)
    is_own = True
    try:
        with replacing(target, lambda name: is_stale(name) or (is_own and name == PICTURE)) as draft:
            is_own = is_own_card(target)
            save_torch_state_dict(state, draft, max_shard_size=max_shard_size, metadata=metadata)
            _check_count(draft)
            if image is not None:
                image.save(draft / PICTURE)
            card = card_of(model, config, repo_id=repo_id, has_picture=image is not None)
            if is_own:
                (draft / CARD).write_text(card, encoding="utf-8")
            _write_config(draft, config, card)
    except (OSError, SafetensorError) as error:
        raise OptionError(f"cannot save into the folder {str(target)!r}: {_why(error)}") from error
    return target


def _why(error: OSError | SafetensorError) -> str:
    """The system's message; safetensors wraps it as in `IoError(Os { code: 28, ..., message: "No space left" })`."""
    message = re.search(r'message: "([^"]*)"', str(error))
    return getattr(error, "strerror", None) or (message[1] if message else str(error))


def load(folder: str | Path) -> Segmenter:
    """Load the network that was saved in a folder, in evaluation mode, on the CPU.

    The weights are copies, so later changes of the files do not affect the network; during a concurrent save it is the
    old network or the new one. Nothing is downloaded, no code runs, and no file outside of the folder is read.

    The weights have the memory format of `create`. If they have several floating types, in which no network runs, they
    are converted to the type that the network is created with, with a warning.

    Args:
        folder: as written by `save`, or by `save_pretrained` of segmentation_models_pytorch; from the folder of a run
            of `fit` the best network is loaded.

    Raises:
        ConfigError: the configuration is missing, damaged, of another format, or not that of a network.
        UnknownNameError: a part is not installed; the message names its distribution.
        WeightsError: the weights are missing, damaged or not those of the configuration.
        OptionError: there is no such folder.
    """
    source = network_folder(Path(folder))
    if os.path.isfile(source):  # noqa: PTH113 - Path.is_file raises for a name that is too long
        way = "model.load_state_dict(torch.load(path, weights_only=True))"
        raise OptionError(
            f"{str(folder)!r} is a file; load() reads the folder of a network with its"
            f" config.json. For a loose state_dict: create the network, then {way}"
        )
    if not os.path.isdir(source):  # noqa: PTH112 - likewise
        raise OptionError(f"there is no folder {str(folder)!r} to load a network from")
    if fold_folder(source, 0).is_dir():
        raise OptionError(
            f"{folder} holds the networks of several folds: load one, such as {fold_folder(source, 0)}, or all by "
            "unetzoo.load_ensemble"
        )
    with opened(source) as snapshot:
        data = snapshot.config
        digests = data.pop("weights", {})
        data.pop("card", None)
        is_foreign = is_smp_config(data)
        config = _config_of(data)
        rename = partial(_renamed, config=config) if is_foreign else dict
        weights = read_weights(snapshot.files)
        try:
            model = build_empty(config, rename(weights.stored))
        except UnknownNameError as error:
            raise UnknownNameError(f"{error}; {_providers(config)}") from error
        fill(model, rename(weights.tensors(digests if isinstance(digests, dict) else {})))
    set_order(model, AXES[model.config.spatial_dims].order)
    model.config = model.config if is_foreign else config
    return model.eval()


def fold_folder(folder: Path, fold: int) -> Path:
    """The folder of a fold's run in that of a training with folds."""
    return folder / f"fold-{fold}"


def network_folder(folder: Path) -> Path:
    """The folder itself, or, if it is that of a run, the folder of its best network."""
    best = folder / BEST
    is_run = os.path.lexists(current(best, CONFIG)) and not os.path.lexists(current(folder, CONFIG))
    return best if is_run and not best.is_symlink() else folder


def _config_of(data: dict[str, Any]) -> ModelConfig:
    try:
        return config_of_smp(data) if is_smp_config(data) else ModelConfig.from_dict(data)
    except UnetzooError:
        raise
    except Exception as error:  # untrusted values may make their readers raise anything
        raise ConfigError(f"{CONFIG} holds an invalid value: {describe_error(error)}") from error


def _renamed(tensors: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """The tensors of a network of segmentation_models_pytorch, or their headers, under unetzoo's names."""
    try:
        return tensors_of_smp(tensors, config)
    except UnetzooError:
        raise
    except Exception as error:  # as above
        raise WeightsError(f"the weights are not those of a {config.decoder}: {describe_error(error)}") from error


def is_stale(name: str) -> bool:
    """Whether a file of that name holds weights, which new ones replace."""
    return name == INDEX or _WEIGHTS.fullmatch(name) is not None


def is_own_card(folder: Path) -> bool:
    """Whether a new card may replace that in a folder: it is missing, or was not edited by hand."""
    if not os.path.lexists(current(folder, CARD)):
        return True
    try:
        with open_inside(folder, CARD) as card:
            return read_config(folder).get("card") == digest(card)
    except (ConfigError, WeightsError):
        return False


def _open_picture(picture: str | Path) -> "Image":
    from PIL import Image

    try:
        with Image.open(picture, formats=_PICTURES) as opened:
            return opened.convert("RGB")
    except (OSError, Image.DecompressionBombError) as error:
        raise OptionError(f"the picture {str(picture)!r} cannot be read: {error}") from error


def _check_count(draft: Path) -> None:
    count = len(list(draft.glob("model*.safetensors")))
    if count > MOST_FILES:
        raise OptionError(f"{count:,} files of weights are more than load() reads, {MOST_FILES}: raise max_shard_size")


def _write_config(draft: Path, config: ModelConfig, card: str) -> None:
    weights = {path.name: _digest_of(path) for path in sorted(draft.iterdir()) if _WEIGHTS.fullmatch(path.name)}
    data: dict[str, Any] = {**config.to_dict(), "weights": weights, "card": hashlib.sha256(card.encode()).hexdigest()}
    text = json.dumps(data, indent=2) + "\n"
    if len(text.encode()) > LARGEST_CONFIG:
        raise OptionError(f"the configuration takes {len(text):,} bytes; load() reads at most {LARGEST_CONFIG:,}")
    (draft / CONFIG).write_text(text, encoding="utf-8")


def _digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return digest(stream)


def _providers(config: ModelConfig) -> str:
    """The providers of the parts, quoted, since they come from an untrusted config.json."""
    providers = " and the ".join(f"{kind} of {provider!r}" for kind, provider in config.providers.items())
    if not providers:
        return "config.json does not say which plugin provides it"
    advice = ": install it" if all(map(_DISTRIBUTION.fullmatch, config.providers.values())) else ""
    return f"config.json says that it has the {providers}{advice}"
