"""This project and its peers as contenders of one case."""

import pytest
import torch

from benchmarks.contenders import ALL
from unetzoo.bench.case import CREATED, OPTIMIZED, Case
from unetzoo.bench.contenders import has_bfloat16
from unetzoo.bench.worker import difference, inference_step

pytestmark = pytest.mark.long

_PEERS = ["smp", "smp, channels_last", "MONAI FlexibleUNet", "MONAI FlexibleUNet, channels_last"]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of MONAI's import
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_inference_compares_all_and_the_logits_of_the_same_weights_are_the_same():
    """tests/bench/test_speed.py has the processes that time contenders by turns."""
    compared = list(ALL.ways(Case(decoder="unet", encoder="resnet18")))
    assert [contender.name for contender in compared] == [
        *_PEERS, CREATED, OPTIMIZED, *(["unetzoo, optimize(bfloat16)"] if has_bfloat16("cpu") else []),
    ]  # fmt: skip
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    logits = {each.name: inference_step(each, image)() for each in compared if each.same_weights}
    differences = {name: difference(each, logits["smp"]) for name, each in logits.items()}
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
