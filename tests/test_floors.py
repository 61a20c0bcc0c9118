"""The rooms of the package: an import goes down or stays in its room, as the map in CONTRIBUTING.md orders them."""

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import unetzoo

_PACKAGE = Path(unetzoo.__file__).parent
_MAP = re.search(r"```rooms\n(.*?)```", (_PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)[1]
_FLOORS = [re.split(r" {2,}", line)[0].replace("/", "").split() for line in _MAP.splitlines()]
_FLOOR_OF = {room: floor for floor, rooms in enumerate(_FLOORS) for room in rooms}
_MODULES = {
    ".".join(path.relative_to(_PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in _PACKAGE.rglob("*.py")
}
_NAMING_TABLES = {
    "unetzoo.registry.builtin",
    "unetzoo.registry.builtin_commands",
    "unetzoo.registry.builtin_engines",
    "unetzoo.nn.segmenter",  # the Hub's names of save and load
}


def _imports(path):
    """The modules of the package that a file imports anywhere, but for type checkers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    skipped = {id(node) for block in blocks for node in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("unetzoo"))
        elif isinstance(node, ast.ImportFrom) and id(node) not in skipped and node.module.startswith("unetzoo"):
            modules = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (module if module in _MODULES else node.module for module in modules)


def _room(module):
    return module.split(".")[1] if "." in module else ""


def _upward(pairs):
    """Those whose second module lies above the first one; the package itself lies above all its rooms."""
    return [pair for pair in pairs if _FLOOR_OF.get(_room(pair[1]), len(_FLOORS)) > _FLOOR_OF[_room(pair[0])]]


@cache
def _pairs():
    inner = [module for module in _MODULES if _room(module) in _FLOOR_OF]
    return [(module, other) for module in inner for other in _imports(_MODULES[module])]


def test_the_map_has_every_room():
    rooms = {_room(module) for module in _MODULES} - {"", "__main__"}
    assert set(_FLOOR_OF) == rooms


def test_every_import_goes_down_or_stays_in_its_room():
    assert len(_pairs()) > 500
    assert _upward(_pairs()) == []
    assert _upward([("unetzoo.nn.segmenter", "unetzoo.weights.folder")])  # the twin: this can fail


def test_no_modules_import_one_another_in_a_circle():
    graph = {module: set() for module in _MODULES}
    for module, other in _pairs():
        graph[module] |= {other} - {module}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(_MODULES)


def test_only_tables_name_modules_of_higher_floors():
    named = re.compile(r'"(unetzoo(?:\.\w+)+):\w+"')
    pairs = [(module, name) for module in _MODULES for name in named.findall(_MODULES[module].read_text("utf-8"))]
    assert {above for above, _ in _upward(pair for pair in pairs if _room(pair[0]) in _FLOOR_OF)} == _NAMING_TABLES
