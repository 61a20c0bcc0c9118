import numpy as np
import pytest
import torch

import unetzoo
from unetzoo import TrainingError
from unetzoo.evaluation.masks import predicted
from unetzoo.training.validate import Validator


def _greedy(model, most):
    """The network asks for more memory than there is for images of more than `most` pixels."""
    forward = model.forward
    model.forward = lambda images: torch.empty(10**15) if images[0, 0].numel() > most else forward(images)
    return model


def test_tiles_are_halved_until_the_memory_suffices():
    image = np.random.default_rng(0).integers(0, 256, (900, 700, 1), dtype=np.uint8)
    validator = Validator()
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1).eval()
    expected = predicted(model, image).ids
    np.testing.assert_array_equal(validator.predicted(_greedy(model, 600 * 600), image).ids, expected)
    assert validator.tile == 512


def test_a_network_too_large_for_the_smallest_tile_is_an_error(make_model):
    with pytest.raises(TrainingError, match="out of memory in validation, even with 128 x 128 pixels at once"):
        Validator().predicted(_greedy(make_model().eval(), 0), np.zeros((40, 40, 1), np.uint8))
