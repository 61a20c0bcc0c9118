"""The distributions in plugins/ use what everybody may use, and nothing else."""

import ast
import importlib
import re
import tomllib
from pathlib import Path
from typing import Literal, get_origin

import pytest

_PLUGINS = Path(__file__).parents[1] / "plugins"
_NAMES = sorted(path.name for path in _PLUGINS.iterdir() if path.is_dir())
_PUBLIC = (
    "unetzoo",
    "unetzoo.data.formats",
    "unetzoo.decoders",
    "unetzoo.encoders",
    "unetzoo.layers",
    "unetzoo.losses",
    "unetzoo.objects",
    "unetzoo.testing",
)


def test_there_are_these():
    assert _NAMES == [
        "unetzoo-attention",
        "unetzoo-bioimage",
        "unetzoo-boundary",
        "unetzoo-geo",
        "unetzoo-lite",
        "unetzoo-medical",
        "unetzoo-queries",
        "unetzoo-stardist",
        "unetzoo-transformers",
        "unetzoo-unet3p",
    ]


def _imports(tree):
    """What a module takes from unetzoo: pairs of module and name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "unetzoo":
            yield from ((node.module, alias.name) for alias in node.names)
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name.startswith("unetzoo."))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "unetzoo":
            yield "unetzoo", node.attr


@pytest.mark.parametrize("name", _NAMES)
def test_they_import_public_names_alone(name):
    module = name.replace("-", "_")
    imports = [
        pair for path in (_PLUGINS / name / module).glob("*.py") for pair in _imports(ast.parse(path.read_text()))
    ]
    assert imports
    for where, what in imports:
        assert where in _PUBLIC, f"{name} imports from {where}"
        assert what is None or what in importlib.import_module(where).__all__, f"{name} imports {where}.{what}"


@pytest.mark.parametrize("name", _NAMES)
def test_each_has_a_project_an_entry_point_a_readme_and_tests(name):
    folder = _PLUGINS / name
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == name
    assert list(project["entry-points"]["unetzoo"].values()) == [name.replace("-", "_")]
    assert project["dependencies"][0].startswith("unetzoo ")
    assert (folder / "README.md").read_text().startswith(f"# {name}\n")
    assert list((folder / "tests").glob("test_*.py"))


@pytest.mark.parametrize("name", _NAMES)
def test_the_code_of_each_readme_runs_where_the_plugin_is_installed(name):
    pytest.importorskip(name.replace("-", "_"))
    blocks = re.findall(
        r"^```python\n(.*?)^```$", (_PLUGINS / name / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert blocks
    for block in blocks:
        exec(compile(block, f"{name}/README.md", "exec"), {})


@pytest.mark.parametrize("module", _PUBLIC[1:])
def test_the_public_names_of_a_module_are_there_and_documented(module):
    loaded = importlib.import_module(module)
    named = [getattr(loaded, name) for name in loaded.__all__]
    assert all(item.__doc__ for item in named if get_origin(item) is not Literal)  # choices need none
