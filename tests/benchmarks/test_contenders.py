"""This project and its peers as contenders of one case."""

import pytest

from benchmarks.contenders import ALL
from unetzoo.bench import speed
from unetzoo.bench.case import CREATED, OPTIMIZED, Case
from unetzoo.bench.contenders import has_bfloat16

pytestmark = pytest.mark.long

_PEERS = ["smp", "smp, channels_last", "MONAI FlexibleUNet", "MONAI FlexibleUNet, channels_last"]


@pytest.fixture(scope="module")
def measured():
    """With one allocator, since the process of each imports all libraries; tests/bench/test_speed.py has both."""
    case = Case(decoder="unet", encoder="resnet18", size=32, rounds=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "ALLOCATORS", {"A": {}})
        return speed.run_case(case, contenders=ALL)["allocators"]["A"]


def test_all_contenders_are_timed_equally_often(measured):
    names = [*_PEERS, CREATED, OPTIMIZED, *(["unetzoo, optimize(bfloat16)"] if has_bfloat16("cpu") else [])]
    assert measured["names"] == names
    assert {name: len(samples) for name, samples in measured["seconds"].items()} == dict.fromkeys(names, 2)


def test_the_logits_of_the_same_weights_are_the_same(measured):
    differences = measured["relative_difference"]
    assert set(differences) == {"smp", "smp, channels_last", CREATED, OPTIMIZED}
    assert max(differences.values()) < 1e-4
    assert differences[CREATED] > 0  # another computation of the same function


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of MONAI's import
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("decoder", ["unet", "unetpp"])
def test_training_compares_the_same_networks(decoder):
    compared = list(ALL.ways(Case(decoder=decoder, encoder="resnet18", task="training")))
    monai = {"unet": "MONAI FlexibleUNet", "unetpp": "MONAI BasicUNetPlusPlus"}[decoder]
    assert [contender.name for contender in compared] == [
        "smp", "smp, channels_last", monai, f"{monai}, channels_last", CREATED,
    ]  # fmt: skip
    assert all(
        contender.run.training and len(contender.parameters) == len(list(contender.run.parameters()))
        for contender in compared
    )
