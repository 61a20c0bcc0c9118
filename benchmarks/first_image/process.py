"""One new process: `python benchmarks/first_image/process.py FOLDER WAY SIDE` loads a network and computes one image.

It is a file that is run by its path, so that nothing is imported but what the way itself needs. It prints JSON: seconds
from the first line to the loaded network, and from there to the logits, the peak of the resident memory in MiB, and a
few of the logits.
"""

import time

START = time.perf_counter()

import json  # noqa: E402 - after the clock has begun
import os  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

SHOWN = 64  # logits, evenly from all


def smp(folder: Path) -> Callable[[Any], Any]:
    """segmentation_models_pytorch's own folder, as its documentation loads it."""
    import segmentation_models_pytorch
    import torch

    network = segmentation_models_pytorch.from_pretrained(folder / "smp").eval()

    def run(image: Any) -> Any:  # noqa: ANN401 - arrays, of a library that is not imported before
        with torch.no_grad():
            return network(torch.from_numpy(image)).numpy()

    return run


def openvino(folder: Path, name: str) -> Callable[[Any], Any]:
    """A file of OpenVINO that was made of smp's network, computed without torch."""
    from openvino import Core

    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": int(os.environ["OMP_NUM_THREADS"])}
    request = Core().compile_model(folder / f"{name}.xml", "CPU", options).create_infer_request()
    return lambda image: request.infer([image])[0]


def unetzoo(folder: Path, way: str) -> Callable[[Any], Any]:
    """A folder of this project: as `unetzoo.save` or `unetzoo.deploy` writes it."""
    import torch

    import unetzoo as zoo

    if way in ("as saved", "optimize()"):
        network: Any = zoo.load(folder / "saved")
        network = network.eval() if way == "as saved" else zoo.optimize(network)
    else:
        network = zoo.load_deployed(folder / way)

    def run(image: Any) -> Any:  # noqa: ANN401 - as above
        with torch.no_grad():
            return network(torch.from_numpy(image)).numpy()

    return run


def main(folder: Path, way: str, side: int) -> dict[str, Any]:
    """What is printed."""
    library, _, detail = way.partition(", ")
    loaders: dict[str, Callable[[], Callable[[Any], Any]]] = {
        "smp": lambda: openvino(folder, detail) if detail else smp(folder),
        "unetzoo": lambda: unetzoo(folder, detail),
    }
    run = loaders[library]()
    loaded = time.perf_counter()
    import numpy as np

    image = np.random.default_rng(0).standard_normal((1, 3, side, side), np.float32)
    begun = time.perf_counter()
    logits = run(image)
    end = time.perf_counter()
    return {
        "load": loaded - START,
        "first image": end - begun,
        "peak MiB": _peak_bytes() / 2**20,
        "logits": logits.ravel()[:: max(1, logits.size // SHOWN)][:SHOWN].tolist(),
    }


def _peak_bytes() -> int:
    """Peak of the resident memory of this process; that of `getrusage` may be of the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 2**10


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
