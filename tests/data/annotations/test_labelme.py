"""LabelMe's JSON. Its own conversion (`labelme.utils.shape_to_mask`, 6.3) fills outlines by Pillow, with their edge."""

import base64
import io
import math

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import binary_dilation, binary_erosion

import unetzoo

_SIZE = (40, 60)


def _document(shapes, name="a.png", size=_SIZE):
    shapes = [
        {"label": label, "points": points, "shape_type": kind, "group_id": group, "flags": {}} | more
        for label, points, kind, group, more in shapes
    ]
    return {
        "version": "6.3.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": name,
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    }


def _polygon(label, points, group=None):
    return label, points, "polygon", group, {}


def _by_labelme(points, kind):
    mask = Image.new("1", _SIZE[::-1])
    draw = ImageDraw.Draw(mask)
    corners = [tuple(point) for point in points]
    if kind == "circle":
        (x, y), edge = corners
        radius = math.dist((x, y), edge)
        draw.ellipse(((x - radius, y - radius), (x + radius, y + radius)), outline=1, fill=1)
    elif kind == "rectangle":
        draw.rectangle((min(corners), max(corners)), outline=1, fill=1)
    else:
        draw.polygon(xy=corners, outline=1, fill=1)
    return np.asarray(mask)


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("polygon", [[5.3, 4.1], [40.7, 9.6], [30.2, 33.3], [12.8, 20.5]]),
        ("rectangle", [[8.2, 5.7], [33.1, 22.9]]),
        ("circle", [[25.5, 18.2], [36.4, 22.1]]),
        ("oriented_rectangle", [[20.0, 5.0], [35.0, 12.0], [28.0, 27.0], [13.0, 20.0]]),
    ],
)
def test_shapes_differ_from_labelmes_only_by_the_pixels_of_their_outline(kind, points, write_image, write_json, opened):
    write_image("a.png")
    write_json("a.json", _document([("cell", points, kind, None, {})]))
    mask, theirs = opened().raw_mask(0).pixels > 0, _by_labelme(points, kind)
    edge = theirs & ~binary_erosion(theirs, np.ones((3, 3)))
    assert not (mask != theirs)[~edge & ~binary_dilation(edge)].any()
    assert 0.8 * theirs.sum() < mask.sum() < theirs.sum()


def test_a_mask_lies_between_its_corner_pixels_as_in_labelme(write_image, write_json, opened):
    write_image("a.png")
    pixels = np.random.default_rng(0).integers(0, 2, (11, 21)).astype(bool)
    more = {"mask": _in_base64(pixels.astype(np.uint8) * 255)}
    write_json("a.json", _document([("cell", [[7.0, 5.0], [27.0, 15.0]], "mask", None, more)]))
    expected = np.zeros(_SIZE, bool)
    expected[5:16, 7:28] = pixels  # mask[y1 : y2 + 1, x1 : x2 + 1] in labelme
    np.testing.assert_array_equal(opened().raw_mask(0).pixels > 0, expected)


def test_labels_are_classes_and_groups_are_objects(write_image, write_json, opened):
    write_image("a.png")
    square = [[0, 0], [8, 0], [8, 8], [0, 8]]
    moved = [[[x + 10 * step, y] for x, y in square] for step in range(5)]
    labels = [("cell", 0), ("debris", None), ("cell", 0), ("cell", None), ("_background_", None)]
    write_json(
        "a.json",
        _document([_polygon(label, points, group) for (label, group), points in zip(labels, moved, strict=True)]),
    )
    source = opened()
    assert source.class_names == ("background", "cell", "debris")
    assert source.raw_mask(0).pixels[4, 4::10].tolist() == [1, 2, 1, 1, 0, 0]
    assert source.instances(0)[4, 4::10].tolist() == [1, 2, 1, 3, 0, 0]


def test_pixels_that_are_to_be_ignored_do_not_count(write_image, write_json, tmp_path):
    write_image("a.png")
    square = [[0, 0], [8, 0], [8, 8], [0, 8]]
    moved = [[[x + 10 * step, y] for x, y in square] for step in range(2)]
    write_json("a.json", _document([_polygon("cell", moved[0]), _polygon("__ignore__", moved[1])]))
    for masks, names in (("auto", ("background", "cell")), ("instances", ("background", "cell"))):
        dataset = unetzoo.open_dataset(tmp_path, "all", masks=masks)
        assert dataset.class_names == names
        assert dataset[0].mask[4, 4::10].tolist() == [1, 255, 0, 0, 0, 0]
        assert dataset.instances(0)[4, 4::10].tolist() == [1, 0, 0, 0, 0, 0]


def test_lines_and_points_are_left_out_and_said(write_image, write_json, tmp_path):
    write_image("a.png")
    shapes = [("cell", [[1, 1], [9, 9]], "line", None, {}), ("cell", [[1, 1]], "point", None, {})]
    write_json("a.json", _document(shapes))
    survey = unetzoo.survey(tmp_path)
    assert "a.png: its annotations of the kind line, point have no area, and are left out" in survey.warnings


def test_the_image_of_a_file_is_the_one_it_names_or_the_one_of_its_name(write_image, write_json, opened):
    for name in ("images/one.png", "images/two.png", "images/three.png"):
        write_image(name)
    write_json("json/x.json", _document([], "..\\images\\one.png"))
    write_json("images/two.json", _document([], "renamed.png"))
    source = opened()
    assert [entry.name for entry in source.entries] == ["images/two.png", "images/one.png"]
    assert source.problems == ("images/three.png has no annotations",)


def test_of_images_of_one_name_the_nearest_is_meant(write_image, write_json, opened):
    for folder in ("one", "two"):
        write_image(f"{folder}/images/a.png")
        write_json(
            f"{folder}/json/x.json", _document([_polygon(folder, [[0, 0], [8, 0], [8, 8]])], "..\\images\\a.png")
        )
    source = opened()
    assert source.problems == ()
    classes = {entry.name: source.raw_mask(index).pixels[2, 6] for index, entry in enumerate(source.entries)}
    assert classes == {"one/images/a.png": 1, "two/images/a.png": 2}


def _in_base64(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=kind)
    return base64.b64encode(file.getvalue()).decode()


def test_an_image_that_is_not_there_is_read_from_its_annotations(write_image, write_json, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    square = [[0, 0], [8, 0], [8, 8], [0, 8]]
    document = _document([_polygon("cell", square)], "gone.png") | {"imageData": _in_base64(pixels)}
    write_json("train/a.json", document)
    write_image("train/b.png")
    write_json("train/b.json", _document([_polygon("cell", square)], "b.png") | {"imageData": _in_base64(pixels)})
    survey = unetzoo.survey(tmp_path)
    assert survey.errors == ()
    assert survey.names == ("train/a.json", "train/b.png")
    np.testing.assert_array_equal(survey.source.image(0), pixels)
    assert not np.array_equal(survey.source.image(1), pixels)  # the file that is there counts
    assert survey.source.instances(0).sum() == 64
    unetzoo.convert_dataset(tmp_path, tmp_path / "out")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / "train" / "images" / "a.png")), pixels)


@pytest.mark.parametrize(
    ("data", "message"),
    [("???", "its image is not base64"), ("AAAA", "a.json, its image, cannot be read"), (3, "its image")],
)
def test_an_embedded_image_that_cannot_be_read_is_one_error(data, message, write_json, opened):
    write_json("a.json", _document([], "gone.png") | {"imageData": data})
    with pytest.raises(unetzoo.DataError, match=message):
        opened().pair(0)


def test_a_file_that_names_no_image_is_said(write_image, write_json, opened):
    write_image("a.png")
    write_json("a.json", _document([]))
    write_json("b.json", _document([], "b.png"))
    assert opened().problems == ("b.json: there is no image b.png",)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (_polygon("cell", [[0, 0], [4, 4]]), "a polygon of 'cell': an outline needs at least 3 points"),
        (_polygon("cell", None), "a polygon of 'cell': "),
        (("cell", [[0, 0]], "circle", None, {}), "not enough values"),
        (("cell", [[0, 0], [4, 4]], "mask", None, {"mask": "???"}), "its mask is not base64"),
        (("cell", [[0, 0], [4, 4]], "mask", None, {"mask": "AAAA"}), "its mask cannot be read: its content is not png"),
        (("cell", [[0, 0], [4, 4]], "mask", None, {}), "KeyError: 'mask'"),
    ],
)
def test_shapes_that_cannot_be_read_are_an_error_with_the_files_name(shape, message, write_image, write_json, opened):
    write_image("a.png")
    path = write_json("a.json", _document([shape]))
    with pytest.raises(unetzoo.DataError, match=message) as error:
        opened().raw_mask(0)
    assert str(error.value).startswith(str(path))


def test_an_image_of_another_size_than_stated_is_an_error(write_image, write_json, tmp_path):
    write_image("a.png", size=(20, 30))
    write_json("a.json", _document([_polygon("cell", [[1, 1], [9, 1], [9, 9]])]))
    problem = str(unetzoo.survey(tmp_path).problems)
    assert "a.png has 20 x 30 pixels (height x width), but its annotations in a.json are of 40 x 60" in problem
    assert "store it in the size that was annotated" in problem
