"""Translate a config.json of segmentation_models_pytorch's `save_pretrained`."""

from collections.abc import Mapping
from typing import Any

from unetzoo.errors import ConfigError
from unetzoo.interop.smp_encoders import Counterpart, counterpart_of
from unetzoo.interop.smp_families import FAMILIES, Family
from unetzoo.interop.smp_names import renamed
from unetzoo.nn.config import ModelConfig
from unetzoo.registry.build import build_encoder

_OTHER_DEFAULTS = {"activation": None, "decoder_center": False}
_SHALLOW = {"depth", "taps", "out_indices"}  # options with which an encoder may have fewer layers than there
_NO_STRIDE = 32
_MOST_LEVELS = 16


def is_smp_config(data: Mapping[str, Any]) -> bool:
    """Whether a config.json is one of segmentation_models_pytorch."""
    return "_model_class" in data and "encoder_name" in data


def config_of_smp(data: Mapping[str, Any]) -> ModelConfig:
    """The configuration of the same network in unetzoo.

    Raises:
        ConfigError: the network has no equivalent; the message says why.
    """
    family, encoder = FAMILIES.get(_text(data, "_model_class")), counterpart_of(_text(data, "encoder_name"))
    problems = [] if family else [f"_model_class {data['_model_class']!r} (supported: {', '.join(FAMILIES)})"]
    if encoder is None:
        problems.append(
            f"encoder {data['encoder_name']!r} (supported: those that are the same in timm, and all with 'tu-')"
        )
    problems += [f"{key} = {data[key]!r}" for key, usual in _OTHER_DEFAULTS.items() if data.get(key, usual) != usual]
    aux, refused = _aux_options(data.get("aux_params"))
    problems += refused
    options: dict[str, Any] = {}
    if family:
        options, refused = _decoder_options(data, family)
        problems += refused
    if family and encoder and not encoder.can_dilate and _stride(data, family) != _NO_STRIDE:
        problems.append(f"encoder_output_stride = {_stride(data, family)} of {data['encoder_name']!r}")
    if problems or family is None or encoder is None:
        raise ConfigError(
            f"this network of segmentation_models_pytorch has no equivalent in unetzoo: {'; '.join(problems)}"
        )
    return ModelConfig(
        decoder=family.decoder,
        encoder=encoder.name,
        classes=data.get("classes", 1),
        in_channels=data.get("in_channels", 3),
        encoder_options=_of_vit(data) if family.of_vits else _encoder_options(data, family, encoder),
        decoder_options=options,
        head_kernel_size=family.head_kernel_size,
        **aux,
    )


def tensors_of_smp(state: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Its tensors, or their headers, under unetzoo's names, without encoder layers that it never calls."""
    tensors = renamed(state)
    if not _SHALLOW & config.encoder_options.keys():
        return tensors
    from torch import device

    with device("meta"):
        encoder = build_encoder(config.encoder, in_channels=config.in_channels, options=config.encoder_options)
    used = {f"encoder.{name}" for name in encoder.state_dict()}
    return {name: value for name, value in tensors.items() if name in used or not name.startswith("encoder.")}


def _decoder_options(data: Mapping[str, Any], family: Family) -> tuple[dict[str, Any], list[str]]:
    """The decoder's options, and problems for those without an equivalent."""
    is_vgg = _text(data, "encoder_name").startswith("vgg")
    options: dict[str, Any] = {"center": True} if family.decoder == "unet" and is_vgg else {}
    problems = []
    for option in family.options:
        key = next((key for key in option.keys if key in data), option.keys[0])
        value = data.get(key, option.usual)
        if option.names is None:
            options[option.name] = value
        elif isinstance(value, str | bool | None) and value in option.names:
            options[option.name] = option.names[value]
        else:
            problems.append(f"{key} = {value!r}")
    if family.upsampling is not None:
        factor = data.get("upsampling", family.usual_upsampling)
        if factor not in (None, family.upsampling(_depth(data, family), _stride(data, family))):
            problems.append(f"upsampling = {factor!r}, which makes logits of another size than the image's")
    return options, problems


def _aux_options(aux: object) -> tuple[dict[str, Any], list[str]]:
    """The options of the auxiliary head, and problems for those without an equivalent."""
    if aux is None:
        return {}, []
    if not isinstance(aux, Mapping) or "classes" not in aux or aux.get("activation") is not None:
        return {}, [f"aux_params = {aux!r}"]
    dropout = aux.get("dropout", 0.2) or 0.0
    return {"aux_classes": aux["classes"], "aux_pooling": aux.get("pooling", "avg"), "aux_dropout": dropout}, []


def _encoder_options(data: Mapping[str, Any], family: Family, encoder: Counterpart) -> dict[str, Any]:
    """The encoder's options: levels with reductions 2 to 2^depth, perhaps dilated."""
    depth, stride = _depth(data, family), _stride(data, family)
    dilated: dict[str, Any] = {} if stride == _NO_STRIDE else {"output_stride": stride}
    if dilated and not encoder.is_universal:
        dilated["dilation"] = "uniform"
    if encoder.taps:
        return dilated | dict(encoder.options) | {"taps": list(encoder.taps[:depth])}
    reductions = _timm_reductions(encoder.name)
    if family.decoder == "unetpp" and reductions[0] > 2:
        raise ConfigError(
            "this network of segmentation_models_pytorch has no equivalent in unetzoo: its UnetPlusPlus has nodes at"
            f" half the image's resolution, where {encoder.name!r} has no features"
        )
    count = sum(reduction <= 2**depth for reduction in reductions)
    if reductions[0] == 1:  # such as VGG, whose first level it leaves out
        return dilated | {"out_indices": list(range(1, count))}
    return dilated | ({} if count == len(reductions) else {"depth": count})


def _of_vit(data: Mapping[str, Any]) -> dict[str, Any]:
    """The encoder's options for the plain ViT of a `DPT`."""
    options: dict[str, Any] = {"pyramid": False, "readout": data.get("decoder_readout", "cat")}
    indices = data.get("encoder_output_indices")
    return options if indices is None else options | {"out_indices": indices}


def _timm_reductions(name: str) -> tuple[int, ...]:
    from unetzoo.encoders.timm_build import Request, build_on_meta, info_of

    return tuple(info_of(build_on_meta(Request(name, 3, False))).reduction())


def _depth(data: Mapping[str, Any], family: Family) -> int:
    return _number(data, "encoder_depth", family.depth, _MOST_LEVELS)


def _stride(data: Mapping[str, Any], family: Family) -> int:
    return _number(data, "encoder_output_stride", family.output_stride, _NO_STRIDE)


def _number(data: Mapping[str, Any], key: str, usual: int, most: int) -> int:
    value = data.get(key, usual)
    if type(value) is not int or not 1 <= value <= most:
        raise ConfigError(f"{key} must be a whole number from 1 to {most}, got {str(value)[:80]}")
    return value


def _text(data: Mapping[str, Any], key: str) -> str:
    if not isinstance(data[key], str):
        raise ConfigError(f"{key} must be a text, got {data[key]!r}")
    value: str = data[key]
    return value
