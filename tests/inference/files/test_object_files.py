"""Tables, outlines and pictures of the objects of predicted images."""

import csv
import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from cells import Cells
from PIL import Image
from predicting import objects_model
from processes import start
from skimage.measure import regionprops_table

import unetzoo
from unetzoo import ObjectFiles
from unetzoo.inference.objects import Decoder

RANDOM = np.random.default_rng(0)
IMAGES = {
    "a.png": RANDOM.integers(0, 256, (70, 90), dtype=np.uint8),
    "deep/b.png": RANDOM.integers(0, 256, (50, 60), dtype=np.uint8),
}


@pytest.fixture(scope="module")
def model():
    return objects_model(IMAGES["a.png"])


@pytest.fixture
def images(tmp_path):
    for name, pixels in IMAGES.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path / "in"


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _column(rows, name):
    return np.array([float(row[name]) for row in rows])


def _all_files(folder):
    return ObjectFiles(
        table=folder / "cells.csv",
        summary=folder / "summary.csv",
        outlines=folder / "outlines",
        overlay=folder / "overlays",
        pixel_size="0.5um",
    )


def _bytes(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and ".unetzoo" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.suffix != ".lock"}


def test_a_folder_of_images_has_one_table_with_the_values_of_scikit_image(model, images, tmp_path):
    files = ObjectFiles(table=tmp_path / "cells.csv", summary=tmp_path / "summary.csv", pixel_size="0.5um")
    unetzoo.predict_files(model, images, tmp_path / "labels", object_files=files)
    rows = _rows(tmp_path / "cells.csv")
    assert list(dict.fromkeys(row["image"] for row in rows)) == list(IMAGES)
    for name, pixels in IMAGES.items():
        labels = np.asarray(Image.open(tmp_path / "labels" / name))
        properties = ("label", "area", "perimeter", "centroid", "intensity_mean", "intensity_max")
        expected = regionprops_table(labels, pixels, properties=properties)
        own = [row for row in rows if row["image"] == name]
        assert len(own) == labels.max() > 3
        assert [int(row["id"]) for row in own] == expected["label"].tolist()
        assert {row["class"] for row in own} == {"object"}
        np.testing.assert_array_equal(_column(own, "area_px"), expected["area"])
        np.testing.assert_allclose(_column(own, "area_um2"), expected["area"] / 4)
        np.testing.assert_allclose(_column(own, "centroid_x_um"), (expected["centroid-1"] + 0.5) / 2, rtol=1e-9)
        np.testing.assert_allclose(_column(own, "perimeter_px"), expected["perimeter"], rtol=1e-9)
        np.testing.assert_allclose(_column(own, "mean_c1"), expected["intensity_mean"], rtol=1e-9)
        np.testing.assert_array_equal(_column(own, "max_c1"), expected["intensity_max"])
        at_border = np.unique([labels[0].max(), *labels[0], *labels[-1], *labels[:, 0], *labels[:, -1]])
        touching = [int(row["id"]) for row in own if row["touches_border"] == "true"]
        assert touching == at_border[at_border > 0].tolist()
    for row, (name, pixels) in zip(_rows(tmp_path / "summary.csv"), IMAGES.items(), strict=True):
        areas = _column([other for other in rows if other["image"] == name], "area_px")
        assert (row["image"], int(row["count"])) == (name, len(areas))
        assert float(row["mean_area_px"]) == pytest.approx(areas.mean())
        assert float(row["density_per_um2"]) == pytest.approx(len(areas) / (pixels.size / 4))
        assert float(row["density_per_megapixel"]) == pytest.approx(len(areas) / pixels.size * 1e6)


def test_pandas_reads_numbers_and_truths_from_a_table(model, images, tmp_path):
    pandas = pytest.importorskip("pandas")
    unetzoo.predict_files(model, images, tmp_path / "labels", object_files=ObjectFiles(table=tmp_path / "cells.csv"))
    table = pandas.read_csv(tmp_path / "cells.csv")
    texts = [name for name in table if not pandas.api.types.is_numeric_dtype(table[name])]
    assert texts == ["image", "class"]
    assert table["touches_border"].dtype == bool
    assert table.groupby("image")["id"].count().to_dict() == {
        name: int(np.asarray(Image.open(tmp_path / "labels" / name)).max()) for name in IMAGES
    }


def test_each_image_has_a_file_of_outlines_and_a_picture(model, images, tmp_path):
    files = ObjectFiles(outlines=tmp_path / "outlines", overlay=tmp_path / "overlays")
    unetzoo.predict_files(model, images, tmp_path / "labels", object_files=files)
    for name, pixels in IMAGES.items():
        labels = np.asarray(Image.open(tmp_path / "labels" / name))
        collection = json.loads((tmp_path / "outlines" / name).with_suffix(".geojson").read_text())
        assert [item["properties"]["classification"]["name"] for item in collection["features"]] == [
            "object"
        ] * labels.max()
        with Image.open(tmp_path / "overlays" / name) as picture:
            scale = picture.height // pixels.shape[0]
            assert picture.size == (scale * pixels.shape[1], scale * pixels.shape[0])
            assert max(picture.size) >= 1024
            colored = (
                np.ptp(np.asarray(picture).astype(int), axis=2).reshape(pixels.shape[0], scale, -1, scale).max((1, 3))
            )
        assert ((colored > 0) <= (labels > 0)).all()  # lines are within the objects
        assert set(labels[colored > 0]) == set(range(1, labels.max() + 1))


def test_a_file_of_outlines_has_those_of_all_images_with_their_names(model, images, tmp_path):
    shapely = pytest.importorskip("shapely")
    files = ObjectFiles(table=tmp_path / "cells.csv", outlines=tmp_path / "cells.geojson")
    unetzoo.predict_files(model, images, tmp_path / "labels", object_files=files)
    collection = json.loads((tmp_path / "cells.geojson").read_text())
    assert collection["type"] == "FeatureCollection"
    areas = {
        (item["properties"]["image"], item["properties"]["name"]): shapely.from_geojson(json.dumps(item)).area
        for item in collection["features"]
    }
    table = {(row["image"], row["id"]): float(row["area_px"]) for row in _rows(tmp_path / "cells.csv")}
    assert areas == table
    assert {name for name, _ in areas} == set(IMAGES)
    assert len({item["id"] for item in collection["features"]}) == len(areas)


def test_rois_are_a_zip_of_each_image(model, images, tmp_path):
    roifile = pytest.importorskip("roifile")
    unetzoo.predict_files(
        model, images / "a.png", tmp_path / "a.tif", object_files=ObjectFiles(rois=tmp_path / "a.zip")
    )
    labels = unetzoo.predict_objects(model, IMAGES["a.png"])
    assert {int(region.name) for region in roifile.roiread(tmp_path / "a.zip")} == set(range(1, labels.max() + 1))


def test_an_object_has_the_class_that_the_decoder_gives_it(tmp_path):
    model = objects_model(IMAGES["a.png"], object_classes=2)
    _, first, second = unetzoo.predict(model, IMAGES["a.png"])
    head = [layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d)][-1]
    with torch.no_grad():
        head.bias[1] += float(np.median(np.log(second / first)))  # so that there are objects of both classes
    model.config = replace(model.config, info=replace(model.config.info, class_names=("background", "round", "long")))
    objects = Decoder(model.config).decode(unetzoo.predict(model, IMAGES["a.png"]))
    Image.fromarray(IMAGES["a.png"]).save(tmp_path / "a.png")
    files = ObjectFiles(
        table=tmp_path / "cells.csv", outlines=tmp_path / "cells.geojson", overlay=tmp_path / "cells.png"
    )
    for _ in range(2):  # predicted, then kept
        unetzoo.predict_files(model, tmp_path / "a.png", tmp_path / "labels.tif", object_files=files)
        expected = [("round", "long")[index] for index in objects.classes[1:]]
        assert [row["class"] for row in _rows(tmp_path / "cells.csv")] == expected
        assert set(expected) == {"round", "long"}
        features = json.loads((tmp_path / "cells.geojson").read_text())["features"]
        classes = {int(item["properties"]["name"]): item["properties"]["classification"] for item in features}
        assert [classes[number]["name"] for number in range(1, len(expected) + 1)] == expected
        assert len({str(item["color"]) for item in classes.values()}) == 2
        with Image.open(tmp_path / "cells.png") as picture:  # with a legend below
            assert picture.height > picture.width * IMAGES["a.png"].shape[0] / IMAGES["a.png"].shape[1]
            swatches = np.asarray(picture)[-2 * (max(picture.size) // 50) :].reshape(-1, 3)
        for item in classes.values():
            assert (swatches == item["color"]).all(1).any()


def test_an_image_without_objects_has_a_row_in_the_summary_alone(model, images, tmp_path):
    empty = objects_model(IMAGES["a.png"])
    empty.config = replace(empty.config, objects_options={"threshold": 0.9999})
    unetzoo.predict_files(empty, images / "a.png", tmp_path / "a.tif", object_files=_all_files(tmp_path))
    assert _rows(tmp_path / "cells.csv") == []
    assert (tmp_path / "cells.csv").read_text().startswith("image,id,class,area_px,")
    (row,) = _rows(tmp_path / "summary.csv")
    assert (row["count"], row["density_per_um2"], row["mean_area_px"]) == ("0", "0", "")
    assert json.loads((tmp_path / "outlines" / "a.geojson").read_text())["features"] == []
    assert (tmp_path / "overlays" / "a.png").exists()


def test_the_same_call_gives_the_same_bytes(model, images, tmp_path):
    for _ in range(2):
        results = unetzoo.predict_files(model, images, tmp_path / "out", object_files=_all_files(tmp_path))
        files = _bytes(tmp_path)
    assert [result.state for result in results] == ["kept", "kept"]
    unetzoo.predict_files(model, images, tmp_path / "other" / "out", object_files=_all_files(tmp_path / "other"))
    assert {name: content for name, content in files.items() if not name.startswith("in")} == _bytes(tmp_path / "other")


def test_label_images_of_all_formats_and_images_read_by_blocks_give_the_same_files(model, tmp_path):
    np.save(tmp_path / "a.npy", IMAGES["a.png"])
    written = []
    for ending in ("png", "tif", "npy", "zarr"):
        files = ObjectFiles(table=tmp_path / "cells.csv", outlines=tmp_path / "a.geojson", overlay=tmp_path / "a.png")
        unetzoo.predict_files(model, tmp_path / "a.npy", tmp_path / f"labels.{ending}", object_files=files)
        written.append([path.read_bytes() for path in files.paths().values()])
    assert written[1:] == written[:-1]


def test_subfolders_stay_whatever_way_the_folder_of_labels_is_named(model, images, tmp_path):
    files = ObjectFiles(outlines=tmp_path / "outlines", table=tmp_path / "cells.csv")
    unetzoo.predict_files(model, images, tmp_path / "in" / ".." / "labels", object_files=files)
    assert (tmp_path / "outlines" / "deep" / "b.geojson").is_file()
    assert {row["image"] for row in _rows(tmp_path / "cells.csv")} == set(IMAGES)


def test_images_of_a_data_set_of_python_have_the_names_of_its_samples(model, tmp_path):
    files = ObjectFiles(table=tmp_path / "cells.csv", summary=tmp_path / "summary.csv", outlines=tmp_path / "outlines")
    unetzoo.predict_files(model, Cells(2, 0), tmp_path / "labels", object_files=files)
    names = [row["image"] for row in _rows(tmp_path / "summary.csv")]
    assert sorted(path.stem for path in (tmp_path / "outlines").iterdir()) == sorted(names) == ["sample 0", "sample 1"]
    rows = [row for row in _rows(tmp_path / "cells.csv") if row["image"] == "sample 1"]
    labels = np.asarray(Image.open(tmp_path / "labels" / "sample 1.png"))
    sums = [Cells(2, 0)[1].image[labels == int(row["id"])].sum() for row in rows]
    assert [int(row["sum_c1"]) for row in rows] == sums


def _predict_until_killed(_, folder, images, out):
    unetzoo.predict_files(
        unetzoo.load(folder).eval(),
        images,
        out / "labels",
        object_files=_all_files(out),
        on_result=lambda _: os.kill(os.getpid(), signal.SIGKILL),
    )


def test_killed_between_images_it_leaves_no_table_and_goes_on_to_the_same_bytes(model, images, tmp_path):
    unetzoo.save(model, tmp_path / "model")
    (tmp_path / "killed").mkdir()
    process, said = start(_predict_until_killed, tmp_path / "model", images, tmp_path / "killed")
    assert [*said] == []
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "killed" / "labels").glob("*.png")] == ["a.png"]
    assert not list((tmp_path / "killed").glob("*.csv"))
    (tmp_path / "whole").mkdir()
    for name in ("killed", "whole"):
        files = _all_files(tmp_path / name)
        unetzoo.predict_files(
            unetzoo.load(tmp_path / "model").eval(), images, tmp_path / name / "labels", object_files=files
        )
    assert _bytes(tmp_path / "killed") == _bytes(tmp_path / "whole")


def test_images_that_failed_and_results_of_others_are_left_out(model, images, tmp_path):
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nxxxx")
    (tmp_path / "labels" / "deep").mkdir(parents=True)
    Image.fromarray(IMAGES["deep/b.png"]).save(tmp_path / "labels" / "deep" / "b.png")
    results = unetzoo.predict_files(model, images, tmp_path / "labels", object_files=_all_files(tmp_path))
    assert sorted(result.state for result in results) == ["failed", "kept", "predicted"]
    assert {row["image"] for row in _rows(tmp_path / "cells.csv")} == {"a.png"}
    assert [path.name for path in (tmp_path / "overlays").rglob("*.png")] == ["a.png"]


def test_pixels_without_data_count_neither_as_values_nor_as_area(model, tmp_path):
    image = IMAGES["a.png"].astype(np.float32)
    image[:, 45:] = np.nan
    np.save(tmp_path / "a.npy", image)
    unetzoo.predict_files(model, tmp_path / "a.npy", tmp_path / "a.tif", object_files=_all_files(tmp_path))
    (row,) = _rows(tmp_path / "summary.csv")
    assert int(row["image_area_px"]) == 45 * 70
    assert all(row["sum_c1"] for row in _rows(tmp_path / "cells.csv"))


def test_names_that_a_spreadsheet_takes_for_formulas_are_texts(model, tmp_path):
    Image.fromarray(IMAGES["a.png"]).save(tmp_path / "=1+1.png")
    files = ObjectFiles(table=tmp_path / "cells.csv")
    unetzoo.predict_files(model, tmp_path / "=1+1.png", tmp_path / "out.tif", object_files=files)
    assert {row["image"] for row in _rows(tmp_path / "cells.csv")} == {"'=1+1.png"}
