"""Write a new distribution with one part of each requested kind."""

import re
import shutil
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Literal, get_args

from unetzoo.errors import OptionError
from unetzoo.registry.markers import HOOKS_VERSION

PartKind = Literal["encoder", "decoder", "loss", "object", "format"]
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CLASS_ENDS: dict[PartKind, str] = {"encoder": "Encoder", "decoder": "Decoder", "loss": "Loss", "object": "Coding"}
_MODULES = {"object": "objects"}  # where it is not that of the kind
_NOUNS = {"object": "coding of objects", "format": "format of images"}


def write_plugin(name: str, kinds: Sequence[PartKind], parent: Path) -> Path:
    """Write the folder `parent / name` completely or not at all.

    Args:
        name: name of the distribution, such as `"unetzoo-cells"`; the parts get the name without `unetzoo-`.
        kinds: kinds of the parts, at least one.
        parent: the parent folder.

    Raises:
        OptionError: for an invalid name, no kind, or a folder that exists or cannot be written.
    """
    target = parent / name
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"invalid name {name!r}: use lower-case letters, digits and single dashes, such as unetzoo-cells"
        )
    if not kinds:
        raise OptionError(f"choose what the plugin provides: {', '.join(f'--{kind}' for kind in get_args(PartKind))}")
    if target.exists():
        raise OptionError(f"{str(target)!r} exists already; choose another name or remove it")
    try:
        with TemporaryDirectory(dir=parent, prefix=".unetzoo-") as draft:
            for path, text in _files(name, kinds):
                place = Path(draft, "plugin", path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8")
            shutil.move(Path(draft, "plugin"), target)
    except OSError as error:
        raise OptionError(f"cannot write {str(target)!r}: {error.strerror or error}") from error
    return target


def _files(name: str, kinds: Sequence[PartKind]) -> Iterator[tuple[str, str]]:
    """The path of each file in the distribution, and its text."""
    module, part = name.replace("-", "_"), name.removeprefix("unetzoo-").replace("-", "_")
    camel = "".join(word.capitalize() for word in part.split("_"))
    words = {
        "distribution": name,
        "module": module,
        "part": part,
        "hooks_version": str(HOOKS_VERSION),
        "kinds": " and ".join(_NOUNS.get(kind, kind) for kind in kinds).capitalize(),
        "extra": "[objects]" if "object" in kinds else "",
    }
    classes = {kind: f"{camel}{_CLASS_ENDS.get(kind, '')}" for kind in kinds}
    modules = {kind: _MODULES.get(kind, kind) for kind in kinds}
    hooks = [_filled(f"{modules[kind]}_hook", words | {"class_name": classes[kind]}) for kind in kinds]
    checks = [_check(kind, modules[kind], part) for kind in kinds]
    imports = ", ".join(sorted(f"check_{module}" for module in modules.values()))
    words |= {
        "hooks": "\n\n".join(hooks),
        "checks": "\n\n".join(checks),
        "imports": imports,
        "uses": _uses(part, kinds),
    }
    yield "pyproject.toml", _filled("pyproject", words)
    yield "README.md", _filled("readme", words)
    yield f"{module}/__init__.py", _filled("init", words)
    for kind in kinds:
        yield f"{module}/{modules[kind]}.py", _filled(modules[kind], words | {"class_name": classes[kind]})
    yield "tests/test_contract.py", _filled("test", words)


def _check(kind: PartKind, module: str, part: str) -> str:
    name = _NOUNS.get(kind, kind).replace(" ", "_")
    return f'def test_the_{name}_keeps_the_contract():\n    check_{module}("{part}")\n'


def _uses(part: str, kinds: Sequence[PartKind]) -> str:
    """A line of code per part."""
    lines = {
        "encoder": f'model = unetzoo.create("unet", encoder="{part}")',
        "decoder": f'model = unetzoo.create("{part}", encoder="resnet34")',
        "loss": f'loss = unetzoo.create_loss("dice + {part}")',
        "object": f'counter = unetzoo.create("unet", encoder="resnet34", objects="{part}")',
        "format": f'assert "{part}" in unetzoo.list_formats()',
    }
    return "\n".join(lines[kind] for kind in kinds)


def _filled(template: str, words: dict[str, str]) -> str:
    text = files("unetzoo.testing.scaffold").joinpath("templates", f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(words)
