import ast
import re
from pathlib import Path

import unetzoo.data

_FOLDER = Path(unetzoo.data.__file__).parent
_ORDER = re.findall(r"^- `(\w+)`", unetzoo.data.__doc__, re.MULTILINE)


def _room(module):
    return module.split(".")[2]


def _imports():
    for path in _FOLDER.rglob("*.py"):
        module = ".".join(("unetzoo", "data", *path.relative_to(_FOLDER).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("unetzoo.data."):
                yield module, node.module


def test_the_docstring_names_every_room_of_data():
    assert set(_ORDER) == {path.stem for path in _FOLDER.iterdir() if not path.name.startswith("_")}


def test_imports_within_data_go_down_or_stay_in_their_room():
    pairs = list(_imports())
    assert len(pairs) > 100
    upward = [pair for pair in pairs if _ORDER.index(_room(pair[1])) > _ORDER.index(_room(pair[0]))]
    assert upward == []
