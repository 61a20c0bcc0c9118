"""How many entries are read at once."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from unetzoo.data.find import open_source
from unetzoo.data.survey import reading


def _write(folder):
    for number in range(20):
        for kind in ("images", "masks"):
            (folder / kind).mkdir(exist_ok=True)
            Image.fromarray(np.full((8, 9), number % 2, np.uint8)).save(folder / kind / f"{number:02}.png")


@pytest.mark.parametrize(("short", "threads"), [(float("inf"), 1), (0.0, 4)])
def test_short_reads_are_done_in_turn_and_long_ones_at_once(short, threads, tmp_path, monkeypatch):
    _write(tmp_path)
    readers, all_there = set(), threading.Barrier(threads)
    read = reading._read

    def noted(source, index, images):
        if threading.current_thread() is not threading.main_thread() and len(readers) < threads:
            readers.add(threading.get_ident())
            all_there.wait(timeout=60)
        return read(source, index, images)

    monkeypatch.setattr(reading, "_read", noted)
    monkeypatch.setattr(reading, "_SHORT", short)
    monkeypatch.setattr(reading.os, "cpu_count", lambda: 4)
    calls = []
    readings = reading.read_all(open_source(tmp_path), range(20), on_read=lambda: calls.append(0))
    assert [one.index for one in readings] == [*range(20)]
    assert all(one.image.shape == (8, 9, 1) for one in readings)
    assert len(calls) == 20
    assert len(readers) == threads


@pytest.mark.parametrize(
    ("first", "others", "in_turn"),
    [(60.0, 1e-3, 20), (1e-3, 60.0, 3)],
    ids=["a first one that imports is no sign of long ones", "three long ones are enough"],
)
def test_the_middle_of_the_first_reads_decides(first, others, in_turn, tmp_path, monkeypatch):
    _write(tmp_path)
    clock, workers, read, pool = [0.0], [], reading._read, reading.ThreadPoolExecutor

    def timed(source, index, images):
        clock[0] += others if index else first
        return read(source, index, images)

    def of_workers(count):
        workers.append(count)
        return pool(count)

    monkeypatch.setattr(reading, "_read", timed)
    monkeypatch.setattr(reading, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(reading, "ThreadPoolExecutor", of_workers)
    monkeypatch.setattr(reading.os, "cpu_count", lambda: 4)
    seen = []
    readings = reading.read_all(open_source(tmp_path), range(20), on_read=lambda: seen.append(bool(workers)))
    assert [one.index for one in readings] == [*range(20)]
    assert workers == [1 if in_turn == 20 else 4]
    assert seen.count(False) == min(in_turn, 8)
