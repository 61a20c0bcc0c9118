"""Classes that may overlap, each in a file of its own."""

import numpy as np
import pytest
import torch
from overlaps import NAMES, draw
from PIL import Image

import unetzoo

_EACH = unetzoo.PredictOptions(per_class=True)


def _network(labels="overlapping", names=NAMES):
    torch.manual_seed(1)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": [4, 8]}, classes=2, labels=labels)
    model.eval()
    limits = np.median(unetzoo.predict(model, draw(0)[0]), axis=(1, 2)).tolist()  # half of the pixels are above
    info = {"class_names": names, "thresholds": limits}
    model.config = unetzoo.ModelConfig.from_dict({**model.config.to_dict(), "info": info})
    return model


def _planes(model, number):
    return unetzoo.predict(model, draw(number)[0]) > np.float32(model.config.info.thresholds)[:, None, None]


@pytest.fixture
def images(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(2):
        Image.fromarray(draw(number)[0]).save(tmp_path / "images" / f"a{number}.png")
    return tmp_path / "images"


def test_each_image_has_a_folder_with_a_file_of_0_and_1_for_each_class(images, tmp_path):
    model = _network()
    results = unetzoo.predict_files(model, images, tmp_path / "masks", options=_EACH)
    assert [result.file for result in results] == [tmp_path / "masks" / "a0", tmp_path / "masks" / "a1"]
    for number in range(2):
        for name, plane in zip(NAMES, _planes(model, number), strict=True):
            written = Image.open(tmp_path / "masks" / f"a{number}" / f"{name}.png")
            assert written.mode == "P"
            assert np.array_equal(np.asarray(written), plane)
    again = unetzoo.predict_files(model, images, tmp_path / "masks", options=_EACH)
    assert [result.state for result in again] == ["kept", "kept"]


def test_the_files_are_masks_of_the_images_again(images, tmp_path):
    model = _network()
    unetzoo.predict_files(model, images, tmp_path / "masks", options=_EACH)
    masks = unetzoo.open_dataset(tmp_path, "all", masks="overlapping")
    assert masks.class_names == NAMES
    assert all(np.array_equal(masks[number].mask, _planes(model, number)) for number in range(2))


def test_a_folder_with_other_files_is_left_alone(images, tmp_path):
    (tmp_path / "masks" / "a0").mkdir(parents=True)
    (tmp_path / "masks" / "a0" / "notes.txt").write_text("mine")
    options = unetzoo.PredictOptions(per_class=True, overwrite=True)
    first, second = unetzoo.predict_files(_network(), images, tmp_path / "masks", options=options)
    assert (first.state, second.state) == ("failed", "predicted")
    assert "holds notes.txt, which is not a file of a class" in first.reason
    assert (tmp_path / "masks" / "a0" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("network", "options", "match"),
    [
        ({"labels": "exclusive"}, {}, "per_class is for classes that may overlap"),
        ({"names": ["a/b", "a:b"]}, {}, "the same names, a-b.png, a-b.png"),
        ({}, {"values": "trained"}, "not as values='trained'"),
        ({}, {"probabilities": True}, "per_class is for masks of 0 and 1"),
    ],
)
def test_what_has_no_files_of_classes_is_refused(images, tmp_path, network, options, match):
    with pytest.raises(unetzoo.OptionError, match=match):
        unetzoo.predict_files(
            _network(**network), images, tmp_path / "out", options=unetzoo.PredictOptions(per_class=True, **options)
        )
    assert not (tmp_path / "out").exists()


def test_the_folder_of_a_result_holds_no_other_result(images, tmp_path):
    (images / "a0").mkdir()
    Image.fromarray(draw(3)[0]).save(images / "a0" / "b.png")
    with pytest.raises(unetzoo.DataError, match="the folder of the result of another image"):
        unetzoo.predict_files(_network(), images, tmp_path / "out", options=_EACH)
