"""Read networks of nnU-Net: checkpoints of its version 2 whose network is `PlainConvUNet` (arXiv:1809.10486).

Its graph is that of MONAI's DynUNet but for biases, so tensors get the names of one, which `monai` reads.
"""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from unetzoo.errors import WeightsError, WeightsWarning
from unetzoo.interop.monai import network_from_monai
from unetzoo.interop.nnunet_plans import NnunetPlans, read_plans, refuse
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.state import tensors_in, without_prefix

_WEIGHTS, _ARGUMENTS = "network_weights", "init_args"
_FIRST = "encoder.stages.0.0.convs.0.conv.weight"
_RESIDUAL = "encoder.stages.0.blocks.0.conv1.conv.weight"
_COPIES = ("decoder.encoder.",)  # the same layers again
_COPY = ".all_modules."
_HEADS = "decoder.seg_layers."
_LAYERS = {"convs.0.conv.": "conv1.conv.", "convs.0.norm.": "norm1."}
_LAYERS |= {"convs.1.conv.": "conv2.conv.", "convs.1.norm.": "norm2."}
_ENDS = (("weight",), ("weight", "bias"))  # of convolutions, whose bias is an option; of norms and the head
_KNOWN = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_MOST_NAMES = 4


def is_nnunet(checkpoint: Mapping[str, Any]) -> bool:
    """Whether this is a checkpoint of nnU-Net 2, or holds the tensors of its networks."""
    if _WEIGHTS in checkpoint:
        return True
    return any(name.endswith((_FIRST, _RESIDUAL)) for name in tensors_in(checkpoint))


def network_from_nnunet(checkpoint: Mapping[str, Any]) -> Segmenter:
    """The network of a checkpoint of nnU-Net 2, in evaluation mode, over the axes of files.

    Axes, channels, kernels and strides are inferred from the tensors; names of classes and channels, spacing and
    normalization are those of the plans. Biases before a norm are within it, or without influence. Kernels of the
    decoder are 3 wide along all axes, with zeros where they were 1 wide. Heads for deep supervision are omitted.

    Args:
        checkpoint: what a file such as `checkpoint_final.pth` holds, or a state dict of the network alone.

    Raises:
        WeightsError: the network is another than `PlainConvUNet`, or not all of it is there.
        ConfigError: it has no equivalent in unetzoo.

    Warns:
        WeightsWarning: something of the plans does not come along.
    """
    state = _bare(checkpoint)
    levels = sum(f"encoder.stages.{level}.0.convs.0.conv.weight" in state for level in range(len(state)))
    head = f"{_HEADS}{levels - 2}."
    state = {name: tensor for name, tensor in state.items() if not name.startswith(_HEADS) or name.startswith(head)}
    _check(state, levels)
    plans = NnunetPlans()
    if _ARGUMENTS in checkpoint:
        first, classes = state[_FIRST], len(state[f"{head}weight"])
        plans = read_plans(checkpoint[_ARGUMENTS], axes=first.ndim - 2, channels=first.shape[1], classes=classes)
    names = dynunet_names(levels)
    tensors = {renamed(name, names): _turned(tensor, plans.order) for name, tensor in _unbiased(state).items()}
    model = network_from_monai(tensors, options={"act_name": plans.activation})
    model.config = replace(model.config, labels=plans.labels, info=plans.info)
    for doubt in plans.doubts:
        warnings.warn(f"not read from the checkpoint: {doubt}", WeightsWarning, stacklevel=2)
    return model


def unused_heads(checkpoint: Mapping[str, Any]) -> int:
    """Number of heads for deep supervision, which training alone uses, and `network_from_nnunet` leaves out."""
    state = _bare(checkpoint)
    return len({name.removeprefix(_HEADS).split(".")[0] for name in state if name.startswith(_HEADS)}) - 1


def dynunet_names(levels: int) -> dict[str, str]:
    """How the names of the tensors of a `PlainConvUNet` with so many levels begin, and those of a DynUNet's."""
    blocks = {"encoder.stages.0.0.": "input_block.", f"encoder.stages.{levels - 1}.0.": "bottleneck."}
    blocks |= {f"encoder.stages.{level}.0.": f"downsamples.{level - 1}." for level in range(1, levels - 1)}
    blocks |= {f"decoder.stages.{level}.": f"upsamples.{level}.conv_block." for level in range(levels - 1)}
    names = {theirs + layer: ours + to for theirs, ours in blocks.items() for layer, to in _LAYERS.items()}
    names |= {f"decoder.transpconvs.{level}.": f"upsamples.{level}.transp_conv.conv." for level in range(levels - 1)}
    return names | {f"{_HEADS}{levels - 2}.": "output_block.conv.conv."}


def renamed(name: str, names: Mapping[str, str]) -> str:
    """A name whose beginning is replaced; as it is if it begins like none."""
    begin = next((one for one in names if name.startswith(one)), "")
    return names.get(begin, "") + name.removeprefix(begin)


def _bare(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors without a prefix such as `module.`, each once."""
    weights = checkpoint.get(_WEIGHTS, checkpoint)
    state = tensors_in(weights if isinstance(weights, Mapping) else {})
    if any(name.endswith(_RESIDUAL) for name in state):
        raise refuse("ResidualEncoderUNet")
    first = min((name for name in state if name.endswith(_FIRST)), key=len, default=None)
    if first is None:
        raise WeightsError(f"these are not the tensors of nnU-Net's PlainConvUNet: there is no {_FIRST}")
    bare = without_prefix(state, first.removesuffix(_FIRST))
    return {name: tensor for name, tensor in bare.items() if not name.startswith(_COPIES) and _COPY not in name}


def _check(state: Mapping[str, Tensor], levels: int) -> None:
    """Raise WeightsError if tensors are missing, or there are others."""
    names = dynunet_names(levels)
    needed = [f"{begin}{end}" for begin in names for end in _ENDS[".conv." not in begin and ".transp" not in begin]]
    missing = [name for name in needed if name not in state]
    known = {f"{begin}{end}" for begin in names for end in _KNOWN}
    if others := [name for name in state if name not in known]:
        raise WeightsError(
            f"this PlainConvUNet has {_shown(others)}, which have no equal in unetzoo: a level has two convolutions"
        )
    if missing:
        raise WeightsError(f"tensors of nnU-Net's PlainConvUNet are missing: {_shown(missing)}")


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES:,} more" if names[_MOST_NAMES:] else ""
    return f"{', '.join(names[:_MOST_NAMES])}{more}"


def _unbiased(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without the biases before norms: those of an instance take them off, those of batches know them."""
    result = dict(state)
    for name, bias in state.items():
        if not name.endswith(".conv.bias"):
            continue
        del result[name]
        mean = name.removesuffix("conv.bias") + "norm.running_mean"
        if mean in state:
            result[mean] = state[mean] - bias
    return result


def _turned(tensor: Tensor, order: tuple[int, ...]) -> Tensor:
    """A kernel with its axes in the order of those of files; other tensors as they are."""
    if tensor.ndim < 4 or not order:
        return tensor
    return tensor.permute(0, 1, *(2 + axis for axis in order)).contiguous()
