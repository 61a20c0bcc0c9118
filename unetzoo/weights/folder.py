"""Save a network in a folder, and load it: config.json, safetensors, a model card."""

import hashlib
import json
import re
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unetzoo.config import ModelConfig
from unetzoo.errors import ConfigError, OptionError, UnknownNameError
from unetzoo.info import ModelInfo
from unetzoo.interop.smp_config import config_of_smp, is_smp_config, tensors_of_smp
from unetzoo.model import Segmenter
from unetzoo.weights.build import build_empty, fill, shared_names
from unetzoo.weights.card import card_of
from unetzoo.weights.files import (
    CARD,
    CONFIG,
    INDEX,
    PICTURE,
    check_digests,
    digest,
    read_config,
    read_headers,
    read_tensors,
    weight_files,
)
from unetzoo.weights.rebuilt import bare_state, check_rebuilt
from unetzoo.weights.transaction import current, replacing
from unetzoo.wrapped import segmenter_of

if TYPE_CHECKING:
    from PIL.Image import Image

BEST = "best"
"""The folder of the best network in that of a run."""
_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")


def save(
    model: Segmenter,
    folder: str | Path,
    *,
    info: ModelInfo | None = None,
    picture: str | Path | None = None,
    max_shard_size: int | str = "5GB",
) -> Path:
    """Write a network into a folder: its weights, its configuration, and a model card.

    All files appear together: a kill at any moment leaves the old network or the new one, never a mixture. A card that
    was edited by hand is kept, and so is every other file.

    Args:
        model: on any device, of any dtype; of one that is compiled, parallel or averaged, the network inside.
        folder: made where it does not exist.
        info: what else is known; None: what `model.config.info` has.
        picture: a file in any format that Pillow reads, such as an image beside its predicted mask; the card shows it.
            None: the card shows none.
        max_shard_size: bytes, or a text such as `"5GB"`, above which the weights are split over several files.

    Returns:
        The folder.

    Raises:
        OptionError: the folder cannot be written, or the picture cannot be read; the network is an optimized one, or
            was changed after it was created, so that its configuration does not rebuild it.
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
    """As `save`, of a network that its configuration rebuilds; `repo_id`: of the repository that the folder will be."""
    from huggingface_hub import save_torch_state_dict

    config = model.config if info is None else replace(model.config, info=info)
    tensors = bare_state(model)
    shared = shared_names(tensors)
    state = {name: one.detach().to("cpu").contiguous() for name, one in tensors.items() if shared[name] == name}
    metadata = {"format": "pt", "unetzoo": version("unetzoo")}
    shown = None if picture is None else _opened(picture)
    is_own = is_own_card(target)
    try:
        with replacing(target, lambda name: is_stale(name) or (is_own and name == PICTURE)) as draft:
            save_torch_state_dict(state, draft, max_shard_size=max_shard_size, metadata=metadata)
            if shown is not None:
                shown.save(draft / PICTURE)
            card = card_of(model, config, repo_id=repo_id, has_picture=shown is not None)
            if is_own:
                (draft / CARD).write_text(card, encoding="utf-8")
            _write_config(draft, config, card)
    except OSError as error:
        raise OptionError(f"cannot save into the folder {str(target)!r}: {error.strerror or error}") from error
    return target


def load(folder: str | Path) -> Segmenter:
    """The network that was saved in a folder, in evaluation mode, on the CPU.

    The weights are mapped from the files rather than copied, and every tensor must be there, with its shape. Nothing is
    downloaded, no code that comes with the files runs, and no file outside of the folder is read.

    The tensors are in the order of the file. To train on a CPU, `model.to(memory_format=torch.channels_last)` copies
    them into the faster order that `create` gives; `optimize` does so for inference.

    Args:
        folder: as `save` wrote it, or as segmentation_models_pytorch's `save_pretrained` did; of a run of `fit`, which
            holds several, its best network.

    Raises:
        ConfigError: the configuration is missing, damaged, of another format, or not that of a network.
        UnknownNameError: a part is not installed; says which distribution had it.
        WeightsError: the weights are missing, damaged or not those of the configuration.
        OptionError: there is no such folder.
    """
    source = network_folder(Path(folder))
    if source.is_file():
        way = "model.load_state_dict(torch.load(path, weights_only=True))"
        raise OptionError(
            f"{str(folder)!r} is a file; load() reads the folder of a network, whose config.json says what"
            f" it is. For a loose state_dict: create the network, then {way}"
        )
    if not source.is_dir():
        raise OptionError(f"there is no folder {str(folder)!r} to load a network from")
    found = read_config(source)
    recorded = found.pop("weights", {})
    found.pop("card", None)
    foreign = is_smp_config(found)
    config = config_of_smp(found) if foreign else ModelConfig.from_dict(found)
    files = weight_files(source)
    check_digests(files, recorded if isinstance(recorded, dict) else {})
    rename = partial(tensors_of_smp, config=config) if foreign else dict
    try:
        model = build_empty(config, rename(read_headers(files)))
    except UnknownNameError as error:
        raise UnknownNameError(f"{error}; {_providers(config)}") from error
    fill(model, rename(read_tensors(files)))
    model.config = model.config if foreign else config
    return model.eval()


def network_folder(folder: Path) -> Path:
    """The folder itself; where it is a run's and holds no network, that of the run's best one."""
    best = folder / BEST
    return best if current(best, CONFIG).exists() and not current(folder, CONFIG).exists() else folder


def is_stale(name: str) -> bool:
    """Whether a file of that name holds weights, which new ones replace."""
    return name == INDEX or _WEIGHTS.fullmatch(name) is not None


def is_own_card(folder: Path) -> bool:
    """Whether the card in a folder is missing, or as it was generated there: then a new one may replace it."""
    card = current(folder, CARD)
    if not card.exists():
        return True
    try:
        return read_config(folder).get("card") == digest(card)
    except ConfigError:
        return False


def _opened(picture: str | Path) -> "Image":
    from PIL import Image

    from unetzoo.data.pictures import FORMATS

    try:
        with Image.open(picture, formats=(*FORMATS, "TIFF")) as opened:
            return opened.convert("RGB")
    except (OSError, Image.DecompressionBombError) as error:
        raise OptionError(f"the picture {str(picture)!r} cannot be read: {error}") from error


def _write_config(draft: Path, config: ModelConfig, card: str) -> None:
    weights = {path.name: digest(path) for path in sorted(draft.iterdir()) if _WEIGHTS.fullmatch(path.name)}
    data: dict[str, Any] = {**config.to_dict(), "weights": weights, "card": hashlib.sha256(card.encode()).hexdigest()}
    (draft / CONFIG).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def _providers(config: ModelConfig) -> str:
    had = " and ".join(f"{kind} of {provider}" for kind, provider in config.providers.items())
    return f"the network was made with the {had}: install it" if had else "config.json does not say who provided it"
