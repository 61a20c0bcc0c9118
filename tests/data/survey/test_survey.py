import json
import shutil

import numpy as np
import pytest
from PIL import Image

import unetzoo
from unetzoo.data.open import open_dataset, survey


def _texts(result, severity):
    return [problem.text for problem in result.problems if problem.severity == severity]


def test_a_sound_folder_has_no_problem_and_gives_its_samples(make_folder, pictures):
    images, masks = pictures
    result = survey(make_folder(images, masks))
    assert result.problems == ()
    train, val = result.dataset("train"), result.dataset("val")
    assert (len(train), len(val), len(result.dataset("test"))) == (4, 1, 0)
    for sample in (*(train[index] for index in range(4)), val[0]):
        name = sample.name.removeprefix("images/")
        np.testing.assert_array_equal(sample.image, images[name])
        np.testing.assert_array_equal(sample.mask, masks[name])


def test_all_problems_are_listed_at_once(make_folder, pictures):
    images, masks = pictures
    masks["b.png"] = masks["b.png"][:-1]
    masks["c.png"] = np.where(masks["c.png"] > 0, 9, 0)
    folder = make_folder(images, masks)
    (folder / "images" / "a.png").write_bytes(b"")
    (folder / "masks" / "d.png").write_text("no picture")
    (folder / "masks" / "e.png").unlink()
    result = survey(folder, classes=["background", "cell"])
    errors = " | ".join(_texts(result, "error"))
    assert "images/a.png is empty: it has 0 bytes" in errors
    assert "masks/d.png cannot be read: its content is not png" in errors
    assert "images/b.png: the image has 16 x 24 pixels, its mask 15 x 24" in errors
    assert "images/c.png: the mask holds 9, which is not a class; the classes are 0, 1" in errors
    assert errors.count(" | ") == 3
    assert "images/e.png has no mask" in _texts(result, "warning")
    with pytest.raises(unetzoo.DataError, match=r"a\.png is empty: it has 0 bytes \(and 3 more; `unetzoo data check`"):
        result.dataset("train")


def test_an_error_of_several_files_is_one_line_with_their_number_and_some_names(make_folder, pictures):
    images, masks = pictures
    folder = make_folder(images, masks)
    for name in "abcde":
        (folder / "masks" / f"{name}.png").write_bytes(b"")
    (text,) = (text for text in unetzoo.survey(folder).errors if "empty" in text)
    path = folder / "masks"
    assert text == (
        f"{path}/a.png is empty: it has 0 bytes (and 4 more: {path}/b.png, {path}/c.png, {path}/d.png, ...)"
    )


def test_images_without_masks_are_one_line(make_folder, pictures):
    images, masks = pictures
    folder = make_folder(images, {name: masks[name] for name in ("a.png", "b.png")})
    assert unetzoo.survey(folder).warnings[0] == "images/c.png has no mask (and 2 more: images/d.png, images/e.png)"


def test_images_that_cannot_be_read_are_not_said_to_hold_no_data(make_folder, pictures):
    folder = make_folder(*pictures)
    for path in (folder / "images").iterdir():
        path.write_bytes(b"no picture")
    (error,) = unetzoo.survey(folder).errors
    assert "cannot be read: its content is not png" in error


def test_a_survey_is_read_through_public_names(make_folder, pictures):
    images, masks = pictures
    folder = make_folder(images, masks)
    result = unetzoo.survey(folder, classes=["sky", "cell"])
    assert isinstance(result, unetzoo.Survey)
    assert isinstance(result.statistics, unetzoo.Statistics)
    assert (result.errors, result.warnings, result.class_names) == ((), (), ("sky", "cell"))
    assert result.names == tuple(f"images/{name}" for name in sorted(images))
    assert result.sizes == tuple(images[name].shape[:2] for name in sorted(images))
    assert sorted(index for split in result.splits.values() for index in split) == list(range(len(images)))
    with pytest.raises(AttributeError):
        result.coding = ""
    (folder / "images" / "b.png").write_bytes(b"")
    broken = unetzoo.survey(folder)
    assert broken.problems == (unetzoo.Problem("error", f"{folder}/images/b.png is empty: it has 0 bytes"),)
    assert broken.sizes[1] is None
    with pytest.raises(unetzoo.DataError, match="is empty"):
        _ = broken.statistics


def test_the_same_picture_in_two_splits_is_a_leak(tmp_path, make_folder, pictures):
    images, masks = pictures
    make_folder({"a.png": images["a.png"], "b.png": images["b.png"]}, masks | {}, under=tmp_path / "cells" / "train")
    make_folder({"x.png": images["b.png"]}, {"x.png": masks["b.png"]}, under=tmp_path / "cells" / "test")
    warnings = _texts(survey(tmp_path / "cells"), "warning")
    assert any("train/images/b.png (" in text and "test/images/x.png (test)" in text for text in warnings)


def test_a_group_in_two_splits_is_told(tmp_path, make_folder, pictures):
    make_folder(*pictures)
    lines = [
        {"image": f"cells/images/{name}.png", "mask": f"cells/masks/{name}.png", "group": group, "split": split}
        for name, group, split in (("a", "one", "train"), ("b", "two", "train"), ("c", "one", "val"))
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    warnings = _texts(survey(tmp_path / "pairs.jsonl"), "warning")
    assert warnings == ["the group 'one' is in the splits train and val, which makes scores too good"]


def test_empty_masks_and_absent_classes_are_warned_of(make_folder, pictures):
    images, masks = pictures
    masks["a.png"] = np.zeros_like(masks["a.png"])
    masks["b.png"] = np.full_like(masks["b.png"], 255)
    result = survey(make_folder(images, masks), classes=["background", "cell", "border"])
    warnings = _texts(result, "warning")
    assert "images/a.png: its mask is empty, all is background" in warnings
    assert "images/b.png: the class of none of its pixels is known" in warnings
    assert "class 'border' never occurs in the split 'train'" in warnings
    assert _texts(result, "error") == []


def test_an_image_with_another_number_of_channels_is_an_error(make_folder, pictures):
    images, masks = pictures
    images["d.png"] = images["d.png"][..., 0]
    assert _texts(survey(make_folder(images, masks)), "error") == ["images/d.png has 1 channel, most images have 3"]


def test_statistics_are_those_of_the_training_images_alone(make_folder, pictures):
    images, masks = pictures
    result = survey(make_folder(images, masks))
    chosen = [result.source.entries[index].name.removeprefix("images/") for index in result.splits["train"]]
    pixels = np.concatenate([images[name].reshape(-1, 3) for name in chosen]) / 255
    truth = np.concatenate([masks[name].ravel() for name in chosen])
    statistics = result.statistics
    assert (statistics.images, statistics.channels, statistics.value_range) == (4, 3, (0, 255))
    np.testing.assert_allclose(statistics.mean, pixels.mean(0), rtol=1e-9)
    np.testing.assert_allclose(statistics.std, pixels.std(0), rtol=1e-9)
    np.testing.assert_allclose(statistics.class_frequencies, [1 - truth.mean(), truth.mean()], rtol=1e-9)
    assert statistics.info.class_names == ("background", "foreground")


def test_the_range_of_deep_images_is_measured(tmp_path):
    random = np.random.default_rng(0)
    for kind, high in (("images", 4000), ("masks", 2)):
        (tmp_path / kind).mkdir()
        for name in "ab":
            np.save(tmp_path / kind / f"{name}.npy", random.integers(0, high, (30, 40)).astype(np.uint16))
    statistics = survey(tmp_path).statistics
    assert statistics.value_range[0] < 20
    assert 3980 < statistics.value_range[1] < 4000
    assert abs(statistics.mean[0] - 0.5) < 0.02


def test_a_channel_that_is_the_same_everywhere_but_for_rounding_is_not_blown_up(tmp_path):
    random = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for name in "abc":
        image = np.full((33, 41, 4), [0.1, 0.3, 0.7, 0], np.float32)
        image[..., 3] = random.random((33, 41))
        np.save(tmp_path / "images" / f"{name}.npy", image)
        np.save(tmp_path / "masks" / f"{name}.npy", random.integers(0, 2, (33, 41)))
    statistics = survey(tmp_path).statistics
    assert statistics.std[:3] == (1, 1, 1)
    assert statistics.std[3] == pytest.approx(12**-0.5, rel=0.05)  # of a uniform distribution


def test_every_pair_is_read_once_and_reported(make_folder, pictures):
    images, masks = pictures
    totals = []
    survey(make_folder(images, masks), on_read=totals.append)
    assert totals == [5] * 5


def test_a_registered_data_set_is_surveyed_as_files_are():
    result = survey("nuclei")
    assert result.problems == ()
    assert result.statistics.class_names == ("background", "nucleus")
    assert len(result.dataset("test")) == 1


def test_one_split_is_opened_with_the_classes_of_a_network(make_folder, pictures):
    images, masks = pictures
    masks = {name: np.minimum(mask, 1) for name, mask in masks.items()}
    dataset = open_dataset(make_folder(images, masks), "val", classes=["background", "cell", "border"])
    assert dataset.class_names == ("background", "cell", "border")
    assert dataset[0].mask.max() == 1


def test_without_a_split_that_of_the_test_is_taken_then_that_of_validation(make_folder, pictures, tmp_path):
    nuclei = open_dataset("nuclei")
    assert (len(nuclei), nuclei.split, nuclei[0].image.shape) == (1, "test", (512, 112, 1))
    unsplit = make_folder(*pictures)
    (tmp_path / "with-val").mkdir()
    for part in ("train", "val"):
        shutil.copytree(unsplit, tmp_path / "with-val" / part)
    dataset = open_dataset(tmp_path / "with-val")
    assert dataset.split == "val"
    assert "was chosen by these images" in dataset.split_note


def test_where_there_is_no_split_all_images_count(make_folder, pictures):
    folder = make_folder(*pictures)
    for trained in (None, unetzoo.ModelInfo(mean=[0.5, 0.5, 0.5], std=[0.1, 0.1, 0.1])):
        dataset = open_dataset(folder, trained=trained)
        assert (len(dataset), dataset.split) == (len(pictures[0]), "all")
        assert "no splits" in dataset.split_note


def test_of_the_training_s_own_images_those_that_were_held_out_count(make_folder, pictures):
    folder = make_folder(*pictures)
    result = survey(folder)
    dataset = open_dataset(folder, trained=result.statistics.info)
    assert dataset.split == "val"
    assert dataset.indices == tuple(result.splits["val"])
    everything = open_dataset(folder, "all", trained=result.statistics.info)
    assert len(everything) == len(pictures[0])
    assert "has seen most of these images" in everything.split_note


def test_a_split_that_is_not_there_is_refused(make_folder, pictures):
    with pytest.raises(unetzoo.DataError, match=r"there is no split 'test'; there are train, val .*, and all"):
        open_dataset(make_folder(*pictures), "test")


def test_a_file_that_is_damaged_later_is_named(make_folder, pictures):
    folder = make_folder(*pictures)
    dataset = survey(folder).dataset("train")
    Image.fromarray(np.zeros((3, 3, 3), np.uint8)).save(folder / dataset[0].name)
    with pytest.raises(
        unetzoo.DataError, match=rf"{dataset[1].name[:7]}.*the image has \(3, 3\) pixels, its mask \(16, 24\)"
    ):
        dataset[0]
