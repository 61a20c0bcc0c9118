"""Old forms that still work are checked: one warning, which names the new form and points to the caller."""

import pytest
import torch
from typing_extensions import deprecated

from unetzoo.errors import ContractError
from unetzoo.testing import check_deprecated

_LIBRARY = """
import warnings

def old():
    warnings.warn("use new", DeprecationWarning, stacklevel=1)
"""


def count_objects(number=3):
    return torch.arange(number)


@deprecated("count is now called count_objects")
def count(number=3):
    return count_objects(number)


def count_without_a_warning():
    return count_objects()


def test_a_deprecated_function_of_typing_extensions_keeps_the_rules():
    check_deprecated(lambda: count(), lambda: count_objects(), instead="count_objects")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (lambda: count_without_a_warning(), lambda: count_objects(), "must have one DeprecationWarning, got 0"),
        (lambda: [count(), count()], lambda: count_objects(), "must have one DeprecationWarning, got 2; count is now"),
        (lambda: count(4), lambda: count_objects(), "gives tensor"),
        (lambda: count(), lambda: [0, 1, 2], "gives tensor"),
        (lambda: count(), lambda: count(), "the new form is deprecated itself: count is now called"),
    ],
    ids=["silent", "twice", "other values", "other types", "new one, too"],
)
def test_each_broken_rule_is_named(old, new, problem):
    with pytest.raises(ContractError, match=problem):
        check_deprecated(old, new, instead="count_objects")


def test_the_new_form_must_be_named():
    with pytest.raises(ContractError, match="must name 'tally', got: count is now called count_objects"):
        check_deprecated(lambda: count(), lambda: count_objects(), instead="tally")


def test_a_warning_that_points_to_the_library_is_refused():
    library = {}
    exec(compile(_LIBRARY, "library.py", "exec"), library)
    with pytest.raises(ContractError, match=r"points to library\.py, not to the caller of the old form"):
        check_deprecated(lambda: library["old"](), lambda: None, instead="new")
