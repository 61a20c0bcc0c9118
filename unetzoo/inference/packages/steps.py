"""The steps before and after a network of bioimage.io, by their ids in the format 0.5.

The formulas are those of https://bioimage-io.github.io/spec-bioimage-io; percentiles are interpolated for `scale_range`
and are values of the image for `clip`, as bioimageio.core computes them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import WeightsError

Array = NDArray[Any]
_CODE = {
    "custom": "is code of the package",
    "cellpose_flow_dynamics": "needs the package cellpose",
    "stardist_postprocessing": "needs the package stardist",
}


@dataclass(frozen=True)
class Named:
    """An array with a name for each of its axes.

    Attributes:
        values: the array.
        axes: ids of its axes, such as `("batch", "channel", "y", "x")`.
    """

    values: Array
    axes: tuple[str, ...]

    def along(self, axis: str | None, numbers: float | Sequence[float]) -> Array:
        """Numbers as an array that broadcasts with the values: one for each index of an axis, or one for all."""
        array = np.asarray(numbers, np.float32)
        if axis is None or array.ndim == 0:
            return array
        return array.reshape([-1 if name == axis else 1 for name in self.axes])

    def over(self, axes: Sequence[str] | None) -> tuple[int, ...]:
        """The numbers of these axes; None: of all."""
        return tuple(index for index, name in enumerate(self.axes) if axes is None or name in axes)


@dataclass(frozen=True)
class Step:
    """A step of the format.

    Attributes:
        id: its name there.
        arguments: its `kwargs`.
    """

    id: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise WeightsError if the step is not computed here."""
        if self.id not in _STEPS:
            reason = _CODE.get(self.id, "is not computed by this version of unetzoo")
            raise WeightsError(f"the package has the step {self.id!r}, which {reason}; bioimageio.core may run it")

    def __call__(self, tensor: Named, originals: Mapping[str, Named]) -> Named:
        """The values after this step; `originals` are tensors before any step, by their ids."""
        return Named(_STEPS[self.id](tensor, self.arguments, originals), tensor.axes)


def _binarize(tensor: Named, arguments: Mapping[str, Any], _: Any) -> Array:  # noqa: ANN401 - of no effect
    result: Array = tensor.values > tensor.along(arguments.get("axis"), arguments["threshold"])
    return result


def _clip(tensor: Named, arguments: Mapping[str, Any], _: Any) -> Array:  # noqa: ANN401 - of no effect
    limits = []
    for name in ("min", "max"):
        percent = arguments.get(f"{name}_percentile")
        limit = arguments.get(name)
        if percent is not None:
            where = tensor.over(arguments.get("axes"))
            limit = np.quantile(tensor.values, percent / 100, axis=where, keepdims=True, method="inverted_cdf")
        limits.append(limit)
    result: Array = np.clip(tensor.values, *limits)
    return result


def _ensure_dtype(tensor: Named, arguments: Mapping[str, Any], _: Any) -> Array:  # noqa: ANN401 - of no effect
    return tensor.values.astype(arguments["dtype"], copy=False)


def _fixed_zero_mean_unit_variance(tensor: Named, arguments: Mapping[str, Any], _: Any) -> Array:  # noqa: ANN401 - as above
    mean, deviation = (tensor.along(arguments.get("axis"), arguments[name]) for name in ("mean", "std"))
    result: Array = (_floating(tensor.values) - mean) / deviation
    return result


def _scale_linear(tensor: Named, arguments: Mapping[str, Any], _: Any) -> Array:  # noqa: ANN401 - as above
    gain, offset = (
        tensor.along(arguments.get("axis"), arguments.get(name, usual)) for name, usual in (("gain", 1), ("offset", 0))
    )
    result: Array = _floating(tensor.values) * gain + offset
    return result


def _scale_mean_variance(tensor: Named, arguments: Mapping[str, Any], originals: Mapping[str, Named]) -> Array:
    reference, eps = _reference(tensor, arguments, originals), arguments.get("eps", 1e-6)
    (mean, deviation), (other_mean, other_deviation) = (
        _moments(each, arguments.get("axes")) for each in (tensor, reference)
    )
    result: Array = (_floating(tensor.values) - mean) / (deviation + eps) * (other_deviation + eps) + other_mean
    return result


def _scale_range(tensor: Named, arguments: Mapping[str, Any], originals: Mapping[str, Named]) -> Array:
    reference, where = _reference(tensor, arguments, originals), arguments.get("axes")
    percents = (arguments.get("min_percentile", 0.0), arguments.get("max_percentile", 100.0))
    values, own = _floating(tensor.values), _floating(reference.values)
    low, high = np.percentile(own, percents, axis=reference.over(where), keepdims=True).astype(values.dtype)
    result: Array = (values - low) / (high - low + arguments.get("eps", 1e-6))
    return result


def _sigmoid(tensor: Named, _: Any, __: Any) -> Array:  # noqa: ANN401 - of no effect
    values = _floating(tensor.values)
    with np.errstate(over="ignore"):  # of very negative values, whose sigmoid is 0
        result: Array = 1 / (1 + np.exp(-values))
    return result


def _softmax(tensor: Named, arguments: Mapping[str, Any], _: Any) -> Array:  # noqa: ANN401 - of no effect
    where = tensor.over([arguments.get("axis", "channel")])
    values = _floating(tensor.values)
    powers = np.exp(values - values.max(axis=where, keepdims=True))
    result: Array = powers / powers.sum(axis=where, keepdims=True)
    return result


def _zero_mean_unit_variance(tensor: Named, arguments: Mapping[str, Any], _: Any) -> Array:  # noqa: ANN401 - as above
    mean, deviation = _moments(tensor, arguments.get("axes"))
    result: Array = (_floating(tensor.values) - mean) / (deviation + arguments.get("eps", 1e-6))
    return result


_STEPS: dict[str, Callable[[Named, Mapping[str, Any], Mapping[str, Named]], Array]] = {
    "binarize": _binarize,
    "clip": _clip,
    "ensure_dtype": _ensure_dtype,
    "fixed_zero_mean_unit_variance": _fixed_zero_mean_unit_variance,
    "scale_linear": _scale_linear,
    "scale_mean_variance": _scale_mean_variance,
    "scale_range": _scale_range,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "zero_mean_unit_variance": _zero_mean_unit_variance,
}


def _floating(values: Array) -> Array:
    return values if values.dtype.kind == "f" else values.astype(np.float32)


def _moments(tensor: Named, axes: Sequence[str] | None) -> tuple[Array, Array]:
    """The mean and the standard deviation over axes, in the dtype of the result, summed in float64."""
    values, where = _floating(tensor.values), tensor.over(axes)
    moments = (moment(values, axis=where, keepdims=True, dtype=np.float64) for moment in (np.mean, np.std))
    mean, deviation = (np.asarray(each, values.dtype) for each in moments)
    return mean, deviation


def _reference(tensor: Named, arguments: Mapping[str, Any], originals: Mapping[str, Named]) -> Named:
    name = arguments.get("reference_tensor")
    return tensor if name is None else originals[name]
