"""Networks over three axes beside MONAI and nnU-Net."""

import warnings

import pytest

from benchmarks.page.volumes import volumes_section
from benchmarks.volumes import VolumeCase, contenders, measure
from unetzoo.bench.case import CREATED, OPTIMIZED

WIDTHS = (4, 8, 8)


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the peers' imports
        yield


@pytest.mark.parametrize("graph", ["transposed", pytest.param("nearest", marks=pytest.mark.slow)])
def test_all_have_the_same_logits_and_are_called_equally_often(graph):
    result = measure(VolumeCase(graph, 16, "inference", 2, WIDTHS))
    names = list(result["seconds"])
    assert {CREATED, OPTIMIZED} < set(names)
    assert all(len(seconds) == 2 for seconds in result["seconds"].values())
    assert max(result["relative_difference"].values()) < 1e-4
    assert len(result["relative_difference"]) >= 5


def test_a_step_of_training_tells_what_it_keeps_and_the_page_shows_it():
    result = measure(VolumeCase("transposed", 16, "training", 2, WIDTHS))
    assert min(result["saved_bytes"].values()) > 0
    seconds = {"MONAI DynUNet": [6.0, 6.0], CREATED: [3.0, 2.0]}
    sizes = {"MONAI DynUNet": 2**21, CREATED: 2**20}
    shown = result | {"seconds": seconds, "saved_bytes": sizes, "peak_bytes": sizes, "relative_difference": {}}
    *_, title, table = volumes_section([shown])
    assert title.startswith("### 16 x 16 x 16 voxels, training, transposed")
    assert table.splitlines()[3] == f"| {CREATED} | 2.50 | 2.50 | 1 | 1 |  |"


def test_training_takes_every_weight_of_each_contender():
    compared = list(contenders(VolumeCase("nearest", 16, "training", widths=WIDTHS)))
    counts = [sum(weight.numel() for weight in one.parameters) for one in compared]
    assert len(counts) == 4
    assert len(set(counts)) == 1
