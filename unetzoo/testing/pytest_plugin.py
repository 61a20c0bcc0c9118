"""`pytest --unetzoo-plugin unetzoo-cells`: every rule of every part of a plugin as a test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from unetzoo.errors import UnetzooError

if TYPE_CHECKING:
    from unetzoo.testing.rules import Trial

_OPTION = "--unetzoo-plugin"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        _OPTION, action="append", default=[], metavar="DISTRIBUTION", help="check the parts of a plugin of unetzoo"
    )


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add one test for each rule and part."""
    for distribution in config.getoption(_OPTION):
        try:
            items.extend(_items(session, distribution))
        except UnetzooError as error:
            raise pytest.UsageError(str(error)) from error


def _items(session: pytest.Session, distribution: str) -> Iterator["RuleItem"]:
    from unetzoo.testing.battery import trials_of_plugin

    for trial in trials_of_plugin(distribution):
        yield RuleItem.from_parent(session, name=f"{trial.part}: {trial.sentence}", trial=trial)


class RuleItem(pytest.Item):
    """A rule on a part."""

    def __init__(self, *, trial: "Trial", **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type] # pytest's own arguments
        self.trial = trial

    def runtest(self) -> None:
        """Check the rule."""
        result = self.trial.run()
        if not result.holds:
            raise AssertionError(f"{result.part} breaks the rule: {result.rule}\n{result.problem}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002 - pytest's signature
        """The message of a broken rule, without a traceback through the battery."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[str, None, str]:
        """Its place in pytest's output."""
        return self.trial.part, None, self.name
