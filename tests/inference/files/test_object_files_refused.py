"""Files about objects that cannot be are refused before any image is predicted."""

import numpy as np
import pytest
from PIL import Image
from predicting import objects_model

import unetzoo
from unetzoo import DataError, ObjectFiles, OptionError, PredictOptions, WriteError

IMAGE = np.random.default_rng(0).integers(0, 256, (70, 90), dtype=np.uint8)


@pytest.fixture(scope="module")
def model():
    return objects_model(IMAGE)


@pytest.fixture
def images(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(IMAGE).save(tmp_path / "in" / name)
    return tmp_path / "in"


def test_a_network_of_classes_has_no_tables(images, tmp_path):
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1).eval()
    with pytest.raises(OptionError, match=r"table must be left out: this network gives classes of pixels.*--objects"):
        unetzoo.predict_files(model, images, tmp_path / "out", object_files=ObjectFiles(table=tmp_path / "cells.csv"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({"overlay": "cells.png"}, OptionError, "overlay must be a folder, since there are several images"),
        ({"outlines": "gone/cells.geojson"}, WriteError, "there is no folder"),
        ({"overlay": "in/pictures"}, DataError, "would be taken for images the next time"),
        ({"overlay": "labels"}, DataError, r"a.png would replace an image or another result"),
        ({"table": "gone/cells.csv"}, WriteError, "there is no folder"),
        ({"table": "cells.csv", "summary": "cells.csv"}, DataError, "would replace an image or another result"),
    ],
)
def test_files_that_cannot_be_are_refused_before_the_work(files, error, message, model, images, tmp_path):
    files = ObjectFiles(**{name: tmp_path / value for name, value in files.items()})
    with pytest.raises(error, match=message):
        unetzoo.predict_files(model, images, tmp_path / "labels", object_files=files)
    assert not (tmp_path / "labels").exists()


def test_an_image_that_is_too_large_for_rois_is_refused_before_the_work(model, images, tmp_path):
    pytest.importorskip("roifile")
    np.save(tmp_path / "in" / "wide.npy", np.zeros((2, 60_536), np.uint8))
    with pytest.raises(DataError, match=r"wide\.zip: ImageJ's ROIs hold places up to 60,535.*2 x 60,536.*outlines"):
        unetzoo.predict_files(model, images, tmp_path / "labels", object_files=ObjectFiles(rois=tmp_path / "rois"))
    assert not (tmp_path / "labels").exists()
    assert not (tmp_path / "rois").exists()


def test_probabilities_have_no_tables(model, images, tmp_path):
    with pytest.raises(OptionError, match="probabilities must be left out"):
        unetzoo.predict_files(
            model,
            images,
            tmp_path / "out",
            options=PredictOptions(probabilities=True),
            object_files=ObjectFiles(table=tmp_path / "cells.csv"),
        )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"table": "cells.xlsx"}, r"table must be a \.csv file"),
        ({"summary": "cells"}, r"summary must be a \.csv file"),
        ({"outlines": "cells.zip"}, r"outlines must be a \.geojson file, or a folder"),
        ({"rois": "cells.roi"}, r"rois must be a \.zip file, or a folder"),
        ({"overlay": "cells.tif"}, r"overlay must be a \.png file, or a folder"),
        ({"table": "cells.csv", "pixel_size": "0.5"}, "pixel_size must be a length"),
        ({"outlines": "cells", "pixel_size": "0.5um"}, "pixel_size must be left out"),
    ],
)
def test_values_of_another_form_are_refused(values, message):
    with pytest.raises(OptionError, match=message):
        ObjectFiles(**values)


@pytest.mark.parametrize("name", ["v1.2", "outlines", "2026-11-26.5"])
def test_names_of_folders_may_have_points(name):
    assert ObjectFiles(outlines=name).outlines == name
