"""Build a network, or an encoder, from the registered parts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from unetzoo.checks import check_count
from unetzoo.errors import OptionError
from unetzoo.layers.order import set_order
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.contracts import Decoder, Encoder
from unetzoo.nn.image_head import ImageHead
from unetzoo.nn.segmenter import Segmenter
from unetzoo.options import build_part
from unetzoo.registry.host import host
from unetzoo.registry.objects import network_maps
from unetzoo.registry.registry import Entry
from unetzoo.specs import EncoderSpec


def build(config: ModelConfig, *, pretrained: bool | str = False) -> Segmenter:
    """The network that a configuration describes, in training mode, its weights in `torch.channels_last`.

    Args:
        config: the configuration; its providers are replaced by those of the parts.
        pretrained: the encoder's weights, as `EncoderSpec.build` takes them.

    Raises:
        UnknownNameError, ConflictError, OptionError, PretrainedError: as `unetzoo.create`.
    """
    registries = host().registries
    encoder_entry = registries["encoder"].find(config.encoder)
    decoder_entry = registries["decoder"].find(config.decoder)
    encoder = _encoder(encoder_entry, config.encoder, config.in_channels, pretrained, config.encoder_options)
    reserved = {"features": encoder.features}
    decoder: Decoder = build_part("decoder", config.decoder, decoder_entry.spec.build, reserved, config.decoder_options)
    if encoder.valid_padding != decoder.valid_padding:
        valid, other = ("encoder", "decoder") if encoder.valid_padding else ("decoder", "encoder")
        raise OptionError(f"the {valid} has padding='valid', the {other} does not: set it in the options of both")
    providers = {"encoder": str(encoder_entry.provider), "decoder": str(decoder_entry.provider)}
    if config.objects:
        network_maps(config)  # checks the channels
        providers["objects"] = str(registries["object"].find(config.objects).provider)
    model = Segmenter(
        encoder, decoder, _heads(decoder, config), replace(config, providers=providers), _aux_head(encoder, config)
    )
    set_order(model, torch.channels_last)
    return model


def build_encoder(
    name: str, *, in_channels: int = 3, pretrained: bool | str = False, options: Mapping[str, Any] | None = None
) -> Encoder:
    """An encoder alone; arguments and errors are those of `unetzoo.create_encoder`, without saved networks."""
    entry = host().registries["encoder"].find(name)
    return _encoder(entry, name, check_count("in_channels", in_channels), pretrained, options or {})


def _encoder(
    entry: Entry[EncoderSpec], name: str, in_channels: int, pretrained: bool | str, options: Mapping[str, Any]
) -> Encoder:
    reserved = {"in_channels": in_channels, "pretrained": pretrained}
    encoder: Encoder = build_part("encoder", name, entry.spec.build, reserved, options)
    return encoder


def _heads(decoder: Decoder, config: ModelConfig) -> list[nn.Module]:
    """A convolution for each output of the decoder."""
    side = config.head_kernel_size
    return [nn.Conv2d(channels, config.classes, side, padding=side // 2) for channels in decoder.out_channels]


def _aux_head(encoder: Encoder, config: ModelConfig) -> ImageHead | None:
    if not config.aux_classes:
        return None
    deepest = encoder.features.channels[-1]
    return ImageHead(deepest, config.aux_classes, pooling=config.aux_pooling, dropout=config.aux_dropout)
