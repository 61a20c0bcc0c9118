"""`unetzoo bench speed`; how fast a network is, is not judged here."""

import json
import re

import pytest
from typer.testing import CliRunner

import unetzoo
from unetzoo.bench.case import CREATED, OPTIMIZED, Case
from unetzoo.bench.contenders import OWN, has_bfloat16
from unetzoo.bench.speed import BenchmarkError, run_case
from unetzoo.bench.timings import comparisons, timings
from unetzoo.bench.worker import multiply_adds
from unetzoo.cli import app

_NET = "plain(widths=(4, 8))"
_NAMES = [CREATED, OPTIMIZED, *(["unetzoo, optimize(bfloat16)"] if has_bfloat16("cpu") else [])]


@pytest.fixture(scope="module")
def smallest(tmp_path_factory):
    """What the command's smallest run says beside its JSON, the content of its file, and the JSON."""
    folder = tmp_path_factory.mktemp("results")
    options = ["--decoder", "unet", "--encoder", _NET, "--size", "32", "--rounds", "2", "--out", str(folder), "--json"]
    result = CliRunner().invoke(app, ["bench", "speed", *options])
    assert result.exit_code == 0, result.output
    (path,) = folder.iterdir()
    assert path.name == "unet-plain-widths-4-8--32px-1-inference-cpu.json"
    return result.stderr, json.loads(path.read_text()), json.loads(result.stdout)


def test_the_command_prints_every_contender_with_both_allocators(smallest):
    output, *_ = smallest
    assert output.startswith(f"unet, {_NET}, 32 px, batch 1, inference, cpu")
    rows = re.findall(r"^([AB])  (unetzoo, \S+(?: \S+)?) ", output, re.MULTILINE)
    assert rows == [(allocator, name) for allocator in "AB" for name in _NAMES]
    assert f"optimize() with allocator B, {CREATED} with A:" in output


def test_its_file_has_the_raw_samples_and_their_origin(smallest):
    _, result, _ = smallest
    for measured in result["allocators"].values():
        assert {name: len(samples) for name, samples in measured["seconds"].items()} == dict.fromkeys(_NAMES, 2)
        assert len(measured["rate"]) == 2
    assert Case(**result["case"]) == Case(decoder="unet", encoder=_NET, size=32, rounds=2)
    assert result["machine"]["versions"]["unetzoo"] == unetzoo.__version__


def test_its_json_has_the_medians_of_these_samples(smallest):
    output, result, (printed,) = smallest
    assert printed["case"] == result["case"]
    rows = {(row["allocator"], row["contender"]): row for row in printed["timings"]}
    assert [*rows] == [(allocator, name) for allocator in "AB" for name in _NAMES]
    for (allocator, name), row in rows.items():
        seconds = result["allocators"][allocator]["seconds"]
        assert row["seconds"] == pytest.approx(sum(seconds[name]) / 2, rel=1e-4)  # the median of two
        ratios = [one / other for one, other in zip(seconds[CREATED], seconds[name], strict=True)]
        assert row["times_as_fast"] == pytest.approx(sum(ratios) / 2, rel=1e-3)
        assert re.search(rf"^{allocator}  {re.escape(name)} +{row['seconds'] * 1e3:,.0f} ", output, re.MULTILINE)


def test_the_optimized_network_computes_the_same_function(smallest):
    _, result, _ = smallest
    differences = result["allocators"]["A"]["relative_difference"]
    assert differences[CREATED] == 0
    assert 0 < differences[OPTIMIZED] < 1e-4  # batch norms are folded into the weights


def test_the_floor_has_the_multiply_adds_of_the_network_for_all_images():
    case = Case(decoder="unet(upsample='transpose', widths=(4,))", encoder=_NET, size=32, batch=2)
    encoder = 9 * (3 * 4 + 4 * 4) * 32**2 + 9 * (4 * 8 + 8 * 8) * 16**2
    decoder = 4 * 8 * 4 * 16**2 + 9 * (8 * 4 + 4 * 4) * 32**2
    assert multiply_adds(case, OWN.network) == 2 * (encoder + decoder + 4 * 32**2)  # and the head


def test_training_updates_all_parameters():
    (created,) = OWN.ways(Case(decoder="unet", encoder=_NET, task="training"))
    model = created.run
    assert created.name == CREATED
    assert model.training
    assert {id(parameter) for parameter in created.parameters} == {id(parameter) for parameter in model.parameters()}


def test_a_ratio_is_the_median_of_calls_made_one_after_the_other():
    seconds = {"slow": [4.0, 2.0, 9.0], OPTIMIZED: [1.0, 2.0, 3.0]}
    measured = {"names": list(seconds), "seconds": seconds, "rate": [10.0, 20.0, 30.0]}
    measured |= {"relative_difference": {"slow": 0.0}, "peak_bytes": {"slow": 3 * 2**20}, "saved_bytes": {}}
    case = Case(decoder="unet", encoder="resnet18").to_dict()
    result = {"case": case, "multiply_adds": 10, "allocators": {"A": measured}}
    slow, fast = timings(result)
    assert (slow.ratio, slow.peak, slow.saved, slow.difference) == ("1.00 (1.00 to 1.00)", "3", "", "0")
    assert (fast.milliseconds, fast.ratio, fast.peak) == ("2,000", "3.00 (2.00 to 3.50)", "")  # of 4, 1 and 3
    floor = "4.00 times the floor, which is 500 ms"  # 1, 0.5 and 0.33 s; 1, 4 and 9 times those
    assert comparisons(result) == [f"optimize() with allocator A: {floor}"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--task sleeping", "--task must be one of inference, training; got 'sleeping'"),
        ("--size 0", "--size must be a whole number >= 1, got 0"),
        ("--size 2e2", "--size takes whole numbers, such as 256,512; got '2e2'"),
        ("--device tpu", "--device must be one of cpu, cuda, auto; got 'tpu'"),
    ],
)
def test_a_wrong_option_is_one_line(options, message):
    result = CliRunner().invoke(app, ["bench", "speed", *options.split()])
    assert result.exit_code == 2
    assert result.stderr.strip() == f"error: {message}"


@pytest.mark.parametrize(("options", "name"), [("-d unte", "unet"), ("-e resnet81", "resnet18")])
def test_an_unknown_part_is_an_error_before_anything_is_timed(options, name):
    result = CliRunner().invoke(app, ["bench", "speed", *options.split()])
    assert result.exit_code == 2
    assert "did you mean" in result.stderr
    assert name in result.stderr


def test_a_process_that_fails_is_one_error():
    with pytest.raises(BenchmarkError, match=r"ended with exit code 1: .*no_such_net"):
        run_case(Case(decoder="no_such_net", encoder=_NET))
