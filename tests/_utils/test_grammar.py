import re

import pytest

from unetzoo._utils.grammar import parse_call, read_value
from unetzoo.errors import OptionError


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("resnet18.a1_in1k", ("resnet18.a1_in1k", {})),
        ("plain()", ("plain", {})),
        ("plain(widths=(35, 70), norm='group')", ("plain", {"widths": (35, 70), "norm": "group"})),
        ("unet*(norm=group, attention=null, deep_supervision=true)",
         ("unet*", {"norm": "group", "attention": None, "deep_supervision": True})),
    ],
)  # fmt: skip
def test_a_call_is_a_name_and_its_options(text, call):
    assert parse_call(text) == call


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("plain(", "at its end: expected option=value or '\\)'"),
        ("plain(35)", "at '35\\)' .*: expected option=value"),
        ("plain(a=__import__('os'))", "expected a value such as"),
        ("plain(a=1) b", "at 'b' .*: expected the end"),
    ],
)
def test_a_call_of_another_form_is_refused_with_its_place(text, place):
    with pytest.raises(OptionError, match=place):
        parse_call(text)


@pytest.mark.parametrize(
    ("text", "value"), [("64,32", (64, 32)), ("None", None), ("null", None), ("none", "none"), ("relu-6", "relu-6")]
)
def test_a_value_is_a_literal_of_python_a_word_of_json_or_a_bare_word(text, value):
    assert read_value(text) == value


@pytest.mark.parametrize("text", ["a b", "a=b", "", "f(1)", "[1", "1a"])
def test_any_other_value_is_an_error(text):
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        read_value(text)
