"""Time the prediction of large images beside the network alone and MONAI, then write README.md.

    python -m benchmarks.prediction                # both parts
    python -m benchmarks.prediction --only tiles   # tiles beside the network alone and beside MONAI
    python -m benchmarks.prediction --only large   # an image of 20,000 x 20,000 pixels

The second part also measures how much memory a large file takes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.page.readme import RESULTS, write_pages
from unetzoo._utils.memory import keep_freed_memory
from unetzoo.assembly import create
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json
from unetzoo.inference.engines.optimize import optimize
from unetzoo.inference.predict import predict
from unetzoo.inference.tiles import Axis, plan_tiles
from unetzoo.nn.info import ModelInfo
from unetzoo.nn.optimized import OptimizedSegmenter

BARE, OURS = "the network alone", "unetzoo.predict"
_UNIT = 32
_TILES = [(2048, 128), (1024, 128)]  # (tile, overlap): the default and a smaller one
_LARGE_TILE = 256  # of the TIFF file


def measure_prediction(
    *, size: tuple[int, int] = (4096, 3072), tile: int = 2048, overlap: int = 128, rounds: int = 3
) -> dict[str, Any]:
    """Seconds for an image: of the network alone on as many pixels, of `predict`, and of MONAI's sliding window.

    All use the same optimized U-Net with a ResNet-18, in turn in one run. The network alone sees squares of side
    `tile`, without overlap; MONAI has such squares, and once the tiles that `predict` chooses, and the same overlap.

    Args:
        size: of the image, in pixels; each a multiple of 1024, and together as many pixels as some squares of `tile`.
        tile: as in `predict`.
        overlap: as in `predict`; a multiple of 64.
        rounds: how often; the first is not counted.
    """
    torch.manual_seed(0)
    model = create("unet", encoder="resnet18", classes=2, in_channels=1).eval()
    network = optimize(model)
    network.config = _plain(network)
    image = np.random.default_rng(0).random((*size, 1), dtype=np.float32)
    down, right = plan_tiles(size, tile, overlap, _UNIT)
    ways = _ways(network, image, tile, (down, right))
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            samples[name].append(time.perf_counter() - start)
    return {
        "size": size,
        "tile": tile,
        "overlap": overlap,
        "tiles": [[down.count, down.size], [right.count, right.size]],
        "seen": down.seen * right.seen,
        "seconds": {name: [round(second, 4) for second in seconds[1:]] for name, seconds in samples.items()},
    }


def _plain(network: OptimizedSegmenter) -> Any:  # noqa: ANN401 - ModelConfig
    from dataclasses import replace

    return replace(network.config, info=ModelInfo(value_range=(0.0, 1.0), mean=(0.0,), std=(1.0,)))


def _ways(
    network: OptimizedSegmenter, image: NDArray[np.float32], tile: int, tiles: tuple[Axis, Axis]
) -> dict[str, Callable[[], object]]:
    from monai.inferers.utils import sliding_window_inference

    tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    square = tensor[..., :tile, :tile]
    squares = image.shape[0] * image.shape[1] // tile**2

    shared = tiles[0].shared

    @torch.no_grad()
    def monai(sizes: list[int]) -> NDArray[np.float32]:
        logits = sliding_window_inference(
            tensor,
            sizes,
            1,
            lambda part: network(part).softmax(1),
            overlap=[shared / size if size < length else 0 for size, length in zip(sizes, image.shape, strict=False)],
            mode="gaussian",
            padding_mode="reflect",
        )
        whole: NDArray[np.float32] = torch.as_tensor(logits).numpy()
        return whole

    return {
        BARE: lambda: [network(square).softmax(1) for _ in range(squares)],
        OURS: lambda: predict(network, image, tile=tile, overlap=shared),
        "MONAI, squares": lambda: monai([tile, tile]),
        "MONAI, the tiles of unetzoo": lambda: monai([axis.size for axis in tiles]),
    }


_PROGRAM = """
import json, sys, time
from pathlib import Path
import torch
import unetzoo
from unetzoo.bench.calls import resident_bytes
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor

unetzoo.keep_freed_memory()
torch.manual_seed(0)
model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (8, 16, 32)}, classes=2, in_channels=1)
predictor = FilePredictor(model.eval(), PredictOptions())
before = resident_bytes("VmRSS")
start = time.perf_counter()
predictor.predict(Path(sys.argv[1]), Path(sys.argv[2]))
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "beyond the model": resident_bytes("VmHWM") - before}))
"""


def measure_large(side: int = 20_000) -> dict[str, Any]:
    """Seconds, and peak memory beyond the loaded network, for a tiled TIFF that becomes a tiled TIFF.

    Args:
        side: of the image of 8 bits, in pixels.
    """
    import tifffile

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.tif"), Path(folder, "out.tif")
        tifffile.imwrite(
            source,
            _noise(side),
            shape=(side, side),
            dtype=np.uint8,
            tile=(_LARGE_TILE, _LARGE_TILE),
            bigtiff=True,
            photometric="minisblack",
        )
        command = [sys.executable, "-c", _PROGRAM, str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
        with tifffile.TiffFile(target) as result:
            shape = result.series[0].shape
        return {"side": side, "result": shape, "file": source.stat().st_size, **json.loads(done.stdout)}


def _noise(side: int) -> Iterator[NDArray[np.uint8]]:
    random = np.random.default_rng(0)
    for _ in range((-(-side // _LARGE_TILE)) ** 2):
        yield random.integers(0, 256, (_LARGE_TILE, _LARGE_TILE), dtype=np.uint8)


def main() -> None:
    """Measure, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["tiles", "large"], help="measure this part alone")
    only = parser.parse_args().only
    if only in (None, "tiles"):
        keep_freed_memory()
        cases = [measure_prediction(tile=tile, overlap=overlap) for tile, overlap in _TILES]
        write_json({"machine": machine(), "cases": cases}, RESULTS / "prediction.json")
    if only in (None, "large"):
        write_json({"machine": machine(), **measure_large()}, RESULTS / "prediction-large.json")
    write_pages()


if __name__ == "__main__":
    main()
