import ast
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import unetzoo
import unetzoo.encoders
import unetzoo.interop
import unetzoo.testing

_STUB = Path(unetzoo.__file__).with_suffix(".pyi").read_text(encoding="utf-8")


def _imported_for_checkers():
    """The name that the stub imports from each module, with the module."""
    imports = (node for node in ast.parse(_STUB).body if isinstance(node, ast.ImportFrom))
    return {alias.asname: node.module for node in imports for alias in node.names if node.module != "unetzoo"}


def test_the_public_names_are_sorted_and_each_once():
    assert unetzoo.__all__ == sorted(set(unetzoo.__all__))


def test_type_checkers_see_the_same_names():
    assert sorted(_imported_for_checkers()) == unetzoo.__all__


def test_type_checkers_read_each_name_from_the_module_that_it_is_imported_from():
    for name, module in _imported_for_checkers().items():
        assert getattr(unetzoo, name) is getattr(import_module(module), name)


@pytest.mark.parametrize("name", unetzoo.__all__)
def test_each_public_name_is_there_and_documented(name):
    value = getattr(unetzoo, name)
    assert name in dir(unetzoo)
    if name != "hookimpl":  # an instance of pluggy's class; its comment stands beside it
        assert value.__doc__


@pytest.mark.parametrize("name", unetzoo.__all__)
def test_each_public_name_has_a_typed_use_for_mypy(name):
    used = Path(__file__).with_name("typed_use.py").read_text(encoding="utf-8")
    assert re.search(rf"\bunetzoo\.{name}\b", used)


def test_a_name_that_does_not_exist_is_pythons_own_error():
    with pytest.raises(AttributeError, match="module 'unetzoo' has no attribute 'train'"):
        unetzoo.train  # noqa: B018 - looking it up is the test


def test_the_version_is_the_distributions():
    from importlib.metadata import version

    assert unetzoo.__version__ == version("unetzoo")


@pytest.mark.parametrize("package", [unetzoo.encoders, unetzoo.testing, unetzoo.interop])
def test_only_the_whole_has_a_version(package):
    assert "__version__" in dir(unetzoo)
    assert "__version__" not in dir(package)
    assert not hasattr(package, "__version__")


@pytest.mark.parametrize(
    "package", ["unetzoo", "unetzoo.decoders", "unetzoo.layers", "unetzoo.objects", "unetzoo.testing"]
)
def test_no_public_name_is_that_of_a_module_which_an_import_would_put_in_its_place(package):
    names = import_module(package).__all__
    assert [name for name in names if find_spec(f"{package}.{name}")] == []
