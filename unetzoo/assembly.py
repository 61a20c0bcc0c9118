"""Put parts together by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from unetzoo.checks import check_choice, check_count
from unetzoo.errors import OptionError
from unetzoo.options import Option, build_part, options_of
from unetzoo.registry.host import host
from unetzoo.registry.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from unetzoo.data.dataset import Dataset
    from unetzoo.losses.expression import WeightedSum
    from unetzoo.nn.config import ModelConfig, Pooling
    from unetzoo.nn.segmenter import Encoder, Segmenter

Split = Literal["train", "val", "test"]
Kind = Literal["encoder", "decoder", "loss", "dataset"]


@dataclass(frozen=True)
class Description:
    """What is known about a part; see `describe`."""

    kind: str
    name: str
    summary: str
    paper: str
    provider: str
    options: tuple[Option, ...]
    license: str = ""
    pretrained: tuple[str, ...] = ()


def create(
    decoder: str,
    *,
    encoder: str,
    classes: int = 1,
    in_channels: int = 3,
    pretrained: bool | str = False,
    encoder_options: Mapping[str, Any] | None = None,
    decoder_options: Mapping[str, Any] | None = None,
    head_kernel_size: int = 1,
    aux_classes: int = 0,
    aux_pooling: "Pooling" = "avg",
    aux_dropout: float = 0.2,
    activation_checkpointing: bool = False,
) -> "Segmenter":
    """Assemble a segmentation network, in training mode.

    Its weights are in the order `torch.channels_last`, in which a CPU trains and predicts faster; images may come in
    either order.

    Args:
        decoder: name of a decoder, see `list_decoders`.
        encoder: name of an encoder, see `list_encoders`.
        classes: channels of the logits (b, classes, h, w); 1 is binary.
        in_channels: channels of the images (b, in_channels, h, w).
        pretrained: the encoder's weights: random (False), its default ones (True), or those of a tag, of a
            `.safetensors` file, of a repository of the Hub, `"hf-hub:user/name"`, or of the network of that encoder
            that was saved in a folder.
        encoder_options: the encoder's own options, see `describe("encoder", name)`.
        decoder_options: the decoder's own options, see `describe("decoder", name)`.
        head_kernel_size: of the convolution that makes the logits, in pixels; odd.
        aux_classes: also classify the images as wholes, see `Segmenter.with_class_logits`; 0: no.
        aux_pooling: how the encoder's deepest features become one value a channel for that, mean or largest value.
        aux_dropout: probability of dropping such a value in training.
        activation_checkpointing: train with less memory and more time, see `Segmenter.checkpoint_activations`; it is
            no part of the configuration.

    Raises:
        UnknownNameError: no such decoder or encoder.
        ConflictError: several plugins offer that name.
        OptionError: an option that the part does not have, or a value that it refuses.
        PretrainedError: there are no such weights, or they cannot be had.
    """
    chosen_encoder = _registry("encoder").find(encoder)
    chosen_decoder = _registry("decoder").find(decoder)
    classes, in_channels = check_count("classes", classes), check_count("in_channels", in_channels)
    head_kernel_size = check_count("head_kernel_size", head_kernel_size)
    if head_kernel_size % 2 == 0:
        raise OptionError(f"head_kernel_size must be odd, got {head_kernel_size}")

    import torch
    from torch import nn

    from unetzoo.layers.order import set_order
    from unetzoo.nn.config import ModelConfig, check_aux
    from unetzoo.nn.image_head import ImageHead
    from unetzoo.nn.segmenter import Segmenter

    aux_classes, aux_dropout = check_aux(aux_classes, aux_pooling, aux_dropout)
    config = ModelConfig(
        decoder=decoder,
        encoder=encoder,
        classes=classes,
        in_channels=in_channels,
        encoder_options=encoder_options or {},
        decoder_options=decoder_options or {},
        head_kernel_size=head_kernel_size,
        aux_classes=aux_classes,
        aux_pooling=aux_pooling,
        aux_dropout=aux_dropout,
        providers={"encoder": str(chosen_encoder.provider), "decoder": str(chosen_decoder.provider)},
    )
    built_encoder = create_encoder(
        encoder, in_channels=in_channels, pretrained=pretrained, options=config.encoder_options
    )
    reserved = {"features": built_encoder.features}
    built_decoder = build_part("decoder", decoder, chosen_decoder.spec.build, reserved, config.decoder_options)
    if built_encoder.shrinks != built_decoder.shrinks:
        raise OptionError("padding='valid' is for encoder and decoder together, in encoder_options and decoder_options")
    heads = [
        nn.Conv2d(channels, classes, head_kernel_size, padding=head_kernel_size // 2)
        for channels in built_decoder.out_channels
    ]
    aux_head = None
    if aux_classes:
        deepest = built_encoder.features.channels[-1]
        aux_head = ImageHead(deepest, aux_classes, pooling=aux_pooling, dropout=aux_dropout)
    model = Segmenter(built_encoder, built_decoder, heads, config, aux_head)
    if activation_checkpointing:
        model.checkpoint_activations()
    set_order(model, torch.channels_last)
    return model


def create_from(config: "ModelConfig") -> "Segmenter":
    """The network that a configuration describes, with random weights and its `info`; raises as `create` does."""
    from dataclasses import replace

    model = create(
        config.decoder,
        encoder=config.encoder,
        classes=config.classes,
        in_channels=config.in_channels,
        encoder_options=config.encoder_options,
        decoder_options=config.decoder_options,
        head_kernel_size=config.head_kernel_size,
        aux_classes=config.aux_classes,
        aux_pooling=config.aux_pooling,
        aux_dropout=config.aux_dropout,
    )
    model.config = replace(model.config, info=config.info)
    return model


def create_encoder(
    name: str, *, in_channels: int = 3, pretrained: bool | str = False, options: Mapping[str, Any] | None = None
) -> "Encoder":
    """An encoder alone, such as a plugin that builds upon another's wants it.

    Args:
        name: of an encoder, see `list_encoders`.
        in_channels: channels of the images (b, in_channels, h, w).
        pretrained: as in `create`.
        options: the encoder's own options, see `describe("encoder", name)`.

    Raises:
        UnknownNameError, ConflictError, OptionError, PretrainedError: as `create`.
    """
    found = _registry("encoder").find(name)
    in_channels = check_count("in_channels", in_channels)
    folder = _saved_network(pretrained)
    reserved = {"in_channels": in_channels, "pretrained": pretrained if folder is None else False}
    encoder: Encoder = build_part("encoder", name, found.spec.build, reserved, options or {})
    if folder is not None:
        from unetzoo.weights.encoder import take_encoder

        take_encoder(encoder, name, folder)
    return encoder


def _saved_network(pretrained: bool | str) -> "Path | None":
    if isinstance(pretrained, bool):
        return None
    from unetzoo.weights.encoder import saved_network

    return saved_network(pretrained)


def create_dataset(name: str, *, split: Split = "train", options: Mapping[str, Any] | None = None) -> "Dataset":
    """A split of a data set.

    Args:
        name: of a data set, see `list_datasets`.
        split: `"train"`, `"val"` or `"test"`.
        options: its own options, see `describe("dataset", name)`.

    Raises:
        UnknownNameError, ConflictError, OptionError: as `create`; OptionError also for a split that is none of these.
    """
    found = _registry("dataset").find(name)
    check_choice("split", split, Split)
    dataset: Dataset = build_part("dataset", name, found.spec.build, {"split": split}, options or {})
    return dataset


def create_loss(
    expression: str, *, ignore_index: int | None = None, output_weights: tuple[float, ...] | None = None
) -> "WeightedSum":
    """Make a loss from an expression such as `"0.5*dice(smooth=1) + bce"`.

    Args:
        expression: names of losses, each with an optional factor before it and options behind it, joined by `+`.
        ignore_index: a target value whose pixels do not count, in every term; None: every pixel counts.
        output_weights: of the outputs when the loss is given a list of logits (deep supervision); default: all equal.

    Returns:
        A module that maps logits (b, k, h, w), or a list of them, and a target to a scalar >= 0. The target is (b, h,
        w) integer for binary (k = 1) and multiclass, (b, k, h, w) for multilabel.

    Raises:
        UnknownNameError, ConflictError, OptionError: as `create`; OptionError also for an expression that cannot be
            read.
    """
    from unetzoo.losses.expression import parse_loss
    from unetzoo.losses.first_touch import touch_constants

    touch_constants()
    return parse_loss(expression, _registry("loss"), ignore_index=ignore_index, output_weights=output_weights)


def list_encoders(pattern: str = "*") -> list[str]:
    """Names of the encoders that match a shell pattern such as `"convnext*"`."""
    return _registry("encoder").names(pattern)


def list_decoders(pattern: str = "*") -> list[str]:
    """Names of the decoders that match a shell pattern."""
    return _registry("decoder").names(pattern)


def list_losses(pattern: str = "*") -> list[str]:
    """Names of the losses that match a shell pattern."""
    return _registry("loss").names(pattern)


def list_datasets(pattern: str = "*") -> list[str]:
    """Names of the data sets that match a shell pattern."""
    return _registry("dataset").names(pattern)


def describe(kind: Kind, name: str) -> Description:
    """What is known about a part: its options with their defaults, its paper, who provides it.

    Raises:
        OptionError: `kind` is none of `"encoder"`, `"decoder"`, `"loss"`, `"dataset"`.
        UnknownNameError, ConflictError: as `create`.
    """
    if kind not in get_args(Kind):
        raise OptionError(f"there is no kind of part {kind!r}; there are {', '.join(get_args(Kind))}")
    entry = _registry(kind).find(name)
    spec = entry.spec
    return Description(
        kind=kind,
        name=spec.name,
        summary=spec.summary,
        paper=spec.paper,
        provider=str(entry.provider),
        options=options_of(kind, spec.build),
        license=getattr(spec, "license", ""),
        pretrained=getattr(spec, "pretrained", ()),
    )


def _registry(kind: str) -> Registry[Any]:
    return host().registries[kind]
