"""New processes that load a network and compute one image."""

import pytest

from unetzoo.bench.case import Case

WAYS = ("smp", "smp, openvino", "unetzoo, as saved", "unetzoo, openvino")


@pytest.mark.slow  # four new processes, each with torch or OpenVINO
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_way_has_the_same_logits_and_a_number_for_each_round():
    from benchmarks.first_image.__main__ import measure

    result = measure(Case(decoder="unet", encoder="resnet18", size=128, rounds=1), WAYS)
    assert tuple(result["ways"]) == WAYS
    for samples in result["ways"].values():
        assert all(len(values) == 1 and values[0] > 0 for values in samples.values())
    assert result["ways"]["smp, openvino"]["peak MiB"][0] < result["ways"]["smp"]["peak MiB"][0]  # it has no torch


def test_other_logits_are_refused(monkeypatch):
    from benchmarks.first_image import __main__ as first_image

    results = iter([{"logits": [1.0, -2.0]}, {"logits": [1.0, -2.1]}])
    monkeypatch.setattr(first_image, "write_networks", lambda *_: None)
    monkeypatch.setattr(first_image, "_process", lambda *_: next(results))
    with pytest.raises(ValueError, match=r"unetzoo, openvino has other logits than smp: they differ by 0\.05"):
        first_image.measure(Case(decoder="unet", encoder="resnet18", rounds=1), ("smp", "unetzoo, openvino"))


def test_the_table_has_medians():
    from benchmarks.page.first_image import first_image_section

    machine = {"processor": "x", "instructions": "AVX2", "gpu": None, "threads": 2, "python": "3", "versions": {}}
    samples = {"load": [3.0, 1.0, 2.0], "first image": [0.5, 0.25, 0.75], "peak MiB": [1000.0, 1200.0, 1100.0]}
    case = Case(decoder="unet", encoder="resnet18").to_dict()
    *_, table = first_image_section([{"case": case, "machine": machine, "ways": {"smp": samples}}])
    assert "| smp | 2.00 | 0.50 | 1,100 |" in table
