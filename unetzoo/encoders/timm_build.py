"""Build a backbone of timm: its weights, its blocks, and its image size."""

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import timm  # noqa: TID253 - this module is imported when an encoder of timm is built
import torch
from timm.models._features import FeatureGetterNet  # noqa: TID253 - as above
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from unetzoo.encoders.hybrid import Hybrid
from unetzoo.encoders.taps import Tapped, check_chain, pad_as_for
from unetzoo.encoders.timm_weights import weights_for
from unetzoo.encoders.view import Size
from unetzoo.errors import OptionError, UnetzooError
from unetzoo.layers.snapshot import tensors_of

Stem = Literal["repeat", "zeros", "random"]
SkipsFrom = Literal["transformer", "resnet"]
Module = TypeVar("Module", bound=nn.Module)
_VIT_LEVELS = 4
_PROBE = 256  # pixels


@dataclass(frozen=True)
class Request:
    """The arguments of a backbone; those of `TimmEncoder` with the same names, and `img_size` as timm takes it."""

    name: str
    in_channels: int
    pretrained: bool | str
    out_indices: tuple[int, ...] | None = None
    img_size: Size | None = None
    output_stride: int | None = None
    taps: tuple[str, ...] | None = None
    padded_side: int | None = None
    skips_from: SkipsFrom = "transformer"


def build_backbone(request: Request) -> nn.Module:
    """The backbone; if all maps have one stride, with four evenly spaced blocks.

    Raises:
        OptionError: timm cannot build it with these arguments.
        PretrainedError: there are no such weights, or they cannot be loaded.
    """
    if not timm.is_model(request.name):  # timm would follow a name such as "hf-hub:user/name" to the Hub
        raise OptionError(f"timm has no model named {request.name!r}")
    if request.taps is not None:
        return _tapped(request, request.taps)
    if request.skips_from == "resnet":
        whole = _created(replace(request, out_indices=None), whole=True)
        return Hybrid(whole, request.name, request.out_indices)
    backbone = _created(request)
    info = info_of(backbone)
    several_strides = len(set(info.reduction())) > 1
    if request.out_indices is not None or several_strides or not isinstance(backbone, FeatureGetterNet):
        return backbone
    levels = min(_VIT_LEVELS, len(info))
    even = tuple((level + 1) * len(info) // levels - 1 for level in range(levels))
    return FeatureGetterNet(backbone.model, out_indices=even)


def info_of(backbone: nn.Module) -> Any:  # noqa: ANN401 - timm's FeatureInfo, or a list that looks like it
    """The description of a backbone's maps: `channels()`, `reduction()`, `out_indices`."""
    return backbone.feature_info


def build_on_meta(request: Request) -> nn.Module:
    """The backbone on `meta`, without memory for its weights."""
    with torch.device("meta"):
        return build_backbone(replace(request, pretrained=False))


def on_meta(module: Module) -> Module:
    """A copy on `meta` in evaluation mode, without memory for its weights."""
    return copy.deepcopy(module, {id(tensor): _without_values(tensor) for tensor in tensors_of(module)}).eval()


def _without_values(tensor: Tensor) -> Tensor:
    dtype = torch.get_default_dtype() if tensor.is_floating_point() else tensor.dtype
    bare = torch.empty_like(tensor, device="meta", dtype=dtype)
    return nn.Parameter(bare, requires_grad=False) if isinstance(tensor, nn.Parameter) else bare


def fit_request(request: Request, size: Size) -> tuple[Request, Size]:
    """How to build a backbone for images of one size, and the size of its input.

    It is built with that size, or without, whichever first accepts such images on `meta`. Otherwise images are scaled
    to its native size.
    """
    for attempt in (replace(request, img_size=size), request):
        try:
            with _WithoutSteps():
                run_backbone(build_on_meta(attempt).eval(), torch.empty(1, request.in_channels, *size, device="meta"))
        except (OptionError, *REFUSALS):
            continue
        return attempt, size
    native = native_size(request.name)
    if native is None:
        raise OptionError(f"timm records no image size for {request.name!r}, so that it takes no img_size")
    return request, native


def native_size(name: str) -> Size | None:
    """(height, width) in pixels that timm builds a model for; None if timm does not record it."""
    native = timm.get_pretrained_cfg(name)
    return None if native is None else (native.input_size[-2], native.input_size[-1])


class _WithoutSteps(TorchFunctionMode):
    """Skip the steps of LSTMs on `meta`, which take minutes for large images."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever torch gives
        """Call a function of torch, unless it is an LSTM of a batch."""
        if getattr(function, "__name__", "") != "lstm" or not isinstance(args[1], tuple):
            return function(*args, **(kwargs or {}))
        image, (hidden, cell), *_, is_bidirectional, _ = args
        return image.new_empty(*image.shape[:-1], hidden.shape[-1] * (2 if is_bidirectional else 1)), hidden, cell


REFUSALS = (AssertionError, IndexError, RuntimeError, TypeError, ValueError)
"""Errors of backbones for images of a size that they cannot take."""


def run_backbone(backbone: nn.Module, image: Tensor) -> list[Tensor]:
    """The backbone's maps as (b, c, h, w), of volumes (b, c, d, h, w), whatever its own order of axes is."""
    maps: list[Tensor] = backbone(image)
    if "NHWC" in str(getattr(backbone, "output_fmt", "NCHW")):
        return [level.movedim(-1, 1) for level in maps]
    return maps


def forget_biases(backbone: nn.Module) -> None:
    """Empty the caches in which LeViT, TinyViT, EfficientFormer and EfficientViT keep biases of attention.

    In evaluation mode they hold those of the first call, with its graph of gradients, whatever weights come later.
    """
    for module in backbone.modules():
        cache = vars(module).get("attention_bias_cache")
        if cache:
            cache.clear()


def restart_stem(backbone: nn.Module, request: Request, stem: Stem) -> None:
    """Restore the pretrained filters of the first three channels, and initialize those of the others.

    timm repeats the filters and scales them by 3 / channels. This concerns the weights whose shape depends on the
    number of input channels.
    """
    usual = dict(build_on_meta(replace(request, in_channels=3)).named_parameters())
    with torch.no_grad():
        for weight in _of_stem(backbone, usual):
            weight[:, :3] *= request.in_channels / 3
            fresh = torch.zeros_like(weight)
            if stem == "random":
                nn.init.kaiming_uniform_(fresh, a=5**0.5)
            weight[:, 3:] = fresh[:, 3:]


def _of_stem(backbone: nn.Module, usual: dict[str, nn.Parameter]) -> Iterator[nn.Parameter]:
    for key, weight in backbone.named_parameters():
        if key in usual and usual[key].shape != weight.shape:
            yield weight


def _tapped(request: Request, taps: tuple[str, ...]) -> nn.Module:
    """The backbone whose levels are the maps of these layers."""
    usual = replace(request, taps=None, out_indices=None)
    check_chain(build_on_meta(usual), request.name)
    used = taps if request.out_indices is None else tuple(taps[index] for index in request.out_indices)
    with torch.device("meta"):
        unknown = Tapped(_created(replace(usual, pretrained=False), whole=True), used, [(1, 1)] * len(used))
        maps = unknown.eval()(torch.empty(1, request.in_channels, _PROBE, _PROBE))
    levels = [(level.shape[1], _PROBE // level.shape[2]) for level in maps]
    backbone = Tapped(_created(usual, whole=True), used, levels)
    if request.padded_side is not None:
        pad_as_for(backbone, request.padded_side)
    return backbone


def _created(request: Request, *, whole: bool = False) -> nn.Module:
    options: dict[str, Any] = {"in_chans": request.in_channels}
    options |= {} if request.out_indices is None else {"out_indices": request.out_indices}
    options |= {} if request.img_size is None else {"img_size": request.img_size}
    options |= {} if request.output_stride is None else {"output_stride": request.output_stride}
    try:
        with weights_for(request.name, request.pretrained, lambda: _names(request)) as (tagged, weights):
            return _created_dynamic(tagged, options | weights, whole=whole)
    except UnetzooError:
        raise
    except Exception as error:
        raise OptionError(f"timm cannot build {request.name!r} with {options}: {error}") from error


def _names(request: Request) -> Collection[str]:
    """The names of the backbone's tensors."""
    bare = replace(request, pretrained=False)
    try:
        return build_on_meta(bare).state_dict().keys()
    except OptionError:  # some models read their own parameters while they are built
        return build_backbone(bare).state_dict().keys()


def _created_dynamic(tagged: str, options: dict[str, Any], *, whole: bool) -> nn.Module:
    """The backbone, or the whole model, with timm's dynamic image size if the model has that option."""
    options |= {} if whole else {"features_only": True}
    try:
        return timm.create_model(tagged, dynamic_img_size=True, **options)
    except TypeError as error:
        if "dynamic_img_size" not in str(error):
            raise
        return timm.create_model(tagged, **options)
