"""What `.ci/release` says of versions and changelog."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_NOT_NEWEST = "the newest release in CHANGELOG.md is not '## [1.2.0] - YEAR-MONTH-DAY'"


@pytest.fixture(scope="module")
def release():
    loader = SourceFileLoader("release", str(_ROOT / ".ci" / "release"))
    module = module_from_spec(spec_from_loader("release", loader))
    loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path):
    """A project of version 1.2.0 that is ready, and a plugin of it."""
    (tmp_path / "plugins" / "unetzoo-cells").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "unetzoo"\nversion = "1.2.0"')
    plugin = '[project]\nname = "unetzoo-cells"\ndependencies = ["unetzoo >= 1.1", "numpy"]'
    (tmp_path / "plugins" / "unetzoo-cells" / "pyproject.toml").write_text(plugin)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-11-27\n\n- New.\n")
    (tmp_path / "CITATION.cff").write_text("title: unetzoo\nversion: 1.2.0\n")
    return tmp_path


def test_a_tree_whose_versions_agree_is_ready(release, tree):
    assert list(release.problems_of(tree)) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("CHANGELOG.md", "[Unreleased]\n", "[Unreleased]\n\n- More.\n", "CHANGELOG.md has changes below [Unreleased]"),
        ("CHANGELOG.md", "1.2.0", "1.1.0", _NOT_NEWEST),
        (
            "CHANGELOG.md",
            " - 2026-11-27",
            "",
            _NOT_NEWEST,
        ),
        ("CITATION.cff", "1.2.0", "1.2.0rc1", "CITATION.cff does not have the version 1.2.0"),
        ("plugins/unetzoo-cells/pyproject.toml", ">= 1.1", "< 1.2", "unetzoo-cells does not take unetzoo 1.2.0"),
    ],
)
def test_each_disagreement_is_said(release, tree, name, old, new, problem):
    path = tree / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert list(release.problems_of(tree)) == [problem]


def test_it_builds_unetzoo_and_each_plugin(release):
    assert [folder.name for folder in release.distributions(_ROOT)[1:]] == sorted(
        path.parent.name for path in (_ROOT / "plugins").glob("*/pyproject.toml")
    )


def test_types_are_checked_outside_of_the_checkout_by_two_programs(release, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(release, "run", lambda command, folder: calls.append((command, folder)) or "")
    release.check_types("/new/bin/python", tmp_path)
    assert (tmp_path / "typed_use.py").read_text() == (_ROOT / "tests" / "typed_use.py").read_text()
    for (command, folder), (module, flag) in zip(
        calls, [("mypy", "--python-executable"), ("pyright", "--pythonpath")], strict=True
    ):
        assert (command[2], folder, command[-1]) == (module, tmp_path, str(tmp_path / "typed_use.py"))
        assert command[command.index(flag) + 1] == "/new/bin/python"
        assert not tmp_path.is_relative_to(_ROOT)
    assert "--strict" in calls[0][0]
