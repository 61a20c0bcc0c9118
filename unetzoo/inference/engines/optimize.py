"""Make a trained network fast for inference, with the same logits."""

import copy
from collections.abc import Container

import torch
from torch import Tensor, nn

from unetzoo.checks import plain
from unetzoo.errors import OptionError, ShapeError
from unetzoo.inference.engines.agreement import check_agreement
from unetzoo.inference.engines.fold import Convolution, fold
from unetzoo.inference.engines.kept import KeptUpsampleConcatConv, can_keep
from unetzoo.inference.engines.packed import can_pack, packed
from unetzoo.inference.engines.precision import full_precision
from unetzoo.layers.order import set_order
from unetzoo.layers.upsample import UpsampleConcatConv
from unetzoo.layers.valid import valid_sides
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of

_DTYPES = (None, torch.float32, torch.bfloat16, torch.float16)


def optimize(
    model: Segmenter,
    *,
    dtype: torch.dtype | None = None,
    compile: bool = False,  # noqa: A002 - torch's word for it
    channels_last: bool = True,
    image_size: tuple[int, int] | None = None,
) -> OptimizedSegmenter:
    """A copy of a network for inference: norms folded into convolutions, weights prepared once.

    Args:
        model: any network; it is not changed. The network inside a compiled or parallel one is copied.
        dtype: of the arithmetic, such as `torch.bfloat16`; None: float32.
        compile: also compile it with frozen weights, at the first call for each image size (about a minute).
        channels_last: keep maps in the order (b, h, w, c), in which convolutions are faster.
        image_size: (height, width) in pixels of the noise images for which logits are compared; None: 64 x 64, the
            `img_size` of the encoder, or the smallest size that a network without padding takes.

    Returns:
        A network with the logits of `model` up to rounding: in float32 they differ by at most 1e-4 of the largest one,
        in other dtypes by a few times the rounding error of `model` itself in that dtype. They are compared without
        TF32, which a program may nevertheless allow.

    Raises:
        OptionError: the dtype is not float32, bfloat16 or (not on the CPU) float16.
        ShapeError: the encoder takes no images of that size.
        UnetzooError: the logits would differ, or overflow: the largest float16 is 65504.
    """
    model = segmenter_of(model, "optimized again")
    parameter = next(model.parameters())
    if dtype not in _DTYPES or (dtype is torch.float16 and parameter.device.type == "cpu"):
        raise OptionError(f"dtype must be float32, bfloat16 or (not on the CPU) float16, got {dtype}")
    network = copy.deepcopy(model).eval().requires_grad_(False).float()
    image = _example(network, image_size)
    with torch.no_grad(), full_precision():
        expected = _logits(network, image)
        rectified = fold(network, image)
        order = torch.channels_last if channels_last else torch.contiguous_format
        set_order(network, order)
        _rectify(network, rectified)
        if dtype not in (None, torch.float32):
            check_agreement(model, network, image, expected, torch.float32)
            network.to(dtype)
        if not (compile and image.device.type == "cpu"):  # there, the compiler prepares all of them
            _prepare(network, rectified, order, packs=channels_last and not compile)
        check_agreement(model, network, image, expected, dtype or torch.float32)
    return OptimizedSegmenter(network, dtype or torch.float32, channels_last=channels_last, compiled=compile)


def _rectify(network: nn.Module, rectified: dict[Convolution, bool]) -> None:
    """Put the ReLUs that `fold` removed after their convolutions."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Conv2d | UpsampleConcatConv) and rectified.get(child):
                setattr(parent, name, _Rectified(child))


def _prepare(network: nn.Module, layers: Container[nn.Module], order: torch.memory_format, *, packs: bool) -> None:
    """Replace convolutions and the ReLUs after them by prepared ones, where that is faster.

    Args:
        network: it is changed in place.
        layers: the convolutions of the forward pass.
        order: the memory order of kernels that are kept.
        packs: whether kernels may be reordered for the CPU.
    """
    for parent in [module for module in network.modules() if not isinstance(module, _Rectified)]:
        for name, child in parent.named_children():
            layer = child.layer if isinstance(child, _Rectified) else child
            if isinstance(layer, nn.Conv2d | UpsampleConcatConv) and layer in layers:
                setattr(parent, name, _prepared(layer, order, rectify=layer is not child, packs=packs) or child)


def _prepared(layer: Convolution, order: torch.memory_format, *, rectify: bool, packs: bool) -> nn.Module | None:
    """The prepared form of a layer, with a ReLU after it if `rectify`; None if it gains nothing."""
    if packs and can_pack(layer):
        return packed(layer, rectify=rectify)
    if isinstance(layer, UpsampleConcatConv) and can_keep(layer):
        return KeptUpsampleConcatConv(layer, rectify=rectify, order=order)
    return None


class _Rectified(nn.Module):
    """A layer and the ReLU after it."""

    def __init__(self, layer: Convolution) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *inputs: object) -> Tensor:
        """The output of the layer, not below 0."""
        output: Tensor = self.layer(*inputs)
        return output.relu_()


def _logits(network: Segmenter, image: Tensor) -> Tensor:
    try:
        logits: Tensor = network(image)
    except ShapeError as error:
        raise ShapeError(f"{error}; or, if you use images of another size, give optimize() that image_size") from error
    return logits


def _example(network: Segmenter, image_size: tuple[int, int] | None) -> Tensor:
    """Two images of noise."""
    usual = (
        (valid_sides(network.encoder.features.reductions[-1])[0],) * 2 if network.encoder.valid_padding else (64, 64)
    )
    size = plain(image_size) or getattr(network.encoder, "img_size", None) or usual
    parameter = next(network.parameters())
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, network.config.in_channels, *size, generator=generator).to(parameter.device)
