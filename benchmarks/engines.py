"""Time engines with this project's network and with segmentation_models_pytorch's, then write README.md.

    python -m benchmarks.engines           # U-Net and U-Net++ with a ResNet-34, 512 x 512 pixels
    python -m benchmarks.engines --quick   # with a ResNet-18, 256 x 256 pixels, few steps and rounds

This project's network learns the nuclei, and smp's gets its weights. Each runs in OpenVINO (float32, bfloat16 where the
processor has it, int8) and in ONNX Runtime, for images of the one size, smp's as the documentation of these libraries
shows it; beside them torch as it comes and `unetzoo.optimize`. Int8 is calibrated with the same crops for both.
"""

import argparse
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import unetzoo
from benchmarks.contenders import SMP, network
from benchmarks.page.readme import RESULTS, write_pages
from unetzoo.bench.case import Case
from unetzoo.bench.contenders import Contender, Contenders, has_bfloat16, ways
from unetzoo.bench.speed import run_case
from unetzoo.bench.store import check_folder, write_json
from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.datasets.nuclei import NucleiDataset, load_nuclei
from unetzoo.deployment.deploy import crops_of
from unetzoo.inference.engines.by_openvino import core
from unetzoo.inference.engines.optimize import optimize
from unetzoo.inference.normalize import normalizations_of

RUNS = RESULTS / "engines"
_CROPS = 16  # of the calibration
_TEST = 112  # columns of the image, the last ones, that the training does not see
_SCORES = "iou.json"


def main() -> None:
    """Measure, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller network and image, few steps and rounds")
    quick = parser.parse_args().quick
    check_folder(RUNS)
    for decoder in ("unet", "unetpp"):
        case = Case(decoder=decoder, encoder="resnet34", rounds=9, engines=("openvino", "onnxruntime"))
        case = replace(case, encoder="resnet18", size=256, rounds=5) if quick else case
        print(case.title, flush=True)
        write_json(measure(case, steps=10 if quick else 100), RUNS / case.file_name)
    write_pages()


def measure(case: Case, *, steps: int) -> dict[str, Any]:
    """The timed case, with the steps of the training and the IoU of each contender, by its name, beside it."""
    with tempfile.TemporaryDirectory(prefix="unetzoo-") as name:
        folder = Path(name)
        train(case, folder, steps=steps)
        contenders = Contenders(partial(scored_contenders, folder=folder), network)
        timed = run_case(case, contenders=contenders, allocators=["B"])
        return {**timed, "steps": steps, "IoU": json.loads((folder / _SCORES).read_text())}


def train(case: Case, folder: Path, *, steps: int) -> None:
    """Train this project's network, and write it and the same one for smp into a folder."""
    torch.manual_seed(case.seed)
    options = unetzoo.FitOptions(steps=steps, epochs=1, batch=4, crop=128, seed=case.seed, device="cpu")
    model = unetzoo.fit(network(case), {"train": ColoredNuclei()}, folder / "run", options=options).model
    unetzoo.save(model, folder / "ours")
    unetzoo.export(model, folder / SMP, target="smp")


class ColoredNuclei(Dataset):
    """The columns of the nuclei to train on, their brightness as three channels, which smp's networks take."""

    def __init__(self) -> None:
        self._gray = NucleiDataset(split="train")
        super().__init__(class_names=self._gray.class_names)

    def __len__(self) -> int:
        return len(self._gray)

    def __getitem__(self, index: int) -> Sample:
        sample = self._gray[index]
        return sample._replace(image=sample.image.repeat(3, axis=-1))


def iou(contender: Contender, case: Case, folder: Path) -> float:
    """Of the nuclei in the columns which the training did not see, in an image of the case's size."""
    gray, labels = (array[: case.size, -case.size :] for array in load_nuclei())
    image = gray[..., None].repeat(3, axis=-1)
    (normalize,) = normalizations_of(image, unetzoo.load(folder / "ours"))
    with torch.no_grad():
        logits = contender.run(torch.from_numpy(normalize(image))[None])
    predicted, true = logits[0, 0, :, -_TEST:].numpy() > 0, labels[:, -_TEST:] > 0
    return float(np.sum(predicted & true) / np.sum(predicted | true))


def scored_contenders(case: Case, folder: Path) -> Iterator[Contender]:
    """Those of `engine_contenders`, whose IoU is written into the folder."""
    ious = {}
    for contender in engine_contenders(case, folder):
        ious[contender.name] = iou(contender, case, folder)
        yield contender
    write_json(ious, folder / _SCORES)


def engine_contenders(case: Case, folder: Path) -> Iterator[Contender]:
    """The contenders of a case; the first is the reference, segmentation_models_pytorch as it comes.

    Args:
        case: what they compute.
        folder: as `train` writes it.
    """
    import segmentation_models_pytorch as smp

    ours, peer = unetzoo.load(folder / "ours"), smp.from_pretrained(folder / SMP).eval().requires_grad_(False)
    crops = crops_of(ours, ColoredNuclei(), count=_CROPS, side=case.size)
    yield Contender(SMP, peer, (), same_weights=True)
    yield Contender(f"{SMP}, onnxruntime", _in_onnxruntime(peer, crops[0]), (), same_weights=True)
    graph = graph_of(peer, crops[0])
    yield Contender(f"{SMP}, openvino", _compiled(graph, "f32"), (), same_weights=True)
    bits = "bf16" if has_bfloat16("cpu") else "f32"
    if bits == "bf16":
        yield Contender(f"{SMP}, openvino bfloat16", _compiled(graph, bits))
    yield Contender(f"{SMP}, openvino int8", _compiled(quantized(graph, crops), bits))
    yield from ways(case, ours, same_weights=True)
    for engine in case.engines:
        small = optimize(ours, engine=engine, dtype="int8", image_size=(case.size, case.size), calibration=crops)
        yield Contender(f"unetzoo, {engine} int8", small)


def _in_onnxruntime(peer: nn.Module, crop: Tensor) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "smp.onnx")
        torch.onnx.export(peer, (crop,), path, input_names=["image"], dynamo=True, external_data=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    return lambda image: torch.from_numpy(session.run(None, {"image": image.numpy()})[0])


def graph_of(peer: nn.Module, crop: Tensor) -> Any:  # noqa: ANN401 - OpenVINO's
    """The network of smp in OpenVINO, for images of the crop's size."""
    openvino: Any = import_module("openvino")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return openvino.convert_model(peer, example_input=crop, input=list(crop.shape))


def quantized(graph: Any, crops: list[Tensor]) -> Any:  # noqa: ANN401 - OpenVINO's
    """A graph in int8, calibrated with crops, as NNCF's documentation shows it."""
    nncf: Any = import_module("nncf")
    images = [crop.numpy() for crop in crops]
    preset = nncf.QuantizationPreset.MIXED
    return nncf.quantize(graph.clone(), nncf.Dataset(images), preset=preset, subset_size=len(images))


def _compiled(graph: Any, bits: str) -> Callable[[Tensor], Tensor]:  # noqa: ANN401 - OpenVINO's
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": bits,
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    request = core().compile_model(graph, "CPU", options).create_infer_request()
    return lambda image: torch.from_numpy(request.infer([image.numpy()], share_inputs=True, share_outputs=False)[0])


if __name__ == "__main__":
    main()
