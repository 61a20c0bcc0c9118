"""What a batch gains."""

import time

import pytest
import torch

from benchmarks.batches import measure


def test_the_gain_of_a_batch_is_the_time_of_its_images_singly_over_that_of_the_batch():
    def call(images):  # takes 5 ms a call and 1 ms an image
        end = time.process_time() + 0.005 + 0.001 * len(images)
        while time.process_time() < end:
            pass

    singly, together, ratio = measure(call, torch.zeros(8, 1))
    assert singly == pytest.approx(0.048, rel=0.2)
    assert together == pytest.approx(0.013, rel=0.2)
    assert ratio == pytest.approx(48 / 13, rel=0.2)
