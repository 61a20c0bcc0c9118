"""`fit` and `evaluate` take the same for a data set; the folder of a run is that of its best network."""

import numpy as np
import pytest
from PIL import Image
from squares import Squares

import unetzoo
from unetzoo.data.open import open_dataset, survey

OPTIONS = unetzoo.FitOptions(steps=2, epochs=1, batch=2, crop=32, augment="none")


def _model(classes=2):
    return unetzoo.create(
        "unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=classes, in_channels=1
    ).eval()


@pytest.fixture
def folder(tmp_path):
    """The squares as files."""
    for name in ("images", "masks"):
        (tmp_path / "squares" / name).mkdir(parents=True)
    for image, mask, name in Squares(5, 0):
        Image.fromarray(image[..., 0]).save(tmp_path / "squares" / "images" / f"{name}.png")
        Image.fromarray(mask.astype(np.uint8)).save(tmp_path / "squares" / "masks" / f"{name}.png")
    return tmp_path / "squares"


KINDS = {
    "a path": lambda folder: folder,
    "the text of a path": str,
    "a survey": survey,
    "splits": lambda _: {"train": Squares(4, 0), "val": Squares(2, 1)},
    "a dataset": lambda _: Squares(5, 0),
    "an opened split": lambda folder: open_dataset(folder, "train"),
    "a name": lambda _: "nuclei",
}


@pytest.mark.parametrize("kind", KINDS)
def test_both_take_it(kind, folder, tmp_path):
    data = KINDS[kind](folder)
    result = unetzoo.fit(_model(), data, tmp_path / "run", options=OPTIONS)
    assert result.best.mean_iou is not None  # there was a validation
    assert 0 <= unetzoo.evaluate(result.model, data).mean["IoU"].value <= 1


def test_evaluate_reads_the_split_that_is_asked_for(folder):
    splits = survey(folder).splits
    for split in ("train", "val"):
        assert len(unetzoo.evaluate(_model(), folder, split=split).cases) == len(splits[split])


def test_evaluate_reads_masks_as_the_training_did(folder, tmp_path):
    classes = {"rest": 1, "square": 0}
    model = unetzoo.fit(_model(), folder, tmp_path / "run", options=OPTIONS, classes=classes).model
    assert unetzoo.evaluate(model, folder, split="train") == unetzoo.evaluate(
        model, open_dataset(folder, "train", classes=classes)
    )


@pytest.mark.parametrize("function", ["fit", "evaluate"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, 2], "a data set is a folder, .* got list"),
        (None, "a data set is a folder, .* got NoneType"),
        ("nothing-there", "no folder or file 'nothing-there'"),
        ({"train": "a folder"}, "train must be a unetzoo.Dataset, got str"),
        ({}, "there is no split"),
    ],
)
def test_anything_else_is_one_error(function, data, message, tmp_path):
    more = {"out": tmp_path / "run"} if function == "fit" else {}
    with pytest.raises(unetzoo.DataError, match=message):
        getattr(unetzoo, function)(_model(), data, **more)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("options", "message"), [({"split": "val"}, "single split"), ({"classes": ["a"]}, "open")])
def test_what_is_said_too_late_of_an_opened_dataset_is_an_error(options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        unetzoo.evaluate(_model(), Squares(2, 0), **options)


def test_a_run_is_loaded_as_its_best_network(tmp_path):
    fitted = unetzoo.fit(_model(), {"train": Squares(2, 0), "val": Squares(1, 1)}, tmp_path / "run", options=OPTIONS)
    assert unetzoo.load(tmp_path / "run").config == unetzoo.load(tmp_path / "run" / "best").config
    assert fitted.model.config == unetzoo.Segmenter.from_pretrained(tmp_path / "run").config


def test_a_network_that_lies_in_a_folder_with_a_run_is_the_one_that_is_loaded(tmp_path):
    unetzoo.save(_model(), tmp_path / "net")
    unetzoo.save(_model(classes=3), tmp_path / "net" / "best")
    assert unetzoo.load(tmp_path / "net").config.classes == 2
