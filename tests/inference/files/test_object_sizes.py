"""Tables of objects in the unit of the files."""

import csv

import numpy as np
import pytest
import tifffile
from predicting import objects_model

import unetzoo
from unetzoo import ObjectFiles

RANDOM = np.random.default_rng(0)
IMAGES = {name: RANDOM.integers(0, 256, size, dtype=np.uint8) for name, size in (("a", (70, 90)), ("b", (50, 60)))}


@pytest.fixture(scope="module")
def model():
    return objects_model(IMAGES["a"])


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _column(rows, name):
    return np.array([float(row[name]) for row in rows])


def _write_tiffs(folder, resolutions):
    """ImageJ's files of the images, with these numbers of pixels along a micrometer; None: not stated."""
    folder.mkdir()
    for (name, pixels), pair in zip(IMAGES.items(), resolutions, strict=True):
        stated = {} if pair is None else {"resolution": pair, "metadata": {"unit": "um"}}
        tifffile.imwrite(folder / f"{name}.tif", pixels, imagej=True, **stated)
    return folder


def test_tables_are_in_the_unit_of_the_files_too(model, tmp_path):
    images = _write_tiffs(tmp_path / "in", [(2, 2), (4, 4)])
    unetzoo.predict_files(model, images, tmp_path / "out", object_files=ObjectFiles(table=tmp_path / "cells.csv"))
    rows = _rows(tmp_path / "cells.csv")
    sides = np.array([{"a.tif": 0.5, "b.tif": 0.25}[row["image"]] for row in rows])
    assert set(sides) == {0.5, 0.25}
    np.testing.assert_allclose(_column(rows, "area_um2"), _column(rows, "area_px") * sides**2)
    np.testing.assert_allclose(_column(rows, "left_um"), _column(rows, "left_px") * sides)


@pytest.mark.parametrize(
    ("resolutions", "message"),
    [
        ([(2, 2), None], r"in pixels alone: .*b.tif states no size of its pixels; pixel_size"),
        ([(2, 2), (2, 4)], r"in pixels alone: .*b.tif has pixels of 0.25 x 0.5 um, which are not squares"),
    ],
)
def test_sizes_that_do_not_suit_a_table_are_a_warning_and_it_is_in_pixels(model, tmp_path, resolutions, message):
    images = _write_tiffs(tmp_path / "in", resolutions)
    with pytest.warns(unetzoo.DataWarning, match=message):
        unetzoo.predict_files(model, images, tmp_path / "out", object_files=ObjectFiles(table=tmp_path / "cells.csv"))
    assert "area_um2" not in _rows(tmp_path / "cells.csv")[0]
