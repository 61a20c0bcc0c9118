import unicodedata
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import unetzoo
from unetzoo.data.find import open_source
from unetzoo.data.sources.names import match_names


def _write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(pixels, np.uint8)
    tifffile.imwrite(path, pixels) if path.suffix == ".tif" else Image.fromarray(pixels).save(path)


def _folder(folder, image_name, mask_name, count=5):
    """Images whose value is their number, and masks likewise."""
    for number in range(count):
        _write(folder / "images" / image_name.format(number), np.full((8, 9), number))
        _write(folder / "masks" / mask_name.format(number), np.full((8, 9), number))
    return folder


def _are_right(source):
    """Whether each image has the mask of its number."""
    pairs = [source.pair(index) for index in range(len(source.entries))]
    return [int(image.max()) for image, _ in pairs] == [int(np.asarray(mask).max()) for _, mask in pairs]


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("a{}.png", "a{}_masks.png"),
        ("a{}.png", "a{}_cp_masks.png"),
        ("a{}.png", "a{}_seg.png"),
        ("a{}.jpg", "a{}.jpg.png"),
        ("a{}.jpg", "a{}.jpg___fuse.png"),
        ("IMG_{}.png", "img_{}_Mask.png"),
        ("A{}.PNG", "a{}.png"),
        ("a{}.ome.tif", "a{}.png"),
        ("a{}.png", "a{}_mask.ome.tif"),
        ("a.v{}.png", "a.v{}.tif"),
        (unicodedata.normalize("NFD", "Präparat_{}.png"), unicodedata.normalize("NFC", "Präparat_{}.png")),
    ],
)
def test_names_that_are_alike_pair(image, mask, tmp_path):
    source = open_source(_folder(tmp_path, image, mask))
    assert len(source.entries) == 5
    assert _are_right(source)
    assert source.problems == ()


@pytest.mark.parametrize(
    ("image", "mask", "pattern"),
    [
        ("image_{}.png", "mask_{}.png", "image_* with mask_*"),
        ("{}_sat.png", "{}_msk.png", "*_sat with *_msk"),
        ("img{}.png", "truth-{}-final.png", "img* with truth-*-final"),
        ("slide_{:03}_HE.png", "slide_{}_mask.png", "slide_*_HE with slide_*_mask"),
    ],
)
def test_names_of_two_patterns_pair_and_it_is_said(image, mask, pattern, tmp_path):
    source = open_source(_folder(tmp_path, image, mask, count=12))
    assert len(source.entries) == 12
    assert _are_right(source)
    assert source.problems == (f"images and masks are paired by the pattern {pattern} (12 of them)",)


def test_a_pattern_holds_in_every_folder_of_its_own():
    images = ["p1/img_1", "p1/img_2", "p2/img_1", "p2/img_2"]
    masks = ["p1/seg_1", "p1/seg_2", "p2/seg_1", "p2/seg_2"]
    assert match_names(images, masks).masks == {image: [image.replace("img", "seg")] for image in images}


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        (["image_1"], ["mask_1"]),  # one pair shows no pattern
        ([f"image_{number}" for number in range(10)], [f"mask_{number}" for number in range(5, 15)]),
        (["anna", "berta", "clara"], ["david", "emil", "franz"]),
        ([], ["mask_1"]),
    ],
)
def test_names_that_do_not_nearly_all_follow_a_pattern_are_not_paired(images, masks):
    assert match_names(images, masks).masks == {}


def test_an_image_whose_name_has_an_ending_is_no_mask_of_another():
    assert match_names(["a", "a_mask"], ["a", "a_mask"]).masks == {"a": ["a"], "a_mask": ["a_mask"]}


def test_names_that_differ_by_case_alone_stay_apart():
    assert match_names(["a", "A"], ["a_mask", "A_mask"]).masks == {"a": ["a_mask"], "A": ["A_mask"]}


def test_numbered_masks_belong_to_the_image_of_the_first_alone():
    matches = match_names(["a", "a_1", "b"], ["a_mask", "a_mask_1", "a_1_mask", "b_mask_1"])
    assert {image: sorted(masks) for image, masks in matches.masks.items()} == {
        "a": ["a_mask", "a_mask_1"],
        "a_1": ["a_1_mask"],
    }


def test_several_masks_are_said_to_be_joined(make_folder, pictures):
    images, _ = pictures
    mask = np.zeros((16, 24))
    folder = make_folder({"a.png": images["a.png"]}, {"a_mask.png": mask, "a_mask_1.png": mask})
    (problem,) = open_source(folder).problems
    assert problem == "images/a.png has 2 masks (a_mask.png, a_mask_1.png), which are joined"


@pytest.mark.parametrize("split", ["", "train"])
def test_images_and_masks_may_lie_in_one_folder(split, tmp_path):
    for number in range(3):
        _write(tmp_path / split / f"a ({number}).png", np.full((8, 9), number))
        _write(tmp_path / split / f"a ({number})_mask.png", np.full((8, 9), number))
    source = open_source(tmp_path)
    assert [entry.name for entry in source.entries] == [(f"{split}/" * bool(split)) + f"a ({n}).png" for n in range(3)]
    assert [entry.split for entry in source.entries] == [split] * 3
    assert _are_right(source)


def test_the_folders_of_pascal_voc_are_read_with_their_lists(tmp_path):
    for number in range(4):
        _write(tmp_path / "JPEGImages" / f"a{number}.png", np.full((8, 9), number))
        _write(tmp_path / "SegmentationClass" / f"a{number}.png", np.full((8, 9), number))
    (tmp_path / "Annotations").mkdir()
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a0\na1\n")
    (lists / "val.txt").write_text("a2\n")
    (lists / "trainval.txt").write_text("a0\na1\na2\n")
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\ncell:255,0,16::\n")
    source = open_source(tmp_path)
    splits = {"a0": "train", "a1": "train", "a2": "val"}
    assert {entry.name: entry.split for entry in source.entries} == {
        f"JPEGImages/{name}.png": split for name, split in splits.items()
    }
    assert source.problems == (
        "labelmap.txt names the colors of the classes: --classes 'background=#000000,cell=#ff0010'",
    )


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (["labels.xml"], "not that of CVAT"),
        (["images/a.json"], "not that of COCO, LabelMe or QuPath"),
        (["labels/a.txt", "data.yaml"], "YOLO's format.*a class and a polygon"),
        (["annotations/a.xml"], "Pascal VOC's format for detection"),
        (["meta.json", "ds/ann/a.png.json"], "Supervisely"),
        (["via_region_data.json"], "VGG Image Annotator"),
        (["a_seg.npy"], "Cellpose's"),
        (["notes.md"], "columns image and mask"),
    ],
)
def test_folders_without_masks_are_refused_with_a_way_out(files, problem, tmp_path):
    _write(tmp_path / "images" / "a.png", np.zeros((8, 9)))
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text({".json": "{}", ".xml": "<annotation/>"}.get(Path(name).suffix, "x"))
    with pytest.raises(unetzoo.DataError, match=f"(?s).*{problem}"):
        open_source(tmp_path)
