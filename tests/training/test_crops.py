import tracemalloc

import numpy as np
import pytest
import torch

from unetzoo import Dataset, ModelInfo, Sample
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset

_INFO = ModelInfo(value_range=(0.0, 255.0), mean=(0.5,), std=(0.25,))


class One(Dataset):
    def __init__(self, mask):
        super().__init__(("rest", "cell"))
        self.mask = mask

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return Sample(np.full((*self.mask.shape, 1), 255, np.uint8), self.mask, "one")


class Ramp(One):
    """One image, each of whose pixels has a value of its own."""

    def __getitem__(self, index):
        pixels = np.arange(self.mask.size, dtype=np.uint16).reshape(*self.mask.shape, 1)
        return Sample(pixels, self.mask, "ramp")


def _crops(samples, *, crop=16, count=64, balance=0.0, augment="none", seed=0):
    augmentation = Augmentation(augment, crop=crop, elastic=0.3)
    return CropDataset(samples, _INFO, count=count, crop=crop, balance=balance, augmentation=augmentation, seed=seed)


def test_the_first_crops_are_mirrored_alone_and_late_ones_change_more():
    mask = np.arange(32 * 32).reshape(32, 32) % 7 // 6
    augmentation = Augmentation("full", crop=32, elastic=0.0, share=1.0)
    options = {"count": 400, "crop": 32, "balance": 0.0, "augmentation": augmentation, "seed": 0}
    crops = CropDataset(Ramp(mask), _INFO, **options, pixels=32 * 32)
    plain = np.sort(crops[0].image.ravel())
    early = [np.array_equal(np.sort(crops[index].image.ravel()), plain) for index in range(1, 26)]
    late = [np.array_equal(np.sort(crops[index].image.ravel()), plain) for index in range(300, 325)]
    assert (sum(early), sum(late)) == (25, 0)


def test_values_are_normalized_as_the_model_will_be_given_them():
    crop = _crops(One(np.zeros((16, 16), np.int64)))[0]
    assert torch.equal(crop.image, torch.full((1, 16, 16), (1 - 0.5) / 0.25))
    assert crop.mask.dtype == torch.int64
    assert crop.name == "one"


def test_an_image_smaller_than_the_crop_is_unknown_beyond_its_border_and_of_mean_brightness():
    crop = _crops(One(np.ones((10, 16), np.int64)))[3]
    outside = crop.mask == 255
    assert int(outside.sum()) == 6 * 16
    assert (crop.image[0][outside] == 0).all()
    assert (crop.mask[~outside] == 1).all()


def test_the_same_seed_and_number_give_the_same_crop_whatever_came_before(squares):
    crops = _crops(squares["train"], augment="full")
    late = crops[40]
    again = _crops(squares["train"], augment="full")[40]
    assert torch.equal(late.image, again.image)
    assert torch.equal(late.mask, again.mask)
    other = _crops(squares["train"], augment="full", seed=1)[40]
    assert late.image.shape == other.image.shape
    assert not torch.equal(late.image, other.image)


def test_a_crop_leaves_the_random_state_of_torch_as_it_was(squares):
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    _crops(squares["train"], augment="full")[0]
    assert torch.equal(torch.rand(3), expected)


def test_each_pass_shows_every_image_once(squares):
    crops = _crops(squares["train"])
    names = [crops[index].name for index in range(12)]
    everything = sorted(f"square-{index}" for index in range(6))
    assert sorted(names[:6]) == everything
    assert sorted(names[6:]) == everything
    assert names[:6] != names[6:]


@pytest.mark.parametrize(("balance", "low", "high"), [(0.0, 0.0, 0.02), (1.0, 0.4, 0.6)])
def test_balanced_crops_show_a_rare_class_as_often_as_the_common_one(balance, low, high):
    mask = np.zeros((256, 256), np.int64)
    mask[128, 128] = 1  # a single pixel
    crops = _crops(One(mask), crop=8, count=400, balance=balance)
    share = np.mean([bool((crops[index].mask == 1).any()) for index in range(400)])
    assert low <= share <= high


def test_pixels_at_the_border_are_not_rare():
    mask = np.zeros((64, 64), np.int64)
    mask[0, 20:44] = 1  # of the first row
    crops = _crops(One(mask), crop=32, count=400)
    share = np.mean([bool((crops[index].mask == 1).any()) for index in range(400)])
    assert 0.15 < share < 0.35  # 9 of the 49 places of a crop; without the first ones drawn more often 1 of 33


def test_a_class_in_the_corner_is_shown_when_it_is_drawn_whatever_the_augmentation():
    mask = np.zeros((256, 256), np.int64)
    mask[:6, :6] = 1
    crops = _crops(One(mask), crop=64, count=200, balance=1.0, augment="full")
    share = np.mean([bool((crops[index].mask == 1).any()) for index in range(200)])
    assert 0.4 < share < 0.6  # a half of the crops are centered on the other class


def test_most_of_an_image_smaller_than_the_crop_is_shown_whatever_the_augmentation():
    crops = _crops(One(np.ones((8, 8), np.int64)), crop=64, count=50, augment="full")
    shares = [int((crops[index].mask == 1).sum()) / 8**2 for index in range(50)]
    assert min(shares) > 0.2  # at a corner of the crop, turned and shrunk
    assert np.mean(shares) > 0.9


@pytest.mark.parametrize("kind", ["nan", "masked", "value"])
def test_pixels_without_data_are_0_and_of_no_class(kind):
    class Cut(Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            image = np.full((20, 30, 1), 200.0, np.float32)
            image[:, :10] = {"nan": np.nan, "masked": 7, "value": -9999}[kind]
            return Sample(np.ma.masked_equal(image, 7) if kind == "masked" else image, np.ones((20, 30), int), "cut")

    info = ModelInfo(value_range=(0, 255), mean=(0.5,), std=(0.25,), nodata=(-9999,))
    augmentation = Augmentation("none", crop=32, elastic=0)
    crops = CropDataset(Cut(("rest", "cell")), info, count=4, crop=32, balance=0, augmentation=augmentation, seed=0)
    for image, mask, _ in (crops[index] for index in range(4)):
        assert (mask == 1).sum() == 20 * 20
        assert (image[0][mask == 255] == 0).all()
        np.testing.assert_allclose(image[0][mask == 1], (200 / 255 - 0.5) / 0.25, rtol=1e-5)


class Many(Dataset):
    """Images that are made when they are asked for."""

    def __init__(self):
        super().__init__(["rest", "square"])

    def __len__(self):
        return 100_000

    def __getitem__(self, index):
        mask = np.zeros((64, 64), np.uint8)
        mask[index % 32 :][:16] = 1
        return Sample(mask[..., None] * 100, mask, str(index))


def test_the_memory_of_a_training_on_100_000_images_stops_growing(monkeypatch):
    monkeypatch.setattr("unetzoo.training.crops._CACHED_BYTES", 2**20)  # full after 128 images
    monkeypatch.setattr("unetzoo.training.crops._MOST_PLACES", 200)
    crops = _crops(Many(), crop=32, count=10**6, balance=0.5, augment="flips")
    tracemalloc.start()
    sizes = []
    for index in range(1200):
        crops[index]
        if index in {0, 400, 1199}:
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    first, full, last = sizes
    assert full - first > 2**20 - 2**14  # what is kept
    assert abs(last - full) < 2**16
