"""Images whose files name their channels must have them in one order to be trained on."""

import numpy as np
import pytest
import tifffile

import unetzoo
from unetzoo import FitOptions, fit


def _write(folder, *bands):
    """A folder with an image of 3 channels for each tuple of names, and a mask."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    mask = np.kron([[0, 1], [1, 0]], np.ones((20, 20))).astype(np.uint8)
    for number, names in enumerate(bands):
        items = "".join(
            f'<Item name="D" sample="{place}" role="description">{name}</Item>' for place, name in enumerate(names)
        )
        pixels = np.random.default_rng(number).integers(0, 255, (40, 40, 3), np.uint8)
        tags = [(42112, "s", 0, f"<GDALMetadata>{items}</GDALMetadata>", True)] if names else []
        tifffile.imwrite(folder / "images" / f"{number}.tif", pixels, photometric="rgb", extratags=tags)
        tifffile.imwrite(folder / "masks" / f"{number}.tif", mask)
    return folder


_RGB = ("red", "green", "blue")


def test_channels_in_another_order_are_an_error(tmp_path):
    survey = unetzoo.survey(_write(tmp_path / "data", _RGB, _RGB, _RGB[::-1]))
    (error,) = survey.errors
    assert error.endswith(
        "2.tif: its bands are blue, green, red, those of most images red, green, blue: write them in one order"
    )


def test_channels_of_other_names_are_a_warning_and_the_network_names_none(tmp_path):
    survey = unetzoo.survey(_write(tmp_path / "data", _RGB, _RGB, ("red", "green", "nir")))
    assert survey.errors == ()
    said = "2.tif: its bands are red, green, nir, those of most images red, green, blue"
    assert any(said in text for text in survey.warnings)


def test_capitals_do_not_matter(tmp_path):
    survey = unetzoo.survey(_write(tmp_path / "data", _RGB, ("Red", "Green", "Blue"), _RGB))
    assert not [text for text in (*survey.errors, *survey.warnings) if "bands" in text]
    assert tuple(map(str.lower, survey.statistics.channel_names)) == _RGB


def test_files_without_names_beside_named_ones_are_a_warning_since_the_network_learns_no_names(tmp_path):
    survey = unetzoo.survey(_write(tmp_path / "data", _RGB, ("", "", ""), (), _RGB))
    (said,) = [text for text in (*survey.errors, *survey.warnings) if "bands" in text]
    assert said.startswith("images/1.tif: its bands have no names, those of other images are red, green, blue")
    assert said.endswith("(and 1 more: images/2.tif)")
    assert survey.statistics.channel_names == ()


def test_files_of_which_none_names_its_channels_are_no_problem(tmp_path):
    survey = unetzoo.survey(_write(tmp_path / "data", (), ("", "", ""), ()))
    assert not [text for text in (*survey.errors, *survey.warnings) if "bands" in text]


@pytest.mark.parametrize("channels", [("green", "red", "blue"), ("blue", "nir", "swir")])
def test_names_that_files_give_other_channels_are_refused(channels, tmp_path):
    folder = _write(tmp_path / "data", _RGB, _RGB, _RGB)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2)
    with pytest.raises(unetzoo.OptionError, match="but the bands in the files red, green, blue"):
        fit(model, folder, tmp_path / "run", channels=channels, options=FitOptions(steps=1, epochs=1, batch=1, crop=16))
