"""The file of a recipe as plain data, and changes of its values by key."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unetzoo.errors import OptionError, UnknownNameError
from unetzoo.registry.host import host

RECIPE = "recipe.toml"
"""The file of a recipe in the folder of a run."""
RECEIPT = "receipt"
"""The table of what a recipe gave where it was measured, which no training reads."""
_OF_HASH = ("data.source", "data.folds", "data.fold", "data.slices", "data.axis", "network.spatial_dims")
"""What the hash of the data depends on."""
_BUDGETS = {"training.minutes": ("steps", "epochs"), "training.steps": ("minutes",), "training.epochs": ("minutes",)}


def recipe_path(recipe: str | Path) -> Path:
    """The file of a recipe: the path of one, that of the folder of a run, or the name of one that plugins provide.

    A file, or a folder with a recipe, comes before a name. A folder without one, such as that of data, does not.

    Raises:
        UnknownNameError: there is neither a file nor a recipe of that name.
        ConflictError: several plugins provide it.
    """
    path = Path(recipe)
    if (path / RECIPE).exists():
        return path / RECIPE
    if path.is_file() or path.suffix == ".toml" or len(path.parts) != 1:
        return path / RECIPE if path.is_dir() else path
    try:
        own: Path = host().registries["recipe"].find(str(recipe)).spec.path
    except UnknownNameError as error:
        raise UnknownNameError(f"no file {str(recipe)!r}, and {error}") from error
    return own


def read_tables(path: str | Path) -> dict[str, Any]:
    """The plain data of a recipe; see `recipe_path`.

    Raises:
        OptionError: there is no such file, or it is not TOML.
        UnknownNameError: there is no recipe of that name.
    """
    path = recipe_path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"the recipe {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # of TOML, or of the text
        raise OptionError(f"the recipe {path} is not TOML: {error}") from error


def change(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe as plain data with other values by key, such as `{"training.steps": 500}`; None: the default.

    Hashes of what changes are removed, and so are the options of a part that is replaced by another one.

    Raises:
        OptionError: a key that is not `table.name`.
    """
    tables = {name: dict(value) if isinstance(value, Mapping) else value for name, value in data.items()}
    for key, value in changes.items():
        table, dot, name = key.partition(".")
        if not dot or not isinstance(tables.setdefault(table, {}), dict):
            raise OptionError(f"a key of a recipe is table.name, such as training.steps; got {key!r}")
        if table == "network" or key == "training.seed":
            tables.setdefault("network", {}).pop("weights", None)
        if key in _OF_HASH and tables[table].get(name) != value:
            tables.get("data", {}).pop("hash", None)
        if table == "network" and tables[table].get(name) != value and f"{key}_options" not in changes:
            tables[table].pop(f"{name}_options", None)
        if key in _BUDGETS and value is not None:
            for other in _BUDGETS[key]:
                tables[table].pop(other, None)
        tables[table].pop(name, None)
        tables[table] |= {} if value is None else {name: value}
    return tables


def read_changes(texts: Sequence[str]) -> dict[str, Any]:
    """Changes as they are written on the command line: `training.steps=500`, `data.hash=`, `training.loss=dice`.

    A value is one of TOML, or text; an empty one is the default.

    Raises:
        OptionError: for another form, or a repeated key.
    """
    changes: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key in changes:
            problem = "the same key twice" if equals else "no ="
            raise OptionError(f"--set takes key=value, such as training.steps=500; {text!r} has {problem}")
        changes[key.strip()] = _read(value.strip())
    return changes


def _read(text: str) -> Any:  # noqa: ANN401 - any value of TOML
    if not text:
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
