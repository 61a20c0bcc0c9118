import pytest

from unetzoo import OptionError, PluginError
from unetzoo.options import build_part, options_of


def _decoder(features, *, width: int = 8, norm="batch", required):
    return features, width, norm, required


def test_a_builders_signature_is_the_schema_of_its_options():
    options = {option.name: option for option in options_of("decoder", _decoder)}
    assert list(options) == ["width", "norm", "required"]
    assert (options["width"].default, options["width"].annotation, options["width"].required) == (8, "int", False)
    assert options["required"].required


def test_options_are_given_by_name():
    assert build_part("decoder", "toy", _decoder, {"features": "f"}, {"required": 1, "norm": "x"}) == ("f", 8, "x", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widht": 1}, "decoder 'toy' has no option 'widht'; did you mean 'width'\\? it takes "),
        ({"features": 1}, "decoder 'toy' has no option 'features'"),
        ({}, "decoder 'toy' needs the option 'required'; it takes"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        build_part("decoder", "toy", _decoder, {"features": "f"}, options)


def test_a_builder_without_options_says_so():
    with pytest.raises(OptionError, match="loss 'toy' has no option 'x'; it takes none"):
        build_part("loss", "toy", lambda: None, {}, {"x": 1})


def test_a_builder_that_does_not_take_what_is_filled_in_is_its_plugins_mistake():
    with pytest.raises(PluginError, match="the encoder's builder must take 'pretrained' by name"):
        options_of("encoder", lambda *, in_channels: None)
