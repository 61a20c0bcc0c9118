"""Build a network, or an encoder, from the registered parts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from unetzoo.checks import check_count
from unetzoo.errors import OptionError
from unetzoo.layers.axes import AXES
from unetzoo.layers.order import set_order
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.contracts import Decoder, Encoder
from unetzoo.nn.image_head import ImageHead
from unetzoo.nn.segmenter import Segmenter
from unetzoo.objects.coding import ObjectMap, slices_of
from unetzoo.options import build_part
from unetzoo.registry.host import host
from unetzoo.registry.objects import network_maps
from unetzoo.registry.registry import Entry
from unetzoo.registry.spatial import check_spatial_dims
from unetzoo.specs import EncoderSpec


def build(config: ModelConfig, *, pretrained: bool | str = False) -> Segmenter:
    """The network that a configuration describes, in training mode, its weights in the order `torch.channels_last`.

    Those of a network for volumes are in the order `torch.channels_last_3d`.

    Args:
        config: the configuration; its providers are replaced by those of the parts.
        pretrained: the encoder's weights, as `EncoderSpec.build` takes them.

    Raises:
        UnknownNameError, ConflictError, OptionError, PretrainedError: as `unetzoo.create`.
    """
    registries = host().registries
    encoder_entry = registries["encoder"].find(config.encoder)
    decoder_entry = registries["decoder"].find(config.decoder)
    for kind, entry in (("encoder", encoder_entry), ("decoder", decoder_entry)):
        check_spatial_dims(kind, entry.spec, config.spatial_dims)
    if config.objects:
        check_spatial_dims("object", registries["object"].find(config.objects).spec, config.spatial_dims)
    shape = {"in_channels": config.in_channels, "spatial_dims": config.spatial_dims}
    encoder = _encoder(encoder_entry, config.encoder, shape, pretrained, config.encoder_options)
    reserved = {"features": encoder.features}
    decoder: Decoder = build_part("decoder", config.decoder, decoder_entry.spec.build, reserved, config.decoder_options)
    if encoder.valid_padding != decoder.valid_padding:
        valid, other = ("encoder", "decoder") if encoder.valid_padding else ("decoder", "encoder")
        raise OptionError(f"the {valid} has padding='valid', the {other} does not: set it in the options of both")
    providers = {"encoder": str(encoder_entry.provider), "decoder": str(decoder_entry.provider)}
    maps = network_maps(config)
    if config.objects:
        providers["objects"] = str(registries["object"].find(config.objects).provider)
    heads = _heads(decoder, config, maps)
    model = Segmenter(encoder, decoder, heads, replace(config, providers=providers), _aux_head(encoder, config))
    set_order(model, AXES[config.spatial_dims].order)
    return model


def build_encoder(
    name: str,
    *,
    in_channels: int = 3,
    spatial_dims: int = 2,
    pretrained: bool | str = False,
    options: Mapping[str, Any] | None = None,
) -> Encoder:
    """An encoder alone; arguments and errors are those of `unetzoo.create_encoder`, without saved networks."""
    entry = host().registries["encoder"].find(name)
    check_spatial_dims("encoder", entry.spec, spatial_dims)
    shape = {"in_channels": check_count("in_channels", in_channels), "spatial_dims": spatial_dims}
    return _encoder(entry, name, shape, pretrained, options or {})


def _encoder(
    entry: Entry[EncoderSpec],
    name: str,
    shape: Mapping[str, int],
    pretrained: bool | str,
    options: Mapping[str, Any],
) -> Encoder:
    own = shape if len(entry.spec.spatial_dims) > 1 else {"in_channels": shape["in_channels"]}
    encoder: Encoder = build_part("encoder", name, entry.spec.build, {**own, "pretrained": pretrained}, options)
    return encoder


def _heads(decoder: Decoder, config: ModelConfig, maps: Sequence[ObjectMap]) -> list[nn.Module]:
    """A convolution for each output of the decoder, whose logits begin where the maps of objects say."""
    side, axes = config.head_kernel_size, AXES[config.spatial_dims]
    heads = [axes.conv(channels, config.classes, side, padding=side // 2) for channels in decoder.out_channels]
    for item, place in zip(maps, slices_of(maps), strict=True):
        for head in heads:
            if item.start and head.bias is not None:
                with torch.no_grad():
                    head.bias[place] += item.start
    return [*heads]


def _aux_head(encoder: Encoder, config: ModelConfig) -> ImageHead | None:
    if not config.aux_classes:
        return None
    deepest = encoder.features.channels[-1]
    return ImageHead(deepest, config.aux_classes, pooling=config.aux_pooling, dropout=config.aux_dropout)
