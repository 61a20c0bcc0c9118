"""A killed training continues exactly: it ends with the same weights, bit by bit, as an uninterrupted one."""

import json
import os
import re
import signal
import threading

import psutil
import pytest
import torch
from processes import start
from resumable import Signalling, train, train_and_say
from safetensors.torch import load_file
from squares import Squares

import unetzoo

pytestmark = pytest.mark.long


def _start(folder, *, workers=0, validation=Squares):
    """The training in a process of its own, which says the number of each step."""
    return start(train_and_say, folder / "run", workers, validation)


def _finish(folder, *, seed=0):
    """The numbers of the steps that complete the training, in this process."""
    steps, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)  # as the other processes: sums of several threads have another order
    try:
        train(folder / "run", steps.append, seed=seed)
    finally:
        torch.set_num_threads(threads)
    return steps


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert _finish(folder) == list(range(1, 21))
    return folder / "run"


def _assert_same(run, uninterrupted):
    for name in ("best/model.safetensors", "checkpoints/step-000000020/model.safetensors"):
        weights, expected = load_file(run / name), load_file(uninterrupted / name)
        assert all(torch.equal(weights[key], expected[key]) for key in expected)
    assert (run / "history.jsonl").read_text() == (uninterrupted / "history.jsonl").read_text()


@pytest.mark.parametrize("step", [pytest.param(2, marks=pytest.mark.slow), 11])
def test_a_killed_training_continues_from_the_last_checkpoint(step, uninterrupted, tmp_path):
    process, said = _start(tmp_path)
    for number in said:
        if number >= step:
            process.kill()
            break
    process.join()
    steps = _finish(tmp_path, seed=1)  # the weights to begin with are those of the first start
    assert steps[0] in range(1, step + 4)
    assert (steps[0] - 1) % 3 == 0
    assert steps[-1] == 20
    _assert_same(tmp_path / "run", uninterrupted)


@pytest.mark.parametrize("workers", [pytest.param(0, marks=pytest.mark.slow), 2])
def test_sigterm_to_all_processes_writes_a_checkpoint_and_ends_as_signals_do(workers, uninterrupted, tmp_path):
    process, said = _start(tmp_path, workers=workers)
    for number in said:
        if number == 5:
            for worker in psutil.Process(process.pid).children():  # they may hear of it first
                worker.terminate()
        if number >= 7:
            process.terminate()
            break
    *_, end = said
    process.join()
    assert process.exitcode == 128 + signal.SIGTERM
    stopped = int(re.match(r"stopped by SIGTERM after step (\d+);", end)[1])
    assert _finish(tmp_path)[0] == stopped + 1  # nothing is done twice
    _assert_same(tmp_path / "run", uninterrupted)


def test_a_signal_ends_a_validation_and_resuming_repeats_it(uninterrupted, tmp_path):
    *_, end = _start(tmp_path, validation=Signalling)[1]
    assert end.startswith("stopped by SIGTERM after step 10;")
    history = (tmp_path / "run" / "history.jsonl").read_text()
    assert len(history.splitlines()) == 1  # of the second epoch nobody knows how good it is
    assert _finish(tmp_path)[0] == 11
    _assert_same(tmp_path / "run", uninterrupted)


def test_a_checkpoint_that_was_cut_off_is_not_loaded(uninterrupted, tmp_path):
    process, said = _start(tmp_path)
    for number in said:
        if number >= 8:
            process.kill()
            break
    process.join()
    (tmp_path / "run" / "checkpoints" / "step-000000019.partial").mkdir()
    assert _finish(tmp_path)[-1] == 20
    _assert_same(tmp_path / "run", uninterrupted)
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-000000020"]


def test_a_second_training_in_the_folder_is_refused_and_harms_nothing(uninterrupted, tmp_path):
    first, said = _start(tmp_path)
    for number in said:
        if number == 2:
            os.kill(first.pid, signal.SIGSTOP)  # so that it is still at it, however fast it is
            break
    with pytest.raises(unetzoo.BusyError, match=r"another process trains in .*run; wait for its end"):
        _finish(tmp_path, seed=1)
    os.kill(first.pid, signal.SIGCONT)
    first.join()
    _assert_same(tmp_path / "run", uninterrupted)
    assert not (tmp_path / "run" / ".lock").exists()


def test_a_thread_may_train_though_it_cannot_receive_signals(make_model, squares, short, tmp_path):
    results = []
    thread = threading.Thread(
        target=lambda: results.append(unetzoo.fit(make_model(), squares, tmp_path, options=short))
    )
    thread.start()
    thread.join()
    assert len(results[0].epochs) == 3


def test_a_history_has_one_line_an_epoch(uninterrupted):
    lines = [json.loads(line) for line in (uninterrupted / "history.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["step"]) for line in lines] == [(1, 5), (2, 10), (3, 15), (4, 20)]
