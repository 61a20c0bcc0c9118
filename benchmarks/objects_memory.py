"""Memory and time in which the objects of an image of 20,000 x 20,000 pixels are decoded, then write README.md.

    python -m benchmarks.objects_memory               # all of it; 5 GB on the disk while it runs
    python -m benchmarks.objects_memory --side 5000   # printed only

Finished maps lie in a file, as `unetzoo predict` leaves them there, and are decoded in strips into a label image. A
square of 2,000 pixels with 2,000 ellipses, some of which touch or cover others, is drawn on a torus, so that copies of
it beside each other are a drawing without seams.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.page.readme import RESULTS, write_pages
from unetzoo.assembly import create_objects
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json
from unetzoo.inference.files.partial import PartialResult
from unetzoo.nn.config import ModelConfig
from unetzoo.objects.coding import channels_of

Maps = NDArray[np.float32]
_TILE, _ELLIPSES = 2000, 2000
_RADII = 8, 17  # pixels
_PROGRAM = """
import json, sys, time
from pathlib import Path
import numpy as np
import unetzoo
from unetzoo.bench.calls import resident_bytes
from unetzoo.inference.files.objects import write_objects
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.objects import Decoder

source, target, config, *shape = sys.argv[1:]
unetzoo.keep_freed_memory()
decoder = Decoder(unetzoo.ModelConfig.from_dict(json.loads(config)))
before = resident_bytes("VmRSS")
with PartialResult(Path(source), {}, tuple(map(int, shape)), np.dtype(np.float32)) as maps:
    start = time.process_time()
    write_objects(maps, decoder, Path(target), {})
    seconds = time.process_time() - start
print(json.dumps({"seconds": seconds, "peak": resident_bytes("VmHWM"), "before": before}))
"""


def measure_objects(coding: str, side: int) -> dict[str, Any]:
    """Seconds of the processor, peak memory and number of objects.

    The memory is what the process holds at most. Its files are read and written, not mapped; mapped are libraries
    alone, which `before` counts, too.

    Args:
        coding: of the objects, with its default options.
        side: of the image, in pixels; a multiple of 1,000.
    """
    maps = _tile_maps(coding)
    config = ModelConfig(decoder="unet", encoder="plain", objects=coding, classes=len(maps))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "maps.partial"), Path(folder, "labels.tif")
        _write(maps, side, source)
        shape = map(str, (len(maps), side, side))
        command = [sys.executable, "-c", _PROGRAM, str(source), str(target), json.dumps(config.to_dict()), *shape]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own program
        return {"coding": coding, "side": side, "objects": _count(target), **json.loads(done.stdout)}


def _tile_maps(coding: str) -> Maps:
    """The maps of a square of the drawing, encoded with what surrounds it."""
    codec, around = create_objects(coding), 4 * _RADII[1]
    maps = codec.encode(np.pad(_drawing(), around, mode="wrap"))
    assert len(maps) == channels_of(codec.maps)
    return maps[:, around:-around, around:-around]


def _drawing() -> NDArray[np.int32]:
    """Numbers of ellipses; what leaves the square on one side comes in on the other."""
    random = np.random.default_rng(0)
    ids = np.zeros((_TILE, _TILE), np.int32)
    offsets = np.arange(-_RADII[1], _RADII[1] + 1)
    for number in range(1, _ELLIPSES + 1):
        row, column = random.integers(0, _TILE, 2)
        long, short, angle = *random.uniform(*_RADII, 2), random.uniform(0, np.pi)
        along = offsets[:, None] * np.cos(angle) + offsets * np.sin(angle)
        across = offsets * np.cos(angle) - offsets[:, None] * np.sin(angle)
        rows, columns = ((along / long) ** 2 + (across / short) ** 2 <= 1).nonzero()
        ids[(row + offsets[rows]) % _TILE, (column + offsets[columns]) % _TILE] = number
    return ids


def _write(maps: Maps, side: int, path: Path) -> None:
    """Copies of a square beside each other, as a file of finished maps."""
    copies = -(-side // _TILE)
    with PartialResult(path, {}, (len(maps), side, side), np.dtype(np.float32)) as result:
        for top in range(0, side, _TILE):
            result.write(top, np.tile(maps, copies)[:, : side - top, :side])


def _count(labels: Path) -> int:
    import tifffile

    with tifffile.TiffFile(labels) as file:
        return max(int(segment.max()) for segment, *_ in file.pages[0].segments() if segment is not None)


def main() -> None:
    """Measure, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=20_000, help="of the image, in pixels")
    parser.add_argument("--objects", default="distance", help="the coding")
    chosen = parser.parse_args()
    results = measure_objects(chosen.objects, chosen.side)
    print(json.dumps(results))
    if vars(chosen) == vars(parser.parse_args([])):
        write_json({"machine": machine(), **results}, RESULTS / "objects-memory.json")
        write_pages()


if __name__ == "__main__":
    main()
