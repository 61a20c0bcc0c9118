"""Processor time and memory of a scene of four bands from GeoTIFF to GeoTIFF, beside a loop over rasterio's windows.

    python -m benchmarks.scene               # 20,000 x 20,000 pixels
    python -m benchmarks.scene --side 2000   # a try, which writes no page

Needs rasterio, as the plugin unetzoo-geo does. Not measured: terratorch (1.2.13), whose `tiled_inference` takes an
image and a result in memory unless a source and a sink are written by hand, needs torchgeo 0.9, and that Python 3.12;
torchgeo itself has samplers of windows, but nothing that writes a result.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.page.readme import RESULTS, write_pages
from unetzoo._utils.memory import keep_freed_memory
from unetzoo.assembly import create
from unetzoo.bench.calls import resident_bytes
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor
from unetzoo.nn.segmenter import Segmenter

_BANDS, _TILE = 4, 512
_WINDOW = 2048  # of the loop, as the tile of `predict`
_LARGEST = 65_535.0
_GROUND = (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)  # of 10 m in UTM zone 33 N


def with_unetzoo(model: Segmenter, source: Path, target: Path) -> None:
    """Predict as `unetzoo predict` does."""
    FilePredictor(model, PredictOptions()).predict(source, target)


def with_rasterio(model: Segmenter, source: Path, target: Path) -> None:
    """A loop as one writes it by hand: windows side by side, without overlap, argmax into a tiled GeoTIFF."""
    import rasterio
    from rasterio.windows import Window

    with rasterio.open(source) as scene:
        profile = scene.profile | {"count": 1, "dtype": "uint8", "compress": "deflate", "bigtiff": "if_safer"}
        with rasterio.open(target, "w", **profile) as result, torch.inference_mode():
            for top, left in product(range(0, scene.height, _WINDOW), range(0, scene.width, _WINDOW)):
                window = Window(left, top, min(_WINDOW, scene.width - left), min(_WINDOW, scene.height - top))
                pixels = torch.from_numpy(scene.read(window=window).astype(np.float32) / _LARGEST)[None]
                result.write(model(pixels).argmax(1).to(torch.uint8).numpy(), window=window)


WAYS: dict[str, Callable[[Segmenter, Path, Path], None]] = {
    "unetzoo, GeoTIFF": with_unetzoo,
    "unetzoo, plain TIFF": with_unetzoo,
    "rasterio, loop over windows": with_rasterio,
}


def measure_scene(side: int = 20_000) -> dict[str, Any]:
    """Seconds of the processor, and peak memory beyond the loaded network, of each way, each in a process of its own.

    Args:
        side: of the scene of four bands of 16 bits, in pixels.
    """
    with tempfile.TemporaryDirectory() as folder:
        ground, plain = Path(folder, "ground.tif"), Path(folder, "plain.tif")
        _write(ground, side, is_placed=True)
        _write(plain, side, is_placed=False)
        rows = {}
        for way in WAYS:
            source = plain if "plain" in way else ground
            command = [sys.executable, "-m", "benchmarks.scene", "--way", way, str(source), f"{folder}/out.tif"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
            rows[way] = json.loads(done.stdout.splitlines()[-1])
            Path(folder, "out.tif").unlink()
        return {"side": side, "bands": _BANDS, "file": ground.stat().st_size, "ways": rows}


def run_way(way: str, source: Path, target: Path) -> dict[str, float]:
    """Seconds of the processor, over all threads, and bytes of one way, in this process."""
    keep_freed_memory()
    torch.manual_seed(0)
    model = create("unet", encoder="plain", encoder_options={"widths": (8, 16, 32)}, classes=2, in_channels=_BANDS)
    model.eval()
    before, start = resident_bytes("VmRSS"), time.process_time()
    WAYS[way](model, source, target)
    return {"seconds": time.process_time() - start, "beyond the model": resident_bytes("VmHWM") - before}


def _write(path: Path, side: int, *, is_placed: bool) -> None:
    import tifffile

    from unetzoo.data.formats.geo_keys import ground_tags
    from unetzoo.data.formats.grid import grid_of_transform

    grid = grid_of_transform(_GROUND, unit="m", crs="EPSG:32633")
    kinds = {int: 3, float: 12}  # SHORT and DOUBLE of TIFF
    tags = [(code, kinds[type(each[0])], len(each), each, True) for code, each in ground_tags(grid).items()]
    tifffile.imwrite(
        path,
        _noise(side),
        shape=(side, side, _BANDS),
        dtype=np.uint16,
        tile=(_TILE, _TILE),
        bigtiff=True,
        photometric="minisblack",
        planarconfig="contig",
        extratags=tags if is_placed else (),
        metadata=None,
    )


def _noise(side: int) -> Iterator[NDArray[np.uint16]]:
    random = np.random.default_rng(0)
    for _ in range((-(-side // _TILE)) ** 2):
        yield random.integers(0, 10_000, (_TILE, _TILE, _BANDS), dtype=np.uint16)


def main() -> None:
    """Measure, then write README.md; or run one way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--side", type=int, default=20_000, help="of the scene, in pixels; another one is printed alone"
    )
    parser.add_argument("--way", nargs=3, metavar=("NAME", "SOURCE", "TARGET"), help="run one way in this process")
    arguments = parser.parse_args()
    if arguments.way:
        name, source, target = arguments.way
        print(json.dumps(run_way(name, Path(source), Path(target))))
    elif arguments.side != parser.get_default("side"):
        print(json.dumps(measure_scene(arguments.side), indent=2))
    else:
        write_json({"machine": machine(), **measure_scene()}, RESULTS / "scene.json")
        write_pages()


if __name__ == "__main__":
    main()
