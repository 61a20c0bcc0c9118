"""Optional dependencies."""

from importlib.util import find_spec

from unetzoo.errors import MissingExtraError


def need(extra: str, what: str, *modules: str) -> None:
    """Raise MissingExtraError unless modules are installed; called before work that would be lost for want of them.

    Args:
        extra: of unetzoo, which brings them.
        what: needs them, such as `"training"`.
        modules: top-level names.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise missing_extra(extra, what, *missing)


def missing_extra(extra: str, what: str, *modules: str) -> MissingExtraError:
    """The error for modules that are not installed, see `need`."""
    *first, last = modules
    names = f"{', '.join(first)} and {last}" if first else last
    return MissingExtraError(f"{what} needs {names}: {how_to_install(extra)}")


def how_to_install(extra: str) -> str:
    """The commands that install an extra: that for a checkout, which always works, and that for a release on PyPI."""
    return f"pip install '.[{extra}]' in a checkout of unetzoo, or pip install 'unetzoo[{extra}]' for a release"
