"""The networks of the claims, and how they are measured."""

import pytest

from benchmarks.claims.networks import NESTED, PARTS, SUPERVISED, UNET, WIDE, combinations, measure_accuracy
from unetzoo._utils.grammar import parse_call
from unetzoo.assembly import create
from unetzoo.bench.grid import Combination


@pytest.mark.parametrize(
    ("name", "parameters"), [(UNET, 7_759_521), (WIDE, 9_282_246), (NESTED, 9_041_601), (SUPERVISED, 9_041_700)]
)
def test_the_first_four_are_those_of_the_paper(name, parameters):
    (decoder, decoder_options), (encoder, encoder_options) = map(parse_call, PARTS[name])
    model = create(
        decoder, encoder=encoder, in_channels=1, decoder_options=decoder_options, encoder_options=encoder_options
    )
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_every_training_has_a_file_of_its_own():
    runs = [run for _, run in combinations(seeds=5)]
    assert len({run.file_name for run in runs}) == len(runs) == 3 * (2 * 8 + 3) + 2 * 2 * 4


def test_a_nested_network_pruned_to_its_last_level_is_as_accurate_as_the_whole():
    result = measure_accuracy(
        Combination(
            decoder="unetpp(deep_supervision=True)",
            encoder="plain(widths=(4, 8, 8))",
            loss="ce",
            data="nuclei",
            seed=0,
            steps=24,
            batch=4,
            crop=32,
            training={"epochs": 1, "learning_rate": 1e-2, "augment": "none"},
        )
    )
    first, last = result["pruned"]
    assert last["mean IoU"] == result["accuracy"]["mean"]["IoU"]
    assert first["mean IoU"] != last["mean IoU"]
    assert first["parameters"] < last["parameters"] < result["parameters"]  # heads that are not needed are gone
