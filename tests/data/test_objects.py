"""The objects of a sample, as training and evaluation read them."""

import numpy as np
import pytest
from cells import Cells
from drawn_objects import drawn, ellipses, same_objects
from PIL import Image

from unetzoo import DataError, Dataset, Sample
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.objects import numbers_objects, object_ids
from unetzoo.data.open import survey_of

_AUTO = MaskOptions()


class One(Dataset):
    def __init__(self, mask, numbers=None, classes=("background", "a", "b")):
        super().__init__(classes)
        self.mask, self.numbers = mask, numbers

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return Sample(np.zeros((*self.mask.shape, 1), np.uint8), self.mask, "one")

    def instances(self, index):
        return self.numbers


def test_components_of_each_class_are_objects_where_none_are_numbered():
    mask = drawn("11.2", "..12", "....")
    data = One(mask)
    assert same_objects(object_ids(data, 0, mask), drawn("11.2", "..12", "...."))
    apart = drawn("1..1", "....", "2..2")
    assert len(np.unique(object_ids(One(apart), 0, apart))) == 5
    assert not numbers_objects(data)


def test_unknown_pixels_are_told_from_background():
    mask = np.array([[0, 1, 1], [255, 255, 0]])
    for numbers in (None, np.array([[0, 7, 8], [9, 0, 0]])):
        ids = object_ids(One(mask, numbers), 0, mask)
        assert (ids < 0).tolist() == [[False, False, False], [True, True, False]]
        assert ids[0, 0] == ids[1, 2] == 0
    assert ids[0].tolist() == [0, 7, 8]


def test_large_numbers_such_as_colors_keep_objects_apart():
    numbers = np.array([[0, 2**24, 2**24 + 1], [2**40, 2**40 + 1, 0]])
    ids = object_ids(One(np.sign(numbers), numbers), 0, np.sign(numbers))
    assert same_objects(ids, np.array([[0, 1, 2], [3, 4, 0]]))
    assert ids.max() == 4


def test_numbers_of_another_shape_are_refused():
    mask = np.zeros((4, 5), int)
    with pytest.raises(DataError, match=r"numbers of its objects are \(4, 4\), its mask is \(4, 5\)"):
        object_ids(One(mask, np.zeros((4, 4), int)), 0, mask)


def test_numbers_of_a_data_set_of_python_come_through_the_survey():
    survey = survey_of({"train": Cells(2, 0), "val": Cells(1, 1)}, MaskOptions(), trained=None)
    dataset = survey.dataset("train")
    np.testing.assert_array_equal(object_ids(dataset, 1, dataset[1].mask), Cells(2, 0).instances(1))
    assert numbers_objects(dataset)


def test_numbers_that_are_not_whole_are_one_error():
    mask = np.zeros((4, 4), int)
    survey = survey_of({"train": One(mask, mask.astype(float))}, MaskOptions(), trained=None)
    dataset = survey.dataset("train")
    with pytest.raises(DataError, match="numbers of objects must be whole numbers"):
        object_ids(dataset, 0, dataset[0].mask)


def test_label_images_of_a_folder_give_their_numbers_and_unknown_pixels(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    labels = drawn("1122.", "1122.", ".....", "33..?").astype(np.uint8)  # ? becomes 255
    for index in range(3):
        Image.fromarray(np.full(labels.shape, 9, np.uint8)).save(tmp_path / "images" / f"{index}.png")
        Image.fromarray(labels).save(tmp_path / "masks" / f"{index}.png")
    dataset = survey_of(tmp_path, MaskOptions(None, "instances", 255, None, False), trained=None).dataset("train")
    ids = object_ids(dataset, 0, dataset[0].mask)
    assert same_objects(ids, labels * (labels < 255))
    assert ids[-1, -1] == -1


def _folder(tmp_path, masks):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for number, mask in enumerate(masks):
        Image.fromarray((40 * mask).astype(np.uint8)).save(tmp_path / "images" / f"{number}.png")
        Image.fromarray(mask.astype(np.uint8)).save(tmp_path / "masks" / f"{number}.png")
    return tmp_path


def _doubts(folder, options=_AUTO):
    survey = survey_of(folder, options, trained=None, objects=True)
    return [problem.text for problem in survey.problems if "objects" in problem.text or "classes" in problem.text]


def test_masks_in_files_number_the_objects_of_a_network_of_objects(tmp_path):
    masks = [ellipses(4, 32, seed=0), ellipses(7, 32, seed=1)]
    folder = _folder(tmp_path, masks)
    assert _doubts(folder) == []
    dataset = survey_of(folder, _AUTO, trained=None, objects=True).dataset("train")
    assert dataset.class_names == ("background", "foreground")
    assert any(np.array_equal(dataset.instances(0), mask) for mask in masks)


def test_masks_of_one_value_are_said_to_number_nothing(tmp_path):
    folder = _folder(tmp_path, [255 * (ellipses(4, 32, seed=seed) > 0) for seed in range(2)])
    assert "each connected piece of the foreground is taken for one" in _doubts(folder)[0]


def test_the_same_few_numbers_in_most_masks_may_be_classes(tmp_path):
    masks = [ellipses(4, 32, seed=seed).clip(0, 2) for seed in range(3)]
    folder = _folder(tmp_path, masks)
    assert _doubts(folder)[0].startswith(
        "1, 2 are read as the numbers of objects, though most masks have the same ones"
    )
    named = MaskOptions(["background", "cell", "nucleus"])
    assert survey_of(folder, named, trained=None, objects=True).statistics.class_names[1:] == ("cell", "nucleus")
    assert _doubts(folder, named) == []
