import hashlib

import numpy as np
import pytest
from skimage.measure import label

import unetzoo
from unetzoo.data.datasets.nuclei import load_nuclei


@pytest.mark.parametrize(
    ("index", "digest"),  # of the 16-bit pixels in the TIFF files that data/SOURCE.md names
    [
        (0, "8952cab7611450bd761f81e14b95bdd197d5b17487ed98f6814fd35720e65963"),
        (1, "13ef0db2a960a93cf97cc419d9e02aa90038feb4b143fe6e0623bcfcc10ad5f4"),
    ],
    ids=["image", "labels"],
)
def test_the_pixels_are_those_of_the_source(index, digest):
    pixels = load_nuclei()[index]
    assert pixels.shape == (512, 512)
    assert hashlib.sha256(pixels.astype("<u2").tobytes()).hexdigest() == digest


def test_the_labels_are_125_nuclei_each_in_one_piece():
    labels = load_nuclei()[1]
    assert len(np.unique(labels[labels > 0])) == 125
    assert label(labels, connectivity=2).max() == 125


def test_each_split_is_its_columns_of_the_image_and_no_nucleus_lies_in_two_of_them():
    image, labels = load_nuclei()
    parts = []
    for split, columns in (("train", slice(0, 272)), ("val", slice(304, 368)), ("test", slice(400, 512))):
        (sample,) = unetzoo.create_dataset("nuclei", split=split)
        np.testing.assert_array_equal(sample.image[..., 0], image[:, columns])
        np.testing.assert_array_equal(sample.mask, labels[:, columns] != 0)
        parts.append(set(np.unique(labels[:, columns])) - {0})
    assert len(set.union(*parts)) == sum(map(len, parts))
