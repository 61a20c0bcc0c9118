import numpy as np
import pytest

import unetzoo

SPLITS = {split: unetzoo.create_dataset("brain-tissue", split=split) for split in ("train", "val", "test")}


def _numbers(split):
    return [
        int(sample.name.rpartition(" ")[2]) for sample in (SPLITS[split][index] for index in range(len(SPLITS[split])))
    ]


def test_slabs_are_ten_millimetres_apart():
    train, val, test = (_numbers(split) for split in SPLITS)
    assert train == list(range(train[0], train[-1] + 1))
    assert val[0] - train[-1] > 10
    assert test[0] - val[-1] > 10


@pytest.mark.parametrize("split", SPLITS)
def test_every_slice_shows_all_four_classes_or_the_end_of_the_brain(split):
    dataset = SPLITS[split]
    assert dataset.class_names == ("background", "CSF", "grey matter", "white matter")
    ids = {int(value) for index in range(len(dataset)) for value in np.unique(dataset[index].mask)}
    assert ids == {0, 1, 2, 3}


def test_the_class_is_background_exactly_where_there_is_no_signal():
    image, mask, _ = SPLITS["val"][3]
    np.testing.assert_array_equal(mask == 0, image[..., 0] == 0)


def test_white_matter_is_brighter_than_grey_and_grey_than_fluid():
    """What a T1 image shows: the classes come from other files of the template than the image."""
    image, mask, _ = SPLITS["test"][5]
    fluid, grey, white = (float(image[..., 0][mask == tissue].mean()) for tissue in (1, 2, 3))
    assert fluid < grey < white


def test_left_and_right_are_mirror_images_so_that_no_split_by_side_would_do():
    image = SPLITS["train"][60].image[..., 0].astype(float)
    mirrored = np.corrcoef(image.ravel(), image[:, ::-1].ravel())[0, 1]
    assert mirrored > 0.99
