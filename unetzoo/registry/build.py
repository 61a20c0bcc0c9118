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
from unetzoo.registry.registry import Entry
from unetzoo.specs import EncoderSpec


def build(config: ModelConfig, *, pretrained: bool | str = False) -> Segmenter:
    """The network that a configuration describes, in training mode, its weights in `torch.channels_last`.

    Args:
        config: of the network; its providers are replaced by those of the parts that are found.
        pretrained: the encoder's weights, as `EncoderSpec.build` takes them.

    Raises:
        UnknownNameError, ConflictError, OptionError, PretrainedError: as `unetzoo.create`.
    """
    registries = host().registries
    found_encoder, found_decoder = (
        registries["encoder"].find(config.encoder),
        registries["decoder"].find(config.decoder),
    )
    encoder = _encoder(found_encoder, config.encoder, config.in_channels, pretrained, config.encoder_options)
    reserved = {"features": encoder.features}
    decoder: Decoder = build_part("decoder", config.decoder, found_decoder.spec.build, reserved, config.decoder_options)
    if encoder.valid_padding != decoder.valid_padding:
        raise OptionError("padding='valid' is for encoder and decoder together, in encoder_options and decoder_options")
    providers = {"encoder": str(found_encoder.provider), "decoder": str(found_decoder.provider)}
    model = Segmenter(
        encoder, decoder, _heads(decoder, config), replace(config, providers=providers), _aux_head(encoder, config)
    )
    set_order(model, torch.channels_last)
    return model


def build_encoder(
    name: str, *, in_channels: int = 3, pretrained: bool | str = False, options: Mapping[str, Any] | None = None
) -> Encoder:
    """An encoder alone; arguments and errors are those of `unetzoo.create_encoder`, without saved networks."""
    found = host().registries["encoder"].find(name)
    return _encoder(found, name, check_count("in_channels", in_channels), pretrained, options or {})


def _encoder(
    found: Entry[EncoderSpec], name: str, in_channels: int, pretrained: bool | str, options: Mapping[str, Any]
) -> Encoder:
    reserved = {"in_channels": in_channels, "pretrained": pretrained}
    encoder: Encoder = build_part("encoder", name, found.spec.build, reserved, options)
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
