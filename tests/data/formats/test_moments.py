import numpy as np
import pytest

import unetzoo
from unetzoo.data.formats import moments as module
from unetzoo.data.formats.moments import moments_of


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(module, "_SIDES", {2: 7, 3: 5})


@pytest.mark.parametrize("shape", [(20, 23), (20, 23, 3), (8, 9, 11, 2)])
def test_they_are_those_of_the_whole_image_read_by_blocks(shape):
    random = np.random.default_rng(0)
    image = random.normal(1e6, 3, shape)  # a mean that would cost sums of squares their digits
    axes = 3 if len(shape) == 4 else 2
    channels = image.reshape(-1, 1 if len(shape) == axes else shape[-1])
    found = moments_of(image, axes=axes)
    for name, expected in (("mean", "mean"), ("std", "std"), ("low", "min"), ("high", "max")):
        np.testing.assert_allclose(getattr(found, name), getattr(channels, expected)(0), rtol=1e-9)


def test_no_block_is_larger_than_its_side():
    class Windows:
        shape, seen = (20, 23, 1), []

        def __getitem__(self, window):
            self.seen.append(tuple(part.stop - part.start for part in window))
            return np.ones((*self.seen[-1], 1), np.uint8)

    moments_of(Windows())
    assert max(Windows.seen) == (7, 7)
    assert sum(height * width for height, width in Windows.seen) == 20 * 23


def test_pixels_without_data_do_not_count():
    image = np.arange(60.0).reshape(10, 6)
    image[0] = np.nan
    image[1] = -9999
    masked = np.ma.array(image, mask=np.arange(60).reshape(10, 6) > 50)
    known = np.arange(12.0, 51)
    found = moments_of(masked, (-9999,))
    np.testing.assert_allclose([found.mean[0], found.std[0]], [known.mean(), known.std()])
    assert (found.low, found.high) == ((12,), (50,))
    nothing = moments_of(np.full((3, 3), np.nan))
    assert nothing == ((0,), (1,), (0,), (1,), 0)


def test_the_share_of_empty_pixels_is_of_those_with_data():
    image = np.ones((10, 10, 2))
    image[:2] = 0
    image[2:4, :, 0] = 0
    image[9] = -1
    assert moments_of(image, (-1,)).empty == pytest.approx(20 / 90)


def test_infinity_is_refused():
    image = np.ones((20, 20))
    image[19, 3] = np.inf
    with pytest.raises(unetzoo.OptionError, match="the image holds infinity"):
        moments_of(image)
