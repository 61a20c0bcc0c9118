"""Create parts by name."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from unetzoo.checks import check_choice
from unetzoo.errors import ConfigError, OptionError
from unetzoo.options import build_part
from unetzoo.registry.host import host

if TYPE_CHECKING:
    from unetzoo.data.dataset import Dataset
    from unetzoo.losses.expression import WeightedSum
    from unetzoo.nn.coding import Labels
    from unetzoo.nn.config import Pooling
    from unetzoo.nn.segmenter import Encoder, Segmenter
    from unetzoo.objects.coding import ObjectCoding

Split = Literal["train", "val", "test"]


def create(
    decoder: str,
    *,
    encoder: str,
    classes: int = 1,
    in_channels: int = 3,
    spatial_dims: int = 2,
    pretrained: bool | str = False,
    encoder_options: Mapping[str, Any] | None = None,
    decoder_options: Mapping[str, Any] | None = None,
    head_kernel_size: int = 1,
    aux_classes: int = 0,
    aux_pooling: "Pooling" = "avg",
    aux_dropout: float = 0.2,
    objects: str = "",
    objects_options: Mapping[str, Any] | None = None,
    object_classes: int = 1,
    labels: "Labels" = "exclusive",
    activation_checkpointing: bool = False,
) -> "Segmenter":
    """Build a segmentation network, in training mode.

    Its weights are in the memory format `torch.channels_last`, with which a CPU trains and predicts faster; images may
    have either format.

    Args:
        decoder: name of a decoder, see `list_decoders`.
        encoder: name of an encoder, see `list_encoders`.
        classes: channels of the logits (b, classes, h, w); 1 is binary. With `objects` they follow from it.
        in_channels: channels of the images (b, in_channels, h, w).
        spatial_dims: 2 for images, 3 for volumes (b, in_channels, d, h, w), see `describe(kind, name).spatial_dims`.
        pretrained: the encoder's weights: random (False), its default ones (True), or those of a tag, of a
            `.safetensors` file, of a repository of the Hub, `"hf-hub:user/name"`, or of a network with that encoder
            that is saved in a folder.
        encoder_options: the encoder's own options, see `describe("encoder", name)`.
        decoder_options: the decoder's own options, see `describe("decoder", name)`.
        head_kernel_size: side of the kernel of the last convolution, which makes the logits, in pixels; odd.
        aux_classes: classes of an auxiliary head that classifies whole images, see `Segmenter.with_class_logits`; 0
            disables it.
        aux_pooling: how that head pools the encoder's deepest features, mean or maximum.
        aux_dropout: dropout probability of that head.
        objects: name of a coding of objects, see `list_objects`: the logits become its maps, and `predict_objects`
            numbers the objects. Empty: each pixel has a class.
        objects_options: the coding's own options, see `describe("object", name)`.
        object_classes: classes of the objects; from 2 on, a map of their classes follows those of the coding.
        labels: `"exclusive"`: a pixel has one class; `"overlapping"`: it may have several or none, and each logit is
            that of one class, whose probability is the sigmoid.
        activation_checkpointing: train with less memory and more time, see `Segmenter.checkpoint_activations`; it is
            not part of the configuration.

    Raises:
        UnknownNameError: no such decoder, encoder or coding.
        ConflictError: several plugins provide that name.
        OptionError: an option that the part does not have, or a value that it refuses.
        MissingExtraError: the extra `objects` is needed, and not installed.
        PretrainedError: there are no such weights, or they cannot be loaded.
    """
    from unetzoo.nn.config import ModelConfig
    from unetzoo.registry.build import build
    from unetzoo.registry.objects import channels_of_objects
    from unetzoo.weights.encoder import saved_network, take_encoder

    if objects:
        classes = channels_of_objects(objects, objects_options or {}, classes, object_classes)
    elif object_classes != 1:
        raise OptionError(f"object_classes={object_classes!r} needs a coding of objects, objects=...")
    try:
        config = ModelConfig(
            decoder=decoder,
            encoder=encoder,
            classes=classes,
            in_channels=in_channels,
            spatial_dims=spatial_dims,
            encoder_options=encoder_options or {},
            decoder_options=decoder_options or {},
            head_kernel_size=head_kernel_size,
            aux_classes=aux_classes,
            aux_pooling=aux_pooling,
            aux_dropout=aux_dropout,
            objects=objects,
            objects_options=objects_options or {},
            labels=labels,
        )
    except ConfigError as error:
        raise OptionError(str(error)) from error
    folder = saved_network(pretrained)
    model = build(config, pretrained=pretrained if folder is None else False)
    if folder is not None:
        take_encoder(model.encoder, encoder, folder)
    model.is_trained = bool(pretrained)
    if activation_checkpointing:
        model.checkpoint_activations()
    return model


def create_encoder(
    name: str,
    *,
    in_channels: int = 3,
    spatial_dims: int = 2,
    pretrained: bool | str = False,
    options: Mapping[str, Any] | None = None,
) -> "Encoder":
    """Build an encoder alone, for instance in a plugin that extends it.

    Args:
        name: name of an encoder, see `list_encoders`.
        in_channels: channels of the images (b, in_channels, h, w).
        spatial_dims: 2 for images, 3 for volumes (b, in_channels, d, h, w).
        pretrained: as in `create`.
        options: the encoder's own options, see `describe("encoder", name)`.

    Raises:
        UnknownNameError, ConflictError, OptionError, PretrainedError: as `create`.
    """
    from unetzoo.registry.build import build_encoder
    from unetzoo.weights.encoder import saved_network, take_encoder

    folder = saved_network(pretrained)
    encoder = build_encoder(
        name,
        in_channels=in_channels,
        spatial_dims=spatial_dims,
        pretrained=pretrained if folder is None else False,
        options=options,
    )
    if folder is not None:
        take_encoder(encoder, name, folder)
    return encoder


def create_dataset(name: str, *, split: Split = "train", options: Mapping[str, Any] | None = None) -> "Dataset":
    """A split of a data set.

    Args:
        name: name of a data set, see `list_datasets`.
        split: `"train"`, `"val"` or `"test"`.
        options: its own options, see `describe("dataset", name)`.

    Raises:
        UnknownNameError, ConflictError, OptionError: as `create`; OptionError also for another split.
    """
    entry = host().registries["dataset"].find(name)
    check_choice("split", split, Split)
    dataset: Dataset = build_part("dataset", name, entry.spec.build, {"split": split}, options or {})
    return dataset


def create_loss(
    expression: str, *, ignore_index: int | None = None, output_weights: Sequence[float] | None = None
) -> "WeightedSum":
    """Create a loss from an expression such as `"0.5*dice(smooth=1) + bce"`.

    Args:
        expression: names of losses joined by `+`, each with an optional factor before it and options after it.
        ignore_index: a target value whose pixels do not count, in every term; None: every pixel counts.
        output_weights: weights of the outputs for a list of logits (deep supervision); None: all equal.

    Returns:
        A module that maps logits (b, k, h, w), or a list of them, and a target to a scalar >= 0. The target is (b, h,
        w) integer for binary (k = 1) and multiclass, (b, k, h, w) for multilabel; volumes have an axis d before h.

    Raises:
        UnknownNameError, ConflictError, OptionError: as `create`; OptionError also for an invalid
            expression.
    """
    from unetzoo.losses.expression import parse_loss
    from unetzoo.losses.first_touch import touch_constants

    touch_constants()
    return parse_loss(expression, host().registries["loss"], ignore_index=ignore_index, output_weights=output_weights)


def create_objects(name: str, *, options: Mapping[str, Any] | None = None) -> "ObjectCoding":
    """A coding of objects: ids become maps that a network learns, and maps become ids.

    Args:
        name: name of a coding, see `list_objects`.
        options: the coding's own options, see `describe("object", name)`.

    Raises:
        UnknownNameError, ConflictError, OptionError: as `create`.
        MissingExtraError: the extra `objects` is not installed.
        PluginError: the plugin's builder gives something else.
    """
    from unetzoo.registry.objects import build_coding

    return build_coding(name, options or {})
