"""How many steps the networks of the benchmark of objects get."""

import json

import pytest

from benchmarks.objects import pace
from benchmarks.objects.runs import ObjectRun

RUNS = [
    ObjectRun(method=method, decoder="unet", encoder="mobilenetv3_small_100", seconds=5, seed=0)
    for method in ("components", "boundary")
]


def test_a_network_has_one_pace_whatever_the_coding_and_keeps_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(pace, "_STEPS", 2)
    path = tmp_path / "pace.json"
    paces = pace.measure_paces(RUNS, path)
    seconds = [float(line.split(": ")[1].split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert len(seconds) == 2
    assert paces == {"unet, mobilenetv3_small_100": pytest.approx(sum(seconds) / 2, abs=0.006)}
    kept = json.loads(path.read_text())["seconds a step"]
    assert pace.measure_paces(RUNS, path) == kept == pytest.approx(paces, rel=1e-4)
    assert capsys.readouterr().out == ""
