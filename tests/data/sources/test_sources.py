import csv
import json

import numpy as np
import pytest
from PIL import Image

import unetzoo
from unetzoo.data.find import open_source


def _named(source):
    return [entry.name for entry in source.entries]


def test_images_and_masks_are_paired_by_name(make_folder, pictures):
    images, masks = pictures
    source = open_source(make_folder(images, masks))
    assert _named(source) == [f"images/{name}" for name in images]
    np.testing.assert_array_equal(source.image(1), images["b.png"])
    np.testing.assert_array_equal(source.raw_mask(1), masks["b.png"])
    assert source.problems == ()


@pytest.mark.parametrize("name", ["a.tif", "a_mask.png", "a-label.png", "a_seg.bmp"])
def test_a_mask_may_have_another_suffix_or_say_that_it_is_one(make_folder, pictures, name):
    images, masks = pictures
    source = open_source(make_folder({"a.png": images["a.png"]}, {name: masks["a.png"]}))
    np.testing.assert_array_equal(source.raw_mask(0), masks["a.png"])


def test_folders_in_folders_are_kept_apart(make_folder, pictures, tmp_path):
    images, masks = pictures
    make_folder({"a.png": images["a.png"]}, {"a.png": masks["a.png"]})
    for kind, arrays in (("images", images), ("masks", masks)):
        (tmp_path / "cells" / kind / "other").mkdir()
        Image.fromarray(arrays["b.png"].astype(np.uint8)).save(tmp_path / "cells" / kind / "other" / "a.png")
    source = open_source(tmp_path / "cells")
    assert _named(source) == ["images/a.png", "images/other/a.png"]
    np.testing.assert_array_equal(source.image(1), images["b.png"])


@pytest.mark.parametrize("layout", ["{split}/{kind}", "{kind}/{split}"])
def test_splits_are_folders_above_or_below(pictures, tmp_path, layout):
    images, masks = pictures
    for split, name in (("train", "a.png"), ("validation" if layout == "{split}/{kind}" else "val", "b.png")):
        for kind, arrays in (("images", images), ("masks", masks)):
            folder = tmp_path / layout.format(split=split, kind=kind)
            folder.mkdir(parents=True)
            Image.fromarray(arrays[name].astype(np.uint8)).save(folder / name)
    assert [entry.split for entry in open_source(tmp_path).entries] == ["train", "val"]


def test_what_has_no_partner_is_a_problem_and_left_out(make_folder, pictures):
    images, masks = pictures
    folder = make_folder(
        {"a.png": images["a.png"], "x.png": images["b.png"]}, {"a.png": masks["a.png"], "y.png": masks["b.png"]}
    )
    source = open_source(folder)
    assert _named(source) == ["images/a.png"]
    assert source.problems == ("images/x.png has no mask", "masks/y.png has no image")


def test_a_split_and_images_that_are_left_out_are_told(make_folder, pictures, tmp_path):
    images, masks = pictures
    above = make_folder(images, masks, under=tmp_path / "above" / "train").parent
    (above / "test" / "images").mkdir(parents=True)
    (problem,) = open_source(above).problems
    assert problem == "test/ is left out: it has no folder images/ with a folder masks/ beside it"
    below = make_folder(images, masks, under=tmp_path / "below")
    for kind in ("images", "masks"):
        (below / kind / "train").mkdir()
        (below / kind / "a.png").rename(below / kind / "train" / "a.png")
    (problem,) = open_source(below).problems
    assert problem == "left out: 4 images beside the folders of the splits, in images/"


def test_two_images_of_one_name_are_a_problem(make_folder, pictures):
    images, masks = pictures
    source = open_source(make_folder({"a.png": images["a.png"], "a.bmp": images["b.png"]}, {"a.png": masks["a.png"]}))
    assert source.problems == ("images/a.png and a.bmp have the same name; the first is left out",)


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.tsv", "pairs.jsonl"])
def test_a_table_lists_pairs_with_splits_and_groups(make_folder, pictures, name):
    images, masks = pictures
    folder = make_folder(images, masks)
    rows = [
        {"image": "images/a.png", "mask": "masks/a.png", "split": "test", "group": "p1"},
        {"image": "images/b.png", "mask": "masks/b.png", "split": "", "group": "p2"},
    ]
    with (folder / name).open("w", newline="") as file:
        if name.endswith("jsonl"):
            file.writelines(json.dumps(row) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(file, rows[0], delimiter="\t" if name.endswith("tsv") else ",")
            writer.writeheader()
            writer.writerows(rows)
    source = open_source(folder / name)
    assert [(entry.split, entry.group) for entry in source.entries] == [("test", "p1"), ("", "p2")]
    np.testing.assert_array_equal(source.image(1), images["b.png"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "image,mask\n", "a.csv lists no pair"),
        ("a.csv", "image,truth\na.png,b.png\n", "line 2 has no 'mask'; its columns are image, truth"),
        ("a.csv", "image,mask,split\na.png,b.png,dev\n", "split must be one of train, val, test, got 'dev'"),
        ("a.jsonl", '{"image": "a.png"\n', "line 1 is not valid JSON"),
        ("a.jsonl", '\n["a.png"]\n', "line 2 must be an object"),
    ],
)
def test_a_table_that_cannot_be_read_names_the_line(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(unetzoo.DataError, match=message):
        open_source(tmp_path / name)


def test_splits_below_may_be_written_in_capitals(pictures, tmp_path):
    image, mask = (next(iter(some.values())) for some in pictures)
    for split in ("Train", "Test"):
        for kind, pixels in (("images", image), ("masks", mask)):
            (tmp_path / kind / split).mkdir(parents=True)
            Image.fromarray(pixels.squeeze().astype(np.uint8)).save(tmp_path / kind / split / "a.png")
    assert [entry.split for entry in open_source(tmp_path).entries] == ["test", "train"]


def test_the_group_0_is_a_group(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"image": "a.png", "mask": "b.png", "group": 0}\n')
    assert open_source(tmp_path / "a.jsonl").entries[0].group == "0"


def test_a_named_part_is_read_split_by_split():
    source = open_source("nuclei")
    assert [entry.split for entry in source.entries] == ["train", "val", "test"]
    assert source.class_names == ("background", "nucleus")
    np.testing.assert_array_equal(source.image(2), unetzoo.create_dataset("nuclei", split="test")[0].image)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "there is no folder or file .* and no data set of that name; data sets: .*nuclei"),
        (lambda folder: folder.mkdir(), r"has no folder images/ with a folder masks/ beside it"),
        (
            lambda folder: [(folder / name).mkdir(parents=True) for name in ("images", "masks")],
            "has no image with a mask",
        ),
        (lambda folder: folder.write_text("x"), "is not a data set"),
    ],
)
def test_what_is_no_data_set_is_refused(tmp_path, make, message):
    make(tmp_path / "cells")
    with pytest.raises(unetzoo.DataError, match=message):
        open_source(tmp_path / "cells")


def test_hidden_folders_are_not_trained_on_and_linked_ones_are(make_folder, pictures, tmp_path):
    images, masks = pictures
    cells = make_folder(images, masks, under=tmp_path / "cells")
    patient = make_folder(images, masks, under=tmp_path / "patient")
    make_folder(images, masks, under=tmp_path / "hidden")
    for kind in ("images", "masks"):
        (cells / kind / "patient").symlink_to(patient / kind)
        (tmp_path / "hidden" / kind).rename(cells / kind / ".ipynb_checkpoints")
    names = [f"images/{name}" for name in images] + [f"images/patient/{name}" for name in images]
    assert _named(open_source(cells)) == names
