"""Make a trained network fast for inference, with the same logits."""

import copy
from collections.abc import Container

import torch
from torch import Tensor, nn

from unetzoo.checks import plain
from unetzoo.errors import OptionError, ShapeError
from unetzoo.inference.engines.agreement import check_agreement
from unetzoo.inference.engines.fold import Convolution, fold
from unetzoo.inference.engines.packed import can_pack, packed
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
        model: any network; it is left as it was. Of one that is compiled or parallel, the network inside is copied.
        dtype: to compute in, such as `torch.bfloat16`; None: float32.
        compile: also compile it with frozen weights, at the first call for each size of image (a minute or so).
        channels_last: keep maps in the order (b, h, w, c), in which convolutions are faster.
        image_size: (height, width) in pixels of the images of noise for which the logits are compared; None: 64 x 64,
            the `img_size` of the encoder, or the least that a network without padding takes.

    Returns:
        A network with the logits of `model`, but for rounding: in float32 they differ by 1e-4 of the largest one at
        most, in other dtypes (and in TF32) by a few times what that dtype costs `model` itself.

    Raises:
        OptionError: for a dtype that is none of float32, bfloat16 and (not on the CPU) float16.
        ShapeError: the encoder takes no images of that size.
        UnetzooError: when the logits would be others, or no numbers: float16 ends at 65504.
    """
    model = segmenter_of(model, "optimized again")
    parameter = next(model.parameters())
    if dtype not in _DTYPES or (dtype is torch.float16 and parameter.device.type == "cpu"):
        raise OptionError(f"dtype must be float32, bfloat16 or (not on the CPU) float16, got {dtype}")
    network = copy.deepcopy(model).eval().requires_grad_(False).float()
    image = _example(network, image_size)
    with torch.no_grad():
        wanted = _logits(network, image)
        rectified = fold(network, image)
        set_order(network, torch.channels_last if channels_last else torch.contiguous_format)
        _rectify(network, rectified)
        if dtype not in (None, torch.float32):
            check_agreement(model, network, image, wanted, torch.float32)
            network.to(dtype)
        if channels_last and not compile:
            _pack(network, rectified)
        check_agreement(model, network, image, wanted, dtype or torch.float32)
    return OptimizedSegmenter(network, dtype or torch.float32, channels_last=channels_last, compiled=compile)


def _rectify(network: nn.Module, rectified: dict[Convolution, bool]) -> None:
    """Put the ReLUs that `fold` took out behind their convolutions."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Conv2d | UpsampleConcatConv) and rectified.get(child):
                setattr(parent, name, _Rectified(child))


def _pack(network: nn.Module, layers: Container[nn.Module]) -> None:
    """Replace those convolutions that gain by it, with the ReLUs behind them, by prepared ones."""
    for parent in [module for module in network.modules() if not isinstance(module, _Rectified)]:
        for name, child in parent.named_children():
            layer = child.layer if isinstance(child, _Rectified) else child
            if isinstance(layer, nn.Conv2d | UpsampleConcatConv) and layer in layers and can_pack(layer):
                setattr(parent, name, packed(layer, rectify=layer is not child))


class _Rectified(nn.Module):
    """A layer and the ReLU behind it."""

    def __init__(self, layer: Convolution) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *given: object) -> Tensor:
        """As the layer's, but not below 0."""
        made: Tensor = self.layer(*given)
        return made.relu_()


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
