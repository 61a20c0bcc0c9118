"""The architectures of segmentation_models_pytorch: the equivalent decoder, and the names of its options."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SmpOption:
    """An option of an architecture.

    Attributes:
        name: its name here.
        keys: its names there, the newest first.
        usual: its default value there.
        names: the names of its values here; None: the same.
    """

    name: str
    keys: tuple[str, ...]
    usual: Any
    names: Mapping[Any, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Family:
    """An architecture.

    Attributes:
        decoder: name of the decoder here.
        options: options of the decoder.
        head_kernel_size: side of the kernel of the last convolution, in pixels.
        depth: default number of times that its encoder halves the resolution.
        output_stride: default output stride of its encoder.
        usual_upsampling: default upsampling of its logits; None: whatever is right.
        upsampling: the right upsampling, for a depth and an output stride; None: there is no such option.
        of_vits: its encoders are plain ViTs.
    """

    decoder: str
    options: tuple[SmpOption, ...] = ()
    head_kernel_size: int = 1
    depth: int = 5
    output_stride: int = 32
    usual_upsampling: int | None = None
    upsampling: Callable[[int, int], int] | None = field(default=None)
    of_vits: bool = False


_NORMS = {"batchnorm": "batch", True: "batch", "identity": "none", False: "none"}
_MODES = {"nearest": "nearest", "bilinear": "bilinear"}
_NORM = SmpOption("norm", ("decoder_use_norm", "decoder_use_batchnorm"), "batchnorm", _NORMS)
_WIDTHS = SmpOption("widths", ("decoder_channels",), [256, 128, 64, 32, 16])
_NEAREST = SmpOption("upsample", ("decoder_interpolation",), "nearest", _MODES)
_UNET = (
    _WIDTHS,
    SmpOption("attention", ("decoder_attention_type",), None, {None: "none", "scse": "scse"}),
    _NORM,
    _NEAREST,
)


def _atrous(*, separable: bool) -> tuple[SmpOption, ...]:
    return (
        SmpOption("width", ("decoder_channels",), 256),
        SmpOption("rates", ("decoder_atrous_rates",), [12, 24, 36]),
        SmpOption("separable", ("decoder_aspp_separable",), separable),
        SmpOption("dropout", ("decoder_aspp_dropout",), 0.5),
    )


def _by_four(depth: int, output_stride: int) -> int:  # noqa: ARG001 - one signature for all
    return 4


def _of_deepest(depth: int, output_stride: int) -> int:
    return int(min(2**depth, output_stride))


FAMILIES: dict[str, Family] = {
    "Unet": Family(decoder="unet", options=_UNET, head_kernel_size=3),
    "UnetPlusPlus": Family(decoder="unetpp", options=_UNET, head_kernel_size=3),
    "MAnet": Family(
        decoder="manet",
        options=(_WIDTHS, SmpOption("attention_width", ("decoder_pab_channels",), 64), _NORM, _NEAREST),
        head_kernel_size=3,
    ),
    "Linknet": Family(decoder="linknet", options=(_NORM,)),
    "FPN": Family(
        decoder="fpn",
        options=(
            SmpOption("pyramid_width", ("decoder_pyramid_channels",), 256),
            SmpOption("width", ("decoder_segmentation_channels",), 128),
            SmpOption("merge", ("decoder_merge_policy",), "add", {"add": "add", "cat": "cat"}),
            SmpOption("dropout", ("decoder_dropout",), 0.2),
            _NEAREST,
        ),
        usual_upsampling=4,
        upsampling=lambda depth, _: 2**depth // 8,
    ),
    "PSPNet": Family(
        decoder="pspnet",
        options=(
            SmpOption("width", ("psp_out_channels",), 512),
            SmpOption("norm", ("decoder_use_norm", "psp_use_batchnorm"), "batchnorm", _NORMS),
            SmpOption("dropout", ("psp_dropout",), 0.2),
        ),
        head_kernel_size=3,
        depth=3,
        usual_upsampling=8,
        upsampling=_of_deepest,
    ),
    "DeepLabV3": Family(decoder="deeplabv3", options=_atrous(separable=False), output_stride=8, upsampling=_of_deepest),
    "DeepLabV3Plus": Family(
        decoder="deeplabv3plus",
        options=_atrous(separable=True),
        output_stride=16,
        usual_upsampling=4,
        upsampling=_by_four,
    ),
    "PAN": Family(
        decoder="pan",
        options=(
            SmpOption("width", ("decoder_channels",), 32),
            SmpOption("upsample", ("decoder_interpolation", "upscale_mode"), "bilinear", _MODES),
        ),
        head_kernel_size=3,
        output_stride=16,
        usual_upsampling=4,
        upsampling=_by_four,
    ),
    "UPerNet": Family(
        decoder="upernet",
        options=(
            SmpOption("width", ("decoder_channels",), 256),
            SmpOption("norm", ("decoder_use_norm",), "batchnorm", {"batchnorm": "batch", True: "batch"}),
        ),
        usual_upsampling=4,
        upsampling=_by_four,
    ),
    "Segformer": Family(
        decoder="segformer",
        options=(SmpOption("width", ("decoder_segmentation_channels",), 256),),
        usual_upsampling=4,
        upsampling=_by_four,
    ),
    "DPT": Family(
        decoder="dpt",
        options=(
            SmpOption("widths", ("decoder_intermediate_channels",), [256, 512, 1024, 1024]),
            SmpOption("width", ("decoder_fusion_channels",), 256),
        ),
        depth=4,
        of_vits=True,
    ),
}
