"""A small grid, really trained and measured."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image

import unetzoo
from unetzoo.bench.grid import Combination, expand
from unetzoo.bench.runner import run_in_processes, run_on_ray
from unetzoo.bench.store import load_all, missing, write_json
from unetzoo.bench.summary import summarize
from unetzoo.bench.tables import as_markdown

pytestmark = pytest.mark.long

_PLAIN = "plain(widths=(4, 8))"


def _run(decoder="unet", *, seed=0, encoder=_PLAIN, loss="dice + ce", objects="", **budget):
    return Combination(
        decoder=decoder,
        encoder=encoder,
        loss=loss,
        objects=objects,
        data="nuclei",
        seed=seed,
        batch=2,
        crop=32,
        size=64,
        **({} if "seconds" in budget else {"steps": 3}) | budget,
    )


@pytest.fixture(scope="module")
def grid():
    return [_run(), _run("unett")]


@pytest.fixture(scope="module")
def folder(grid, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    list(run_in_processes(grid, folder, workers=2))
    return folder


def test_each_combination_is_a_file(grid, folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted(run.file_name for run in grid)
    assert len(load_all(folder)) == len(grid)


def test_accuracy_and_speed_are_measured(grid, folder):
    result = json.loads((folder / grid[0].file_name).read_text())
    assert 0 <= result["accuracy"]["mean"]["IoU"] <= 1
    assert result["speed"]["latency"] > 0
    assert result["speed"]["throughput"] > 0
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1)
    assert result["speed"]["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert result["steps"] == 3


def test_a_unetpp_is_measured_level_by_level():
    from unetzoo.bench.measure import measure  # not above, since processes that import this file do without torch

    result = measure(_run("unetpp(deep_supervision=True)"))
    assert [level["level"] for level in result["pruned"]] == [1]
    assert result["pruned"][0]["mean IoU"] == pytest.approx(result["accuracy"]["mean"]["IoU"], rel=1e-3)


def test_another_engine_times_the_same_network(monkeypatch):
    pytest.importorskip("onnxruntime")
    from unetzoo.bench import measure as module

    engines = []

    def optimized(model, **options):
        engines.append(options.get("engine"))
        return optimize(model, **options)

    optimize = module.optimize
    monkeypatch.setattr(module, "optimize", optimized)
    by_torch, by_onnx = (module.measure(_run(engine=engine)) for engine in ("", "onnxruntime"))
    assert engines == [None, "onnxruntime"]
    assert by_onnx["combination"]["engine"] == "onnxruntime"
    assert by_onnx["accuracy"] == by_torch["accuracy"]
    assert by_onnx["speed"]["latency"] > 0
    assert _run(engine="onnxruntime").file_name != _run().file_name


def test_objects_are_measured_by_their_average_precision():
    from unetzoo.bench.measure import measure

    result = measure(_run("unetpp(deep_supervision=True)", loss="", objects="components"))
    objects = result["accuracy"]["objects"]
    assert 0 <= objects["AP"] <= objects["AP at 0.5"] <= objects["F1"] <= 1
    assert result["pruned"][0]["AP"] == pytest.approx(objects["AP"], abs=1e-3)


def test_classes_that_overlap_have_a_loss_that_takes_them(tmp_path):
    from overlaps import write_planes

    from unetzoo.bench.measure import measure

    folder = str(write_planes(tmp_path / "discs", 5))
    by_default = measure(replace(_run(loss=""), data=folder))
    assert by_default["loss"] == "dice + bce"
    assert by_default["accuracy"]["classes"].keys() == {"class 1", "class 2"}
    assert measure(_run(loss=""))["loss"] == "dice + ce"


def test_masks_of_a_folder_number_objects_for_a_network_of_objects_and_else_name_classes(tmp_path):
    from unetzoo.bench.measure import train

    mask = np.zeros((40, 40), np.uint8)
    mask[4:16, 4:16], mask[20:36, 8:30] = 1, 2  # which may be two objects, or two classes
    for number in range(5):
        for kind, values in (("images", 90 * mask + number), ("masks", mask)):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(values).save(tmp_path / kind / f"{number}.png")
    counts = [
        len(train(replace(run, data=str(tmp_path))).held_out.class_names)
        for run in (_run(loss="", objects="components"), _run(loss=""))
    ]
    assert counts == [2, 3]


def test_each_recipe_is_a_row(tmp_path):
    from unetzoo.bench.measure import measure

    (tmp_path / "mine.toml").write_text(
        "format = 1\n[network]\nencoder = 'plain'\nencoder_options = {widths = [4, 8]}\n[training]\nloss = 'dice'\n"
    )
    recipes = ["cracks", str(tmp_path / "mine.toml")]
    runs = expand(recipes=recipes, data=["nuclei"], seeds=1, steps=2, batch=2, crop=32, size=64)
    for run in runs:
        write_json(measure(run), tmp_path / run.file_name)
    rows = {row.recipe: row for row in summarize(load_all(tmp_path))}
    assert {name: (row.seeds, row.loss) for name, row in rows.items()} == {
        recipes[0]: (1, "dice + ce"),
        recipes[1]: (1, "dice"),
    }
    assert rows["cracks"].title == "cracks · unet(widths=[48, 24, 12]) · plain(widths=[12, 24, 48, 96]) · dice + ce"
    assert rows["cracks"].parameters == pytest.approx(274_646, rel=1e-4)  # of its receipt
    assert "recipe" in as_markdown(list(rows.values())).splitlines()[0]


def test_a_combination_that_fails_is_a_result_with_its_error(grid, folder):
    result = json.loads((folder / grid[1].file_name).read_text())
    assert "no decoder named 'unett'; did you mean 'unet'" in result["error"]


def test_seconds_become_steps():
    from unetzoo.bench.measure import train

    assert train(_run(seconds=0.2)).origin["steps"] >= 1


def test_started_again_only_what_is_missing_or_failed_is_left(grid, folder):
    assert missing(grid, folder) == [grid[1]]
    assert missing([*grid, _run(seed=1)], folder) == [grid[1], _run(seed=1)]


def _leave(run):
    """What a part may do that a stranger wrote."""
    if run.seed == 0:
        raise SystemExit(3)
    return {"combination": asdict(run), "accuracy": {}, "speed": {}}


def test_a_combination_that_leaves_the_process_is_a_row_like_others(tmp_path):
    outcomes = dict(run_in_processes([_run(), _run(seed=1)], tmp_path, workers=2, measure=_leave))
    assert "SystemExit" in outcomes[_run()]["error"]
    assert "error" not in outcomes[_run(seed=1)]
    assert len(load_all(tmp_path)) == 2


def test_a_grid_that_is_stopped_begins_nothing_more_and_loses_nothing(tmp_path):
    grid = [_run(seed=seed) for seed in range(1, 9)]
    running = run_in_processes(grid, tmp_path, workers=1, measure=_leave)
    next(running)
    running.close()  # as an exception would
    assert 1 <= len(load_all(tmp_path)) <= 3  # what was running then is written, too


def test_results_of_other_runs_are_no_rows(tmp_path):
    (tmp_path / "other.json").write_text(json.dumps({"combination": {"library": "smp"}, "accuracy": {}}))
    (tmp_path / "list.json").write_text("[]")
    assert load_all(tmp_path) == []


def test_a_process_that_is_killed_is_a_failed_result(tmp_path, monkeypatch):
    monkeypatch.setenv("UNETZOO_PLUGINS", "")
    killer = tmp_path / "sitecustomize.py"
    killer.write_text("import os, signal, sys\nif '--multiprocessing-fork' in sys.argv:\n    os.kill(os.getpid(), 9)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    results = tmp_path / "results"
    results.mkdir()
    ((_, result),) = run_in_processes([_run()], results, workers=1)
    assert "its process ended without an answer" in result["error"]


def test_a_grid_goes_over_ray(tmp_path):
    pytest.importorskip("ray")
    ((run, result),) = run_on_ray([_run()], tmp_path, address="local")
    assert "error" not in result
    (stored,) = load_all(tmp_path)
    assert stored["combination"] == asdict(run)
