"""Data sets as nnU-Net stores them: a file for each channel, and names in dataset.json."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

import unetzoo
from unetzoo.cli import app
from unetzoo.data.formats.channel_files import channel_files
from unetzoo.data.formats.read import read_grid, read_image
from unetzoo.nn.coding import UNKNOWN

_CHANNELS = {"0": "T1", "1": "FLAIR"}
_LABELS = {"background": 0, "lesion": 1, "ignore": 2}


def _write(folder, count=6, *, images="imagesTr", masks="labelsTr", size=(24, 20)):
    """Images of two channels in files, with masks of the ids 0 to 2, and the channels of each."""
    channels = np.random.default_rng(0).integers(0, 120, (count, *size, 2), dtype=np.uint8)
    labels = np.zeros((count, *size), np.uint8)
    labels[:, 5:15, 4:12], labels[:, :2] = 1, 2
    channels[labels == 1, 1] += 100
    for name in (images, masks):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        for channel in range(2):
            path = folder / images / f"case{number}_{channel:04d}.png"
            Image.fromarray(channels[number, ..., channel]).save(path)
        Image.fromarray(labels[number]).save(folder / masks / f"case{number}.png")
    (folder / "dataset.json").write_text(json.dumps({"channel_names": _CHANNELS, "labels": _LABELS}))
    return channels, labels


def test_the_files_of_channels_are_one_image_with_names_classes_and_unknown_pixels(tmp_path):
    channels, labels = _write(tmp_path)
    survey = unetzoo.survey(tmp_path)
    assert (survey.class_names, survey.errors) == (("background", "lesion"), ())
    assert survey.statistics.channel_names == ("T1", "FLAIR")
    assert [name for name in survey.names if "_0001" in name] == []
    samples = survey.dataset("all")
    for number, sample in enumerate(samples):
        assert np.array_equal(sample.image, channels[number])
        assert np.array_equal(sample.mask, np.where(labels[number] == 2, UNKNOWN, labels[number]))


def test_a_missing_channel_is_an_error_that_names_its_file(tmp_path):
    _write(tmp_path)
    (tmp_path / "imagesTr" / "case3_0001.png").unlink()
    with pytest.raises(unetzoo.DataError, match=r"case3_0001\.png is missing, the channel FLAIR of case3: dataset"):
        unetzoo.survey(tmp_path)
    (tmp_path / "dataset.json").unlink()
    with pytest.raises(unetzoo.DataError, match=r"case3_0001\.png is missing, the channel 1 of case3: other images"):
        unetzoo.survey(tmp_path)
    for number in range(6):  # the first one is missing, too
        (tmp_path / "imagesTr" / f"case{number}_0001.png").unlink(missing_ok=True)
    (tmp_path / "imagesTr" / "case0_0000.png").rename(tmp_path / "imagesTr" / "case0_0001.png")
    with pytest.raises(unetzoo.DataError, match=r"case0_0000\.png is missing"):
        unetzoo.survey(tmp_path)


def test_numbers_in_other_folders_are_those_of_images(tmp_path):
    _write(tmp_path / "film", images="frames")
    frame = tmp_path / "film" / "frames" / "case0_0000.png"
    assert channel_files(frame) == (frame,)
    assert read_image(frame).shape == (24, 20, 1)
    _write(tmp_path / "named", images="images", masks="masks")
    with pytest.raises(
        unetzoo.DataError, match=r"case0_0000 and case0_0001, .* name the folders imagesTr and labelsTr"
    ):
        unetzoo.survey(tmp_path / "named")


def test_a_channel_of_another_size_or_place_is_an_error(tmp_path):
    _write(tmp_path, size=(24, 20))
    path = tmp_path / "imagesTr" / "case2_0001.png"
    Image.fromarray(np.zeros((20, 24), np.uint8)).save(path)
    (error,) = unetzoo.survey(tmp_path).errors
    assert "case2_0001.png has 20 x 24 pixels, the first channel, case2_0000.png, 24 x 20" in error
    scales, keys = (33550, 12, 3), (34735, 3, 8, (1, 1, 0, 1, 1024, 0, 1, 1), True)
    for channel, shift in enumerate((0, 30)):
        tags = [(*scales, (10.0, 10.0, 0.0), True), (33922, 12, 6, (0, 0, 0, 500.0 + shift, 900.0, 0), True), keys]
        place = tmp_path / "imagesTr" / f"ground_{channel:04d}.tif"
        tifffile.imwrite(place, np.ones((8, 9), np.uint8), extratags=tags, metadata=None)
    with pytest.raises(unetzoo.DataError, match=r"ground_0001\.tif lies up to 30 .*away from the first channel"):
        read_grid(tmp_path / "imagesTr" / "ground_0000.tif")


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({"0": "background", "1": "liver", "2": "tumor"}, ("background", "liver", "tumor")),
        ({"background": 0, "tumor": 2, "liver": 1}, ("background", "liver", "tumor")),
    ],
    ids=["version 1", "version 2"],
)
def test_labels_of_both_versions_name_the_classes(tmp_path, labels, names):
    _write(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    assert unetzoo.survey(tmp_path).class_names == names


def test_regions_are_classes_that_may_overlap_through_training_and_evaluation(tmp_path):
    _, labels = _write(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "whole": [1, 2], "core": [2]}}))
    survey = unetzoo.survey(tmp_path)
    assert (survey.class_names, survey.statistics.labels) == (("whole", "core"), "overlapping")
    assert np.array_equal(survey.dataset("all")[0].mask, [labels[0] > 0, labels[0] == 2])
    shares = survey.statistics.class_frequencies
    np.testing.assert_allclose(shares, [(labels > 0).mean(), (labels == 2).mean()])
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 2, "classes": 2, "labels": "overlapping"}
    model = unetzoo.create("unet", encoder="plain", **options)
    unetzoo.fit(model, tmp_path, tmp_path / "run", options=unetzoo.FitOptions(steps=3, crop=16, batch=2, device="cpu"))
    trained = unetzoo.load(tmp_path / "run" / "best")
    (tmp_path / "dataset.json").unlink()  # the network knows its regions
    scores = unetzoo.evaluate(trained, tmp_path, split="all")
    limit = trained.config.info.thresholds[1]
    core = np.stack([unetzoo.predict(trained, sample.image)[1] >= limit for sample in survey.dataset("all")])
    both, either = (core & (labels == 2)).sum(), (core | (labels == 2)).sum()
    assert scores.classes[1]["IoU"].value == pytest.approx(both / either)


@pytest.mark.parametrize(
    "labels", [{"background": 0, "lesion": 0}, {"background": 0, "lesion": 1.5}, {"lesion": "one"}]
)
def test_other_labels_are_an_error(tmp_path, labels):
    _write(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    with pytest.raises(
        unetzoo.DataError, match=r"dataset\.json has labels that are not names with numbers of their own"
    ):
        unetzoo.survey(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_description_is_an_error_beside_these_folders_alone(tmp_path, text):
    _write(tmp_path / "nnunet")
    _write(tmp_path / "plain", images="images", masks="masks")
    for folder in ("nnunet", "plain"):
        (tmp_path / folder / "dataset.json").write_text(text)
    with pytest.raises(unetzoo.DataError, match=r"dataset\.json, which describes the data set, cannot be read: "):
        unetzoo.survey(tmp_path / "nnunet")
    for path in (tmp_path / "plain" / "images").glob("*_0001.png"):
        path.unlink()
    assert not unetzoo.survey(tmp_path / "plain").errors


def test_results_are_named_as_nnunet_names_them_and_follow_each_channel(tmp_path):
    data, results = tmp_path / "data", tmp_path / "results"
    channels, _ = _write(data)
    _write(tmp_path / "new", images="imagesTs", masks="unused")
    train = f"train {data} --encoder plain --encoder-option widths=[4,8] --crop 16 --batch 2 --steps 3 --device cpu "
    predict = f"predict {tmp_path / 'run'} {tmp_path / 'new' / 'imagesTs'} {results} --probabilities --device cpu"
    for line in (f"{train} --workers 0 --out {tmp_path / 'run'}", predict):
        done = CliRunner().invoke(app, line.split())
        assert done.exit_code == 0, done.output
    files = sorted(path for path in results.iterdir() if path.is_file())
    assert {path.name.split(".")[0] for path in files} == {f"case{number}" for number in range(6)}
    model = unetzoo.load(tmp_path / "run")
    assert model.config.info.channel_names == ("T1", "FLAIR")
    expected = unetzoo.predict(model, channels[0])
    np.testing.assert_allclose(read_image(files[0]).transpose(2, 0, 1), expected, atol=1e-3)
    Image.fromarray(255 - channels[0, ..., 1]).save(tmp_path / "new" / "imagesTs" / "case0_0001.png")
    done = CliRunner().invoke(app, predict.split())
    assert "1 predicted" in done.output
    assert np.abs(read_image(files[0]).transpose(2, 0, 1) - expected).max() > 1e-3
