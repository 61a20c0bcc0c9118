"""Volumes that a client sends to a server."""

import io
import json
from base64 import b64decode
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from predicting import varied_model
from served import Server
from stacks import NORMALIZATION, STEPS, volume, write_stack

import unetzoo
from unetzoo.data.formats.slices import open_volume
from unetzoo.inference.files.options import PredictOptions
from unetzoo.serving.compute import compute
from unetzoo.serving.kinds import choose_kind
from unetzoo.serving.refusals import RefusalError
from unetzoo.serving.serve import predictors_of

VALUES = volume()[0]
NAMES = ("background", "organ")


def _network(**options):
    torch.manual_seed(0)
    options = {"spatial_dims": 3, "in_channels": 1, **({} if "objects" in options else {"classes": 2}), **options}
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, **options).eval()
    model.config = replace(model.config, info=unetzoo.ModelInfo(class_names=NAMES, **NORMALIZATION))
    return model


def _compute(model, folder, kind="volume", most=10**6, **options):
    upload = write_stack(folder / "source.tif", VALUES)
    upload = upload.rename(folder / "upload")
    (predictor,) = predictors_of(model, PredictOptions(device="cpu", **options))
    return compute(predictor, upload, kind, most, Event())


def test_the_answer_is_the_volume_that_predict_writes_on_the_grid_of_its_source(tmp_path):
    model = _network()
    answer = _compute(model, tmp_path)
    assert (answer.name, answer.media_type, answer.pixels) == ("mask.tif", "application/octet-stream", VALUES.size)
    (tmp_path / "answer.tif").write_bytes(answer.content)
    with open_volume(tmp_path / "answer.tif") as stored:
        assert [axis.step for axis in stored.grid.axes[:3]] == pytest.approx(STEPS)
        ids = stored.read(stored.whole)[..., 0]
    np.testing.assert_array_equal(ids, unetzoo.predict(model, VALUES).argmax(0))


def test_numbers_are_those_of_all_voxels(tmp_path):
    model = _network()
    facts = json.loads(_compute(model, tmp_path, "json").content)
    ids = unetzoo.predict(model, VALUES).argmax(0)
    assert facts["size"] == [*VALUES.shape]
    assert [each["pixels"] for each in facts["classes"]] == [(ids == number).sum() for number in (0, 1)]


def test_planes_of_classes_that_overlap_are_counted_each(tmp_path):
    model = _network(labels="overlapping")
    facts = json.loads(_compute(model, tmp_path, "json").content)
    probabilities = unetzoo.predict(model, VALUES)
    assert [each["pixels"] for each in facts["classes"]] == [(plane > 0.5).sum() for plane in probabilities]


def test_objects_are_counted_over_all_slices(tmp_path):
    model = _network(objects="components")
    middle = float(np.median(unetzoo.predict(model, VALUES)))
    model.config = replace(model.config, objects_options={"threshold": middle})
    facts = json.loads(_compute(model, tmp_path, "json").content)
    numbers = unetzoo.predict_objects(model, VALUES)
    assert [each["volume_px"] for each in facts["objects"]] == np.bincount(numbers.ravel())[1:].tolist()
    assert {each["class"] for each in facts["objects"]} == {"organ"}
    header, *rows = _compute(model, tmp_path, "csv").content.decode().splitlines()
    assert header.startswith("image,id,class,volume_px,")
    assert len(rows) == numbers.max()


def test_slices_of_a_volume_are_predicted_by_a_network_of_slices(tmp_path):
    model = varied_model(in_channels=1)
    info = unetzoo.ModelInfo(slices=1, slice_axis="z", class_names=("a", "b", "c"), **NORMALIZATION)
    model.config = replace(model.config, info=info)
    ids = tifffile.imread(io.BytesIO(_compute(model, tmp_path, "tif").content))
    np.testing.assert_array_equal(ids, unetzoo.predict_volume(model, VALUES, axes="z").argmax(0))


@pytest.mark.parametrize("options", [{}, {"labels": "overlapping"}, {"objects": "components"}])
def test_the_page_shows_the_slice_in_the_middle(options, tmp_path):
    shown = json.loads(_compute(_network(**options), tmp_path, "preview").content)
    assert (shown["size"], shown["note"]) == ([40, 36], "slice 4 of 6 is shown")
    for name in ("picture", "colors"):
        assert Image.open(io.BytesIO(b64decode(shown[name]))).size == (36, 40)
    picture = np.asarray(Image.open(io.BytesIO(b64decode(shown["picture"]))).convert("F"))
    assert np.corrcoef(picture.ravel(), VALUES[3].ravel())[0, 1] > 0.99
    names = [file["name"] for file in shown["files"]]
    assert names == (["mask.tif", "objects.csv"] if "objects" in options else ["mask.tif"])


def test_a_volume_of_too_many_voxels_or_a_picture_is_refused(tmp_path):
    with pytest.raises(RefusalError, match=r"the image has 8,640 pixels, and this server takes 8,639") as refusal:
        _compute(_network(), tmp_path, most=8639)
    assert refusal.value.status == 413
    fine = _network()
    fine.config = replace(fine.config, info=replace(fine.config.info, pixel_size=(1.0, 0.75, 0.5), unit="um"))
    with pytest.raises(RefusalError, match=r"the image has 34,560 pixels at the pixel size of the training"):
        _compute(fine, tmp_path, most=8640)
    Image.new("L", (9, 9)).save(tmp_path / "upload", format="PNG")
    (predictor,) = predictors_of(_network(), PredictOptions(device="cpu"))
    with pytest.raises(RefusalError, match=r"is an image of 9 x 9 pixels.*where a volume is expected") as refusal:
        compute(predictor, tmp_path / "upload", "volume", 10**6, Event())
    assert refusal.value.status == 400


def test_a_network_of_volumes_gives_volumes_and_no_png():
    config = _network().config
    assert choose_kind(None, "*/*", config, is_volume=True) == "volume"
    assert choose_kind(None, "image/tiff", config, is_volume=True) == "tif"
    with pytest.raises(RefusalError, match="as must be one of volume, tif, json, preview for this network"):
        choose_kind("png", "", config, is_volume=True)


@pytest.mark.long
def test_a_form_with_a_volume_is_answered_over_http(tmp_path):
    unetzoo.save(_network(), tmp_path / "model")
    stack = write_stack(tmp_path / "stack.tif", VALUES).read_bytes()
    head = b'--cut\r\nContent-Disposition: form-data; name="image"; filename="a.tif"\r\n\r\n'
    server = Server(tmp_path / "model", tmp_path / "server")
    try:
        form = {"Content-Type": "multipart/form-data; boundary=cut"}
        status, content, headers = server.request("POST", "/predict", head + stack + b"\r\n--cut--\r\n", form)
    finally:
        server.process.terminate()
        server.process.communicate()
    assert (status, headers["content-disposition"]) == (200, 'attachment; filename="mask.tif"')
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(content)), unetzoo.predict(_network(), VALUES).argmax(0))
