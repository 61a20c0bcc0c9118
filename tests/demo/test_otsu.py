import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.filters import threshold_otsu

from unetzoo.data.datasets.picture import load_nuclei, split
from unetzoo.demo.otsu import otsu_threshold


def test_the_threshold_of_the_part_to_train_on_is_that_of_scikit_image():
    learn, _ = split(*load_nuclei())
    assert otsu_threshold(learn.image) == threshold_otsu(learn.image)


@given(hnp.arrays(np.uint8, st.integers(2, 40)))
def test_the_variance_between_the_classes_is_the_highest(image):
    threshold = otsu_threshold(image)
    best = max(_variance_between(image, candidate) for candidate in range(256))
    assert _variance_between(image, threshold) >= best * (1 - 1e-9)


def test_of_equally_good_thresholds_it_is_the_darkest():
    assert otsu_threshold(np.array([10, 10, 20, 20], dtype=np.uint8)) == 10


def test_one_brightness_is_all_background():
    image = np.full((3, 3), 7, dtype=np.uint8)
    assert otsu_threshold(image) == 7
    assert not (image > otsu_threshold(image)).any()


def _variance_between(image, threshold):
    dark, bright = image[image <= threshold], image[image > threshold]
    if not dark.size or not bright.size:
        return 0.0
    return dark.size * bright.size / image.size**2 * (dark.mean() - bright.mean()) ** 2
