"""Make a trained network fast for inference, with the same logits."""

import copy
from collections.abc import Container, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from unetzoo.errors import OptionError, ShapeError
from unetzoo.inference.engines.agreement import check_agreement, example_of
from unetzoo.inference.engines.by_engine import optimize_by_engine
from unetzoo.inference.engines.calibration import Calibration
from unetzoo.inference.engines.direct import DirectConv3d, can_direct
from unetzoo.inference.engines.fold import Convolution, Rectified, fold, rectify_again
from unetzoo.inference.engines.fused import fused, fused_residual, widened
from unetzoo.inference.engines.kept import KeptUpsampleConcatConv, can_keep
from unetzoo.inference.engines.packed import can_pack, packed
from unetzoo.inference.engines.winograd import WinogradConv3d, can_shorten
from unetzoo.layers.axes import AXES
from unetzoo.layers.order import set_order
from unetzoo.layers.upsample import UpsampleConcatConv
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.precision import full_precision
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of

_DTYPES = (None, torch.float32, torch.bfloat16, torch.float16)


def optimize(
    model: Segmenter,
    *,
    dtype: torch.dtype | str | None = None,
    compile: bool = False,  # noqa: A002 - torch's word for it
    channels_last: bool = True,
    image_size: tuple[int, ...] | None = None,
    engine: str = "torch",
    calibration: Iterable[Any] | Calibration = (),
) -> OptimizedSegmenter:
    """A copy of a network for inference: norms folded into convolutions, weights prepared once.

    On an NVIDIA GPU convolutions also add and rectify, in one kernel, and a small batch replays the kernels that were
    recorded at the second call with images of its size (CUDA graphs).

    Args:
        model: any network; it is not changed. The network inside a compiled or parallel one is copied.
        dtype: of the arithmetic, such as `torch.bfloat16` or `"bfloat16"`; `"int8"` with an engine that has it; None:
            float32.
        compile: also compile it with frozen weights, at the first call for each image size (about a minute).
        channels_last: keep maps in the order (b, h, w, c), or (b, d, h, w, c), in which convolutions are faster.
        image_size: (height, width) in pixels of the noise images for which logits are compared, of volumes (depth,
            height, width); None: 64 x 64 or 32 x 32 x 64, the `img_size` of the encoder, or the smallest size that a
            network without padding takes.
        engine: name of an engine, see `list_engines`; others than `"torch"` run on the CPU, and take neither `compile`
            nor `channels_last`.
        calibration: for `"int8"`, some images like those that the network will see: arrays as `predict` takes them, or
            normalized tensors (b, c, h, w).

    Returns:
        A network with the logits of `model` up to rounding: in float32 they differ by at most 1e-4 of the largest one,
        in other dtypes by a few times the rounding error of `model` itself in that dtype. They are compared without
        TF32, which a program may nevertheless allow. Those of other engines differ by at most 1e-3 of the largest one
        in float32; in int8 the root mean square of the differences on the images of the calibration is at most a
        quarter of that of the logits. What that costs, `unetzoo.deploy` measures.

    Raises:
        OptionError: the dtype is not float32, bfloat16 or (not on the CPU) float16, or not one of the engine's; int8
            has no images to calibrate with.
        UnknownNameError: no such engine.
        MissingExtraError: its packages are not installed.
        ShapeError: the encoder takes no images of that size.
        UnetzooError: the logits would differ, or overflow: the largest float16 is 65504.
    """
    model = segmenter_of(model, "optimized again")
    dtype = getattr(torch, dtype, dtype) if isinstance(dtype, str) else dtype
    if engine != "torch":
        if compile:
            raise OptionError("compile=True is for the engine 'torch'")
        size = None if image_size is None else tuple(image_size)
        return optimize_by_engine(model, engine, dtype or torch.float32, size, calibration)
    parameter = next(model.parameters())
    if dtype not in _DTYPES or (dtype is torch.float16 and parameter.device.type == "cpu"):
        raise OptionError(f"dtype must be float32, bfloat16 or (not on the CPU) float16, got {dtype}")
    network = copy.deepcopy(model).eval().requires_grad_(False).float()
    image = example_of(network, image_size)
    with torch.no_grad(), full_precision():
        expected = _logits(network, image)
        rectified = fold(network, image)
        order = AXES[model.config.spatial_dims].order if channels_last else torch.contiguous_format
        set_order(network, order)
        rectify_again(network, rectified)
        if dtype not in (None, torch.float32):
            check_agreement(model, network, image, expected, torch.float32)
            network.to(dtype)
        if not (compile and image.device.type == "cpu"):  # there, the compiler prepares all of them
            _prepare(network, rectified, order, packs=channels_last and not compile)
        check_agreement(model, network, image, expected, dtype or torch.float32)
    return OptimizedSegmenter(network, dtype or torch.float32, channels_last=channels_last, compiled=compile)


def _prepare(network: nn.Module, layers: Container[nn.Module], order: torch.memory_format, *, packs: bool) -> None:
    """Replace convolutions and the ReLUs after them by prepared ones, where that is faster.

    Args:
        network: it is changed in place.
        layers: the convolutions of the forward pass.
        order: the memory order of kernels that are kept.
        packs: whether kernels may be reordered for the CPU.
    """
    for parent in [module for module in network.modules() if not isinstance(module, Rectified)]:
        for name, child in parent.named_children():
            layer = child.layer if isinstance(child, Rectified) else child
            if isinstance(layer, Convolution) and layer in layers:
                setattr(parent, name, _prepared(layer, order, rectify=layer is not child, packs=packs) or child)
    blocks = [
        (parent, name, fused_residual(child)) for parent in network.modules() for name, child in parent.named_children()
    ]
    for parent, name, block in blocks:
        if block is not None:
            setattr(parent, name, block)


def _prepared(layer: Convolution, order: torch.memory_format, *, rectify: bool, packs: bool) -> nn.Module | None:
    """The prepared form of a layer, with a ReLU after it if `rectify`; None if it gains nothing."""
    if packs and can_shorten(layer):
        return WinogradConv3d(layer, rectify=rectify)
    if packs and can_direct(layer):
        return DirectConv3d(layer, rectify=rectify)
    if packs and not isinstance(layer, nn.Conv3d) and can_pack(layer):
        return packed(layer, rectify=rectify)
    fast = fused(layer) if rectify else widened(layer)
    if fast is None and isinstance(layer, UpsampleConcatConv) and can_keep(layer):
        return KeptUpsampleConcatConv(layer, rectify=rectify, order=order)
    return fast


def _logits(network: Segmenter, image: Tensor) -> Tensor:
    try:
        logits: Tensor = network(image)
    except ShapeError as error:
        raise ShapeError(f"{error}; or, if you use images of another size, give optimize() that image_size") from error
    return logits
