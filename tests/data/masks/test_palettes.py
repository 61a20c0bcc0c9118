"""Masks with palettes: whether their indices count or their colors."""

import numpy as np
import pytest
import tifffile
from discs import CLASSES, COLUMNS, DISCS, assert_same, indexed

import unetzoo


@pytest.mark.parametrize("ending", ["png", "tif", "gif", "bmp"])
def test_palettes_in_another_order_are_compared_by_their_colors(read, ending):
    write = indexed(
        lambda mask, number: mask if number % 2 else 1 - mask,
        lambda number: [(0, 0, 0), (255, 0, 0)] if number % 2 else [(255, 0, 0), (0, 0, 0)],
    )
    names, ids, problems = read(write, DISCS, ending)
    assert names == ("#000000", "#ff0000")
    assert_same(ids, DISCS)
    assert problems == ["the palettes of masks differ from file to file: the colors count, not the indices"]


def test_colors_at_other_indices_of_each_file_are_the_same_classes(read):
    write = indexed(
        lambda mask, number: mask + number,
        lambda number: [(9, 9, 9)] * number + [(0, 0, 0), (0, 200, 0), (0, 0, 200)],
    )
    names, ids, _ = read(write, CLASSES)
    assert names == ("#000000", "#00c800", "#0000c8")
    assert_same(ids, CLASSES)


def test_palettes_that_agree_are_ids_with_255_unknown(read):
    colors = [(0, 0, 0), (128, 0, 0), (0, 128, 0), *[(0, 0, 0)] * 252, (224, 224, 192)]
    truth = [np.where(COLUMNS == 0, 255, mask) for mask in CLASSES]
    names, ids, problems = read(indexed(lambda mask, _: mask, lambda _: colors), truth)
    assert names == ("class 0", "class 1", "class 2")
    assert_same(ids, truth)
    assert problems == []


def test_classes_of_masks_with_a_palette_may_be_named_by_colors(read):
    write = indexed(lambda mask, _: mask, lambda _: [(0, 0, 0), (255, 0, 0), (0, 0, 255)])
    names, ids, _ = read(write, CLASSES, classes={"cell": "#ff0000", "rest": ["#000000", "#0000ff"]})
    assert names == ("cell", "rest")
    assert_same(ids, [np.where(mask == 1, 0, 1) for mask in CLASSES])


def test_inverted_displays_of_imagej_among_others_are_asked_about(read):
    ramps = [[(value,) * 3 for value in range(256)], [(255 - value,) * 3 for value in range(256)]]
    write = indexed(lambda mask, _: mask * 255, lambda number: ramps[number % 2])
    with pytest.raises(unetzoo.DataError, match=r"some masks are shown inverted.*background=0,cell=255"):
        read(write, DISCS)


def test_stored_values_count_where_a_user_names_them(read):
    ramps = [[(value,) * 3 for value in range(256)], [(255 - value,) * 3 for value in range(256)]]
    write = indexed(lambda mask, _: mask * 255, lambda number: ramps[number % 2])
    assert_same(read(write, DISCS, classes={"rest": 0, "cell": 255})[1], DISCS)


def test_an_inverted_table_of_imagej_changes_the_display_alone(read):
    def write(path, mask, number):
        options = {"photometric": "miniswhite"} if number % 2 else {}
        tifffile.imwrite(path, mask.astype(np.uint8) * 255, imagej=not number % 2, **options)
        if number % 2:
            tifffile.tiffcomment(path, b"ImageJ=1.54f\nimages=1\n")

    assert_same(read(write, DISCS, "tif")[1], DISCS)


def test_a_palette_that_shows_the_foreground_black_is_said(read):
    write = indexed(lambda mask, _: mask, lambda _: [(255, 255, 255), (0, 0, 0)])
    _, ids, problems = read(write, DISCS)
    assert_same(ids, DISCS)
    assert any("shows 0 as white and 1 as black: 1, the black, is the foreground" in text for text in problems)
