"""What becomes of the file of an image that a client sent."""

import base64
import csv
import io
import json
from dataclasses import replace
from threading import Event

import guard
import hostile_images
import numpy as np
import pytest
import tifffile
from cells import Cells
from PIL import Image
from predicting import objects_model, varied_model

import unetzoo
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor
from unetzoo.serving.compute import StoppedError, compute
from unetzoo.serving.refusals import RefusalError

IMAGE = Cells(1, 0)[0].image[..., 0]
NAMES = ("background", "cell", "edge")


@pytest.fixture(scope="module")
def classes():
    model = varied_model()
    model.config = replace(model.config, info=unetzoo.ModelInfo(class_names=NAMES))
    return model


@pytest.fixture(scope="module")
def of_objects():
    return objects_model(IMAGE)


def _predictor(model, **options):
    return FilePredictor(model, PredictOptions(device="cpu", **options))


def _compute(model, folder, write, kind="png", most=10**6, **options):
    upload = folder / "upload"
    write(upload)
    return compute(_predictor(model, **options), upload, kind, most, Event())


def _png(pixels=IMAGE):
    return lambda path: Image.fromarray(pixels).save(path, format="PNG")


@pytest.mark.parametrize("name", ["png", "gif", "bmp", "tiff", "sparse_tiff", "array", "planes_of_ome"])
def test_a_file_that_announces_more_than_the_limit_is_refused_and_nothing_else_is_opened(classes, tmp_path, name):
    predictor, upload = _predictor(classes), tmp_path / "upload"
    getattr(hostile_images, f"write_{name}")(upload)
    with guard.confined(tmp_path), pytest.raises(RefusalError) as refusal:
        compute(predictor, upload, "png", 10**6, Event())
    assert refusal.value.status in (400, 413)
    assert str(tmp_path) not in str(refusal.value)


def test_pixels_are_counted_before_they_are_decoded(classes, tmp_path):
    with pytest.raises(RefusalError, match="4,096 pixels, and this server takes 4,095") as refusal:
        _compute(classes, tmp_path, _png(), most=4095)
    assert refusal.value.status == 413
    assert _compute(classes, tmp_path, _png(), most=4096).pixels == 4096


def test_pixels_that_become_many_at_the_pixel_size_of_the_training_are_counted(tmp_path):
    model = varied_model()
    info = unetzoo.ModelInfo(pixel_size=(0.1, 0.1), unit="um")
    model.config = replace(model.config, info=info)

    def write(path):
        tifffile.imwrite(path, IMAGE, resolution=(1e4, 1e4), resolutionunit="CENTIMETER")  # 1 um

    with pytest.raises(RefusalError, match=r"409,600 pixels at the pixel size of the training") as refusal:
        _compute(model, tmp_path, write, most=10**5)
    assert refusal.value.status == 413


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"no image", 415, "its content is not png"),
        (b"\x89PNG\r\n\x1a\n", 400, "the image"),
        (b"\x93NUMPY\x01\x00", 400, "the image"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "its content is not png"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", 415, "its content is not png"),
    ],
)
def test_what_is_not_an_image_is_refused(classes, tmp_path, content, status, reason):
    with guard.confined(tmp_path), pytest.raises(RefusalError, match=reason) as refusal:
        _compute(classes, tmp_path, lambda path: path.write_bytes(content))
    assert refusal.value.status == status


def test_an_image_of_other_channels_is_one_error_without_a_path(classes, tmp_path):
    with pytest.raises(RefusalError) as refusal:
        _compute(classes, tmp_path, _png(np.zeros((8, 9, 3), np.uint8)))
    assert str(refusal.value) == "the image: this network takes images (h, w) or (h, w, 1), got (8, 9, 3)"


def test_a_result_that_nobody_waits_for_is_not_computed(classes, tmp_path):
    stop = Event()
    stop.set()
    _png()(tmp_path / "upload")
    with pytest.raises(StoppedError):
        compute(_predictor(classes), tmp_path / "upload", "png", 10**6, stop)


def test_a_prediction_ends_between_rows_of_tiles_once_nobody_waits(classes, tmp_path):
    class StopAfter:
        calls = 0

        def is_set(self):
            self.calls += 1
            return self.calls > 3

    stop = StopAfter()
    _png(np.zeros((1000, 128), np.uint8))(tmp_path / "upload")
    with pytest.raises(StoppedError):
        compute(_predictor(classes, tile=128, overlap=32), tmp_path / "upload", "png", 10**6, stop)
    assert not (tmp_path / "mask.png").exists()


def test_the_numbers_of_classes_are_those_of_the_mask(classes, tmp_path):
    ids = unetzoo.predict(classes, IMAGE).argmax(0)
    facts = json.loads(_compute(classes, tmp_path, _png(), "json").content)
    assert facts["size"] == [64, 64]
    assert [(each["name"], each["pixels"]) for each in facts["classes"]] == [
        (name, int((ids == number).sum())) for number, name in enumerate(NAMES)
    ]
    assert sum(each["share"] for each in facts["classes"]) == pytest.approx(1)


def test_planes_of_classes_that_overlap_are_a_tiff_and_counted_each(tmp_path):
    model = varied_model(classes=2)
    model.config = replace(model.config, labels="overlapping")
    planes = unetzoo.predict(model, IMAGE) > 0.5
    answer = _compute(model, tmp_path, _png(), "tif")
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(answer.content)), planes)
    facts = json.loads(_compute(model, tmp_path, _png(), "json").content)
    assert [each["pixels"] for each in facts["classes"]] == planes.sum((1, 2)).tolist()


def _micrometers(path):
    tifffile.imwrite(path, IMAGE, resolution=(2e4, 2e4), resolutionunit="CENTIMETER")  # 0.5 um


def test_numbers_table_and_outlines_of_objects_are_those_of_predict_files(of_objects, tmp_path):
    _micrometers(tmp_path / "image.tif")
    files = unetzoo.ObjectFiles(table=tmp_path / "table.csv", outlines=tmp_path / "out.geojson")
    unetzoo.predict_files(of_objects, tmp_path / "image.tif", tmp_path / "mask.tif", object_files=files)
    ids = unetzoo.predict_objects(of_objects, IMAGE)
    work = tmp_path / "work"
    work.mkdir()
    rows = json.loads(_compute(of_objects, work, _micrometers, "json").content)["objects"]
    areas = np.bincount(ids.ravel())[1:]
    assert [row["area_px"] for row in rows] == areas.tolist()
    np.testing.assert_allclose([row["area_um2"] for row in rows], areas / 4)
    table = list(csv.DictReader(io.StringIO(_compute(of_objects, work, _micrometers, "csv").content.decode())))
    expected = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert [{**row, "image": ""} for row in table] == [{**row, "image": ""} for row in expected]
    outlines = json.loads(_compute(of_objects, work, _micrometers, "geojson").content)
    assert [each["geometry"] for each in outlines["features"]] == [
        each["geometry"] for each in json.loads((tmp_path / "out.geojson").read_text())["features"]
    ]
    assert len(rows) == len(table) == len(outlines["features"]) == ids.max() > 3


def _decoded(text):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def test_the_preview_colors_each_class_but_the_background(classes, tmp_path):
    ids = unetzoo.predict(classes, IMAGE).argmax(0)
    preview = json.loads(_compute(classes, tmp_path, _png(), "preview").content)
    colors = _decoded(preview["colors"])
    for number, each in enumerate(preview["legend"]):
        shown = {"#" + bytes(color[:3]).hex() if color[3] else "" for color in colors[ids == number].tolist()}
        assert shown <= {each["color"]}
    assert preview["legend"][0] == {"name": "background", "color": "", "share": (ids == 0).mean()}
    assert _decoded(preview["picture"]).shape == (64, 64, 3)


def test_the_preview_of_a_large_image_is_reduced_and_its_mask_is_not(classes, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 5000), np.uint8)
    preview = json.loads(_compute(classes, tmp_path, _png(pixels), "preview").content)
    assert _decoded(preview["colors"]).shape == (14, 1667, 4)
    assert _decoded(preview["picture"]).shape == (14, 1667, 3)
    (mask,) = preview["files"]
    assert (mask["name"], _decoded(mask["content"]).shape) == ("mask.png", (40, 5000))


def test_the_preview_of_objects_outlines_each(of_objects, tmp_path):
    ids = unetzoo.predict_objects(of_objects, IMAGE)
    preview = json.loads(_compute(of_objects, tmp_path, _png(), "preview").content)
    opacity = _decoded(preview["colors"])[..., 3]
    assert (opacity[ids == 0] == 0).all()
    assert (opacity[unetzoo.objects.inner_edges(ids)] == 255).all()
    assert (opacity[ids > 0] > 0).all()
    assert [each["count"] for each in preview["legend"]] == [ids.max()]
    assert [each["name"] for each in preview["files"]] == ["mask.png", "outlines.geojson", "objects.csv"]
