import pytest

from unetzoo.cli.values import read_options, read_size
from unetzoo.errors import OptionError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("group", "group"),
        ("none", "none"),
        ("null", None),
        ("None", None),
        ("true", True),
        ("False", False),
        ("4", 4),
        ("0.25", 0.25),
        ("64,32,16", (64, 32, 16)),
        ("[64, 32]", [64, 32]),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_a_value_is_read_as_what_it_looks_like(text, value):
    actual = read_options("--decoder-option", [f"key={text}"])["key"]
    assert actual == value
    assert type(actual) is type(value)


@pytest.mark.parametrize("text", ["norm", "=group", "no rm=group"])
def test_an_option_of_another_form_is_an_error(text):
    with pytest.raises(OptionError, match="--decoder-option takes key=value"):
        read_options("--decoder-option", [text])


def test_a_repeated_key_is_an_error():
    with pytest.raises(OptionError, match="'norm' twice"):
        read_options("--decoder-option", ["norm=group", "norm=batch"])


@pytest.mark.parametrize(("text", "size"), [("256", (256, 256)), ("256x320", (256, 320)), ("7X9", (7, 9))])
def test_an_image_size_is_one_side_or_height_and_width(text, size):
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["0", "256x0", "-3", "256x", "1x2x3", "big", "2.5"])
def test_an_image_size_of_another_form_is_an_error(text):
    with pytest.raises(OptionError, match="SIZE or HEIGHTxWIDTH"):
        read_size(text)
