"""What the plans in a checkpoint of nnU-Net say: axes, activation, classes, channels, spacing and normalization."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from unetzoo.errors import UnetzooError, WeightsError
from unetzoo.interop.nnunet_labels import read_labels
from unetzoo.nn.coding import IGNORED, UNKNOWN, Labels, MaskCoding
from unetzoo.nn.info import ModelInfo
from unetzoo.nn.normalization import NONZERO, ChannelNormalization, ClipNormalization

_NETWORK = "PlainConvUNet"
_NOT_OURS = {
    "ResidualEncoderUNet": "its decoder has one convolution a level, and the decoder 'unet' two",
}
_ACTIVATIONS = {"LeakyReLU": "leakyrelu", "ReLU": "relu", "ELU": "elu", "GELU": "gelu", "SiLU": "swish"}
_SLOPE, _EPSILON = 0.01, 1e-5
_AXES = "zyx"
_UNIT = "mm"  # of volumes, as their readers give it
_MOST_PARENTS = 10
_SCHEMES: dict[str, ChannelNormalization] = {
    "ZScoreNormalization": "z-score",
    "NoNormalization": "none",
    "RescaleTo01Normalization": "to 0..1",
    "RGBTo01Normalization": ClipNormalization(low=0, high=255, mean=0, std=255),
}


@dataclass(frozen=True)
class NnunetPlans:
    """What is known of a network beyond its tensors.

    Attributes:
        activation: MONAI's name of it.
        order: the axes of the tensors' kernels in the order of the axes of files.
        info: names, spacing and normalization.
        labels: `"overlapping"` for regions, which a pixel may have several of.
        doubts: what does not come along, in sentences.
    """

    activation: str = "leakyrelu"
    order: tuple[int, ...] = ()
    info: ModelInfo = field(default_factory=ModelInfo)
    labels: Labels = "exclusive"
    doubts: tuple[str, ...] = ()


def refuse(network: str) -> WeightsError:
    """The error for a network that is not nnU-Net's first one."""
    reason = f": {_NOT_OURS[network]}" if network in _NOT_OURS else ""
    return WeightsError(f"nnU-Net's {network} has no equal in unetzoo{reason}; its {_NETWORK} is read")


def read_plans(arguments: object, *, axes: int, channels: int, classes: int) -> NnunetPlans:
    """What `init_args` of a checkpoint say.

    Args:
        arguments: with `plans`, `configuration` and `dataset_json`.
        axes: of the network's images, 2 or 3.
        channels: of its images.
        classes: number of its logits.

    Raises:
        WeightsError: they are not those of nnU-Net 2, the network is another than `PlainConvUNet` or has other options,
            or it takes the result of another network as channels.
    """
    try:
        return _read(arguments, axes, channels, classes)
    except WeightsError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, UnetzooError) as error:
        raise WeightsError(
            f"the init_args of this checkpoint are not those of nnU-Net 2 ({type(error).__name__}: {error}): to read "
            "the network without them, save its network_weights alone"
        ) from error


def _read(arguments: Any, axes: int, channels: int, classes: int) -> NnunetPlans:  # noqa: ANN401 - of a stranger's file
    plans, dataset = arguments["plans"], arguments["dataset_json"]
    configuration = _configuration(plans, arguments["configuration"])
    if configuration.get("previous_stage"):
        raise WeightsError(
            f"the configuration {arguments['configuration']!r} takes the classes that nnU-Net's "
            f"{configuration['previous_stage']!r} predicts as channels, which no network of unetzoo does"
        )
    activation = _activation(configuration)
    forward = plans["transpose_forward"]
    if sorted(forward) != [0, 1, 2]:
        raise WeightsError(f"the axes of these plans are not three: transpose_forward is {forward!r}")
    used = forward[3 - axes :]
    order = tuple(sorted(range(axes), key=lambda axis: used[axis]))
    doubts: list[str] = []
    info = ModelInfo(channel_names=_channels(dataset, channels, doubts))
    info = replace(info, normalization=_normalization(plans, configuration, channels, doubts))
    if plans["original_median_shape_after_transp"][0] > 1 or axes == 3:
        spacing = [float(configuration["spacing"][-axes:][axis]) for axis in order]
        info = replace(info, pixel_size=spacing, pixel_size_range=(min(spacing), max(spacing)), unit=_UNIT)
        if axes == 2:
            info = replace(info, slices=1, slice_axis=_AXES[forward[0]])
    coding = _coding(dataset, classes, doubts)
    if coding is not None:
        info = replace(info, class_names=coding.class_names, mask_coding=coding.to_dict())
    labels = "exclusive" if coding is None else coding.labels
    return NnunetPlans(activation, order, info, labels, tuple(doubts))


def _configuration(plans: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A configuration with what it inherits."""
    found: dict[str, Any] = {"inherits_from": name}
    for _ in range(_MOST_PARENTS):
        if "inherits_from" not in found:
            return found
        found = {**plans["configurations"][found.pop("inherits_from")], **found}
    raise ValueError("configurations inherit from one another")


def _activation(configuration: Mapping[str, Any]) -> str:
    """MONAI's name of the activation; WeightsError for networks that are not like those of nnU-Net's planner."""
    architecture = configuration.get("architecture")
    if architecture is None:  # before 2.4, where the activation was not an option
        network = str(configuration["UNet_class_name"])
        if network != _NETWORK:
            raise refuse(network)
        return _ACTIVATIONS["LeakyReLU"]
    network = str(architecture["network_class_name"]).rpartition(".")[2]
    if network != _NETWORK:
        raise refuse(network)
    options = architecture["arch_kwargs"]
    activation = str(options["nonlin"]).rpartition(".")[2]
    kwargs, norm = options.get("nonlin_kwargs") or {}, options.get("norm_op_kwargs") or {}
    is_usual = {**kwargs, "inplace": True} in ({"inplace": True}, {"inplace": True, "negative_slope": _SLOPE})
    if activation not in _ACTIVATIONS or not is_usual or options.get("nonlin_first"):
        raise WeightsError(
            f"this {_NETWORK} has an activation without an equal: {options['nonlin']} with {kwargs}"
            f"{' before the norm' if options.get('nonlin_first') else ''}"
        )
    if norm.get("eps", _EPSILON) != _EPSILON:
        raise WeightsError(f"the norms of this {_NETWORK} have eps={norm['eps']!r}, and those of unetzoo {_EPSILON:g}")
    return _ACTIVATIONS[activation]


def _channels(dataset: Mapping[str, Any], count: int, doubts: list[str]) -> tuple[str, ...]:
    named = dataset.get("channel_names", dataset.get("modality", {}))
    names = tuple(str(named[number]) for number in sorted(named, key=int))
    if len(names) == count and len({*names}) == count:
        return names
    doubts.append(f"names of channels: there are {count}, and dataset_json names {', '.join(names) or 'none'}")
    return ()


def _coding(dataset: Mapping[str, Any], classes: int, doubts: list[str]) -> MaskCoding | None:
    labels = read_labels(dataset["labels"])
    if labels is None:
        doubts.append(f"names of classes: the labels are not names with numbers of their own: {dataset['labels']!r}")
        return None
    numbers = {name: some for name, some in labels.numbers.items() if not labels.are_regions or some != (0,)}
    if len(numbers) != classes:
        doubts.append(f"names of classes: there are {classes}, and dataset_json names {', '.join(numbers)}")
        return None
    taken = {number for some in numbers.values() for number in some}
    unknown = tuple(dict.fromkeys([*(code for code in (UNKNOWN, IGNORED) if code not in taken), *labels.ignored]))
    first = tuple(some[0] for some in numbers.values())
    regions = tuple(numbers.values()) if labels.are_regions else ()
    return MaskCoding("ids", first, tuple(numbers), unknown, regions=regions)


def _normalization(
    plans: Mapping[str, Any], configuration: Mapping[str, Any], channels: int, doubts: list[str]
) -> tuple[ChannelNormalization, ...]:
    schemes = [str(scheme) for scheme in configuration["normalization_schemes"]]
    masked = [bool(value) for value in configuration["use_mask_for_norm"]]
    strange = [scheme for scheme in schemes if scheme not in (*_SCHEMES, "CTNormalization")]
    if strange or not len(schemes) == len(masked) == channels:
        doubts.append(f"the normalization of {channels} channels, {', '.join(schemes)}: normalize images beforehand")
        return ()
    return tuple(_normalizations(schemes, masked, plans))


def _normalizations(
    schemes: Sequence[str], masked: Sequence[bool], plans: Mapping[str, Any]
) -> Iterator[ChannelNormalization]:
    for number, (scheme, is_masked) in enumerate(zip(schemes, masked, strict=True)):
        if scheme == "CTNormalization":
            values = plans["foreground_intensity_properties_per_channel"][str(number)]
            names = {"low": "percentile_00_5", "high": "percentile_99_5", "mean": "mean", "std": "std"}
            yield ClipNormalization(**{ours: values[theirs] for ours, theirs in names.items()})
        else:
            yield NONZERO if is_masked and scheme == "ZScoreNormalization" else _SCHEMES[scheme]
