"""Check that an old form still works, and says what takes its place."""

import warnings
from collections.abc import Callable
from types import FunctionType

import numpy as np
from torch import Tensor

from unetzoo.errors import ContractError


def check_deprecated(old: Callable[[], object], new: Callable[[], object], *, instead: str) -> None:
    """Check that an old form gives what the new one gives, and warns as a deprecated form must.

    It has one `DeprecationWarning`, which names the new form and points to the line of the caller, since Python shows
    it to nobody else. The new form has none. `typing_extensions.deprecated` (PEP 702) makes such functions, which type
    checkers know, too.

    Args:
        old: calls the old form; a function that is written where the test is.
        new: calls the new form with the same values.
        instead: how the warning names the new form, such as `"unetzoo.create"`.

    Raises:
        ContractError: says what is missing.
    """
    result, messages = _called(old)
    expected, of_new = _called(new)
    if of_new:
        raise ContractError(f"the new form is deprecated itself: {of_new[0].message}")
    if len(messages) != 1:
        texts = "".join(f"; {each.message}" for each in messages)
        raise ContractError(f"the old form must have one DeprecationWarning, got {len(messages)}{texts}")
    (warning,) = messages
    if instead not in str(warning.message):
        raise ContractError(f"the DeprecationWarning must name {instead!r}, got: {warning.message}")
    if isinstance(old, FunctionType) and warning.filename != old.__code__.co_filename:
        raise ContractError(
            f"the DeprecationWarning points to {warning.filename}, not to the caller of the old form: raise its "
            "stacklevel"
        )
    if not _is_same(result, expected):
        raise ContractError(f"the old form gives {result!r}, the new one {expected!r}")


def _called(form: Callable[[], object]) -> tuple[object, list[warnings.WarningMessage]]:
    """The result, and the warnings of deprecated forms."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DeprecationWarning)
        result = form()
    return result, [each for each in caught if issubclass(each.category, DeprecationWarning)]


def _is_same(one: object, other: object) -> bool:
    if isinstance(one, Tensor | np.ndarray) or isinstance(other, Tensor | np.ndarray):
        return type(one) is type(other) and np.array_equal(np.asarray(one), np.asarray(other))
    return bool(one == other)
