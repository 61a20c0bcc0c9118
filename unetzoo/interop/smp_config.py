"""What segmentation_models_pytorch's `save_pretrained` writes into config.json, as a configuration of unetzoo."""

import re
from collections.abc import Mapping
from typing import Any

from unetzoo.config import ModelConfig
from unetzoo.errors import ConfigError
from unetzoo.interop.smp import from_smp

_DECODERS = {"Unet": "unet", "UnetPlusPlus": "unetpp"}
_PLAIN_RESNET = re.compile(r"(resnet|resnext)\d+(_\d+x\d+d)?")  # its own ones, whose keys are timm's
_OTHER_DEFAULTS = {"activation": None, "aux_params": None, "decoder_center": False}
_UPSAMPLE: dict[Any, str] = {"nearest": "nearest", "bilinear": "bilinear"}
_ATTENTION: dict[Any, str] = {None: "none", "scse": "scse"}
_NORMS: dict[Any, str] = {"batchnorm": "batch", True: "batch", "identity": "none", False: "none"}


def is_smp_config(data: Mapping[str, Any]) -> bool:
    """Whether a config.json is one of segmentation_models_pytorch."""
    return "_model_class" in data and "encoder_name" in data


def config_of_smp(data: Mapping[str, Any]) -> ModelConfig:
    """The configuration of the same network in unetzoo.

    Raises:
        ConfigError: for what has no equal here; names it.
    """
    decoder, encoder = _DECODERS.get(_text(data, "_model_class")), _encoder(_text(data, "encoder_name"))
    problems = [] if decoder else [f"_model_class {data['_model_class']!r} (covered: {', '.join(_DECODERS)})"]
    if encoder is None:
        problems.append(f"encoder {data['encoder_name']!r} (covered: its ResNets and ResNeXts, and all with 'tu-')")
    problems += [f"{key} = {data[key]!r}" for key, usual in _OTHER_DEFAULTS.items() if data.get(key, usual) != usual]
    options: dict[str, Any] = {"widths": data.get("decoder_channels", [256, 128, 64, 32, 16])}
    for option, key, names in (
        ("attention", "decoder_attention_type", _ATTENTION),
        ("norm", "decoder_use_norm" if "decoder_use_norm" in data else "decoder_use_batchnorm", _NORMS),
        ("upsample", "decoder_interpolation", _UPSAMPLE),
    ):
        value = data.get(key, next(iter(names)))
        if not isinstance(value, str | bool | None) or value not in names:
            problems.append(f"{key} = {value!r}")
        else:
            options[option] = names[value]
    if problems or decoder is None or encoder is None:
        raise ConfigError(f"this network of segmentation_models_pytorch has no equal in unetzoo: {'; '.join(problems)}")
    depth = data.get("encoder_depth", 5)
    return ModelConfig(
        decoder=decoder,
        encoder=encoder,
        classes=data.get("classes", 1),
        in_channels=data.get("in_channels", 3),
        encoder_options={} if depth == 5 else {"depth": depth},
        decoder_options=options,
        head_kernel_size=3,
    )


def tensors_of_smp(state: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Its tensors, or what stands for them, under unetzoo's names; without the encoder's layers that it never calls."""
    depth = config.encoder_options.get("depth")
    unused = () if depth is None else tuple(f"encoder.layer{layer}." for layer in range(depth, 5))
    return from_smp({name: value for name, value in state.items() if not name.startswith(unused or ("\0",))})


def _encoder(name: str) -> str | None:
    if name.startswith("tu-"):
        return name.removeprefix("tu-")
    return name if _PLAIN_RESNET.fullmatch(name) else None


def _text(data: Mapping[str, Any], key: str) -> str:
    if not isinstance(data[key], str):
        raise ConfigError(f"{key} must be a text, got {data[key]!r}")
    value: str = data[key]
    return value
