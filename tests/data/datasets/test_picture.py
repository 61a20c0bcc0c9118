import hashlib

import numpy as np
import pytest
from skimage.measure import label

from unetzoo.data.datasets.picture import fit_normalisation, load_nuclei, split


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


def test_no_nucleus_lies_in_both_parts():
    labels = load_nuclei()[1].astype(int)
    both = set(np.unique(labels[:, :320])) & set(np.unique(labels[:, 352:]))
    assert both == {0}


def test_split_gives_the_columns_left_and_right_of_the_gap():
    image, labels = load_nuclei()
    learn, held_out = split(image, labels)
    np.testing.assert_array_equal(learn.image, image[:, :320])
    np.testing.assert_array_equal(held_out.image, image[:, -160:])
    np.testing.assert_array_equal(learn.nuclei, labels[:, :320] != 0)
    np.testing.assert_array_equal(held_out.nuclei, labels[:, -160:] != 0)


def test_normalisation_maps_the_two_percentiles_to_0_and_1():
    brightness = np.arange(251, dtype=np.uint8).repeat(2)[
        :501
    ]  # 0, 0, 1, 1, ... 249, 250: the p-th percentile is 2.5 p
    normalise = fit_normalisation(brightness)
    assert (normalise.low, normalise.high) == pytest.approx((2, 249))
    np.testing.assert_allclose(normalise(np.array([2, 249], dtype=np.uint8)), [0, 1], atol=1e-6)
