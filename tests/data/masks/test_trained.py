"""What values of masks meant in a training, they mean in an evaluation; where that cannot be, it is said."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import tifffile
from PIL import Image

import unetzoo
from unetzoo import ModelInfo
from unetzoo.data.open import open_dataset, survey

_RED, _BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def train(make_folder, tmp_path):
    """What is saved with a network that was trained on such masks."""

    def train(*masks, **named):
        folder = _write(make_folder, tmp_path / "train", masks)
        info = survey(folder, **named).statistics.info
        return ModelInfo.from_dict(json.loads(json.dumps(asdict(info))))  # as it comes back from a file

    return train


@pytest.fixture
def read(make_folder, tmp_path):
    """Class names and class ids of such masks, for a network."""

    def read(info, *masks, **named):
        dataset = open_dataset(_write(make_folder, tmp_path / "test", masks), trained=info, **named)
        return dataset.class_names, [dataset[index].mask.tolist() for index in range(len(dataset))]

    return read


def _write(make_folder, folder, masks):
    if np.shape(masks[0])[2:] in ((), (3,)):
        names = [f"{number}.png" for number in range(len(masks))]
        masks = dict(zip(names, masks, strict=True))
        return make_folder({name: np.ones(np.shape(mask)[:2]) for name, mask in masks.items()}, masks, folder)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number, mask in enumerate(masks):
        np.save(folder / "images" / f"{number}.npy", np.zeros((*np.shape(mask)[:2], 1), np.uint8))
        np.save(folder / "masks" / f"{number}.npy", np.array(mask, np.uint8))
    return folder


def test_values_keep_the_ids_that_a_user_gave_them(train, read):
    info = train([[0, 255]], [[255, 0]], classes={"cell": 255, "background": 0})
    assert read(info, [[0, 255]]) == (("cell", "background"), [[[1, 0]]])


def test_a_color_that_is_missing_does_not_move_the_others(train, read):
    info = train([[(0, 0, 0), _BLUE]], [[_RED, _BLUE]])
    assert read(info, [[(0, 0, 0), _RED]]) == (("#000000", "#ff0000", "#0000ff"), [[[0, 1]]])


def test_a_last_plane_that_is_empty_does_not_become_a_background(train, read):
    info = train([[(1, 0, 0, 0), (0, 1, 0, 0)]] * 5, [[(0, 0, 1, 0), (0, 0, 0, 1)]] * 5)
    assert read(info, [[(0, 1, 0, 0), (1, 0, 0, 0)]] * 5)[1] == [[[1, 0]] * 5]


def test_instances_stay_instances(train, read):
    info = train([[0, 7, 70]], [[0, 9, 0]], masks="instances")
    assert read(info, [[0, 70, 255]]) == (("background", "foreground"), [[[0, 1, 1]]])


def test_blank_masks_are_of_any_kind(train, read):
    info = train([[(0, 0, 0), _BLUE]], [[_RED, _BLUE]])
    assert read(info, [[(0, 0, 0), (0, 0, 0)]])[1] == [[[0, 0]]]


@pytest.mark.parametrize(
    ("trained", "values", "message"),
    [
        ([[0, 1]], [[0, 255]], "hold one class and 255, which was unknown in the training.*--classes background=0"),
        (
            [[0, 255]],
            [[0, 1]],
            r"the classes are 0, 255; if 1 is the same as 255, say so, such as --classes 'background=0,cell=255\|1'",
        ),
        ([[0, 1]], [[(0, 0, 0), _RED]], "the masks are colors, those of the training were ids"),
        ([[(1, 0), (0, 1)]] * 5, [[(1, 0, 0, 0), (0, 1, 0, 0)]] * 5, "have 4 planes, those of the training had 2"),
        ([[0, 1, 2]], [[0, 3, 2]], r"the mask holds 3, which is not a class.*ignore=3 \(--ignore 3\)"),
    ],
)
def test_masks_that_mean_something_else_are_refused(train, read, trained, values, message):
    with pytest.raises(unetzoo.DataError, match=message):
        read(train(trained, trained), values)


def test_a_user_says_what_is_meant_and_the_classes_keep_the_order_of_the_network(train, read):
    info = train([[0, 1]], [[1, 0]], classes=["background", "cell"])
    assert read(info, [[0, 255]], classes={"cell": 255, "background": 0}) == (("background", "cell"), [[[0, 1]]])
    assert read(info, [[0, 255]], classes={"water": 255, "land": 0}) == (("water", "land"), [[[1, 0]]])
    assert read(info, [[0, 9, 4]], masks="instances") == (("background", "cell"), [[[0, 1, 1]]])


def test_a_name_in_another_place_is_refused(train, read):
    info = train([[0, 1, 2]], [[1, 0, 2]], classes=["background", "cell", "border"])
    with pytest.raises(unetzoo.OptionError, match=r"'cell' has another place.*rest, border, cell"):
        read(info, [[0, 1]], classes=["rest", "border", "cell"])


def test_a_registered_data_set_is_read_in_the_order_of_the_network():
    dataset = open_dataset("nuclei", trained=ModelInfo(class_names=("nucleus", "background")))
    own = open_dataset("nuclei")
    np.testing.assert_array_equal(dataset[0].mask, 1 - own[0].mask)


def test_a_network_of_one_logit_has_a_background(make_folder, pictures):
    dataset = open_dataset(make_folder(*pictures), trained=ModelInfo(class_names=("cell",)))
    assert dataset.class_names == ("background", "cell")


@pytest.mark.parametrize(
    "coding",
    [
        {"kind": "ids"},
        {"kind": "blank?"},
        {"codes": [0, -1]},
        {"codes": [0, True]},
        {"codes": [0]},
        {"unknown": 255},
        {"instances": 1},
        {"planes": 1.5},
        {"code": []},
    ],
)
def test_a_coding_that_is_none_is_refused(train, coding):
    info = train([[0, 1]], [[1, 0]])
    damaged = {**info.mask_coding, **coding} if coding != {"kind": "ids"} else coding
    with pytest.raises(unetzoo.ConfigError, match="invalid coding of masks of 2 classes"):
        replace(info, mask_coding=damaged)


def test_a_mask_that_cannot_be_read_is_told_before_any_is_compared(make_folder, pictures, tmp_path):
    folder = make_folder(*pictures, under=tmp_path / "cells" / "test")
    (folder / "masks" / "e.png").write_bytes(b"")
    with pytest.raises(unetzoo.DataError, match=r"e\.png is empty"):
        open_dataset(folder.parent)


def test_what_a_user_said_of_the_training_masks_holds_for_others(train, read):
    info = train([[0, 1, 2, 9]], [[2, 1, 0, 9]], classes={"rest": 0, "crop": [1, 2]}, ignore=9)
    assert read(info, [[2, 9, 0, 1]]) == (("rest", "crop"), [[[1, 255, 0, 1]]])


def test_a_threshold_of_the_training_holds_for_others(train, read):
    info = train([[0, 90, 200, 255]], [[0, 90, 130, 255]], threshold=128)
    assert read(info, [[0, 127, 128, 40]])[1] == [[[0, 0, 1, 0]]]


def test_the_nearest_colors_of_the_training_hold_for_others(train, read):
    named = {"rest": "#000000", "cell": "#ff0000"}
    info = train([[(0, 0, 0), _RED]], [[_RED, _RED]], classes=named, nearest_color=True)
    assert read(info, [[(4, 2, 0), (250, 9, 3)]])[1] == [[[0, 1]]]


def test_more_values_may_be_ignored_than_in_the_training(train, read):
    info = train([[0, 1]], [[1, 0]])
    assert read(info, [[0, 1, 7]], ignore=7)[1] == [[[0, 1, 255]]]


def test_classes_keep_the_order_of_the_network_where_several_values_are_one(train, read):
    info = train([[0, 1]], [[1, 0]], classes=["rest", "cell"])
    assert read(info, [[3, 4, 5]], classes={"cell": [3, 4], "rest": 5})[1] == [[[1, 1, 0]]]


def _indexed(folder, palette):
    """A folder of two masks of the indices 0 and 1 with a palette."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for name in ("a.png", "b.png"):
        picture = Image.fromarray(np.array([[0, 1, 1]], np.uint8), "P")
        picture.save(folder / "images" / name)
        picture.putpalette(palette)
        picture.save(folder / "masks" / name)
    return folder


def test_a_palette_in_another_order_than_in_the_training_is_refused_by_its_colors(tmp_path):
    info = survey(_indexed(tmp_path / "train", [0, 0, 0, *_RED])).statistics.info
    other = _indexed(tmp_path / "other", [*_RED, 0, 0, 0])
    with pytest.raises(unetzoo.DataError, match=r"shows 0 as #ff0000.*background=#000000,foreground=#ff0000"):
        open_dataset(other, trained=info)
    named = open_dataset(other, trained=info, classes={"background": "#000000", "foreground": "#ff0000"})
    assert named[0].mask.tolist() == [[1, 0, 0]]
    assert open_dataset(tmp_path / "train", trained=info)[0].mask.tolist() == [[0, 1, 1]]


def test_a_coding_of_before_is_read_as_it_was(read):
    info = {"kind": "ids", "codes": [0, 255], "unknown": [-1], "instances": False, "planes": 0}
    assert read(ModelInfo(class_names=("rest", "cell"), mask_coding=info), [[0, 255]])[1] == [[[0, 1]]]
    grays = {"kind": "colors", "codes": [0, 0x010101], "unknown": [0xFFFFFF], "instances": False, "planes": 0}
    info = ModelInfo(class_names=("rest", "cell"), mask_coding=grays)
    assert dict(info.mask_coding) == grays


def test_grays_in_colors_are_read_as_a_coding_of_before_says(read):
    grays = {"kind": "colors", "codes": [0, 0x010101], "unknown": [0xFFFFFF], "instances": False, "planes": 0}
    mask = [[(0, 0, 0), (1, 1, 1), (255, 255, 255)]]
    assert read(ModelInfo(class_names=("rest", "cell"), mask_coding=grays), mask)[1] == [[[0, 1, 255]]]


@pytest.mark.parametrize(
    "damage",
    [
        {"merged": [[1]]},
        {"merged": [[1, 2]]},
        {"threshold": "1"},
        {"nearest": 1},
        {"colors": [1]},
        {"codes": [5, 6], "instances": True},
        {"codes": [0, 255], "threshold": 1.0},
    ],
)
def test_a_damaged_later_field_is_refused(train, damage):
    info = train([[0, 1]], [[1, 0]])
    with pytest.raises(unetzoo.ConfigError, match="invalid coding of masks of 2 classes"):
        replace(info, mask_coding={**info.mask_coding, **damage})


def test_the_nodata_of_other_files_does_not_count(tmp_path, train):
    info = train([[0, 1, 2]], [[2, 1, 0]])
    for kind in ("images", "masks"):
        (tmp_path / "raster" / kind).mkdir(parents=True)
        tag = [(42113, "s", 0, "-9999", True)]
        tifffile.imwrite(tmp_path / "raster" / kind / "a.tif", np.array([[-9999, 1, 2]], np.int16), extratags=tag)
    assert open_dataset(tmp_path / "raster", trained=info)[0].mask.tolist() == [[255, 1, 2]]


def test_masks_in_the_alpha_channel_are_not_read_by_their_single_color(train, tmp_path, make_folder):
    info = train([[0, 255]], [[255, 0]])
    folder = make_folder({"0.png": np.ones((1, 2))}, {"0.png": [[0, 255]]}, tmp_path / "alpha")
    opacity = np.dstack([np.full((1, 2, 3), 255, np.uint8), np.array([[0, 255]], np.uint8)])
    Image.fromarray(opacity).save(folder / "masks" / "0.png")
    with pytest.raises(unetzoo.DataError, match=r"classes in the alpha channel, .*--classes background=0,cell=255"):
        open_dataset(folder, trained=info)
    named = open_dataset(folder, trained=info, classes={"background": 0, "foreground": 255})
    assert named[0].mask.tolist() == [[0, 1]]
    opacity[0, 0, :3] = 0  # the colors tell the classes, too
    Image.fromarray(opacity).save(folder / "masks" / "0.png")
    assert open_dataset(folder, trained=info)[0].mask.tolist() == [[0, 1]]
