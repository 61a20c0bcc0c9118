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
        raise MissingExtraError(f"{what} needs {' and '.join(missing)}: pip install 'unetzoo[{extra}]'")
