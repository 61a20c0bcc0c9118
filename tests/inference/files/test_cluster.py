"""A Ray cluster on this machine with two workers, one of which is killed."""

import os
import signal
import socket
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from typer.testing import CliRunner

import unetzoo
from unetzoo.cli import app
from unetzoo.inference.files.cluster import run_on_ray
from unetzoo.inference.files.jobs import Job
from unetzoo.inference.files.options import PredictOptions

pytestmark = pytest.mark.long

pytest.importorskip("ray")


@pytest.fixture
def model():
    torch.manual_seed(0)
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1).eval()


def _workers():
    """The processes that run tasks now."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if (process.info["cmdline"] or [""])[0].startswith("ray::_do")
    ]


@pytest.mark.slow  # each worker imports torch; tests/_utils/test_cluster.py kills one that does not
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves its pipes to the end of the process
def test_a_worker_that_is_killed_loses_nothing(model, tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "out").mkdir()
    jobs = []
    for number in range(6):
        np.save(tmp_path / f"{number}.npy", random.integers(0, 256, (600, 450), dtype=np.uint8))
        jobs.append(Job(tmp_path / f"{number}.npy", tmp_path / "out" / f"{number}.npy"))
    options = PredictOptions(tile=128, overlap=32)
    results, killed = [], []
    for result in run_on_ray(model, jobs, options, address="local"):
        results.append(result)
        if not killed:
            killed += [process.pid for process in _workers()[:1]]
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
    assert killed
    assert sorted(Path(result.image).stem for result in results) == [str(number) for number in range(6)]
    assert {result.state for result in results} <= {"predicted", "kept"}
    assert sorted(path.name for path in (tmp_path / "out").glob("*.npy")) == [f"{number}.npy" for number in range(6)]
    for job in jobs:
        expected = unetzoo.predict(model, np.load(job.image), tile=128, overlap=32).argmax(0)
        assert (np.load(job.target) == expected).mean() > 0.999


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_command_predicts_a_folder_over_a_cluster(model, tmp_path):
    random = np.random.default_rng(0)
    unetzoo.save(model, tmp_path / "model")
    (tmp_path / "in").mkdir()
    for number in range(3):
        np.save(tmp_path / "in" / f"{number}.npy", random.integers(0, 256, (50, 40), dtype=np.uint8))
    (tmp_path / "in" / "3.npy").write_bytes(b"")
    command = ["predict", str(tmp_path / "model"), str(tmp_path / "in"), str(tmp_path / "out"), "--format", "npy"]
    result = CliRunner().invoke(app, [*command, "--ray", "local"])
    assert result.exit_code == 3
    assert result.stdout == f"3 predicted, 1 failed: {tmp_path / 'out'}\n"
    assert [line for line in result.stderr.splitlines() if line.startswith("error:")] == [
        f"error: {tmp_path / 'in' / '3.npy'} is empty: it has 0 bytes"
    ]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.npy")) == ["0.npy", "1.npy", "2.npy"]
    expected = unetzoo.predict(model, np.load(tmp_path / "in" / "0.npy")).argmax(0)
    assert (np.load(tmp_path / "out" / "0.npy") == expected).mean() > 0.999


def test_an_address_where_nobody_listens_is_told_at_once(model, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    job = Job(tmp_path / "a.npy", tmp_path / "b.npy")
    with pytest.raises(unetzoo.OptionError, match=f"no Ray cluster at '127.0.0.1:{port}': Connection refused"):
        next(run_on_ray(model, [job], PredictOptions(), address=f"127.0.0.1:{port}"))
