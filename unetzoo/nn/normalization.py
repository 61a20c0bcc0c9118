"""How the values of a channel become those that a network sees, where mean and std of all images are not enough."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from unetzoo.checks import number, plain
from unetzoo.errors import OptionError

Scheme = Literal["z-score", "z-score of nonzero", "to 0..1", "none"]
NONZERO: Scheme = "z-score of nonzero"
_LEAST_STD = 1e-8  # as in nnunetv2
_WORDS = get_args(Scheme)


@dataclass(frozen=True, kw_only=True)
class ClipNormalization:
    """Values are cut to `low` and `high`, then `mean` is taken off and the rest divided by `std`.

    nnU-Net normalizes CTs so (doi:10.1038/s41592-020-01008-z), by the values of the foreground of all cases.

    Attributes:
        low: the smallest value that counts, such as the 0.5 percentile of the foreground.
        high: the largest, such as the 99.5 percentile, > `low`.
        mean: of the foreground.
        std: its standard deviation, > 0.

    Raises:
        OptionError: a value is no finite number, or out of its range.
    """

    low: float
    high: float
    mean: float
    std: float

    def __post_init__(self) -> None:
        for each in fields(self):
            value = number(getattr(self, each.name))
            if value is None or not math.isfinite(value):
                raise OptionError(
                    f"normalization: {each.name} must be a finite number, got {getattr(self, each.name)!r}"
                )
            object.__setattr__(self, each.name, float(value))
        if self.low >= self.high or self.std <= 0:
            raise OptionError(f"normalization: low must be less than high, and std > 0; got {self}")


ChannelNormalization: TypeAlias = Scheme | ClipNormalization
"""That of a channel. `"z-score"`: its mean in the whole image is taken off and the rest divided by its standard
deviation there; `"z-score of nonzero"`: likewise, but pixels that are 0 in all channels do not count, and stay 0;
`"to 0..1"`: from its smallest to its largest value in the whole image; `"none"`: values stay as they are."""

Normalizations: TypeAlias = ChannelNormalization | Sequence[ChannelNormalization]
"""One for all channels, or one for each."""


class Moments(NamedTuple):
    """What the values of a whole image are like.

    Attributes:
        mean: of each channel, without pixels that have no data.
        std: likewise the standard deviation.
        low: likewise the smallest value.
        high: likewise the largest.
        empty: share of the pixels with data that are 0 in all channels.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    empty: float = 0.0

    def of(self, numbers: Sequence[int]) -> "Moments":
        """Those of some channels, by their numbers, which begin again after the last."""
        count = len(self.mean)
        mean, std, low, high = (
            tuple(values[number % count] for number in numbers) for values in (self.mean, self.std, self.low, self.high)
        )
        return Moments(mean, std, low, high, self.empty)


class Steps(NamedTuple):
    """`(clip(values, low, high) - shift) * scale`, float64, (channels,), or (1,) for all channels alike."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]

    @property
    def clips(self) -> bool:
        """Whether any value is cut."""
        return bool(np.isfinite([self.low, self.high]).any())


def check_normalization(values: object) -> tuple[ChannelNormalization, ...]:
    """Normalizations as a tuple; tables with the four numbers become `ClipNormalization`.

    Raises:
        OptionError: anything else than one of the words, such a table, or a list of them.
    """
    if isinstance(values, str | Mapping | ClipNormalization):
        values = [values]
    if not isinstance(values, Sequence):
        raise _refusal(values)
    return tuple(map(_checked, values))


def read_normalization(text: str) -> ChannelNormalization:
    """That of a channel as it is written on the command line: a word, or `LOW,HIGH,MEAN,STD`.

    Raises:
        OptionError: it is neither.
    """
    try:
        low, high, mean, std = map(float, text.split(","))
    except ValueError:
        return _checked(text)
    return ClipNormalization(low=low, high=high, mean=mean, std=std)


def text_of(normalization: ChannelNormalization) -> str:
    """What happens, in words."""
    if isinstance(normalization, str):
        return normalization
    low, high, mean, std = (f"{getattr(normalization, each.name):g}" for each in fields(normalization))
    return f"clip to {low} and {high}, then subtract {mean} and divide by {std}"


def is_relative(normalization: ChannelNormalization) -> bool:
    """Whether the values of the whole image, whatever their unit, determine what becomes of each."""
    return isinstance(normalization, str) and normalization != "none"


def limits_of(
    normalization: Sequence[ChannelNormalization], *, factor: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The lowest and highest values of each channel, before a factor multiplies them; None: none is cut.

    What is resampled is cut before, so that values which do not count, such as those of metal in a CT, do not change
    those around them (nnU-Net, doi:10.1038/s41592-020-01008-z).
    """
    clips = [each if isinstance(each, ClipNormalization) else None for each in normalization]
    if not any(clips):
        return None
    low = np.array([each.low / factor if each else -math.inf for each in clips])
    high = np.array([each.high / factor if each else math.inf for each in clips])
    return low, high


def steps_of(
    normalization: Sequence[ChannelNormalization], moments: Moments | None = None, *, factor: float = 1.0
) -> Steps:
    """The steps for each channel.

    Args:
        normalization: of each channel, or one for all.
        moments: of the whole image, where any `is_relative`. Fewer channels than there are normalizations are repeated,
            since neighboring slices are channels with the values of one volume.
        factor: by which values are to be multiplied first; it is within the steps.
    """
    count = len(normalization)
    if moments is not None:
        count = max(count, len(moments.mean))
        moments = moments.of(range(count))
    each = [_steps(normalization[number % len(normalization)], moments, number, factor) for number in range(count)]
    return Steps(*np.array(each, dtype=np.float64).T)


def _steps(
    normalization: ChannelNormalization, moments: Moments | None, number: int, factor: float
) -> tuple[float, float, float, float]:
    """Those of a channel: low, high, shift and scale."""
    if isinstance(normalization, ClipNormalization):
        limits = normalization.low / factor, normalization.high / factor
        return *limits, normalization.mean / factor, factor / normalization.std
    if normalization == "none":
        return -math.inf, math.inf, 0.0, factor
    assert moments is not None  # noqa: S101 - the caller has those of the whole image
    if normalization == "to 0..1":
        width = moments.high[number] - moments.low[number]
        return -math.inf, math.inf, moments.low[number], 1 / max(width, _LEAST_STD)
    mean, std = moments.mean[number], moments.std[number]
    if normalization == NONZERO and 0 < moments.empty < 1:
        kept = 1 - moments.empty
        squares = (std**2 + mean**2) / kept
        mean /= kept
        std = math.sqrt(max(0.0, squares - mean**2))
    return -math.inf, math.inf, mean, 1 / max(std, _LEAST_STD)


def _checked(value: object) -> ChannelNormalization:
    value = plain(value)
    if isinstance(value, ClipNormalization) or value in _WORDS:
        return value  # type: ignore[return-value] # it is one of the words
    names = {each.name for each in fields(ClipNormalization)}
    if isinstance(value, Mapping) and value.keys() == names:
        return ClipNormalization(**value)
    raise _refusal(value)


def _refusal(value: Any) -> OptionError:  # noqa: ANN401 - whatever is wrong
    return OptionError(
        f"normalization must be {', '.join(_WORDS)}, or four numbers low, high, mean and std, once or for each "
        f"channel; got {value!r}"
    )
