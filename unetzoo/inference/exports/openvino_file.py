"""A network in OpenVINO's intermediate representation, a graph and its weights, checked in OpenVINO."""

import io
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unetzoo.inference.engines.by_openvino import core, library, quantized
from unetzoo.inference.engines.forms import in_form
from unetzoo.inference.engines.padding import traced_image
from unetzoo.inference.exports.int8 import by_openvino, check_file, images_for
from unetzoo.inference.exports.interface import wrapped
from unetzoo.inference.exports.program import Job, cannot_be_exported, check_same


def write_openvino(job: Job, path: Path) -> None:
    """Write an `.xml` file and its weights, a `.bin` file of that name, and check both; errors as `export`.

    In int8 weights have 8 bits, and the graph is that of float32 with quantizing nodes, which was checked before.
    """
    sizes = [job.image_size] if job.image_size else []
    normalized = traced_image(job.model, sizes)
    image = job.example(2, (normalized.shape[2], normalized.shape[3]))
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), cannot_be_exported(job):
        warnings.simplefilter("ignore")  # of the tracing, about sizes that it takes for constants: they are checked
        graph = wrapped(in_form(job.model, normalized, transposed=True), job.interface)
        shape = [-1, image.shape[1], *(job.image_size or (-1, -1))]
        converted = library().convert_model(graph, example_input=image, input=shape)
    _save(job, converted, path)
    compiled = core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(image: Tensor) -> Tensor:
        with cannot_be_exported(job):
            return torch.from_numpy(compiled([image.numpy()])[0].copy())

    check_same(job, run, "OpenVINO")
    if job.calibration is not None:
        images = images_for(job, job.calibration)
        with cannot_be_exported(job):
            small = quantized(converted, [image.numpy() for image in images])
        _save(job, small, path)
        check_file(job, by_openvino(path), images, "OpenVINO")


def _save(job: Job, graph: Any, path: Path) -> None:  # noqa: ANN401 - OpenVINO's
    graph.inputs[0].get_tensor().set_names({"image"})
    graph.outputs[0].get_tensor().set_names({job.interface.output})
    library().save_model(graph, path, compress_to_fp16=False)
