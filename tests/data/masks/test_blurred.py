"""Masks with soft edges, and in formats that blur."""

import numpy as np
import pytest
from discs import CLASSES, DISCS, assert_same, painted
from PIL import Image

import unetzoo
from unetzoo.data.open import survey


def _soft(mask):
    small = Image.fromarray(mask.astype(np.uint8) * 255).resize((16, 12), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((32, 24), Image.Resampling.BILINEAR))


_COLORS = np.array([(0, 0, 0), (255, 0, 0), (0, 128, 255)])


@pytest.mark.parametrize("ending", ["npy", "png", "tif"])
@pytest.mark.parametrize("highest", [255, 1], ids=["bytes", "shares"])
def test_soft_masks_ask_for_a_threshold_and_take_it(read, ending, highest, tmp_path):
    if highest == 1 and ending == "png":
        pytest.skip("PNG has no fractions")
    write = painted(lambda mask, _: _soft(mask) if highest == 255 else (_soft(mask) / 255).astype(np.float32))
    middle = 128 if highest == 255 else 0.5
    names, ids, _ = read(write, DISCS, ending, threshold=middle, classes=["cell"])
    assert names == ("background", "cell")
    assert_same(ids, [_soft(mask) >= 128 for mask in DISCS])
    problems = [problem.text for problem in survey(tmp_path).problems]
    assert any(f"threshold={middle}" in text for text in problems)


def test_jpeg_masks_are_refused_with_a_way_out_and_read_by_it(read, tmp_path):
    def write(path, mask, _):
        Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(path, quality=90)

    _, ids, problems = read(write, DISCS, "jpg", threshold=128)
    assert_same(ids, DISCS)
    assert any("masks are JPEG or WebP, which blurs values" in text for text in problems)
    (error,) = [problem.text for problem in survey(tmp_path).problems if problem.severity == "error"]
    assert "JPEG" in error
    assert "--mask-threshold 128" in error


def test_ids_in_jpeg_files_get_no_class_of_noise(read, tmp_path):
    def write(path, mask, _):
        Image.fromarray((mask * 30).astype(np.uint8)).save(path, quality=90)

    classes = {"a": 0, "b": 30, "c": 60}
    _, ids, _ = read(write, CLASSES, "jpg", classes=classes, nearest_color=True)
    assert_same(ids, CLASSES)
    errors = [problem.text for problem in survey(tmp_path).problems if problem.severity == "error"]
    assert any("JPEG" in text and "--nearest-color" in text for text in errors)


@pytest.mark.parametrize(("ending", "options"), [("jpg", {"quality": 95}), ("webp", {"quality": 80})])
def test_colors_of_formats_that_blur_are_asked_for(read, ending, options):
    def write(path, mask, _):
        Image.fromarray(_COLORS.astype(np.uint8)[mask]).save(path, **options)

    with pytest.raises(unetzoo.DataError, match=r"JPEG or WebP, which blurs them.*--nearest-color"):
        read(write, CLASSES, ending)


def test_a_webp_that_does_not_blur_is_read(read):
    def write(path, mask, _):
        Image.fromarray(_COLORS.astype(np.uint8)[mask]).save(path, lossless=True)

    names, ids, problems = read(write, CLASSES, "webp")
    assert_same(ids, CLASSES)
    assert (names, problems) == (("#000000", "#ff0000", "#0080ff"), [])


def test_what_helps_against_soft_edges_is_said_where_classes_have_values(read):
    with pytest.raises(unetzoo.DataError, match=r"resize masks by nearest neighbor, or give threshold=128"):
        read(painted(lambda mask, _: _soft(mask)), DISCS, classes={"rest": 0, "cell": 255})


def test_the_mask_with_soft_edges_among_others_is_named(read):
    write = painted(lambda mask, number: _soft(mask) if number == 2 else mask.astype(np.uint8) * 255)
    with pytest.raises(unetzoo.DataError, match=r"values from 0 to 2\d\d are \(in images/2.npy\).*threshold=128"):
        read(write, DISCS)
