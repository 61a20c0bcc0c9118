import csv
import json

import datasets
import numpy as np
import pytest
import torch
from PIL import Image

import unetzoo
from unetzoo.data.formats.read import read_image, read_raw_mask
from unetzoo.data.open import open_dataset, open_source
from unetzoo.data.sources.samples import CodedDataset, SampleSource
from unetzoo.data.sources.source import Entry
from unetzoo.data.sources.splits import split_entries
from unetzoo.nn.coding import MaskCoding


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
    (told,) = open_source(above).problems
    assert told == "test/ is left out: it has no folder images/ with a folder masks/ beside it"
    below = make_folder(images, masks, under=tmp_path / "below")
    for kind in ("images", "masks"):
        (below / kind / "train").mkdir()
        (below / kind / "a.png").rename(below / kind / "train" / "a.png")
    (told,) = open_source(below).problems
    assert told == "4 images beside the folders of the splits, in images/, are left out"


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


def test_a_saved_data_set_of_hugging_face_is_read(tmp_path, pictures):
    images, masks = pictures
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Image()})
    rows = {
        "image": [Image.fromarray(image.astype(np.uint8)) for image in images.values()],
        "label": [Image.fromarray(mask.astype(np.uint8)) for mask in masks.values()],
    }
    table = datasets.Dataset.from_dict(rows, features=features)
    datasets.DatasetDict({"train": table, "validation": table.select([0])}).save_to_disk(tmp_path / "saved")
    source = open_source(tmp_path / "saved")
    assert [entry.split for entry in source.entries] == ["train"] * 5 + ["val"]
    np.testing.assert_array_equal(source.image(2), images["c.png"])
    np.testing.assert_array_equal(source.raw_mask(2), masks["c.png"])


def test_pictures_of_hugging_face_are_read_as_those_of_files(tmp_path):
    random = np.random.default_rng(0)
    transparent = Image.fromarray(random.integers(0, 256, (8, 9, 4), dtype=np.uint8), "RGBA")
    indexed = Image.fromarray(random.integers(0, 3, (8, 9), dtype=np.uint8), "P")
    indexed.putpalette([9, 8, 7, 200, 0, 0, 0, 200, 0])
    pictures = {"image": transparent, "mask": indexed}
    for name, picture in pictures.items():
        picture.save(tmp_path / f"{name}.png")
    features = datasets.Features(dict.fromkeys(pictures, datasets.Image()))
    rows = {name: [str(tmp_path / f"{name}.png")] for name in pictures}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "saved")
    image, mask = open_source(tmp_path / "saved").pair(0)
    np.testing.assert_array_equal(image, read_image(tmp_path / "image.png"))
    np.testing.assert_array_equal(mask, read_raw_mask(tmp_path / "mask.png"))
    assert (image.shape, np.asarray(mask).max()) == ((8, 9, 3), 2)


def test_a_configuration_of_a_hugging_face_data_set_is_named(tmp_path):
    configs = ""
    for name, value in (("small", 3), ("large", 9)):
        (tmp_path / "data").mkdir(exist_ok=True)
        datasets.Dataset.from_dict({"image": [[[value]]], "mask": [[[0]]]}).to_parquet(
            tmp_path / f"data/{name}.parquet"
        )
        configs += f"- config_name: {name}\n  data_files: data/{name}.parquet\n"
    (tmp_path / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    assert open_source(f"hf:{tmp_path}:large").image(0).tolist() == [[[9]]]
    with pytest.raises(unetzoo.DataError, match=r"large.*a configuration is named as hf:user/name:config"):
        open_source(f"hf:{tmp_path}")


def test_a_split_of_another_name_is_named_and_neither_trained_on_nor_lost(tmp_path):
    table = datasets.Dataset.from_dict({"image": [[[0]]], "mask": [[[0]]]})
    datasets.DatasetDict({"train": table, "test_hard": table}).save_to_disk(tmp_path / "saved")
    with pytest.raises(unetzoo.DataError, match="has a split 'test_hard', which is not one of train, "):
        open_source(tmp_path / "saved")
    with pytest.raises(unetzoo.DataError, match="there is no split 'valid'; the splits are train, val, test"):
        SampleSource({"train": unetzoo.create_dataset("nuclei", split="train"), "valid": []})


class Broken(unetzoo.Dataset):
    """One sample, of whatever is given."""

    def __init__(self, image, mask, names=("a", "b")):
        super().__init__(names)
        self.sample = unetzoo.Sample(image, mask, "one")

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.sample


_IMAGE, _MASK = np.zeros((4, 5, 1), np.uint8), np.zeros((4, 5), np.uint8)


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (_IMAGE[..., 0], _MASK, r"train 0: the image must be \(h, w, c\), got \(4, 5\)"),
        (_IMAGE, _IMAGE, r"train 0: the mask must be \(h, w\), got \(4, 5, 1\)"),
        (torch.zeros(1, 4, 5), _MASK, "train 0: the image must be a NumPy array of numbers, got Tensor"),
        (_IMAGE, None, "train 0: the mask must be a NumPy array of numbers, got NoneType"),
    ],
    ids=["grey", "mask", "tensor", "none"],
)
def test_what_a_data_set_of_python_gives_is_checked(image, mask, message):
    with pytest.raises(unetzoo.DataError, match=message):
        SampleSource({"train": Broken(image, mask)}).pair(0)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({}, "there is no split; give some of train, val, test"),
        ({"train": [1, 2]}, "train must be a unetzoo.Dataset, got list"),
        (
            {"train": Broken(_IMAGE, _MASK), "val": Broken(_IMAGE, _MASK, ("b", "a"))},
            "train has the classes a, b, but val has b, a",
        ),
    ],
    ids=["none", "list", "classes"],
)
def test_splits_of_python_are_checked(splits, message):
    with pytest.raises(unetzoo.DataError, match=message):
        SampleSource(splits)


class Random(unetzoo.Dataset):
    """Never the same twice, unlike what the contract says: a mask is that of its image all the same."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        mask = np.random.default_rng().integers(0, 2, (8, 8))
        return unetzoo.Sample(mask[..., None].astype(np.uint8), mask, "one")


def test_image_and_mask_come_of_one_call():
    sample = CodedDataset(SampleSource({"train": Random(("a", "b"))}), [0], MaskCoding("ids", (0, 1), ("a", "b")))[0]
    np.testing.assert_array_equal(sample.image[..., 0], sample.mask)


def test_more_classes_than_ids_are_refused():
    names = [str(number) for number in range(256)]
    with pytest.raises(unetzoo.DataError, match="there are 256 classes; masks of at most 255 can be read"):
        open_dataset("nuclei", classes=dict(zip(names, range(256), strict=True)))


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


def test_large_groups_are_not_held_out_where_small_ones_are_enough():
    entries = [
        Entry(f"{group}{number}", "", group)
        for group, count in (("a", 80), ("b", 10), ("c", 10))
        for number in range(count)
    ]
    assert {entries[index].group for index in split_entries(entries)["val"]} == {"b", "c"}


def test_a_data_set_without_a_column_of_masks_is_refused(tmp_path):
    datasets.Dataset.from_dict({"image": [1], "caption": ["x"]}).save_to_disk(tmp_path / "saved")
    with pytest.raises(unetzoo.DataError, match="no column 'mask' or 'label'; it has image, caption"):
        open_source(tmp_path / "saved")


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


def _entries(count, **more):
    from unetzoo.data.sources.source import Entry

    return [Entry(f"{index}.png", **more) for index in range(count)]


@pytest.mark.parametrize(("count", "held_out"), [(1, 0), (2, 1), (10, 2), (1000, 200)])
def test_a_fifth_is_held_out(count, held_out):
    splits = split_entries(_entries(count))
    assert len(splits.get("val", [])) == held_out
    assert sorted(splits["train"] + splits.get("val", [])) == list(range(count))


def test_which_ones_are_held_out_hardly_changes_when_files_are_added():
    entries = _entries(100)
    before, after = (set(split_entries(given)["val"]) for given in (entries[:95], entries))
    assert len(before & after) >= len(before) - 5


def test_a_group_is_never_split():
    from unetzoo.data.sources.source import Entry

    entries = [Entry(f"{index}.png", group=f"patient {index % 7}") for index in range(70)]
    splits = split_entries(entries)
    groups = [{entries[index].group for index in splits[split]} for split in ("train", "val")]
    assert not groups[0] & groups[1]
    assert all(groups)


def test_a_split_that_is_said_is_kept():
    from unetzoo.data.sources.source import Entry

    entries = [Entry("a", "val"), Entry("b", "train"), Entry("c"), Entry("d", "test")]
    assert split_entries(entries) == {"train": [1, 2], "val": [0], "test": [3]}


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
