"""Optimize a network by an engine other than torch, and check what it computes."""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from unetzoo.errors import OptionError, ShapeError, UnetzooError
from unetzoo.inference.engines.agreement import check_agreement, example_of
from unetzoo.inference.engines.calibration import Calibration, Run, calibration_of
from unetzoo.inference.engines.padding import Size
from unetzoo.inference.engines.started import EngineRun, check_engine, engine_spec, guarded
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.precision import full_precision
from unetzoo.nn.segmenter import Segmenter

_LEAST = 1e-3  # of the largest logit; kernels of other libraries sum in another order
_MOST_OF_INT8 = 0.25  # of the root mean square of the logits
_MOST_IMAGES = 4  # of the calibration


def optimize_by_engine(
    model: Segmenter,
    engine: str,
    dtype: torch.dtype | object,
    image_size: Size | None,
    calibration: Iterable[Any] | Calibration,
) -> OptimizedSegmenter:
    """A copy of a network that an engine computes; arguments and errors are those of `optimize`."""
    spec, name = engine_spec(engine), str(dtype).removeprefix("torch.")
    check_engine(spec, name)
    network = copy.deepcopy(model).to("cpu", torch.float32).eval().requires_grad_(False)
    images = None
    if name == "int8":
        if model.config.spatial_dims != 2:
            raise OptionError("int8 is for networks of images, and this one has spatial_dims=3: choose another dtype")
        images = calibration if isinstance(calibration, Calibration) else calibration_of(calibration, network)
    sizes = [image_size] if image_size else []
    files = guarded(spec.name, "convert this network", spec.convert, network, sizes, name, images)
    run = EngineRun(network, engine, files, name)
    result = OptimizedSegmenter(network, getattr(torch, name), run=run)
    with torch.no_grad(), full_precision():
        if images is not None:
            check_int8(network, result, images.images[:_MOST_IMAGES])
            other = _smaller(images.images[0])
            run.only_size = _only_size(network, lambda image: check_int8(network, result, [image]), other, image_size)
        else:
            usual = example_of(network, image_size)
            _compare(network, result, usual)
            other = _larger(network, usual)
            run.only_size = _only_size(network, lambda image: _compare(network, result, image), other, image_size)
    return result


def _only_size(
    network: Segmenter, check: Callable[[Tensor], None], other: Tensor, image_size: Size | None
) -> Size | None:
    """The only size that a graph holds for; None if it holds for another image, too, or the network takes no other.

    Raises:
        UnetzooError: it does not, and no size was asked for.
    """
    if not _takes(network, other):
        return None
    try:
        check(other)
    except UnetzooError as error:
        if image_size is None:
            reason = "its graph holds for a single size: give optimize() that image_size"
            raise UnetzooError(f"{error}; {reason}") from error
        return image_size
    return None


def _takes(network: Segmenter, image: Tensor) -> bool:
    try:
        network(image)
    except (ShapeError, RuntimeError, AssertionError):
        return False
    return True


def _compare(network: Segmenter, result: OptimizedSegmenter, image: Tensor) -> None:
    check_agreement(network, result, image, network(image), result.dtype, least=_LEAST)


def _larger(network: Segmenter, usual: Tensor) -> Tensor:
    """An image of another size, no multiple of the reduction, unless the network has no padding."""
    image, trimmed = usual[:1], 0 if network.encoder.valid_padding else 1
    for axis, (side, step) in enumerate(
        zip(usual.shape[2:], network.encoder.features.axis_reductions[-1], strict=True)
    ):
        places = torch.arange(side + (axis % 2 + 1) * step - trimmed) % side
        image = image.index_select(axis + 2, places)
    return image


def _smaller(image: Tensor) -> Tensor:
    """A part of an image of the calibration, whose values are like those of the whole."""
    height, width = image.shape[2:]
    return image[:, :, : -(-2 * height // 3), : -(-width // 2)]


@torch.no_grad()
def check_int8(network: Run, result: Run, images: Sequence[Tensor], output: str = "the logits") -> None:
    """Raise UnetzooError where an output has little to do with that in float32."""
    pairs = [(result(image).double(), network(image).double()) for image in images]
    error = sum(float((actual - expected).square().mean()) for actual, expected in pairs)
    size = sum(float(expected.square().mean()) for _, expected in pairs)
    share = (error / max(size, 1e-30)) ** 0.5
    if not share <= _MOST_OF_INT8:
        raise UnetzooError(
            f"in int8 {output} would differ from those in float32 by {share:.2g} of their root mean square, more "
            f"than {_MOST_OF_INT8}: not done; calibrate with images like those of the training, or choose another dtype"
        )
