"""Read networks of MONAI: its DynUNet, which is nnU-Net's network."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import ConfigError, WeightsError
from unetzoo.interop.smp_keys import Pairs, replaced
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.state import tensors_in, without_prefix
from unetzoo.registry.build import build

_FIRST, _HEAD = "input_block.conv1.conv.weight", "output_block.conv.conv.weight"
_COPIES = ("skip_layers.", "deep_supervision_heads.", "heads.")  # the same layers again; outputs of training alone
_DECODER_KERNEL = re.compile(r"upsamples\.\d+\.conv_block\.conv\d\.conv\.weight")
_ACTIVATIONS = {"leakyrelu": "leaky_relu", "relu": "relu", "elu": "elu", "gelu": "gelu", "swish": "silu"}
_BLOCK = (("conv1.conv", "0"), ("norm1", "1"), ("conv2.conv", "3"), ("norm2", "4"))
_FUSE = (("conv1.conv", "fuse"), ("norm1", "norm"), ("conv2.conv", "conv.0"), ("norm2", "conv.1"))


def is_dynunet(checkpoint: Mapping[str, Any]) -> bool:
    """Whether a checkpoint holds the tensors of a DynUNet."""
    return any(name.endswith(_FIRST) for name in tensors_in(checkpoint))


def network_from_monai(checkpoint: Mapping[str, Any], *, options: Mapping[str, Any] | None = None) -> Segmenter:
    """The network that a state_dict of MONAI's DynUNet belongs to, in evaluation mode.

    Axes, channels, kernels, strides and norm are inferred from the tensors. The first stride is 1, and transposed
    convolutions have the strides of the level below, as in nnU-Net's plans. Kernels of the decoder are 3 wide along all
    axes, with zeros where they were 1 wide. Heads for deep supervision are omitted.

    Args:
        checkpoint: the state_dict, whose names may have a prefix such as `module.`, or a mapping that contains it.
        options: `act_name`, the name of the activation there; else `"leakyrelu"`, its default.

    Raises:
        WeightsError: there is no such state_dict, or it is that of another network, such as one with `res_block=True`.
        ConfigError: the network has no equivalent in unetzoo.
    """
    state = _bare(checkpoint)
    config = _config(state, dict(options or {}))
    model = build(config)
    tensors = {replaced(name, _pairs(config)): _wide(name, tensor) for name, tensor in state.items()}
    unbiased = {name: torch.zeros_like(own) for name, own in model.state_dict().items() if name.endswith(".up.bias")}
    try:
        model.load_state_dict(unbiased | tensors)
    except WeightsError as error:
        differences = str(error).partition(": ")[2]
        raise WeightsError(f"these tensors of MONAI's DynUNet have no equivalent in unetzoo: {differences}") from error
    return model.eval()


def _bare(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    state = tensors_in(checkpoint)
    first = min((name for name in state if name.endswith(_FIRST)), key=len, default=None)
    if first is None:
        raise WeightsError(f"these are not the tensors of MONAI's DynUNet: there is no {_FIRST}")
    bare = without_prefix(state, first.removesuffix(_FIRST))
    return {name: tensor for name, tensor in bare.items() if not name.startswith(_COPIES)}


def _config(state: Mapping[str, Tensor], options: dict[str, Any]) -> ModelConfig:
    activation = options.pop("act_name", "leakyrelu")
    if options or activation not in _ACTIVATIONS:
        raise ConfigError(
            f"of MONAI's DynUNet only act_name is an option, one of {', '.join(_ACTIVATIONS)};"
            f" got {options | {'act_name': activation}}"
        )
    firsts = [state[name] for name in _levels(state, "{}.conv1.conv.weight")]
    ups = [state[name] for name in _numbered(state, "upsamples.{}.transp_conv.conv.weight")]
    if _HEAD not in state or len(ups) != len(firsts) - 1:
        raise WeightsError("tensors of MONAI's DynUNet are missing: this state_dict is not a whole network")
    widths = [len(first) for first in firsts]
    style = {
        "norm": "batch" if "input_block.norm1.running_mean" in state else "instance",
        "activation": _ACTIVATIONS[activation],
    }
    return ModelConfig(
        decoder="unet",
        encoder="plain",
        classes=len(state[_HEAD]),
        in_channels=firsts[0].shape[1],
        spatial_dims=firsts[0].ndim - 2,
        encoder_options={
            "widths": widths,
            "kernel_sizes": [[*first.shape[2:]] for first in firsts],
            "strides": [1, *([*up.shape[2:]] for up in reversed(ups))],
            "downsample": "stride",
            **style,
        },
        decoder_options={"widths": widths[-2::-1], "upsample": "transpose", **style},
    )


def _wide(name: str, tensor: Tensor) -> Tensor:
    """A kernel of the decoder with zeros on both sides along axes where it is 1 wide; other tensors as they are."""
    if not _DECODER_KERNEL.fullmatch(name):
        return tensor
    return F.pad(tensor, [int(side == 1) for side in reversed(tensor.shape[2:]) for _ in range(2)])


def _levels(state: Mapping[str, Tensor], pattern: str) -> list[str]:
    between = _numbered(state, pattern.format("downsamples.{}"))
    ends = [pattern.format(end) for end in ("input_block", "bottleneck")]
    if missing := [name for name in ends if name not in state]:
        raise WeightsError(f"tensors of MONAI's DynUNet are missing: {', '.join(missing)}")
    return [ends[0], *between, ends[1]]


def _numbered(state: Mapping[str, Tensor], pattern: str) -> list[str]:
    """The names of a pattern with the numbers 0, 1, ..."""
    names: list[str] = []
    while (name := pattern.format(len(names))) in state:
        names.append(name)
    return names


def _pairs(config: ModelConfig) -> Pairs:
    levels: Sequence[str] = [f"downsamples.{level}" for level in range(len(config.encoder_options["widths"]) - 2)]
    encoder = [
        (rf"{re.escape(level)}\.{re.escape(theirs)}\.", f"encoder.stages.{number}.{ours}.")
        for number, level in enumerate(["input_block", *levels, "bottleneck"])
        for theirs, ours in _BLOCK
    ]
    decoder = [
        (rf"upsamples\.(\d+)\.conv_block\.{re.escape(theirs)}\.", rf"decoder.stages.\1.{ours}.")
        for theirs, ours in _FUSE
    ]
    up = (r"upsamples\.(\d+)\.transp_conv\.conv\.", r"decoder.stages.\1.up.")
    return (*encoder, *decoder, up, (r"output_block\.conv\.conv\.", "heads.0."))
