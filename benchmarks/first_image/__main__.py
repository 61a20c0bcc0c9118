"""Time new processes from their start to the logits of their first image, then write README.md.

    python -m benchmarks.first_image           # U-Net and U-Net++ with a ResNet-34, 512 x 512 pixels
    python -m benchmarks.first_image --quick   # with a ResNet-18, 256 x 256 pixels, one round

This project's network and segmentation_models_pytorch's have the same weights, random ones. All ways take turns.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

import unetzoo
from benchmarks.contenders import SMP, network
from benchmarks.engines import graph_of, quantized
from benchmarks.first_image import process
from benchmarks.page.readme import RESULTS, write_pages
from unetzoo.bench.case import Case
from unetzoo.bench.machine import machine
from unetzoo.bench.store import check_folder, write_json
from unetzoo.inference.engines.deployed import write_deployed
from unetzoo.inference.engines.started import EngineRun
from unetzoo.nn.segmenter import Segmenter

RUNS = RESULTS / "first-image"
WAYS = (
    "smp",
    "smp, openvino",
    "smp, openvino int8",
    "unetzoo, as saved",
    "unetzoo, optimize()",
    "unetzoo, openvino",
    "unetzoo, onnxruntime",
    "unetzoo, openvino int8",
)
_CROPS = 4  # of the calibration; noise, since neither time nor memory depend on them


def main() -> None:
    """Measure, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller network and image, one round")
    quick = parser.parse_args().quick
    check_folder(RUNS)
    for decoder in ("unet", "unetpp"):
        case = Case(decoder=decoder, encoder="resnet34", rounds=5)
        case = replace(case, encoder="resnet18", size=256, rounds=1) if quick else case
        print(case.title, flush=True)
        write_json(measure(case), RUNS / case.file_name)
    write_pages()


def measure(case: Case, ways: Sequence[str] = WAYS) -> dict[str, Any]:
    """Seconds and memory of each way, once a round.

    Raises:
        ValueError: a way has other logits than the first one.
    """
    with tempfile.TemporaryDirectory(prefix="unetzoo-") as name:
        write_networks(case, Path(name), ways)
        rounds = [[_process(Path(name), way, case.size) for way in ways] for _ in range(case.rounds)]
    expected = np.array(rounds[0][0]["logits"])
    for way, result in zip(ways, rounds[0], strict=True):
        difference = float(np.abs(np.array(result["logits"]) - expected).max() / np.abs(expected).max())
        if difference > (1e-3 if "int8" not in way else 1):
            raise ValueError(f"{way} has other logits than {ways[0]}: they differ by {difference:.3g} of the largest")
    kinds = ("load", "first image", "peak MiB")
    samples = {way: {kind: [each[at][kind] for each in rounds] for kind in kinds} for at, way in enumerate(ways)}
    return {"case": case.to_dict(), "machine": machine(), "ways": samples}


def write_networks(case: Case, folder: Path, ways: Sequence[str]) -> None:
    """The networks of all ways, as each of them loads it."""
    torch.manual_seed(case.seed)
    model = network(case).eval()
    torch.manual_seed(case.seed + 1)
    crops = [torch.randn(1, 3, case.size, case.size) for _ in range(_CROPS)]
    unetzoo.save(model, folder / "saved")
    unetzoo.export(model, folder / SMP, target="smp")
    for way in ways:
        library, _, detail = way.partition(", ")
        if library == SMP and detail:
            _write_peer(folder, detail, crops)
        elif detail.split(" ")[0] in ("openvino", "onnxruntime"):
            _write_deployed(model, folder / detail, case, crops)


def _write_peer(folder: Path, name: str, crops: list[torch.Tensor]) -> None:
    """Smp's network as a file of OpenVINO."""
    import segmentation_models_pytorch as smp

    graph = graph_of(smp.from_pretrained(folder / SMP).eval().requires_grad_(False), crops[0])
    save: Callable[..., None] = import_module("openvino").save_model
    save(quantized(graph, crops) if name.endswith("int8") else graph, folder / f"{name}.xml", compress_to_fp16=False)


def _write_deployed(model: Segmenter, folder: Path, case: Case, crops: list[torch.Tensor]) -> None:
    """The folder that `unetzoo.deploy` would keep."""
    engine, *dtypes = folder.name.split(" ")
    dtype, calibration = (dtypes[0], crops) if dtypes else (None, [])
    fast = unetzoo.optimize(model, engine=engine, dtype=dtype, image_size=(case.size,) * 2, calibration=calibration)
    assert isinstance(fast.engine, EngineRun)
    unetzoo.save(model, folder)
    write_deployed(folder, fast.engine, {})


def _process(folder: Path, way: str, side: int) -> dict[str, Any]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads()), "UNETZOO_PLUGINS": ""}
    command = [sys.executable, process.__file__, str(folder), way, str(side)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)  # noqa: S603 - our own arguments
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # smp prints, too
    return result


if __name__ == "__main__":
    main()
