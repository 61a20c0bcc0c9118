"""COCO's JSON, written by hand and with pycocotools, beside the masks that pycocotools makes of it."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools import mask as coco
from pycocotools.coco import COCO

import unetzoo
from unetzoo.data.find import open_source

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools, by NumPy 2
_SIZE = (40, 60)


def _box(top, left, bottom, right):
    mask = np.zeros(_SIZE, np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


def _polygon(top, left, bottom, right):
    return [left, top, right, top, right, bottom, left, bottom]


def _runs(mask):
    runs = coco.encode(np.asfortranarray(mask))
    return {"size": runs["size"], "counts": runs["counts"].decode()}


def _document(names, objects, size=_SIZE):
    """The images 0, 1, ...; the objects (image, category, segmentation); the categories 7 "cell" and 3 "debris"."""
    images = [
        {"id": number, "file_name": name, "height": size[0], "width": size[1]} for number, name in enumerate(names)
    ]
    annotations = [
        {"id": number, "image_id": image, "category_id": category, "segmentation": segmentation, "iscrowd": 0}
        for number, (image, category, segmentation) in enumerate(objects)
    ]
    categories = [{"id": 7, "name": "cell"}, {"id": 3, "name": "debris"}]
    return {"images": images, "annotations": annotations, "categories": categories}


_RING = _box(5, 30, 25, 50) - _box(10, 35, 20, 45)


@pytest.fixture
def two_images(write_image, write_json):
    for name in ("a.png", "b.png"):
        write_image(f"images/{name}")
    parts = [_polygon(2, 3, 12, 20), _polygon(20, 3, 30, 20)]
    return write_json("coco.json", _document(["a.png", "b.png"], [(0, 7, parts), (0, 3, _runs(_RING)), (1, 7, parts)]))


def test_polygons_and_run_lengths_are_the_masks_of_pycocotools(two_images, opened):
    source = opened()
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO(two_images)
    for image, entry in enumerate(source.entries):
        numbers, classes = np.zeros(_SIZE, int), np.zeros(_SIZE, int)
        for number, annotation in enumerate(reference.loadAnns(reference.getAnnIds(imgIds=[image])), start=1):
            mask = reference.annToMask(annotation).astype(bool)
            numbers[mask] = number
            classes[mask] = {3: 1, 7: 2}[annotation["category_id"]]  # in the order of their numbers
        assert entry.name == f"images/{'ab'[image]}.png"
        np.testing.assert_array_equal(source.raw_mask(image), classes)
        np.testing.assert_array_equal(source.instances(image), numbers)
        np.testing.assert_array_equal(source.numbered().raw_mask(image), numbers)
    assert source.class_names == ("background", "debris", "cell")
    assert source.problems == ()


def test_masks_are_classes_or_number_objects(two_images, tmp_path):
    survey = unetzoo.survey(tmp_path)
    assert (survey.errors, survey.warnings) == ((), ("class 'debris' never occurs in the split 'train'",))
    assert survey.class_names == ("background", "debris", "cell")
    dataset = survey.dataset("all")
    assert set(np.unique(dataset[0].mask)) == {0, 1, 2}
    assert set(np.unique(dataset.instances(0))) == {0, 1, 2}
    numbered = unetzoo.survey(tmp_path, masks="instances")
    assert (numbered.errors, numbered.class_names) == ((), ("background", "foreground"))
    assert set(np.unique(numbered.dataset("all").instances(1))) == {0, 1}


def test_the_only_class_keeps_its_name_where_masks_number_objects(write_image, write_json, tmp_path):
    document = _document([write_image("a.png").name], [(0, 7, [_polygon(2, 3, 12, 20)])])
    write_json("coco.json", document | {"categories": [{"id": 7, "name": "cell"}]})
    survey = unetzoo.survey(tmp_path, masks="instances")
    assert survey.warnings == ()  # the only object of the only image is certainly one
    dataset = unetzoo.open_dataset(tmp_path, masks="instances")
    assert dataset.class_names == ("background", "cell")
    assert dataset.instances(0).max() == 1


def test_classes_that_the_user_names_are_renamed_reordered_or_joined(two_images, tmp_path):
    """The data has the ids background 0, debris 1, cell 2."""

    def read(classes, **options):
        dataset = unetzoo.open_dataset(tmp_path, "all", classes=classes, **options)
        return dataset.class_names, {name: int(dataset[0].mask[place]) for name, place in places.items()}

    places = {"background": (0, 0), "debris": (6, 31), "cell": (3, 4)}
    assert read(None)[1] == {"background": 0, "debris": 1, "cell": 2}
    reordered = ["background", "cell", "debris"]
    assert read(reordered) == (tuple(reordered), {"background": 0, "debris": 2, "cell": 1})
    renamed = ["rest", "dirt", "nucleus"]
    assert read(renamed) == (tuple(renamed), {"background": 0, "debris": 1, "cell": 2})
    joined = {"rest": [0, 1], "cell": 2}
    assert read(joined) == (("rest", "cell"), {"background": 0, "debris": 0, "cell": 1})
    assert read(None, ignore=1)[1] == {"background": 0, "debris": 255, "cell": 1}
    with pytest.raises(unetzoo.OptionError, match="the data set has the classes background, debris, cell, not"):
        read(["cell"])


def test_a_network_keeps_the_order_of_its_classes(two_images, tmp_path):
    trained = unetzoo.ModelInfo(class_names=("background", "cell", "debris"))
    dataset = unetzoo.open_dataset(tmp_path, "all", trained=trained)
    assert dataset.class_names == trained.class_names
    assert (dataset[0].mask[3, 4], dataset[0].mask[6, 31]) == (1, 2)


def test_files_of_boxes_alone_are_refused(write_image, write_json, opened):
    document = _document([write_image("a.png").name], [(0, 7, []), (0, 7, [])])
    write_json("coco.json", document)
    with pytest.raises(unetzoo.DataError, match=r"coco.json: its annotations hold boxes alone"):
        opened()


def test_one_file_may_be_named_and_its_images_lie_beside_its_folder(write_image, write_json, tmp_path):
    write_image("val2017/a.png")
    (write_image("train2017/b.png"), write_json("annotations/captions.json", {"images": [], "annotations": []}))
    for split, name in (("train", "b.png"), ("val", "a.png")):
        write_json(f"annotations/instances_{split}2017.json", _document([name], [(0, 7, [_polygon(0, 0, 9, 9)])]))
    single = open_source(tmp_path / "annotations" / "instances_val2017.json")
    assert [(entry.name, entry.split) for entry in single.entries] == [("val2017/a.png", "val")]
    both = open_source(tmp_path)
    assert [(entry.name, entry.split) for entry in both.entries] == [
        ("train2017/b.png", "train"),
        ("val2017/a.png", "val"),
    ]


def test_splits_of_roboflow_are_folders(write_image, write_json, opened):
    for split in ("train", "valid", "test"):
        write_image(f"{split}/a.png")
        write_json(f"{split}/_annotations.coco.json", _document(["a.png"], [(0, 7, [_polygon(0, 0, 9, 9)])]))
    assert {entry.name: entry.split for entry in opened().entries} == {
        "train/a.png": "train",
        "valid/a.png": "val",
        "test/a.png": "test",
    }


def test_an_image_may_be_named_by_a_path_of_another_computer(write_image, write_json, opened):
    write_image("images/one/a.png")
    write_image("images/two/a.png")
    names = ["C:\\Users\\me\\images\\two\\a.png", "/home/me/one/a.png"]
    write_json("coco.json", _document(names, [(0, 7, [_polygon(0, 0, 9, 9)])]))
    assert [entry.name for entry in opened().entries] == ["images/two/a.png", "images/one/a.png"]


def test_the_image_beside_the_file_is_meant_before_others_of_its_name(write_image, write_json, opened):
    for name in ("one/a.png", "two/a.png", "two/images/a.png"):
        write_image(name)
    write_json("two/coco.json", _document(["a.png"], [(0, 7, [_polygon(0, 0, 9, 9)])]))
    write_json("coco.json", _document(["one/a.png", "images/a.png"], [(0, 7, [_polygon(0, 0, 9, 9)])]))
    assert sorted(entry.name for entry in opened().entries) == ["one/a.png", "two/a.png", "two/images/a.png"]


def test_images_that_are_missing_or_may_be_several_are_said(write_image, write_json, opened):
    for name in ("one/a.png", "two/a.png", "b.png"):
        write_image(name)
    write_json("coco.json", _document(["a.png", "b.png", "c.png", "../../etc/passwd"], []))
    source = opened()
    assert [entry.name for entry in source.entries] == ["b.png"]
    assert source.problems == (
        "coco.json: the image a.png may be one/a.png and two/a.png",
        "coco.json: there is no image c.png",
        "coco.json: there is no image ../../etc/passwd",
    )


def test_annotations_of_an_image_of_another_size_are_an_error(write_image, write_json, tmp_path):
    write_image("a.png", size=(20, 30))
    write_json("coco.json", _document(["a.png"], [(0, 7, [_polygon(0, 0, 9, 9)])]))
    (error,) = unetzoo.survey(tmp_path).errors
    assert "a.png has 20 x 30 pixels (height x width), but its annotations in coco.json are of 40 x 60" in error


def test_annotations_without_a_size_are_of_the_images_own(write_image, write_json, tmp_path):
    write_image("a.png", size=(20, 30))
    write_json("coco.json", _document(["a.png"], [(0, 7, [_polygon(0, 0, 9, 9)])], size=(0, 0)))
    assert unetzoo.survey(tmp_path).errors == ()


@pytest.mark.parametrize("upright", [True, False])
def test_a_turned_image_has_annotations_of_its_stored_or_its_upright_size(upright, write_image, write_json, tmp_path):
    """Orientation 6: the first row of the stored pixels is the last column of the upright image."""
    from PIL import Image

    exif = Image.Exif()
    exif[274] = 6
    write_image("a.png", exif=exif)
    outline, size = (_polygon(10, 36, 30, 40), (60, 40)) if upright else (_polygon(0, 10, 4, 30), (40, 60))
    write_json("coco.json", _document(["a.png"], [(0, 7, [outline])], size=size))
    image, mask = open_source(tmp_path).pair(0)
    assert image.shape[:2] == mask.shape == (60, 40)
    expected = np.zeros((60, 40))
    expected[10:30, 36:] = 2
    np.testing.assert_array_equal(mask, expected)


def test_what_is_doubtful_is_said_once(write_image, write_json, tmp_path):
    objects = [
        (image, category, segmentation)
        for image in (0, 1)
        for category, segmentation in (
            (7, [_polygon(0, 0, 10, 10)]),
            (7, [_polygon(2, 2, 4, 4)]),
            (3, [_polygon(0, 0, 10, 20)]),
            (7, [_polygon(30, 50, 45, 70)]),
            (7, [[20, 20, 20.1, 20, 20.1, 20.1]]),
            (7, [[20, 30, 30, 40, 30, 30, 20, 40]]),
            (7, []),
        )
    ]
    names = [write_image(name).name for name in ("a.png", "b.png")]
    write_json("coco.json", _document(names, objects))
    warnings = unetzoo.survey(tmp_path).warnings
    ends = " (and 1 more: b.png)"
    assert [warning for warning in warnings if "never occurs" not in warning] == [
        f"a.png: its annotations of the kind box have no area, and are left out{ends}",
        f"a.png: some of its objects cover no pixel{ends}",
        "a.png: its objects overlap; pixels of several belong to the last of them; masks='overlapping' (--masks "
        f"overlapping) keeps those of several classes{ends}",
        f"a.png: some of its objects are covered by later ones{ends}",
        f"a.png: some of its objects reach beyond the image, and are cut off{ends}",
        f"a.png: some outlines cross themselves; what they enclose twice is outside{ends}",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"categories": [{"id": 1}]}, "coco.json is not as its format says: KeyError: 'name'"),
        ({"categories": [3]}, "coco.json: a category is not a JSON object, but 3"),
        (
            {"annotations": [{"id": 4, "segmentation": [[0]]}]},
            "coco.json is not as its format says: KeyError: 'image_id'",
        ),
        ({"images": [{"id": 0, "file_name": 5}]}, "coco.json: file_name is not a text, but 5"),
        ({"images": [{"id": 0, "file_name": "a.png", "height": -4, "width": 8}]}, "which are not whole numbers"),
    ],
)
def test_files_that_do_not_fit_the_format_are_one_error(change, message, write_image, write_json, opened):
    write_json("coco.json", _document([write_image("a.png").name], []) | change)
    with pytest.raises(unetzoo.DataError, match=message):
        opened()


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[0, 0, 5, 5, "x", 3]], "annotation 0: an outline is not a list of numbers"),
        ([[0, 0, 5, 5, 9, 9, 3]], "annotation 0: an outline needs at least 3 points"),
        ({"size": [4, 4], "counts": [16]}, r"run lengths are of \[4, 4\] pixels, the image of \[40, 60\]"),
        ({"size": [40, 60], "counts": [16]}, "run lengths are of 16 pixels instead of 2,400"),
        ({"size": [40, 60]}, "KeyError: 'counts'"),
        ("abc", "its segmentation is not a list"),
    ],
)
def test_outlines_that_cannot_be_read_are_an_error_of_their_image(
    segmentation, message, write_image, write_json, tmp_path
):
    names = [write_image(name).name for name in ("a.png", "b.png")]
    write_json("coco.json", _document(names, [(0, 7, segmentation), (1, 7, [_polygon(0, 0, 9, 9)])]))
    (error,) = unetzoo.survey(tmp_path).errors
    assert error.startswith(f"{tmp_path / 'coco.json'}")
    with pytest.raises(unetzoo.DataError, match=message):
        open_source(tmp_path).raw_mask(0)
    assert open_source(tmp_path).raw_mask(1).pixels.any()


def test_an_object_of_a_category_that_does_not_exist_is_an_error(write_image, write_json, opened):
    write_json("coco.json", _document([write_image("a.png").name], [(0, 8, [_polygon(0, 0, 9, 9)])]))
    with pytest.raises(unetzoo.DataError, match="annotation 0 is of category 8, which does not exist"):
        opened().raw_mask(0)


def test_an_image_that_is_annotated_twice_is_an_error(write_image, write_json, opened):
    document = _document([write_image("a.png").name], [])
    write_json("one.json", document)
    write_json("two.json", document)
    with pytest.raises(unetzoo.DataError, match=r"a.png is annotated 2 times, in .*one.json and .*two.json"):
        opened()
