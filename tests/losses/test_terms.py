import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unetzoo.errors import OptionError
from unetzoo.losses.terms import Term, parse_terms

EXAMPLE = 'a valid loss is "0.5*dice(smooth=1) + bce"'


@pytest.mark.parametrize(
    ("expression", "terms"),
    [
        ("dice", (Term(1.0, "dice", {}),)),
        ("  0.5*dice+bce ", (Term(0.5, "dice", {}), Term(1.0, "bce", {}))),
        ("1e-3 * a + .5*b + 2.*c + 1E+2*d", tuple(map(Term, (1e-3, 0.5, 2.0, 100.0), "abcd", ({}, {}, {}, {})))),
        ("dice(smooth=1, squared=True,)", (Term(1.0, "dice", {"smooth": 1, "squared": True}),)),
        ("dice()", (Term(1.0, "dice", {}),)),
        (
            "dice(absent=skip, squared=true, a=null)",
            (Term(1.0, "dice", {"absent": "skip", "squared": True, "a": None}),),
        ),
        ("3d-dice_2.0", (Term(1.0, "3d-dice_2.0", {}),)),
        ("2*my-dist.x:dice(a=-1)", (Term(2.0, "my-dist.x:dice", {"a": -1}),)),
        (
            "f(a=[1, (2, 3)], b={'x': None}, c='(,) + 2', d=1e-3)",
            (Term(1.0, "f", {"a": [1, (2, 3)], "b": {"x": None}, "c": "(,) + 2", "d": 1e-3}),),
        ),
    ],
)
def test_an_expression_becomes_terms(expression, terms):
    assert parse_terms(expression) == terms


@pytest.mark.parametrize(
    ("expression", "place", "expected"),
    [
        ("", "at its end", "a factor > 0 or the name of a loss"),
        ("dice + ", "at its end", "a factor > 0 or the name of a loss"),
        ("dice + * bce", "at '* bce' (character 8)", "a factor > 0 or the name of a loss"),
        ("-1*dice", "at '-1*dice' (character 1)", "a factor > 0 or the name of a loss"),
        ("2*3*dice", "at '3*dice' (character 3)", "the name of a loss"),
        ("0*dice", "at '0*dice' (character 1)", "a finite factor > 0"),
        ("1e999*dice", "at '1e999*dice' (character 1)", "a finite factor > 0"),
        ("0.5 dice", "at 'dice' (character 5)", "'*' after the factor"),
        ("dice bce", "at 'bce' (character 6)", "'+', '(' or the end"),
        ("dice - bce", "at '- bce' (character 6)", "'+', '(' or the end"),
        ("dice*0.5", "at '*0.5' (character 5)", "'+', '(' or the end"),
        ("dice(a=1) bce", "at 'bce' (character 11)", "'+' and another loss, or the end"),
        ("dice(1)", "at '1)' (character 6)", "option=value or ')'"),
        ("dice(a)", "at ')' (character 7)", "'=' and a value for 'a'"),
        ("dice(a=1, a=2)", "at 'a=2)' (character 11)", "each option once"),
        ("dice(a=1", "at its end", "',' or ')'"),
        ("dice(a=b c)", "at 'b c)' (character 8)", "a value such as 1, 0.5, true, null, group, 'some text' or [1, 2]"),
        ("dice(a=)", "at ')' (character 8)", "a value such as 1, 0.5, true, null, group, 'some text' or [1, 2]"),
        ("dice(a=[1)", "at '[1)' (character 8)", "a value such as 1, 0.5, true, null, group, 'some text' or [1, 2]"),
        ("dice(a=__import__('os'))", "at \"__import__('os'))\" (character 8)", "a value such as 1, 0.5, true"),
    ],
)
def test_what_cannot_be_read_is_quoted_with_its_place_and_what_may_stand_there(expression, place, expected):
    with pytest.raises(OptionError) as caught:
        parse_terms(expression)
    message = str(caught.value)
    assert message.startswith(f"cannot read the loss {expression!r} {place}: expected {expected}")
    assert message.endswith(EXAMPLE)


@pytest.mark.parametrize("expression", [None, 3, ["dice"]])
def test_anything_but_text_is_refused(expression):
    with pytest.raises(OptionError, match="a loss must be a text such as"):
        parse_terms(expression)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("ab+,()[]= "),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy)"), inner, max_size=2),
    max_leaves=5,
)
_NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=5)
_FACTORS = st.floats(min_value=1e-300, allow_infinity=False)


@given(
    st.lists(st.builds(Term, _FACTORS, _NAMES, st.dictionaries(_NAMES, _VALUES, max_size=3)), min_size=1, max_size=4)
)
def test_terms_that_are_written_down_are_read_again(terms):
    def write(term):
        options = ", ".join(f"{name}={value!r}" for name, value in term.options.items())
        return f"{term.factor!r} * {term.name}({options})"

    assert parse_terms(" + ".join(map(write, terms))) == tuple(terms)


@given(st.text("dice01.*+()=,-' :[", max_size=20))
def test_any_text_is_read_or_refused_in_the_projects_own_words(expression):
    try:
        assert parse_terms(expression)
    except OptionError as error:
        assert repr(expression) in str(error)  # noqa: PT017 - a text that is read is as good as one that is refused
