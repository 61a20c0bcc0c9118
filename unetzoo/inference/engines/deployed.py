"""The folder of a deployed network: that of `unetzoo.save`, what an engine needs beside it, and what was measured."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from unetzoo.errors import WeightsError
from unetzoo.inference.engines.started import PLAIN_NAME, EngineRun
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.weights.confined import open_inside, read_text
from unetzoo.weights.folder import load

MANIFEST, ENGINE = "deployment.json", "engine"
_FORMAT = 1
_LARGEST = 2**20  # bytes of the manifest
_MOST_FILES = 100


def is_deployed(folder: str | Path) -> bool:
    """Whether a folder is that of a deployed network."""
    try:
        return Path(folder, MANIFEST).is_file()
    except OSError:  # such as of a name that is too long
        return False


def load_deployed(folder: str | Path) -> OptimizedSegmenter:
    """Load a network that `deploy` wrote; its engine computes it, on the CPU.

    The files are copies in memory, no code runs, and no file outside of the folder is read.

    Args:
        folder: as `deploy` wrote it.

    Raises:
        WeightsError: `deployment.json` is missing or damaged, or a file is not the one that it names.
        UnknownNameError, MissingExtraError: the engine, or a package that it needs, is not installed.
        ConfigError, WeightsError, OptionError: as `unetzoo.load`.
    """
    place = Path(folder)
    with open_inside(place, MANIFEST) as stream:
        manifest = _checked(read_text(stream, MANIFEST, _LARGEST, WeightsError))
    files = {name: _content(place / ENGINE, name, digest) for name, digest in manifest["files"].items()}
    model = load(place).float().requires_grad_(False)
    only_size = manifest.get("only_size")
    run = EngineRun(model, manifest["engine"], files, manifest["dtype"], tuple(only_size) if only_size else None)
    run.start()
    return OptimizedSegmenter(model, getattr(torch, manifest["dtype"]), run=run)


def write_deployed(folder: Path, run: EngineRun, facts: Mapping[str, Any]) -> None:
    """Write the files of an engine, and the manifest with `facts`, into the folder of a saved network."""
    (folder / ENGINE).mkdir()
    for name, content in run.files.items():
        (folder / ENGINE / name).write_bytes(content)
    manifest = {
        "format": _FORMAT,
        "engine": run.engine,
        "dtype": run.dtype,
        "only_size": run.only_size,
        "files": {name: sha256(content).hexdigest() for name, content in run.files.items()},
        **facts,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _checked(text: str) -> dict[str, Any]:
    """The manifest; WeightsError for one that is damaged or of another format."""
    try:
        manifest = json.loads(text)
        files, size = manifest["files"], manifest.get("only_size")
        is_valid = (
            manifest["format"] == _FORMAT
            and isinstance(manifest["engine"], str)
            and isinstance(getattr(torch, manifest["dtype"]), torch.dtype)
            and (size is None or (len(size) in (2, 3) and all(isinstance(side, int) for side in size)))
            and len(files) <= _MOST_FILES
            and all(PLAIN_NAME.fullmatch(name) and isinstance(digest, str) for name, digest in files.items())
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{MANIFEST} is damaged: {type(error).__name__}; deploy the network again") from error
    if not is_valid:
        raise WeightsError(f"{MANIFEST} is damaged or of another version; deploy the network again")
    checked: dict[str, Any] = manifest
    return checked


def _content(folder: Path, name: str, digest: str) -> bytes:
    with open_inside(folder, name) as stream:
        content = stream.read()
    if sha256(content).hexdigest() != digest:
        raise WeightsError(f"{name} is damaged or not the one that {MANIFEST} names; deploy the network again")
    return content
