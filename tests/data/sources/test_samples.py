"""Data sets of Python are checked sample by sample."""

import numpy as np
import pytest
import torch

import unetzoo
from unetzoo.data.open import open_dataset
from unetzoo.data.sources.samples import CodedDataset, SampleSource
from unetzoo.nn.coding import MaskCoding


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
