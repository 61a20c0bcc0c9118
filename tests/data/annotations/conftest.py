import json

import numpy as np
import pytest
from PIL import Image

from unetzoo.data.find import open_source


@pytest.fixture
def write_image(tmp_path):
    """Writes an image of random pixels (h, w, 3) below the folder of the test."""

    def write(name, size=(40, 60), **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(list(name.encode())).integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, **options)
        return path

    return write


@pytest.fixture
def write_json(tmp_path):
    """Writes JSON below the folder of the test."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def opened(tmp_path):
    """Opens the folder of the test."""
    return lambda: open_source(tmp_path)
