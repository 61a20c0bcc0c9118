"""A network as ONNX, for any batch, height and width, checked in ONNX Runtime."""

import json
import warnings
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from unetzoo._utils.time_limit import TimedOut, time_limit
from unetzoo.errors import UnetzooError
from unetzoo.inference.exports.int8 import to_int8
from unetzoo.inference.exports.program import Job, cannot_be_exported, check_same, recorded, sizes_of
from unetzoo.registry.objects import network_maps


def write_onnx(job: Job, path: Path) -> None:
    """Write the graph and its weights into one file, and check it; errors as `export`."""
    try:
        with time_limit(None if job.image_size else job.patience, of_processor=True):
            _write(job, path)
        _check(job, path)
    except TimedOut as error:
        reason = f"found no graph for every size in {job.patience:g} seconds of computing"
        raise UnetzooError(f"{job.name}: {reason}{job.way_out}") from error
    if job.calibration is not None:
        to_int8(job, path, job.calibration)
    if job.interface.output == "maps":
        _describe(job, path)


def _write(job: Job, path: Path) -> None:
    program = recorded(job)
    with warnings.catch_warnings(), cannot_be_exported(job):
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        torch.onnx.export(
            program,
            (),
            path,
            input_names=["image"],
            output_names=[job.interface.output],
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _check(job: Job, path: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    fixed, size = session.get_inputs()[0].shape[2:], sizes_of(job)[1]
    if any(isinstance(length, int) and length != side for length, side in zip(fixed, size, strict=True)):
        raise UnetzooError(f"{job.name} has no graph for every size{job.way_out}")

    def run(image: Tensor) -> Tensor:
        try:
            (output,) = session.run(None, {"image": image.numpy()})
        except Exception as error:  # classes of its own without a base
            reason = f"ONNX Runtime cannot compute the graph of {job.name} for another batch or size"
            raise UnetzooError(f"{reason}{job.way_out}") from error
        return torch.from_numpy(output)

    check_same(job, run, "ONNX Runtime")


def _describe(job: Job, path: Path) -> None:
    """Write the coding of the objects into the metadata of a file."""
    import onnx

    config = job.model.config
    maps = [asdict(item) for item in network_maps(config)]
    values = {"objects": config.objects, "objects_options": config.objects_options, "maps": maps}
    proto = onnx.load(path)
    onnx.helper.set_model_props(proto, {name: json.dumps(value) for name, value in values.items()})
    onnx.save(proto, path)
