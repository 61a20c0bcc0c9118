"""Build a backbone of timm: its weights, its blocks, and the image size it must know."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import timm  # noqa: TID253 - this module is imported when an encoder of timm is built
import torch
from timm.models._features import FeatureGetterNet  # noqa: TID253 - as above
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from unetzoo.encoders.timm_names import timm_spec
from unetzoo.encoders.view import Size
from unetzoo.errors import OptionError, PretrainedError, describe_error

Stem = Literal["repeat", "zeros", "random"]
_VIT_LEVELS = 4
_HUB, _SAFE = "hf-hub:", ".safetensors"


@dataclass(frozen=True)
class Request:
    """What a backbone is built with.

    Attributes:
        name: of the model.
        in_channels: of the image.
        pretrained: False, True, a tag, a .safetensors file, or `"hf-hub:user/name"`.
        out_indices: levels or blocks to use; None: all levels, or four blocks at even distances.
        img_size: (height, width) in pixels that the backbone is told; None: it is told none.
        output_stride: at which the resolution stops to fall; None: nowhere.
    """

    name: str
    in_channels: int
    pretrained: bool | str
    out_indices: tuple[int, ...] | None = None
    img_size: Size | None = None
    output_stride: int | None = None


def build_backbone(request: Request) -> nn.Module:
    """The backbone; of one whose maps all have the same stride, four blocks at even distances.

    Raises:
        OptionError: timm cannot build it so.
        PretrainedError: there are no such weights, or they cannot be had.
    """
    if not timm.is_model(request.name):  # timm would follow a name such as "hf-hub:user/name" to the Hub
        raise OptionError(f"timm has no model named {request.name!r}")
    backbone = _created(request)
    info = info_of(backbone)
    several_strides = len(set(info.reduction())) > 1
    if request.out_indices is not None or several_strides or not isinstance(backbone, FeatureGetterNet):
        return backbone
    levels = min(_VIT_LEVELS, len(info))
    even = tuple((level + 1) * len(info) // levels - 1 for level in range(levels))
    return FeatureGetterNet(backbone.model, out_indices=even)


def info_of(backbone: nn.Module) -> Any:  # noqa: ANN401 - timm's FeatureInfo, or a list that looks like it
    """What timm records about a backbone's maps: `channels()`, `reduction()`, `out_indices`."""
    return backbone.feature_info


def build_on_meta(request: Request) -> nn.Module:
    """The backbone without memory for its weights, to look at."""
    with torch.device("meta"):
        return build_backbone(replace(request, pretrained=False))


def fit_request(request: Request, size: Size) -> tuple[Request, Size]:
    """How to build a backbone for images of one size, and the size at which it then sees them.

    The first of these that a run without weights accepts: told that size; told nothing. Otherwise the images are scaled
    to the size that timm builds it for.
    """
    for attempt in (replace(request, img_size=size), request):
        try:
            with _WithoutSteps():
                run_backbone(build_on_meta(attempt).eval(), torch.empty(1, request.in_channels, *size, device="meta"))
        except (OptionError, *REFUSALS):
            continue
        return attempt, size
    native = timm.get_pretrained_cfg(request.name)
    if native is None:
        raise OptionError(f"timm records no image size for {request.name!r}, so that it takes no img_size")
    return request, (native.input_size[-2], native.input_size[-1])


class _WithoutSteps(TorchFunctionMode):
    """Give what an LSTM gives on `meta` at once: torch goes step by step, for minutes if the image is large."""

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
"""What backbones raise for an image of a size that they cannot take."""


def run_backbone(backbone: nn.Module, image: Tensor) -> list[Tensor]:
    """The backbone's maps as (b, c, h, w), whatever order of axes it uses itself."""
    maps: list[Tensor] = backbone(image)
    if "NHWC" in str(getattr(backbone, "output_fmt", "NCHW")):
        return [level.permute(0, 3, 1, 2) for level in maps]
    return maps


def restart_stem(backbone: nn.Module, request: Request, stem: Stem) -> None:
    """Give the first three input channels their pretrained filters back and start the others anew.

    timm repeats the filters and scales them by 3 / channels. The weights concerned are those whose shape depends on the
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


def _created(request: Request) -> nn.Module:
    source = _source(request.pretrained)
    has_tag = isinstance(request.pretrained, str) and not source
    tagged = f"{request.name}.{request.pretrained}" if has_tag else request.name
    options: dict[str, Any] = {"pretrained": bool(request.pretrained), "in_chans": request.in_channels, **source}
    options |= {} if request.out_indices is None else {"out_indices": request.out_indices}
    options |= {} if request.img_size is None else {"img_size": request.img_size}
    options |= {} if request.output_stride is None else {"output_stride": request.output_stride}
    try:
        return _created_dynamic(tagged, options)
    except Exception as error:
        if not request.pretrained:
            raise OptionError(f"timm cannot build {request.name!r} with {options}: {error}") from error
        raise PretrainedError(_why_no_weights(request.name, request.pretrained, error)) from error


def _source(pretrained: bool | str) -> dict[str, Any]:
    """Where weights are that are none of timm's own: a file, or a repository of the Hub behind `hf-hub:`."""
    if not isinstance(pretrained, str):
        return {}
    if pretrained.startswith(_HUB):
        return {"pretrained_cfg_overlay": {"hf_hub_id": pretrained.removeprefix(_HUB), "file": None, "url": None}}
    if pretrained.endswith(_SAFE):
        return {"pretrained_cfg_overlay": {"file": pretrained}}
    if "/" in pretrained or pretrained.endswith((".pth", ".pt", ".bin")):
        raise PretrainedError(
            f"{pretrained!r} is no tag, no 'hf-hub:user/name' and no {_SAFE} file: other files could run code when they"
            f" are read; convert it with torch.load(..., weights_only=True) and safetensors.torch.save_file"
        )
    return {}


def _created_dynamic(tagged: str, options: dict[str, Any]) -> nn.Module:
    """The backbone with timm's own dynamic image size, where it knows that option."""
    try:
        return timm.create_model(tagged, features_only=True, dynamic_img_size=True, **options)
    except TypeError as error:
        if "dynamic_img_size" not in str(error):
            raise
        return timm.create_model(tagged, features_only=True, **options)


def _why_no_weights(name: str, pretrained: bool | str, error: Exception) -> str:
    tags = timm_spec(name).pretrained
    if isinstance(pretrained, str) and _source(pretrained):
        return f"the weights {pretrained!r} cannot be had for {name!r}: {describe_error(error)}"
    if not tags:
        return f"timm has no pretrained weights for {name!r}; create it with pretrained=False"
    if isinstance(pretrained, str) and pretrained not in tags:
        return f"{name!r} has no pretrained weights {pretrained!r}; it has {', '.join(tags)}"
    return (
        f"the pretrained weights of {name!r} are not in the cache and could not be downloaded"
        f" ({type(error).__name__}); go online once, or create it with pretrained=False"
    )
