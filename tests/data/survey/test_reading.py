"""How many entries are read at once."""

import threading

import numpy as np
import pytest
from PIL import Image

from unetzoo.data.find import open_source
from unetzoo.data.survey import reading


@pytest.mark.parametrize(("short", "threads"), [(float("inf"), 1), (0.0, 4)])
def test_short_reads_are_done_in_turn_and_long_ones_at_once(short, threads, tmp_path, monkeypatch):
    for number in range(20):
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(np.full((8, 9), number % 2, np.uint8)).save(tmp_path / kind / f"{number:02}.png")
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
