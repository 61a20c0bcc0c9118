"""Memory and time in which `unetzoo predict` numbers the objects of large volumes, then write README.md.

    OMP_NUM_THREADS=1 python -m benchmarks.volume_objects               # all of it
    OMP_NUM_THREADS=1 python -m benchmarks.volume_objects --depths 64   # that volume alone; results of others stay

A tiny network over three axes learns nuclei, some of which touch, for a minute. Then a process for each volume predicts
a TIFF stack of copies of such nuclei beside each other, and measures the memory that it holds: what it has allocated,
which nothing gives back, and what is resident, mapped files included, which the system takes back where it needs it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray

import unetzoo
from benchmarks.page.readme import RESULTS, write_pages
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json

CODING = "distance"
DEPTHS = 64, 128, 256
_LONGEST = 32  # voxels of a nucleus, or of a few that the network joins
_SIDE = 512  # voxels of a slice along each axis
_TILE = 64, 128, 128
_SMALL = 32, 64, 64  # of the training
_DENSITY = 2e-4  # nuclei a voxel
_RADII = 5, 9  # voxels
_PROGRAM = """
import json, sys, threading, time
import unetzoo
from unetzoo.bench.calls import resident_bytes

source, target, network, longest = sys.argv[1:]
unetzoo.keep_freed_memory()
model = unetzoo.load(network)
before, most, is_done = resident_bytes("RssAnon"), 0, threading.Event()

def watch():
    global most
    while not is_done.wait(0.02):
        most = max(most, resident_bytes("RssAnon"))

watcher = threading.Thread(target=watch)
watcher.start()
start = time.process_time()
options = unetzoo.PredictOptions(device="cpu", largest_object=int(longest))
(result,) = unetzoo.predict_files(model, source, target, options=options)
seconds = time.process_time() - start
is_done.set()
watcher.join()
assert result.state == "predicted", result.reason
print(json.dumps({"seconds": seconds, "allocated": most, "before": before, "resident": resident_bytes("VmHWM")}))
"""


class Nuclei(unetzoo.Dataset):
    """Tiles of nuclei, the same each time."""

    def __init__(self, count: int, seed: int) -> None:
        super().__init__(("rest", "nucleus"))
        self._tiles = [_tile(seed + number, _SMALL) for number in range(count)]

    def __len__(self) -> int:
        return len(self._tiles)

    def __getitem__(self, index: int) -> unetzoo.Sample:
        values, ids = self._tiles[index]
        return unetzoo.Sample(values[..., None], (ids > 0).astype(np.uint8), f"tile {index}")

    def instances(self, index: int) -> NDArray[np.int32]:
        """The numbers of the nuclei (d, h, w)."""
        return self._tiles[index][1]


def _tile(seed: int, shape: tuple[int, ...] = _TILE) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Values and numbers of ellipsoids; what leaves a tile on one side comes in on the other."""
    random = np.random.default_rng(seed)
    reach = _RADII[1]
    offsets = np.stack(np.meshgrid(*(np.arange(-reach, reach + 1),) * 3, indexing="ij"), -1)
    nearest, ids = np.full(shape, np.inf), np.zeros(shape, np.int32)
    for number in range(1, round(_DENSITY * np.prod(shape)) + 1):
        center = [int(random.integers(length)) for length in shape]
        ratios = ((offsets / random.uniform(*_RADII, 3)) ** 2).sum(-1)
        place = np.ix_(
            *((start + np.arange(-reach, reach + 1)) % length for start, length in zip(center, shape, strict=True))
        )
        is_nearer = (ratios < 1) & (ratios < nearest[place])
        nearest[place] = np.where(is_nearer, ratios, nearest[place])
        ids[place] = np.where(is_nearer, number, ids[place])
    values = 200 + 400 * np.where(ids > 0, 1.3 - nearest, 0) + random.normal(0, 25, shape)
    return values.clip(0).astype(np.uint16), ids


def train(folder: Path, *, steps: int) -> None:
    """A network that finds nuclei, in a folder."""
    torch.manual_seed(0)
    network = unetzoo.create(
        "unet", encoder="plain", spatial_dims=3, in_channels=1, objects=CODING, encoder_options={"widths": (4, 8)}
    )
    options = unetzoo.FitOptions(
        crop=(16, 32, 32), batch=2, steps=steps, epochs=1, learning_rate=1e-2, average=0, device="cpu", workers=0
    )
    splits: dict[str, unetzoo.Dataset] = {"train": Nuclei(2, 1)}
    unetzoo.save(unetzoo.fit(network, splits, folder / "run", options=options).model, folder / "network")


def measure(depth: int, folder: Path) -> dict[str, Any]:
    """Seconds of the processor, memory, and the numbers of objects that there are and that are found."""
    source, target = folder / f"{depth}.tif", folder / f"{depth}-labels.tif"
    values, ids = _tile(0)
    copies = [-(-length // side) for length, side in zip((depth, _SIDE, _SIDE), _TILE, strict=True)]
    stack = np.tile(values, copies)[:depth, :_SIDE, :_SIDE]
    tifffile.imwrite(source, stack, imagej=True, metadata={"axes": "ZYX"})
    del stack
    command = [sys.executable, "-c", _PROGRAM, str(source), str(target), str(folder / "network"), str(_LONGEST)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own program
    with tifffile.TiffFile(target) as file:
        found = max(int(page.asarray().max()) for page in file.pages)
    drawn = len(np.unique(ids)) - 1
    return {
        "shape": [depth, _SIDE, _SIDE],
        "bytes": values.itemsize * depth * _SIDE**2,
        "drawn": drawn * int(np.prod(copies)),
        "found": found,
        **json.loads(done.stdout),
    }


def main() -> None:
    """Train, measure, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", type=int, nargs="+", default=DEPTHS, help="of the volumes, in slices")
    parser.add_argument("--steps", type=int, default=80, help="of the training; results are kept with the default")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder), steps=chosen.steps)
        volumes = []
        for depth in chosen.depths:
            volumes.append(measure(depth, Path(folder)))
            print(json.dumps(volumes[-1]), flush=True)
    if chosen.steps == parser.get_default("steps"):
        path = RESULTS / "volume-objects.json"
        kept = json.loads(path.read_text())["volumes"] if path.exists() else []
        depths = {volume["shape"][0]: volume for volume in (*kept, *volumes)}
        write_json({"machine": machine(), "coding": CODING, "volumes": [depths[key] for key in sorted(depths)]}, path)
        write_pages()


if __name__ == "__main__":
    main()
