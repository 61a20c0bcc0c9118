"""The description of a bioimage.io package, as plain data of format 0.5: axes, normalization, weights."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from unetzoo.errors import OptionError
from unetzoo.inference.exports.about import creation
from unetzoo.inference.exports.interface import has_z_score
from unetzoo.inference.exports.program import Job
from unetzoo.inference.thresholds import class_names
from unetzoo.nn.config import ModelConfig, is_sigmoid
from unetzoo.nn.info import steps_for
from unetzoo.registry.objects import network_maps

FORMAT = "0.5.14"
HALO = 64
"""Pixels at each border of a block that are dropped: half of what neighboring tiles of `predict` share."""
_LEAST = 256  # pixels of a side
_DTYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64")
_UNITS = {"nm": "nanometer", "um": "micrometer", "mm": "millimeter", "cm": "centimeter", "m": "meter"}
_AXES = ("y", "x")


@dataclass(frozen=True)
class Files:
    """Names of the files in a package."""

    state: str = "weights.pt"
    torchscript: str = "weights-torchscript.pt"
    onnx: str = "weights.onnx"
    test_input: str = "test_input.npy"
    test_output: str = "test_output.npy"
    documentation: str = "README.md"
    cover: str = "cover.png"


def sides_of(job: Job) -> tuple[int, int]:
    """The smallest side, in pixels, and the step to the next one; images of these sizes need no padding."""
    step = job.model.encoder.features.reductions[-1]
    return -(-_LEAST // step) * step, step


def description_of(job: Job, name: str, files: Files, license_id: str | None, opset: int) -> dict[str, Any]:
    """The description.

    Args:
        job: what is exported.
        name: of the package.
        files: beside the description.
        license_id: as SPDX spells it; None: not stated.
        opset: version of ONNX's operators.
    """
    config = job.model.config
    return {
        "type": "model",
        "format_version": FORMAT,
        "name": _name(f"{name} ({config.decoder} with {config.encoder})"),
        "description": f"{config.decoder} with the encoder {config.encoder}, made by unetzoo",
        "documentation": {"source": files.documentation},
        "covers": [{"source": files.cover}],
        "tags": ["segmentation", "unetzoo", config.decoder, config.encoder],
        **({"license": license_id} if license_id else {}),
        "inputs": [_input(job, files)],
        "outputs": [_output(job, files)],
        "weights": _weights(job, files, opset),
        "config": {"unetzoo": {"objects": config.objects, "objects_options": dict(config.objects_options)}}
        if config.objects
        else {},
    }


def pixel_dtype(config: ModelConfig) -> str:
    """The dtype of the images: that of the training, if it is the only one; otherwise float32."""
    dtypes = config.info.image_dtypes
    return dtypes[0] if len(dtypes) == 1 and dtypes[0] in _DTYPES else "float32"


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_+\-() ]", "-", text)[:128]


def _input(job: Job, files: Files) -> dict[str, Any]:
    config = job.model.config
    names = list(config.info.channel_names)
    if len(names) != config.in_channels:
        names = [f"channel{number}" for number in range(config.in_channels)]
    as_float = {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}
    return {
        "id": "image",
        "axes": [{"type": "batch"}, {"type": "channel", "channel_names": names}, *_sides(job)],
        "data": {"type": pixel_dtype(config)},
        "test_tensor": {"source": files.test_input},
        "preprocessing": [
            as_float,
            *_normalization(config),
            as_float,  # at the end, or the format adds a conversion to the dtype of the images
        ],
    }


def check_limits(config: ModelConfig) -> None:
    """Raise OptionError where channels are cut to different limits, for which the format has no step."""
    info = config.info
    steps = None if has_z_score(info) else steps_for(info, np.dtype(pixel_dtype(config)))
    if steps and len({*zip(steps.low.tolist(), steps.high.tolist(), strict=True)}) > 1:
        raise OptionError(
            "a bioimage.io package cuts all channels to the same limits, and the network's normalization has others "
            "for each: export it for onnx with_normalization=True (--with-normalization)"
        )


def _normalization(config: ModelConfig) -> list[dict[str, Any]]:
    """The steps from pixels to what the network sees."""
    if has_z_score(config.info):
        return [{"id": "zero_mean_unit_variance", "kwargs": {"axes": [*reversed(_AXES)]}}]
    steps = steps_for(config.info, np.dtype(pixel_dtype(config)))
    low, high, shift, scale = (np.broadcast_to(values, config.in_channels) for values in steps)
    normalization = {"axis": "channel", "mean": shift.tolist(), "std": (1 / scale).tolist()}
    fixed = {"id": "fixed_zero_mean_unit_variance", "kwargs": normalization}
    return [{"id": "clip", "kwargs": {"min": low[0], "max": high[0]}}, fixed] if steps.clips else [fixed]


def _sides(job: Job) -> list[dict[str, Any]]:
    """The axes y and x of the images."""
    least, step = sides_of(job)
    sizes = job.image_size or (None, None)
    return [
        {"type": "space", "id": axis, "size": size or {"min": least, "step": step}, **_pixel(job.model.config, index)}
        for index, (axis, size) in enumerate(zip(_AXES, sizes, strict=True))
    ]


def _pixel(config: ModelConfig, axis: int) -> dict[str, Any]:
    """The side of a pixel along an axis, if it is stated."""
    info = config.info
    known = len(info.pixel_size) == 2 and info.unit in _UNITS
    return {"scale": info.pixel_size[axis], "unit": _UNITS[info.unit]} if known else {}


def _output(job: Job, files: Files) -> dict[str, Any]:
    config = job.model.config
    halo = {} if job.image_size else {"halo": HALO}
    sides = [
        {
            "type": "space",
            "id": axis,
            "size": {"tensor_id": "image", "axis_id": axis},
            **halo,
            **_pixel(config, index),
        }
        for index, axis in enumerate(_AXES)
    ]
    return {
        "id": "maps" if config.objects else "probabilities",
        "axes": [{"type": "batch"}, {"type": "channel", "channel_names": _channels(config)}, *sides],
        "data": {"type": "float32"},
        "test_tensor": {"source": files.test_output},
        "postprocessing": [] if config.objects else _activation(config),
    }


def _channels(config: ModelConfig) -> list[str]:
    """A name for each channel of the output."""
    if config.objects:
        return [channel for item in network_maps(config) for channel in item.channels]
    return list(class_names(config)[-config.classes :])


def _activation(config: ModelConfig) -> list[dict[str, Any]]:
    """The steps from logits to probabilities."""
    temperature = config.post.temperature
    scaled = [{"id": "scale_linear", "kwargs": {"gain": 1 / temperature, "offset": 0.0}}] if temperature != 1 else []
    if is_sigmoid(config):
        return [*scaled, {"id": "sigmoid"}]
    return [*scaled, {"id": "softmax", "kwargs": {"axis": "channel"}}]


def _weights(job: Job, files: Files, opset: int) -> dict[str, Any]:
    """The weights in each format; networks of objects have their activations in the graphs, and no state dict."""
    version = torch.__version__.partition("+")[0]
    graphs: dict[str, dict[str, Any]] = {
        "onnx": {"source": files.onnx, "opset_version": opset},
        "torchscript": {"source": files.torchscript, "pytorch_version": version},
    }
    if job.model.config.objects:
        graphs["onnx"]["parent"] = "torchscript"
        return graphs
    for graph in graphs.values():
        graph["parent"] = "pytorch_state_dict"
    architecture = {"import_from": "unetzoo", "callable": "create", "kwargs": creation(job.model.config)}
    state = {"source": files.state, "architecture": architecture, "pytorch_version": version}
    return {"pytorch_state_dict": state, **graphs}
