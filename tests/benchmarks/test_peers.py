"""What the peers offer: counted by running, kept, and shown as a table."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.page.peers import peers_section
from benchmarks.peers.abilities import abilities, try_table
from benchmarks.peers.encoders import check_logits, count_timm
from benchmarks.peers.names import MONAI, OURS, OURS_OTHERS, RUNS, SMP, SMP_DPT, SMP_OWN
from benchmarks.peers.outcomes import Outcomes
from benchmarks.peers.store import Count

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
MACHINE = {"processor": "a processor", "gpu": None, "threads": 2, "python": "3.11", "versions": {"torch": "2.9"}}


@pytest.mark.filterwarnings("ignore")  # of the peers
def test_encoders_of_one_stride_run_here_and_are_refused_there():
    outcomes = count_timm({}, ["resnet10t", "test_vit", "eva02_tiny_patch14_224"])
    assert set(outcomes[OURS].running) == {"resnet10t", "test_vit", "eva02_tiny_patch14_224"}
    assert outcomes[SMP].to_dict() == {
        "ValueError: Unsupported model downsampling pattern.": "eva02_tiny_patch14_224 test_vit",
        RUNS: "resnet10t",
    }
    assert outcomes[SMP_DPT].running == ("test_vit",)


def test_what_was_counted_is_not_counted_again(tmp_path):
    path = tmp_path / "peers.json"
    path.write_text(json.dumps({"timm": {OURS: {"not tried": "resnet10t"}, SMP: {RUNS: "resnet10t"}}}))
    outcomes = count_timm(
        {name: Outcomes.of(counts) for name, counts in Count(path).data["timm"].items()}, ["resnet10t"]
    )
    assert outcomes[OURS].to_dict() == {"not tried": "resnet10t"}
    path.write_text(json.dumps({"losses": {"unetzoo": {RUNS: "dice"}}}))
    Count(path).losses()
    assert json.loads(path.read_text()) == {"losses": {"unetzoo": {RUNS: "dice"}}}


class _OfEvenSides(torch.nn.Module):
    """Logits for images of even sides alone, and a graph that depends on values."""

    def forward(self, image):
        if image.shape[2] % 2:
            raise ValueError(f"sides of 2, 4 or {6} pixels; got {image.shape[2]}")
        return image * 2 if image.sum() > 0 else image


def test_each_ability_is_tried_and_what_a_network_lacks_is_told_with_its_reason():
    by_ability = {name: outcomes.to_dict() for name, outcomes in try_table({}, {"even": _OfEvenSides}).items()}
    assert list(by_ability) == list(abilities())
    assert by_ability[RUNS] == by_ability["images of 250 x 333"] == {RUNS: "even"}
    assert by_ability["images of 97 x 131"] == {"ValueError: sides of N or N pixels; got N": "even"}
    assert all(RUNS not in by_ability[ability] for ability in ("torch.compile", "torch.export", "ONNX"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_plain_convolution_can_everything():
    by_ability = try_table({}, {"convolution": lambda: torch.nn.Conv2d(1, 2, 3, padding=1)})
    assert {name: outcomes.to_dict() for name, outcomes in by_ability.items()} == {
        name: {RUNS: "convolution"} for name in abilities()
    }


@pytest.mark.parametrize(
    ("network", "message"),
    [(lambda image: image[..., 1:], "logits of"), (lambda image: [image / 0], "logits that are not finite")],
)
def test_logits_of_another_size_or_without_value_do_not_count(network, message):
    with pytest.raises(ValueError, match=message):
        check_logits(network, torch.zeros(1, 1, 4, 4))


def test_the_table_has_shares_a_sample_says_so_and_reasons_have_examples():
    tried = {RUNS: {RUNS: "unet fpn"}, "ONNX": {RUNS: "unet", "TypeError: a|b": "fpn"}}
    outcomes = {
        "machine": MACHINE,
        "date": "2026-01-02",
        "architectures": dict.fromkeys(("unetzoo", "segmentation_models_pytorch", "MONAI"), tried),
        "losses": {library: {RUNS: "dice"} for library in ("unetzoo", "segmentation_models_pytorch", "MONAI")},
        "timm models": 1371,
        "timm": {OURS: {RUNS: "a b c"}, SMP: {RUNS: "a", "ValueError: no": "b c"}, SMP_DPT: {RUNS: "b"}},
        "other encoders": {OURS_OTHERS: {RUNS: "plain"}, SMP_OWN: {RUNS: "x y"}, MONAI: {RUNS: "z"}},
    }
    section = "\n".join(peers_section(outcomes, []))
    assert "on 2026-01-02" in section
    for row in (
        "| encoders of timm, 1,371 names, 3 of them tried | 3 of 3 | 1 of 3, 1 more with DPT | none |",
        "| encoders beside those | 1 of 1 | 2 of 2 | 1 of 1 |",
        "| architectures that run | 2 of 2 | 2 of 2 | 2 of 2 |",
        "| ONNX | 1 of 2 | 1 of 2 | 1 of 2 |",
        "| smp Unet tu- | `ValueError: no` | 2 | b, c |",
        "| MONAI, ONNX | `TypeError: a/b` | 1 | fpn |",
    ):
        assert f"\n{row}" in section


def test_time_and_memory_are_those_of_the_case():
    case = json.loads((RESULTS / "unet-resnet34-512px-1-inference-cpu.json").read_text())
    case["allocators"]["B"] |= {
        "names": ["smp", "smp, channels_last", "MONAI FlexibleUNet", "unetzoo, as created", "unetzoo, optimize()"],
        "seconds": {
            "smp": [0.3, 0.2, 0.1],
            "smp, channels_last": [0.15],
            "MONAI FlexibleUNet": [0.4],
            "unetzoo, as created": [0.12],
            "unetzoo, optimize()": [0.11],
        },
        "peak_bytes": dict.fromkeys(("smp", "MONAI FlexibleUNet", "unetzoo, as created"), 3 * 2**20)
        | {"smp, channels_last": 2 * 2**20, "unetzoo, optimize()": 2**20},
    }
    stored = json.loads((RESULTS / "peers.json").read_text())
    section = "\n".join(peers_section(stored, [case]))
    for row in (
        "| U-Net, inference, as it comes: ms | 120 | 200 | 400 |",
        "| U-Net, inference, as it comes: peak MiB | 3 | 3 | 3 |",
        "| U-Net, inference, at its best: ms | 110 | 150 | 400 |",
        "| U-Net, inference, at its best: peak MiB | 1 | 2 | 3 |",
    ):
        assert f"\n{row}" in section
