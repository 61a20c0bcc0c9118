"""The arguments with which segmentation_models_pytorch builds the network of a configuration."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from unetzoo.errors import ConfigError, UnetzooError
from unetzoo.interop.smp_config import config_of_smp
from unetzoo.interop.smp_encoders import counterpart_of
from unetzoo.interop.smp_families import FAMILIES, Family
from unetzoo.nn.config import ModelConfig
from unetzoo.options import options_of
from unetzoo.registry.host import host

_DEPTHS, _STRIDES = (5, 4, 3, 2, 1), (32, 16, 8)
_NARROWEST, _WIDEST = 16, 256  # channels of the decoder: at full resolution, and at most


def smp_arguments(config: ModelConfig) -> dict[str, Any]:
    """The arguments, and the class as `_model_class`; `config_of_smp` translates them back to the same network.

    A head of 1 x 1 is one of 3 x 3 there, with zeros around it.

    Raises:
        ConfigError: it has no such network; the message says why.
    """
    name, family = _family_of(config)
    differences = ""
    for candidate in _candidates(config, family):
        explicit = _with_widths(config, family, candidate.get("encoder_depth", 0))
        arguments = _arguments_of(explicit, name, family) | candidate
        try:
            translated = config_of_smp(arguments)
        except UnetzooError:  # timm has no such model, or not at that depth
            continue
        unequal = _differences(explicit, translated)
        if not unequal:
            return arguments
        differences = differences or unequal
    reason = differences or f"no encoder of it is {config.encoder!r} for {name}"
    raise ConfigError(f"segmentation_models_pytorch has no network equal to this {config.decoder!r}: {reason}")


def _family_of(config: ModelConfig) -> tuple[str, Family]:
    for name, family in FAMILIES.items():
        if family.decoder == config.decoder:
            if config.head_kernel_size > family.head_kernel_size:
                side = family.head_kernel_size
                raise ConfigError(
                    f"the last convolution of segmentation_models_pytorch's {name} is of {side} x {side}, and that of "
                    f"this network is larger: head_kernel_size={config.head_kernel_size}"
                )
            return name, family
    decoders = ", ".join(family.decoder for family in FAMILIES.values())
    raise ConfigError(f"segmentation_models_pytorch has no decoder equal to {config.decoder!r}; it has {decoders}")


def _with_widths(config: ModelConfig, family: Family, depth: int) -> ModelConfig:
    """The configuration, whose default widths are numbers: those of the usual ViT, or doubled at each halving."""
    option = next((option for option in family.options if option.name == "widths"), None)
    if option is None or config.decoder_options.get("widths") is not None:
        return config
    widths = option.usual if family.of_vits else [min(_WIDEST, _NARROWEST << level) for level in reversed(range(depth))]
    return replace(config, decoder_options={**config.decoder_options, "widths": widths})


def _arguments_of(config: ModelConfig, name: str, family: Family) -> dict[str, Any]:
    """All arguments but those of the encoder."""
    arguments: dict[str, Any] = {"_model_class": name, "in_channels": config.in_channels, "classes": config.classes}
    values = _filled("decoder", config.decoder, config.decoder_options)
    for option in family.options:
        value = values[option.name]
        if option.names is not None:
            value = next((theirs for theirs, ours in option.names.items() if ours == value), value)
        arguments[option.keys[0]] = list(value) if isinstance(value, tuple) else value
    if config.aux_classes:
        arguments["aux_params"] = {
            "classes": config.aux_classes,
            "pooling": config.aux_pooling,
            "dropout": config.aux_dropout,
        }
    return arguments


def _candidates(config: ModelConfig, family: Family) -> Iterator[dict[str, Any]]:
    """The arguments of the encoder that may be equal to that of a network."""
    for name in _names_of(config.encoder):
        if family.of_vits:
            indices = config.encoder_options.get("out_indices")
            readout = config.encoder_options.get("readout", "cat")
            yield {"encoder_name": name, "decoder_readout": readout, "encoder_output_indices": indices}
            continue
        for depth in dict.fromkeys((family.depth, *_DEPTHS)):
            for stride in dict.fromkeys((family.output_stride, *_STRIDES)):
                yield {"encoder_name": name, "encoder_depth": depth} | _resolution(family, depth, stride)


def _resolution(family: Family, depth: int, stride: int) -> dict[str, Any]:
    """The arguments that the depth and the output stride of an encoder ask for."""
    strided = {"encoder_output_stride": stride} if family.output_stride < max(_STRIDES) else {}
    return strided | ({} if family.upsampling is None else {"upsampling": family.upsampling(depth, stride)})


def _names_of(encoder: str) -> list[str]:
    """The names of the encoders there that have that counterpart."""
    bare = encoder.removeprefix("timm:")
    renamed = (
        bare,
        bare.removeprefix("legacy_").replace("seres", "se_res"),
        bare.removeprefix("tf_").replace("efficientnet_b", "efficientnet-b"),
        f"timm-{bare.replace('efficientnet_', 'efficientnet-', 1)}",
        f"timm-tf_{bare}",
        "mobilenet_v2",
        f"tu-{bare}",
    )
    counterparts = {name: counterpart_of(name) for name in dict.fromkeys(renamed)}
    return [name for name, each in counterparts.items() if each and each.name.removeprefix("timm:") == bare]


def _differences(config: ModelConfig, translated: ModelConfig) -> str:
    """The options in which a network differs from that which was translated back; empty if in none."""
    different = []
    for kind, name in (("encoder", config.encoder), ("decoder", config.decoder)):
        ours = _filled(kind, name, getattr(config, f"{kind}_options"))
        theirs = _filled(kind, name, getattr(translated, f"{kind}_options"))
        different += [
            f"{kind}_options {option}={ours[option]!r} (there {theirs.get(option)!r})"
            for option in ours
            if ours[option] != theirs.get(option)
        ]
    return ", ".join(different)


def _filled(kind: str, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a part with their defaults; lists are tuples."""
    build = host().registries[kind].find(name).spec.build
    values = {option.name: option.default for option in options_of(kind, build)} | dict(options)
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
