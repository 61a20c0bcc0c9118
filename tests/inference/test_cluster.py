"""A Ray cluster on this machine with two workers, one of which is killed."""

import os
import signal

import numpy as np
import psutil
import pytest
import torch

import unetzoo
from unetzoo.inference.cluster import run_on_ray
from unetzoo.inference.files import FileOptions
from unetzoo.inference.jobs import Job

pytest.importorskip("ray")


@pytest.fixture
def model():
    torch.manual_seed(0)
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1).eval()


def _workers():
    """The processes that run tasks now."""
    return [one for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [""])[0].startswith("ray::_do")]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves its pipes to the end of the process
def test_a_worker_that_is_killed_loses_nothing(model, tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "out").mkdir()
    jobs = []
    for number in range(8):
        np.save(tmp_path / f"{number}.npy", random.integers(0, 256, (900, 600), dtype=np.uint8))
        jobs.append(Job(tmp_path / f"{number}.npy", tmp_path / "out" / f"{number}.npy"))
    options = FileOptions(tile=128, overlap=32)
    outcomes, killed = [], []
    for outcome in run_on_ray(model, jobs, options, address="local"):
        outcomes.append(outcome)
        if not killed:
            killed += [one.pid for one in _workers()[:1]]
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
    assert killed
    assert sorted(outcome.job.source.stem for outcome in outcomes) == [str(number) for number in range(8)]
    assert {outcome.state for outcome in outcomes} <= {"predicted", "kept"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{number}.npy" for number in range(8)]
    for job in jobs:
        wanted = unetzoo.predict(model, np.load(job.source), tile=128, overlap=32).argmax(0)
        assert (np.load(job.target) == wanted).mean() > 0.999
