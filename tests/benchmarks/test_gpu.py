"""What `benchmarks/gpu.sh` measures, in its smallest form on a CPU, and the section of the page that shows it."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.gpu import record
from benchmarks.gpu.levels import level_rows
from benchmarks.gpu.networks import MODES, inference_cases, measure, training_cases
from benchmarks.gpu.record import Record
from benchmarks.gpu.scale import CPU, GPU
from benchmarks.gpu.timing import kernels, time_ways
from benchmarks.gpu.volumes import volume_rows
from benchmarks.page.gpu import TITLE, gpu_section
from unetzoo.bench.case import CREATED, OPTIMIZED
from unetzoo.bench.contenders import Contender
from unetzoo.bench.worker import inference_step

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gpu-inference.json"


def _fail():
    raise ValueError("no")


def _on_gpu(path):
    """Pretend that a file was measured on a GPU."""
    content = json.loads(path.read_text())
    content["machine"]["gpu"] = "Test Card 100"
    path.write_text(json.dumps(content))


def test_a_row_that_fails_is_its_error_and_the_next_is_measured(path):
    assert not Record(path).measure([("bad", _fail), ("good", lambda: {"value": 1})], 60)
    rows = json.loads(path.read_text())["rows"]
    assert rows["bad"]["error"] == "ValueError: no"
    assert rows["good"]["value"] == 1


def test_what_is_there_is_not_measured_again_but_an_error_is(path):
    Record(path).measure([("one", lambda: {"value": 1}), ("two", _fail)], 60)
    assert Record(path).measure([("one", _fail), ("two", lambda: {"value": 2})], 60)
    assert {title: row["value"] for title, row in Record(path).rows.items()} == {"one": 1, "two": 2}


def test_rows_of_other_code_are_measured_again(path, monkeypatch):
    Record(path).write("one", {"value": 1})
    monkeypatch.setattr(record, "source_digest", lambda: "other")
    assert not Record(path).has("one")


def test_the_time_of_a_stage_ends_the_row_that_runs_and_those_after_it(path):
    assert not Record(path).measure([("endless", lambda: time.sleep(60)), ("late", dict)], 0.2)
    assert {row["error"] for row in Record(path).rows.values()} == {"the time of the stage, 0 s, was over"}


def test_what_a_killed_stage_was_at_is_an_error(path):
    program = "import os; from pathlib import Path; from benchmarks.gpu.record import Record; "
    program += f"Record(Path({str(path)!r})).measure([('killed', lambda: os._exit(1))], 60)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert "before this row did" in Record(path).rows["killed"]["error"]


def test_the_stages_hold_every_library_precision_and_mode():
    cases = [*inference_cases(GPU), *training_cases(GPU)]
    assert {one.precision for one in cases} == {"bfloat16", "float32", "float16"}
    assert {one.mode for one in cases} == set(MODES) - {"TensorRT"}  # which is not installed
    assert len({one.title for one in cases}) == len(cases)
    assert {one.mode for one in cases if one.of_monai} == {"compiled"}
    assert {(one.case.decoder, one.case.batch, one.mode) for one in cases if one.case.task == "training"} == {
        (decoder, 16, mode) for decoder in ("unet", "unetpp") for mode in ("eager", "compiled", "CUDA graphs")
    }


def test_a_contender_that_fails_stands_beside_the_others():
    image = torch.ones(1, 1, 2, 2)
    first = Contender("sum", lambda one: one * one + one, (), same_weights=True)
    ways = [("sum", lambda: first), ("bad", _fail), ("same", lambda: replace(first, name="same"))]
    result = time_ways(ways, lambda one: inference_step(one, image), rounds=3, device="cpu")
    assert {name: len(times) for name, times in result["seconds"].items()} == {"sum": 3, "same": 3}
    assert result["errors"] == {"bad": "ValueError: no"}
    assert result["relative_difference"] == {"sum": 0.0, "same": 0.0}
    assert result["kernels"] == {"sum": 2, "same": 2}  # mul and add


def test_operators_that_call_others_are_not_counted():
    image, weight = torch.ones(1, 2, 4, 4), torch.ones(2, 2, 3, 3)
    assert kernels(lambda: torch.relu(torch.conv2d(image, weight)), "cpu") == kernels(
        lambda: torch.conv2d(image, weight), "cpu"
    ) + kernels(lambda: torch.relu(image), "cpu")


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of MONAI's import
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_page_names_the_card_and_shows_what_was_measured_there(path):
    (timed, *_) = inference_cases(CPU)
    result = Record(path)
    result.measure([(timed.title, lambda: measure(timed, CPU)), ("bad", _fail)], 600)
    assert set(result.rows[timed.title]["seconds"]) == {"smp", CREATED, "MONAI FlexibleUNet", "unetzoo, optimize()"}
    assert gpu_section(path.parent) == []  # it was a CPU
    _on_gpu(path)
    title, _, machine, table, failures = gpu_section(path.parent)
    assert title == TITLE
    assert "Test Card 100" in machine
    assert "| unet, resnet18, 2 x 32 px, inference | bfloat16 | eager | smp |" in table
    assert len(table.splitlines()) == 2 + 4
    assert failures == "Not measured:\n\n- bad: `ValueError: no`"


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of MONAI's import
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_volumes_are_timed_beside_the_peer_with_the_same_logits(tmp_path):
    result = Record(tmp_path / "gpu-volumes.json")
    (title, measure_first), *_ = volume_rows(CPU)  # the others run with the whole script
    assert title == "16^3 voxels, inference, bfloat16, eager"
    assert result.measure([(title, measure_first)], 600)
    eager = result.rows[title]
    assert eager["errors"] == {}
    assert {"MONAI DynUNet", CREATED, f"{CREATED}, channels_last_3d", OPTIMIZED} <= set(eager["seconds"])
    assert eager["relative_difference"][CREATED] < 0.05
    _on_gpu(result.path)
    *_, table = gpu_section(tmp_path)
    assert "| 16^3 voxels, inference, bfloat16, eager | MONAI DynUNet |" in table


def test_both_forms_of_a_node_are_timed_and_compute_the_same(tmp_path):
    result = Record(tmp_path / "gpu-levels.json")
    assert result.measure(level_rows(CPU), 600)
    assert len(result.rows) == 12  # six nodes, in inference and training
    for row in result.rows.values():
        assert {name: len(times) for name, times in row["seconds"].items()} == {"plain": 2, "transposed": 2}
        assert row["relative_difference"]["transposed"] < 0.05
        assert row["kernels"]["plain"] != row["kernels"]["transposed"]
    _on_gpu(result.path)
    *_, table = gpu_section(tmp_path)
    assert "| 64 + 64 to 32 channels, 2 x 8 px, inference |" in table
    assert len(table.splitlines()) == 2 + 12


def test_the_page_shows_every_stage(tmp_path):
    rows = {
        "tests": {"a::b": {"outcome": "passed"}, "a::c": {"outcome": "failed", "error": "E\nboom"}},
        "fit": {"fit, unet": {"step": 0.05, "bare step": 0.04, "load": 0.91}},
        "large": {"a file": {"side": 9, "beyond the model": 2**20, "seconds": 3.0}},
    }
    for stage, content in rows.items():
        record_of_stage = Record(tmp_path / f"gpu-{stage}.json")
        for title, row in content.items():
            record_of_stage.write(title, row)
        _on_gpu(record_of_stage.path)
    page = "\n\n".join(gpu_section(tmp_path))
    assert "Tests marked `gpu`: 1 passed, 1 failed, 0 skipped." in page
    assert "Failed:\n\n- `a::c`" in page
    assert "| fit, unet | 50.0 | 40.0 | 91% |" in page
    assert "a file becomes one of class ids in 3 s, with 1 MiB of main memory." in page


def test_nothing_is_shown_where_nothing_was_measured(tmp_path):
    assert gpu_section(tmp_path) == []


@pytest.mark.slow
def test_the_script_runs_every_stage_to_its_end_on_a_cpu(tmp_path):
    environment = {**os.environ, "PYTHON": sys.executable, "HTTPS_PROXY": "http://127.0.0.1:9"}
    command = [ROOT / "benchmarks" / "gpu.sh", tmp_path, "--device", "cpu", "--wheels", tmp_path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    stages = {file.name: json.loads(file.read_text())["rows"] for file in tmp_path.glob("gpu-*.json")}
    names = ("tests", "inference", "training", "levels", "fit", "large", "volumes")
    assert set(stages) == {f"gpu-{name}.json" for name in names}
    assert [row.get("error") for rows in stages.values() for row in rows.values()] == [
        None for rows in stages.values() for _ in rows
    ]
