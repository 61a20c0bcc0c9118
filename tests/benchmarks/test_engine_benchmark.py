"""Engines with this project's network and smp's, as contenders of one case."""

import pytest

from unetzoo.bench.case import Case


@pytest.mark.slow  # trains a network, and quantizes it and its twin
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_both_networks_are_timed_in_each_engine_with_the_same_logits():
    from benchmarks.engines import measure

    case = Case(decoder="unet", encoder="resnet18", size=128, rounds=1, engines=("openvino", "onnxruntime"))
    result = measure(case, steps=30)
    measured = result["allocators"]["B"]
    for engine in ("openvino", "onnxruntime", "openvino int8"):
        assert {f"smp, {engine}", f"unetzoo, {engine}"} <= set(measured["names"])
    assert max(measured["relative_difference"].values()) < 1e-3
    assert set(result["IoU"]) == set(measured["names"])
    assert result["IoU"]["smp"] > 0.7
    assert max(result["IoU"].values()) - min(result["IoU"].values()) < 0.02


def test_the_table_compares_the_same_engine_and_arithmetic():
    from benchmarks.page.engines import engines_section

    case = Case(decoder="unet", encoder="resnet18", engines=("openvino",)).to_dict()
    seconds = {"smp": [1.0], "smp, openvino": [0.5], "unetzoo, openvino": [0.25], "unetzoo, as created": [0.9]}
    machine = {"processor": "x", "instructions": "AVX2", "gpu": None, "threads": 2, "python": "3", "versions": {}}
    measured = {"B": {"names": list(seconds), "seconds": seconds}}
    ious = dict.fromkeys(seconds, 0.875)
    result = {"case": case, "machine": machine, "steps": 9, "IoU": ious, "allocators": measured}
    *_, table = engines_section([result])
    assert "| unetzoo, openvino | 250 | 2.00 | 87.50 |" in table
    assert "| unetzoo, as created | 900 |  | 87.50 |" in table
