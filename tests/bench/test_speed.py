"""The benchmark runs; what it measures is not judged here."""

import json

import pytest
from typer.testing import CliRunner

from unetzoo.bench.case import Case
from unetzoo.bench.contenders import contenders, has_bfloat16
from unetzoo.bench.run import BenchmarkError, run_case
from unetzoo.cli import app


@pytest.fixture(scope="module")
def smallest(tmp_path_factory):
    """The command's smallest run, and the files that it wrote."""
    folder = tmp_path_factory.mktemp("results")
    options = ["bench", "speed", "--decoder", "unet", "--encoder", "resnet18", "--size", "32", "--rounds", "2", "--out"]
    return CliRunner().invoke(app, [*options, str(folder)]), folder


def test_the_command_prints_every_contender_with_both_allocators(smallest):
    result, _ = smallest
    assert result.exit_code == 0, result.output
    assert result.output.startswith("unet, resnet18, 32 px, batch 1, inference, cpu")
    both = ["smp", "smp, channels_last", "MONAI FlexibleUNet", "MONAI FlexibleUNet, channels_last"]
    names = [*both, "unetzoo, as created", "unetzoo, optimize()"]
    for allocator in "AB":
        for name in names:
            assert f"\n{allocator}  {name} " in result.output
    assert "optimize() with allocator B, smp as it comes with A:" in result.output


def test_its_file_has_the_raw_samples_and_where_they_come_from(smallest):
    _, folder = smallest
    found = json.loads((folder / "unet-resnet18-32px-1-inference-cpu.json").read_text())
    seconds = found["allocators"]["B"]["seconds"]
    assert ("unetzoo, optimize(bfloat16)" in seconds) == has_bfloat16("cpu")
    assert [len(samples) for samples in seconds.values()] == [2] * (6 + has_bfloat16("cpu"))
    assert found["machine"]["versions"]["segmentation-models-pytorch"] == "0.6.0"
    assert found["case"]["seed"] == 0
    assert found["machine"]["threads"] >= 1


def test_the_logits_of_the_same_weights_are_the_same(smallest):
    _, folder = smallest
    found = json.loads((folder / "unet-resnet18-32px-1-inference-cpu.json").read_text())
    differences = found["allocators"]["A"]["relative_difference"]
    assert {"smp, channels_last", "unetzoo, as created", "unetzoo, optimize()"} <= set(differences)
    assert max(differences.values()) < 1e-4
    assert differences["unetzoo, as created"] > 0  # another computation of the same function


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--decoder fpn", "the benchmark has peers for the decoders unet and unetpp, got 'fpn'"),
        ("--task sleeping", "task must be one of inference, training; got 'sleeping'"),
        ("--size 0", "size must be a whole number >= 1, got 0"),
        ("--device tpu", "device must be cpu, cuda or auto, got 'tpu'"),
    ],
)
def test_a_wrong_option_is_one_line(options, message):
    result = CliRunner().invoke(app, ["bench", "speed", *options.split()])
    assert result.exit_code == 2
    assert result.stderr.strip() == f"error: {message}"


def test_a_process_that_fails_is_one_error():
    with pytest.raises(BenchmarkError, match=r"ended with exit code 1: .*no_such_net"):
        run_case(Case(decoder="unet", encoder="no_such_net"))


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of MONAI's import
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("decoder", ["unet", "unetpp"])
def test_training_compares_the_same_networks(decoder):
    names = [one.name for one in contenders(Case(decoder=decoder, encoder="resnet18", task="training"))]
    assert names[:2] == ["smp", "smp, channels_last"]
    assert names[2].startswith("MONAI")
    assert names[3:] == [f"{names[2]}, channels_last", "unetzoo, as created"]
