"""Public names of a package whose modules are imported at their first use (PEP 562)."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def late(
    package: str, homes: Mapping[str, Sequence[str]], modules: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The `__getattr__`, `__dir__` and `__all__` of a package; a package at the top has a `__version__`, too.

    Args:
        package: its `__name__`.
        homes: the module within the package of each name.
        modules: those of its modules that are public by their own name.
    """
    home_of = {name: home for home, names in homes.items() for name in names}
    public = sorted(home_of)

    def get(name: str) -> Any:  # noqa: ANN401 - a module's attributes are anything
        if name in home_of:
            value = getattr(import_module(f"{package}.{home_of[name]}"), name)
        elif name in modules:
            value = import_module(f"{package}.{name}")
        elif name == "__version__" and "." not in package:
            from importlib.metadata import version

            value = version(package)
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    attributes = [*public, *modules, *([] if "." in package else ["__version__"])]
    return get, lambda: attributes, public
