import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def make_folder(tmp_path):
    """Writes images and masks (name: array) below a folder of one lot, and gives that folder."""

    def make(images, masks, under=tmp_path / "cells"):
        for kind, arrays in (("images", images), ("masks", masks)):
            (under / kind).mkdir(parents=True, exist_ok=True)
            for name, pixels in arrays.items():
                Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(under / kind / name)
        return under

    return make


@pytest.fixture
def pictures():
    """Different images (16, 24, 3) and masks (16, 24) of 0 and 1, by file name."""
    random = np.random.default_rng(0)
    images = {f"{name}.png": random.integers(0, 256, (16, 24, 3)) for name in "abcde"}
    masks = {name: random.integers(0, 2, (16, 24)) for name in images}
    return images, masks
