"""Read networks of segmentation_models_pytorch."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from unetzoo.errors import WeightsError
from unetzoo.interop.smp_config import config_of_smp, tensors_of_smp
from unetzoo.interop.smp_families import FAMILIES
from unetzoo.interop.smp_keys import decoder_of
from unetzoo.interop.smp_names import last_block, renamed
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.state import tensors_in, without_prefix
from unetzoo.registry.build import build

_HEAD = "segmentation_head."


def from_smp(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state_dict of the same network in unetzoo, for decoders of their default shape.

    Layers that segmentation_models_pytorch creates but never calls are omitted: the gate before a block without a skip,
    the center of a U-Net++, and layers after the last block of a ViT or the last level of an encoder.

    Args:
        checkpoint: the state_dict of a network of segmentation_models_pytorch, whose names may have a prefix such as
            `model.`, or a mapping that contains it, such as under `"state_dict"`.

    Raises:
        WeightsError: it contains no such state_dict.
    """
    return renamed(_bare(checkpoint))


def network_from_smp(
    checkpoint: Mapping[str, Any], *, encoder: str, options: Mapping[str, Any] | None = None
) -> Segmenter:
    """The network that a state_dict of segmentation_models_pytorch belongs to, in evaluation mode.

    The architecture, the number of classes, and attention and widths of a U-Net are inferred from the tensors.

    Args:
        checkpoint: as for `from_smp`.
        encoder: its `encoder_name`.
        options: its other arguments, by their names there, such as `{"in_channels": 1, "encoder_depth": 4}`.

    Raises:
        WeightsError: there is no such state_dict, or it is that of another network.
        ConfigError: the network has no equivalent in unetzoo.
    """
    state = _bare(checkpoint)
    visible = _visible(state)
    described = visible | {"encoder_name": encoder} | dict(options or {})
    if described["_model_class"] != visible["_model_class"]:
        raise WeightsError(f"these are the tensors of {visible['_model_class']}, not of {described['_model_class']}")
    config = config_of_smp(described)
    model = build(config)
    try:
        model.load_state_dict(tensors_of_smp(state, config))
    except WeightsError as error:
        differences = str(error).partition(": ")[2]
        raise WeightsError(
            f"these are not the tensors of {described['_model_class']} with the encoder {encoder!r}: {differences}"
        ) from error
    return model.eval()


def _bare(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state_dict in a checkpoint, without the prefix before all names."""
    state = tensors_in(checkpoint)
    prefixes = sorted({key.partition(_HEAD)[0] for key in state if _HEAD in key})
    if len(prefixes) > 1:
        raise WeightsError(
            f"this state dict holds several networks, under {', '.join(map(repr, prefixes))}: pass the tensors of one"
        )
    if not prefixes:
        raise WeightsError(
            f"these are not the tensors of a network of segmentation_models_pytorch: there is no {_HEAD}*, but"
            f" {', '.join([*state][:3])}"
        )
    return without_prefix(state, prefixes[0])


def _visible(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The arguments of a network, as far as its tensors show them."""
    decoder = decoder_of(state.keys())
    last = last_block(state) if decoder is None else ""
    head = "segmentation_head.head.4.weight" if decoder == "dpt" else "segmentation_head.0.weight"
    visible: dict[str, Any] = {"_model_class": _class_of(decoder, last), "classes": len(state[head])}
    if "classification_head.3.weight" in state:
        visible["aux_params"] = {"classes": len(state["classification_head.3.weight"])}
    if decoder is None:
        gated = any(".attention1." in key for key in state)
        visible["decoder_attention_type"] = "scse" if gated else None
    if last.isdecimal():
        widths = [len(state[f"decoder.blocks.{block}.conv1.0.weight"]) for block in range(int(last) + 1)]
        visible |= {"encoder_depth": len(widths), "decoder_channels": widths}
    return visible


def _class_of(decoder: str | None, last: str) -> str:
    decoder = decoder or ("unet" if last.isdecimal() else "unetpp")
    return next(name for name, architecture in FAMILIES.items() if architecture.decoder == decoder)
