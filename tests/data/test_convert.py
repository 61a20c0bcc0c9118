"""Any data set as images/ and masks/: what is written is read as what it was."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

import unetzoo
from unetzoo.data.convert import convert_dataset


@pytest.fixture
def labelme(tmp_path):
    """Three images of two classes and four objects each; the second has another ending and a folder of its own."""
    folder = tmp_path / "labelme"
    for number, name in enumerate(["a.png", "more/a.tif", "b.png"]):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 50), dtype=np.uint8)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
        shapes = [
            {
                "label": label,
                "points": [[12 * place, number], [12 * place + 8, number], [12 * place + 8, 9], [12 * place, 9]],
            }
            for place, label in enumerate(["cell", "debris", "cell", "cell"])
        ]
        document = {"imagePath": (folder / name).name, "imageHeight": 20, "imageWidth": 50, "shapes": shapes}
        (folder / name).with_suffix(".json").write_text(json.dumps(document))
    return folder


def _samples(data, **options):
    dataset = unetzoo.open_dataset(data, "all", **options)
    return dataset, {dataset[index].image.tobytes(): index for index in range(len(dataset))}


@pytest.mark.parametrize("masks", ["auto", "instances"])
def test_what_is_written_is_read_as_what_it_was(masks, labelme, tmp_path):
    assert convert_dataset(labelme, tmp_path / "out", masks=masks) == unetzoo.survey(labelme, masks=masks).warnings
    before, old = _samples(labelme, masks=masks)
    after, new = _samples(tmp_path / "out")  # without a word of the user
    assert after.class_names == before.class_names
    assert old.keys() == new.keys()
    for key, index in old.items():
        np.testing.assert_array_equal(before[index].mask, after[new[key]].mask)
        if masks == "instances":
            np.testing.assert_array_equal(before.instances(index), after.instances(new[key]))
            assert after.instances(new[key]).max() == 4


def test_images_are_copied_byte_by_byte_and_names_stay_unique(labelme, tmp_path):
    convert_dataset(labelme, tmp_path / "out")
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert written == {
        "images/a.png",
        "images/b.png",
        "images/more_a.tif",
        "masks.json",
        "masks/a.png",
        "masks/b.png",
        "masks/more_a.png",
    }
    assert (tmp_path / "out/images/more_a.tif").read_bytes() == (labelme / "more/a.tif").read_bytes()


def test_splits_stay_and_data_sets_of_python_are_written(tmp_path):
    convert_dataset("nuclei", tmp_path / "out")
    before, after = unetzoo.survey("nuclei"), unetzoo.survey(tmp_path / "out")
    assert after.errors == after.warnings == ()
    assert after.class_names == before.class_names == ("background", "nucleus")
    for split in ("train", "val", "test"):
        np.testing.assert_array_equal(before.dataset(split)[0].image, after.dataset(split)[0].image)
        np.testing.assert_array_equal(before.dataset(split)[0].mask, after.dataset(split)[0].mask)


def test_objects_that_samples_number_are_written_as_numbers(tmp_path):
    convert_dataset("nuclei", tmp_path / "out", masks="instances")
    before, after = unetzoo.survey("nuclei"), unetzoo.survey(tmp_path / "out")
    assert after.class_names == ("background", "nucleus")
    for split in ("train", "val", "test"):
        numbers = before.dataset(split).instances(0)
        assert len(np.unique(numbers)) > 10
        np.testing.assert_array_equal(after.dataset(split).instances(0), numbers)


class _Unknown(unetzoo.Dataset):
    """Two objects, and a column that is not known."""

    def __init__(self):
        super().__init__(("background", "cell"))

    def __len__(self):
        return 2

    def __getitem__(self, index):
        mask = np.ones((4, 6), np.uint8)
        mask[:, 0] = 255
        return unetzoo.Sample(np.full((4, 6, 1), index, np.uint8), mask, str(index))

    def instances(self, index):
        return np.repeat([[1, 1, 1, 2, 2, 2]], 4, axis=0).astype(np.uint8)


def test_unknown_pixels_of_samples_that_number_objects_stay_unknown(tmp_path):
    convert_dataset(_Unknown(), tmp_path / "out", masks="instances")
    dataset = unetzoo.open_dataset(tmp_path / "out", "all")
    assert dataset[0].mask[0].tolist() == [255, 1, 1, 1, 1, 1]
    assert dataset.instances(0)[0].tolist() == [0, 1, 1, 2, 2, 2]


class _Floats(unetzoo.Dataset):
    def __init__(self):
        super().__init__(("background", "cell"))
        self.image = np.random.default_rng(0).normal(size=(8, 9, 5))
        self.image[2, 3] = np.nan

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return unetzoo.Sample(self.image + index, np.eye(8, 9, dtype=np.uint8), str(index))


def test_pixels_that_no_picture_holds_are_written_as_arrays(tmp_path):
    convert_dataset(_Floats(), tmp_path / "out")
    dataset = unetzoo.open_dataset(tmp_path / "out", "all")
    np.testing.assert_array_equal(dataset[0].image, _Floats()[0].image)


def test_unknown_pixels_and_numbers_beyond_16_bits_are_kept(make_folder, tmp_path):
    numbers = np.arange(300 * 300, dtype=np.int32).reshape(300, 300)
    folder = make_folder({"a.png": np.zeros((300, 300)), "b.png": np.ones((300, 300))}, {})
    tifffile.imwrite(folder / "masks" / "a.tif", numbers)
    tifffile.imwrite(folder / "masks" / "b.tif", np.where(numbers < 7, -1, numbers % 3).astype(np.int32))
    convert_dataset(folder, tmp_path / "out", masks="instances")
    dataset = unetzoo.open_dataset(tmp_path / "out", "all")
    np.testing.assert_array_equal(dataset.instances(0), numbers)
    assert (dataset[1].mask.reshape(-1)[:7] == 255).all()
    convert_dataset(tmp_path / "out", tmp_path / "again")
    np.testing.assert_array_equal(unetzoo.open_dataset(tmp_path / "again", "all")[1].mask, dataset[1].mask)


@pytest.mark.parametrize("converted", [False, True])
def test_annotations_and_what_they_are_converted_to_train_a_network(converted, labelme, tmp_path):
    data = labelme
    if converted:
        data = tmp_path / "out"
        convert_dataset(labelme, data)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=3, in_channels=1)
    options = unetzoo.FitOptions(steps=2, epochs=1, batch=2, crop=16)
    result = unetzoo.fit(model, data, tmp_path / "run", options=options)
    assert result.best.class_iou is not None
    assert unetzoo.load(tmp_path / "run").config.info.class_names == ("background", "cell", "debris")


def test_annotations_train_a_network_of_objects_with_their_classes(labelme, tmp_path):
    model = unetzoo.create(
        "unet",
        encoder="plain",
        encoder_options={"widths": (4, 8)},
        objects="components",
        object_classes=2,
        in_channels=1,
    )
    survey = unetzoo.survey(labelme)
    options = unetzoo.FitOptions(steps=2, epochs=1, batch=2, crop=16)
    result = unetzoo.fit(model, survey, tmp_path / "run", options=options)
    assert result.best.average_precision is not None
    assert result.model.config.info.class_names == ("background", "cell", "debris")


def test_the_user_overrules_what_a_folder_declares(labelme, tmp_path):
    convert_dataset(labelme, tmp_path / "out")
    assert unetzoo.open_dataset(tmp_path / "out", classes=["x", "y", "z"]).class_names == ("x", "y", "z")
    assert unetzoo.open_dataset(tmp_path / "out", masks="instances").class_names == ("background", "foreground")
    ignoring = unetzoo.open_dataset(tmp_path / "out", ignore=[3])
    assert ignoring.class_names == ("background", "cell", "debris")


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"classes": 3}', '{"masks": "other"}', '{"other": 1}', '{"classes": {"a": -1}}', "[" * 10**5]
)
def test_a_declaration_that_cannot_be_used_is_an_error(text, make_folder, pictures):
    folder = make_folder(*pictures)
    (folder / "masks.json").write_text(text)
    with pytest.raises(unetzoo.DataError, match=r"masks.json cannot be used"):
        unetzoo.open_dataset(folder)


def test_data_with_errors_is_not_written(labelme, tmp_path):
    (labelme / "b.png").write_bytes(b"")
    with pytest.raises(unetzoo.DataError, match=r"b.png is empty"):
        convert_dataset(labelme, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_exists_is_never_replaced(labelme, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    for name in ("full", "file"):
        with pytest.raises(unetzoo.WriteError, match=f"{name} exists already"):
            convert_dataset(labelme, tmp_path / name)
    assert (tmp_path / "full" / "precious.txt").read_text() == (tmp_path / "file").read_text() == "x"
    (tmp_path / "empty").mkdir()
    convert_dataset(labelme, tmp_path / "empty")
    assert (tmp_path / "empty" / "masks.json").exists()


def test_a_folder_that_appears_meanwhile_is_not_replaced(labelme, tmp_path):
    def appear(_):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / "precious.txt").write_text("x")

    with pytest.raises(unetzoo.WriteError):
        convert_dataset(labelme, tmp_path / "out", on_written=appear)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["precious.txt"]
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_kill_leaves_no_folder_of_that_name(labelme, tmp_path):
    code = (
        "import os, signal, sys; from unetzoo.data.convert import convert_dataset\n"
        "convert_dataset(sys.argv[1], sys.argv[2], on_written=lambda _: os.kill(os.getpid(), signal.SIGKILL))"
    )
    done = subprocess.run([sys.executable, "-c", code, labelme, tmp_path / "out"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
