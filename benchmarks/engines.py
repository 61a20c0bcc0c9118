"""Time engines with this project's network and with segmentation_models_pytorch's, then write README.md.

    python -m benchmarks.engines           # U-Net and U-Net++ with a ResNet-34, 512 x 512 pixels
    python -m benchmarks.engines --quick   # with a ResNet-18, 256 x 256 pixels, few rounds

Both have the same random weights. Each runs in OpenVINO (float32, bfloat16 where the processor has it, int8) and in
ONNX Runtime, for images of the one size, smp's as the documentation of these libraries shows it; beside them torch as
it comes and `unetzoo.optimize`. Int8 is calibrated with the same noise for both: this is about speed, not accuracy.
"""

import argparse
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.contenders import SMP, network, networks
from benchmarks.page.readme import RESULTS, write_pages
from unetzoo.bench.case import Case
from unetzoo.bench.contenders import Contender, Contenders, has_bfloat16, ways
from unetzoo.bench.speed import run_case
from unetzoo.bench.store import write_json
from unetzoo.inference.engines.by_openvino import core
from unetzoo.inference.engines.optimize import optimize

_IMAGES = 8  # of the calibration


def main() -> None:
    """Measure, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller network and image, and few rounds")
    quick = parser.parse_args().quick
    for decoder in ("unet", "unetpp"):
        case = Case(decoder=decoder, encoder="resnet34", rounds=9, engines=("openvino", "onnxruntime"))
        case = replace(case, encoder="resnet18", size=256, rounds=5) if quick else case
        print(case.title, flush=True)
        write_json(run_case(case, contenders=ENGINES), RESULTS / "engines" / case.file_name)
    write_pages()


def engine_contenders(case: Case) -> Iterator[Contender]:
    """The contenders of a case; the first is the reference, segmentation_models_pytorch as it comes."""
    ours, same, peers = networks(case)
    peer = peers[SMP].eval().requires_grad_(False)
    yield Contender(SMP, peer, (), same_weights=same)
    yield Contender(f"{SMP}, onnxruntime", _in_onnxruntime(peer, case), (), same_weights=same)
    graph = _graph(peer, case)
    yield Contender(f"{SMP}, openvino", _compiled(graph, "f32"), (), same_weights=same)
    if has_bfloat16("cpu"):
        yield Contender(f"{SMP}, openvino bfloat16", _compiled(graph, "bf16"))
    yield Contender(
        f"{SMP}, openvino int8", _compiled(_quantized(graph, case), "bf16" if has_bfloat16("cpu") else "f32")
    )
    yield from ways(case, ours, same_weights=same)
    for engine in case.engines:
        size = (case.size, case.size)
        small = optimize(ours, engine=engine, dtype="int8", image_size=size, calibration=_images(case))
        yield Contender(f"unetzoo, {engine} int8", small)


def _images(case: Case) -> list[Tensor]:
    generator = torch.Generator().manual_seed(case.seed)
    return [torch.randn(1, 3, case.size, case.size, generator=generator) for _ in range(_IMAGES)]


def _in_onnxruntime(peer: nn.Module, case: Case) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "smp.onnx")
        torch.onnx.export(peer, (_images(case)[0],), path, input_names=["image"], dynamo=True, external_data=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    return lambda image: torch.from_numpy(session.run(None, {"image": image.numpy()})[0])


def _graph(peer: nn.Module, case: Case) -> Any:  # noqa: ANN401 - OpenVINO's
    openvino: Any = import_module("openvino")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return openvino.convert_model(peer, example_input=_images(case)[0], input=[1, 3, case.size, case.size])


def _quantized(graph: Any, case: Case) -> Any:  # noqa: ANN401 - OpenVINO's
    nncf: Any = import_module("nncf")
    images = [image.numpy() for image in _images(case)]
    return nncf.quantize(graph.clone(), nncf.Dataset(images), preset=nncf.QuantizationPreset.MIXED, subset_size=_IMAGES)


def _compiled(graph: Any, bits: str) -> Callable[[Tensor], Tensor]:  # noqa: ANN401 - OpenVINO's
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": bits,
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    request = core().compile_model(graph, "CPU", options).create_infer_request()
    return lambda image: torch.from_numpy(request.infer([image.numpy()], share_inputs=True, share_outputs=False)[0])


ENGINES = Contenders(engine_contenders, network)
"""Engines with both projects' networks."""


if __name__ == "__main__":
    main()
