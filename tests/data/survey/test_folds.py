"""Images are dealt to folds: groups stay together, and classes are spread evenly."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import unetzoo
from unetzoo import DataError, Dataset, Sample
from unetzoo.data.survey.folds import folds_of


class Drawn(Dataset):
    """Images of noise whose masks have the given classes."""

    def __init__(self, classes, *, same=()):
        super().__init__(("rest", "common", "rare", "rarest"))
        self.classes, self.same = classes, same

    def __len__(self):
        return len(self.classes)

    def __getitem__(self, index):
        seed = 0 if index in self.same else index + 1
        image = np.random.default_rng(seed).integers(0, 255, (8, 8, 1), dtype=np.uint8)
        mask = np.zeros((8, 8), dtype=np.int64)
        mask[0, : len(self.classes[index])] = self.classes[index]
        return Sample(image, mask, f"{index}")


def _held_out(survey, count):
    return [list(each.splits["val"]) for each in folds_of(survey, count)]


def test_each_image_but_those_of_the_test_is_held_out_once():
    data = {"train": Drawn([[1]] * 7), "val": Drawn([[1]] * 3), "test": Drawn([[1]] * 2)}
    survey = unetzoo.survey(data)
    parts = folds_of(survey, 4)
    pool = sorted([*survey.splits["train"], *survey.splits["val"]])
    assert sorted(index for part in parts for index in part.splits["val"]) == pool
    for part in parts:
        assert sorted([*part.splits["train"], *part.splits["val"]]) == pool
        assert part.splits["test"] == survey.splits["test"]
        assert 2 <= len(part.splits["val"]) <= 3


def test_each_fold_has_as_much_of_each_class_as_can_be():
    random = np.random.default_rng(0)
    for _ in range(20):
        classes = [[number for number in (1, 2, 3) if random.random() < (0.6, 0.3, 0.2)[number - 1]] for _ in range(30)]
        for number in (1, 2, 3):  # or the survey of a fold has a class that no image has
            classes[number] = [*classes[number], number]
        folds = _held_out(unetzoo.survey({"train": Drawn(classes)}), 5)
        for number in (2, 3):
            counts = [sum(number in classes[index] for index in fold) for fold in folds]
            assert max(counts) - min(counts) <= 2, (number, counts)
        assert all(folds)


def test_no_fold_is_empty_where_there_are_as_many_groups_as_folds():
    folds = _held_out(unetzoo.survey({"train": Drawn([[1], [1, 2], [2, 3], [3], [1]])}), 5)
    assert sorted(folds) == [[0], [1], [2], [3], [4]]


def test_equal_pictures_stay_in_one_fold():
    folds = _held_out(unetzoo.survey({"train": Drawn([[1]] * 9, same=(1, 4, 8))}), 3)
    assert sum(bool({1, 4, 8} & set(fold)) for fold in folds) == 1


def test_groups_stay_in_one_fold(tmp_path):
    rows = ["image,mask,group"]
    for index, sample in enumerate(map(Drawn([[1, 2, 3]] * 12).__getitem__, range(12))):
        for kind, pixels in (("image", sample.image[..., 0]), ("mask", sample.mask.astype(np.uint8))):
            Image.fromarray(pixels).save(tmp_path / f"{kind}{index}.png")
        rows.append(f"image{index}.png,mask{index}.png,patient {index % 4}")
    (tmp_path / "pairs.csv").write_text("\n".join(rows))
    survey = unetzoo.survey(tmp_path / "pairs.csv")
    for fold in _held_out(survey, 4):
        assert len(fold) == 3
        assert len({index % 4 for index in fold}) == 1
    assert _held_out(unetzoo.survey(tmp_path / "pairs.csv"), 4) == _held_out(survey, 4)


def test_more_folds_than_groups_are_an_error():
    survey = unetzoo.survey({"train": Drawn([[1]] * 3)})
    with pytest.raises(DataError, match="4 folds need as many groups of images, and the data has 3: choose fewer"):
        folds_of(survey, 4)


def test_data_with_errors_is_not_dealt():
    survey = unetzoo.survey({"train": Drawn([[1]] * 3)})
    with pytest.raises(DataError, match="no coding"):
        folds_of(replace(survey, coding="no coding"), 2)
