"""Prune a trained U-Net++ to one of the shallower networks nested in it (arXiv:1807.10165, section 3.3)."""

from dataclasses import replace

from unetzoo.catalog import describe
from unetzoo.checks import whole
from unetzoo.decoders.unetpp import UNetPlusPlusDecoder, nested_widths
from unetzoo.errors import OptionError
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.registry.build import build


def prune(model: Segmenter, level: int) -> Segmenter:
    """The U-Net of depth `level` that is nested in a U-Net++, as a network of its own.

    Args:
        model: a network with the decoder `unetpp`, trained with `deep_supervision`.
        level: 1 (encoder levels 0 and 1, node X(0, 1)) up to the depth of `model`, which keeps all nodes.

    Returns:
        A network whose logits are those that the supervised head of X(0, level) gave (on images whose sides `model`'s
        deepest reduction divides; on others the padding, and so the border, may differ). Its weights are copies; it is
        in the mode, on the device and of the dtype of `model`, with its information about classes and images, but
        without its metrics. Logits of whole images need the deepest level, and are only kept with it.

    Raises:
        OptionError: the decoder is another one, or the level does not exist or has no supervised head.
    """
    model = segmenter_of(model, "pruned")
    decoder = model.decoder
    if not isinstance(decoder, UNetPlusPlusDecoder):
        raise OptionError(f"only the decoder 'unetpp' can be pruned; this one is {model.config.decoder!r}")
    deepest = decoder.levels - 1
    number = whole(level)
    if number is None or not 1 <= number <= deepest:
        raise OptionError(f"this U-Net++ can be pruned to levels 1 to {deepest}, got {level!r}")
    level = number
    if level < deepest and not decoder.deep_supervision:
        raise OptionError(
            "only a U-Net++ created with decoder_options={'deep_supervision': True} has heads to prune to"
        )
    config = _pruned_config(model.config, decoder, level)
    pruned = build(config)
    head = f"heads.{level - 1 if decoder.deep_supervision else 0}."
    state = {key.replace(head, "heads.0.", 1): value for key, value in model.state_dict().items() if _kept(key, head)}
    names = pruned.state_dict().keys()
    pruned.load_state_dict({key: value for key, value in state.items() if key in names})
    example = next(model.parameters())
    return pruned.to(example.device, example.dtype).train(model.training)


def _kept(key: str, head: str) -> bool:
    return key.startswith(head) or not key.startswith("heads.")


def _pruned_config(config: ModelConfig, decoder: UNetPlusPlusDecoder, level: int) -> ModelConfig:
    encoder_options = dict(config.encoder_options)
    if encoder_options.get("out_indices") is not None:
        encoder_options["out_indices"] = encoder_options["out_indices"][: level + 1]
    elif "depth" in {option.name for option in describe("encoder", config.encoder).options}:
        encoder_options["depth"] = level + 1
    else:
        raise OptionError(f"the encoder {config.encoder!r} has no option 'depth', so it cannot be pruned")
    decoder_options = {**config.decoder_options, "deep_supervision": False, "widths": nested_widths(decoder, level)}
    if decoder_options.get("skip_widths") is not None:
        decoder_options["skip_widths"] = decoder_options["skip_widths"][: level + 1]
    aux_classes = config.aux_classes if level == decoder.levels - 1 else 0
    return replace(
        config,
        encoder_options=encoder_options,
        decoder_options=decoder_options,
        aux_classes=aux_classes,
        info=replace(config.info, metrics={}),  # those of the whole network
    )
