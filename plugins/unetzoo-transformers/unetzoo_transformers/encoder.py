"""A backbone of transformers: how it is built, and its maps brought to a pyramid."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from transformers import AutoBackbone, AutoConfig, PretrainedConfig

import unetzoo
from unetzoo.encoders import PyramidAdapter, plan_levels

_LEVELS = 4
_PROBE = 224  # pixels; most are made for it, and 14 and 16 divide it


class TransformersEncoder(unetzoo.Encoder):
    """A backbone of `transformers.AutoBackbone`.

    Of a plain transformer, whose maps all have the resolution of its patches, four blocks at even distances become a
    pyramid, as unetzoo does it with timm's.

    Args:
        name: the type of the model, such as `"swin"`.
        in_channels: of the image.
        pretrained: random weights (False), or those of a repository of the Hub or a folder, with its configuration.
        config: values that differ from the model type's usual configuration.
        out_indices: which of the backbone's stages to use, as transformers counts them; None: all of four stages, or
            four at even distances.

    Raises:
        unetzoo.OptionError: for a configuration that transformers refuses.
        unetzoo.PretrainedError: when there are no such weights, or they are for another number of channels.
    """

    backbone: Any  # transformers declares no methods of its backbones

    def __init__(
        self,
        name: str,
        *,
        in_channels: int = 3,
        pretrained: bool | str = False,
        config: Mapping[str, Any] | None = None,
        out_indices: Sequence[int] | None = None,
    ) -> None:
        configuration = _configuration(name, in_channels, pretrained, dict(config or {}))
        backbone = _backbone(configuration, pretrained, out_indices)
        channels, strides = _probed(backbone, in_channels)
        levels = plan_levels(channels, strides)
        adapter = PyramidAdapter(levels)
        super().__init__(adapter.features)
        self.backbone = backbone
        self.adapter = adapter
        self.native = levels[-1].native
        self.target = levels[-1].target

    def forward(self, image: Tensor) -> list[Tensor]:
        """The pyramid of an image (b, c, h, w), whose h and w are multiples of the deepest reduction."""
        height, width = image.shape[2:]
        if self.native != self.target:
            size = (height // self.target * self.native, width // self.target * self.native)
            image = F.interpolate(image, size=size, mode="bilinear")
        levels = self.adapter(self.backbone(image).feature_maps)
        sizes = [(height // reduction, width // reduction) for reduction in self.features.reductions]
        return [
            level if level.shape[2:] == size else F.interpolate(level, size=size, mode="bilinear")
            for level, size in zip(levels, sizes, strict=True)
        ]

    def checkpoint_activations(self, enabled: bool = True) -> None:
        """As `unetzoo.Encoder.checkpoint_activations`, by transformers' own means."""
        try:
            if enabled:
                self.backbone.gradient_checkpointing_enable()
            else:
                self.backbone.gradient_checkpointing_disable()
        except ValueError as error:
            raise unetzoo.OptionError(f"transformers cannot run this backbone again in parts: {error}") from error


def _configuration(name: str, in_channels: int, pretrained: bool | str, fields: dict[str, Any]) -> PretrainedConfig:
    """The configuration, of the repository or of the model type, with what was given."""
    return _stored(name, in_channels, pretrained, fields) if pretrained else _usual(name, in_channels, fields)


def _usual(name: str, in_channels: int, fields: dict[str, Any]) -> PretrainedConfig:
    try:
        config: PretrainedConfig = AutoConfig.for_model(name, **fields)
    except Exception as error:  # a configuration's own checks raise several types
        raise unetzoo.OptionError(f"transformers refuses this configuration of {name!r}: {error}") from error
    config.num_channels = in_channels
    for key, value in vars(config).items():
        if isinstance(value, tuple):  # some backbones add lists to these, which are tuples by default
            setattr(config, key, list(value))
    return config


def _stored(name: str, in_channels: int, pretrained: Literal[True] | str, fields: dict[str, Any]) -> PretrainedConfig:
    if pretrained is True:
        raise unetzoo.PretrainedError(f"hf:{name} has no weights by default; name a repository, pretrained='user/name'")
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(pretrained, trust_remote_code=False)
    except Exception as error:  # what transformers, the Hub's client or the configuration's own checks raise
        raise unetzoo.PretrainedError(f"cannot read the configuration of {pretrained!r}: {error}") from error
    if config.model_type != name:
        raise unetzoo.PretrainedError(f"{pretrained!r} is a {config.model_type!r}, not a {name!r}")
    for key, value in fields.items():
        setattr(config, key, value)
    channels = getattr(config, "num_channels", 3)
    if channels != in_channels:
        raise unetzoo.PretrainedError(f"the weights of {pretrained!r} are for {channels} channels, not {in_channels}")
    return config


def _backbone(config: PretrainedConfig, pretrained: bool | str, out_indices: Sequence[int] | None) -> nn.Module:
    chosen = list(out_indices) if out_indices is not None else _even(config)
    try:
        config.out_indices = chosen
        backbone: nn.Module = AutoBackbone.from_config(config)  # type: ignore[no-untyped-call] # its own lack of types
        if pretrained:
            backbone = cast("Any", type(backbone)).from_pretrained(pretrained, config=config, use_safetensors=True)
    except Exception as error:  # as above
        kind = unetzoo.PretrainedError if pretrained else unetzoo.OptionError
        raise kind(f"transformers cannot build {config.model_type!r}: {error}") from error
    return backbone


def _even(config: PretrainedConfig) -> list[int]:
    """Four stages at even distances, or all of fewer; the stem is none."""
    stages = [index for index, name in enumerate(config.stage_names) if name != "stem"]
    levels = min(_LEVELS, len(stages))
    return [stages[(level + 1) * len(stages) // levels - 1] for level in range(levels)]


def _probed(backbone: nn.Module, in_channels: int) -> tuple[list[int], list[int]]:
    """Channels and strides of the maps, read off a run."""
    was_training = backbone.training
    with torch.no_grad():
        maps = backbone.eval()(torch.zeros(1, in_channels, _PROBE, _PROBE)).feature_maps
    backbone.train(was_training)
    return [map_.shape[1] for map_ in maps], [round(_PROBE / map_.shape[2]) for map_ in maps]
