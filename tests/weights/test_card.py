"""The card of a saved network."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from saved import INFO, small_model

import unetzoo


def test_the_card_says_what_the_network_is_and_claims_no_licence_that_nobody_gave(tmp_path):
    card = (unetzoo.save(small_model(), tmp_path) / "README.md").read_text()
    assert "library_name: unetzoo" in card
    assert "pipeline_tag: image-segmentation" in card
    assert "license" not in card
    assert "| encoder | `test_resnet` |" in card
    assert "license: mit" in (unetzoo.save(small_model(), tmp_path, info=INFO) / "README.md").read_text()


def test_the_card_shows_the_picture_of_a_prediction_until_another_network_comes(tmp_path):
    Image.new("L", (30, 20), 200).save(tmp_path / "mask.bmp")
    folder = unetzoo.save(small_model(), tmp_path / "cells", picture=tmp_path / "mask.bmp")
    assert "![a prediction](prediction.png)" in (folder / "README.md").read_text()
    with Image.open(folder / "prediction.png") as picture:
        assert (picture.size, picture.getpixel((0, 0))) == ((30, 20), (200, 200, 200))
    unetzoo.save(small_model(), folder)
    assert "prediction" not in (folder / "README.md").read_text()
    assert not (folder / "prediction.png").exists()


@pytest.mark.parametrize("content", [None, b"", b"no picture"], ids=["missing", "empty", "text"])
def test_a_picture_that_is_none_is_one_error_and_nothing_is_saved(content, tmp_path):
    if content is not None:
        (tmp_path / "mask.png").write_bytes(content)
    with pytest.raises(unetzoo.OptionError, match=r"the picture '.*mask.png' cannot be read"):
        unetzoo.save(small_model(), tmp_path / "cells", picture=tmp_path / "mask.png")
    assert not (tmp_path / "cells").exists()


def test_a_card_that_was_edited_is_kept_and_one_that_was_not_is_renewed(saved):
    unetzoo.save(small_model(), saved)
    assert "nucleus" not in (saved / "README.md").read_text()
    (saved / "README.md").write_text("mine")
    (saved / "notes.txt").write_text("mine, too")
    unetzoo.save(small_model(), saved, info=INFO)
    assert (saved / "README.md").read_text() == "mine"
    assert (saved / "notes.txt").read_text() == "mine, too"


def test_the_code_of_a_network_of_volumes_predicts_one(tmp_path, monkeypatch):
    info = unetzoo.ModelInfo(slices=3, slice_axis="y")
    model = unetzoo.create("unet", encoder="plain", in_channels=6, classes=2, encoder_options={"widths": (4, 8)}).eval()
    card = (unetzoo.save(model, tmp_path / "FOLDER", info=info) / "README.md").read_text()
    assert "(d, h, w, 2),\nof which the network sees 3 neighboring slices along y:" in card
    monkeypatch.chdir(tmp_path)
    names = {"volume": np.random.default_rng(0).random((5, 7, 9, 2)).astype(np.float32)}
    exec(re.findall(r"```python\n(.*?)```", card, re.DOTALL)[0], names)
    assert names["probabilities"].shape == (2, 5, 7, 9)


@pytest.mark.parametrize(
    ("classes", "info"),
    [
        (2, unetzoo.ModelInfo(value_range=(86, 5521), mean=(0.3, 0.2, 0.41), std=(0.11, 0.07, 0.2))),
        (1, unetzoo.ModelInfo(value_range=(86, 5521), mean=(0.3,), std=(0.11,))),
        (2, unetzoo.ModelInfo(value_range=(0, 255))),
        (2, unetzoo.ModelInfo()),
    ],
    ids=["by channel", "one logit", "range alone", "nothing known"],
)
def test_the_code_of_the_card_gives_what_predict_gives(classes, info, tmp_path):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=classes, in_channels=3)
    card = (unetzoo.save(model, tmp_path, info=info) / "README.md").read_text()
    low, high = info.value_range or (0, 1)
    image = (low + (high - low) * np.random.default_rng(0).random((40, 56, 3))).astype(np.float32)
    names = {"image": image, "images": torch.from_numpy(image.transpose(2, 0, 1)[None].copy())}
    expected = unetzoo.predict(unetzoo.load(tmp_path), image)
    blocks = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block.replace("FOLDER", str(tmp_path)), names)
        np.testing.assert_array_equal(np.squeeze(names.pop("probabilities")), np.squeeze(expected))
