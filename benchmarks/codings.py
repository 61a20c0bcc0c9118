"""CPU time in which each coding of objects makes the target of a crop: `python -m benchmarks.codings`."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

import unetzoo
from unetzoo.objects.ids import need_objects

_SIDE = 256
_OBJECTS = 50
_ROUNDS = 21

Ids = NDArray[np.int64]


def crop(objects: int = _OBJECTS, side: int = _SIDE, seed: int = 0) -> Ids:
    """Numbers (side, side) of discs with radii of 6 to 12 pixels, at least half of each of which is seen."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    ids = np.zeros((side, side), np.int64)
    number = 0
    while number < objects:
        row, column, radius = *random.uniform(0, side, 2), random.uniform(6, 12)
        disc = (np.hypot(rows - row, columns - column) < radius) & (ids == 0)
        if disc.sum() > np.pi * radius**2 / 2:
            number += 1
            ids[disc] = number
    return ids


def coding_rows(rounds: int = _ROUNDS) -> Iterator[str]:
    """The lines of a table in Markdown: median milliseconds of a CPU for each coding."""
    need_objects()
    ids = crop()
    yield f"| coding, {_SIDE} x {_SIDE} pixels, {_OBJECTS} objects | encode, ms | weights, ms |"
    yield "|---|---|---|"
    for name in unetzoo.list_objects():
        coding = unetzoo.create_objects(name)
        encode, weights = (_milliseconds(method, ids, rounds) for method in (coding.encode, coding.weights))
        yield f"| {name} | {encode:.1f} | {weights:.1f} |"


def _milliseconds(method: Callable[[Ids], object], ids: Ids, rounds: int) -> float:
    method(ids)  # the first call imports and compiles
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        method(ids)
        times.append(time.process_time() - begin)
    return 1e3 * float(np.median(times))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for line in coding_rows():
        print(line)
