"""What is known about a trained network: its classes, its training images, its metrics."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unetzoo.checks import number, plain, whole
from unetzoo.errors import ConfigError, OptionError
from unetzoo.nn.coding import MaskCoding
from unetzoo.nn.normalization import ChannelNormalization, Moments, Steps, check_normalization, steps_of

_LONGEST = 10_000
_NUMBERS = (
    "mean",
    "std",
    "value_range",
    "nodata",
    "class_frequencies",
    "pixel_size",
    "pixel_size_range",
    "thresholds",
)
LATER = (
    "channel_names",
    "lineage",
    "recipe",
    "pixel_size",
    "pixel_size_range",
    "unit",
    "split_by",
    "thresholds",
    "nested",
    "slices",
    "slice_axis",
    "normalization",
)
"""Fields that earlier releases do not read; a configuration has them only where they say something."""


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What is known about a trained network beyond its parts. Everything is optional.

    Attributes:
        class_names: a name for each channel of the logits.
        mean: mean of each channel of the training images, after scaling from `value_range` to 0..1.
        std: standard deviation likewise; the network expects `(image - mean) / std`.
        value_range: lowest and highest value of the training images, such as (0, 1) or (0, 255).
        image_dtypes: dtypes of the training images, such as `["uint8"]`; with `value_range` they determine how images
            of other dtypes are scaled.
        nodata: values that mean "no data" in images, such as -9999; NaN always does.
        class_frequencies: share of each class among the training pixels, 0 to 1.
        mask_coding: the meaning of mask values, see `unetzoo.nn.coding.MaskCoding.to_dict`; empty: not stated, and
            evaluation guesses it from the masks.
        metrics: names and values, such as `{"mean IoU": 0.94}`.
        license: an identifier of the Hub, such as `"apache-2.0"`; empty: not stated.
        source: the repository that it was pulled from, `"user/name@commit"`.
        channel_names: a name for each channel of the images, such as `["red", "green", "nir"]`.
        lineage: the trained networks that its training began with, the nearest first: `"user/name@commit"` on the Hub,
            or `"sha256:..."` with the first digits of the hash of the weights.
        recipe: of its training, as TOML; see `unetzoo.Recipe`.
        pixel_size: height and width of a pixel of the training images, their median, or the spacing to which they were
            resampled; of volumes the depth first; empty: not stated.
        pixel_size_range: the smallest and the largest side of a pixel among the training images.
        unit: of these lengths, such as `"um"`.
        split_by: `"blocks"`: the splits of its training were blocks of the ground of images; empty: they were images.
        thresholds: the probability above which a class takes a pixel, 0 to 1, for each class that may overlap, or for
            the foreground of a single logit; empty: 0.5.
        nested: classes that may overlap, each of which contains the next, such as `["whole", "core"]`.
        slices: neighboring slices of a volume, 1, 3 or 5, that were the channels of an image, itself in the middle; 0:
            the images were no volumes.
        slice_axis: along which these slices follow one another, `"z"`, `"y"` or `"x"`; empty: no volumes.
        normalization: one for all channels, or one for each, as for `unetzoo.fit`; empty: by `value_range`, `mean` and
            `std`.

    Raises:
        ConfigError: a value is invalid.
    """

    class_names: Sequence[str] = ()
    mean: Sequence[float] = ()
    std: Sequence[float] = ()
    value_range: Sequence[float] = ()
    image_dtypes: Sequence[str] = ()
    nodata: Sequence[float] = ()
    class_frequencies: Sequence[float] = ()
    mask_coding: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    license: str = ""
    source: str = ""
    channel_names: Sequence[str] = ()
    lineage: Sequence[str] = ()
    recipe: str = ""
    pixel_size: Sequence[float] = ()
    pixel_size_range: Sequence[float] = ()
    unit: str = ""
    split_by: str = ""
    thresholds: Sequence[float] = ()
    nested: Sequence[str] = ()
    slices: int = 0
    slice_axis: str = ""
    normalization: Sequence[ChannelNormalization] = ()

    def __post_init__(self) -> None:
        for name in ("class_names", "image_dtypes", "channel_names", "lineage", "nested"):
            object.__setattr__(self, name, _sequence(name, plain(getattr(self, name)), str))
        for name in _NUMBERS:
            object.__setattr__(self, name, _sequence(name, plain(getattr(self, name)), float))
        self._check_numbers()
        self._check_coding()
        self._check_slices()
        try:
            object.__setattr__(self, "normalization", check_normalization(self.normalization))
        except OptionError as error:
            raise ConfigError(str(error)) from error
        metrics = plain(self.metrics)
        if not isinstance(metrics, Mapping) or not all(
            isinstance(name, str) and _is_finite(value) for name, value in metrics.items()
        ):
            raise ConfigError(f"metrics must map names to finite numbers, got {self.metrics!r}")
        object.__setattr__(self, "metrics", {name: float(value) for name, value in metrics.items()})
        for name in ("license", "source", "recipe", "unit", "split_by", "slice_axis"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"{name} must be a text, got {getattr(self, name)!r}")

    def _check_numbers(self) -> None:
        if len(self.value_range) not in (0, 2):
            raise ConfigError(f"value_range must be the lowest and the highest value, got {self.value_range!r}")
        if self.value_range and self.value_range[0] >= self.value_range[1]:
            raise ConfigError(f"value_range must be the lowest, then the highest value, got {self.value_range!r}")
        sizes = (self.pixel_size, self.pixel_size_range)
        are_few = len(self.pixel_size) in (0, 2, 3) and len(self.pixel_size_range) in (0, 2)
        if not are_few or any(min(size, default=1) <= 0 for size in sizes):
            raise ConfigError(
                f"pixel_size and pixel_size_range must be two lengths > 0, pixel_size of volumes three; got {sizes}"
            )
        for name in ("class_frequencies", "thresholds"):
            if any(not 0 <= share <= 1 for share in getattr(self, name)):
                raise ConfigError(f"{name} must be numbers from 0 to 1, got {getattr(self, name)!r}")
        unknown = [name for name in self.nested if self.class_names and name not in self.class_names]
        if unknown or len({*self.nested}) < len(self.nested):
            shown = ", ".join(self.class_names)
            raise ConfigError(f"nested must be names of classes ({shown}), each once; got {', '.join(self.nested)}")
        if any(value <= 0 for value in self.std):
            raise ConfigError(f"each of std must be > 0, got {self.std!r}")

    def _check_slices(self) -> None:
        slices = whole(self.slices)
        if slices not in (0, 1, 3, 5) or self.slice_axis not in (("z", "y", "x") if slices else ("",)):
            raise ConfigError(
                "slices must be 1, 3 or 5 with a slice_axis z, y or x, or 0 without one; got "
                f"slices={self.slices!r}, slice_axis={self.slice_axis!r}"
            )
        object.__setattr__(self, "slices", slices)

    def _check_coding(self) -> None:
        if not isinstance(self.mask_coding, Mapping):
            raise ConfigError(f"mask_coding must be a mapping, got {self.mask_coding!r}")
        if self.mask_coding:
            object.__setattr__(
                self, "mask_coding", MaskCoding.from_dict(self.class_names, plain(self.mask_coding)).to_dict()
            )

    @classmethod
    def from_dict(cls, data: object) -> "ModelInfo":
        """The inverse of `dataclasses.asdict`.

        Raises:
            ConfigError: unknown keys, or an invalid value.
        """
        if not isinstance(data, Mapping):
            raise ConfigError(f"info must be a mapping, got {data!r}")
        unknown = sorted(map(str, set(data) - set(cls.__dataclass_fields__)))
        if unknown:
            raise ConfigError(f"info has unknown keys: {', '.join(unknown)}")
        return cls(**data)


def steps_for(info: ModelInfo, dtype: np.dtype[Any], moments: Moments | None = None, *, factor: float = 1.0) -> Steps:
    """What the values of a dtype go through, as in the training.

    Without a stated range, integers reach from 0 to the largest of their dtype, other numbers to 1.

    Args:
        info: of the network.
        dtype: of the image.
        moments: of the whole image, where the normalization needs them.
        factor: by which values are to be multiplied first; it is within the steps.
    """
    if info.normalization:
        return steps_of(info.normalization, moments, factor=factor)
    mean, deviation = (np.asarray(each, np.float64) for each in (info.mean or [0], info.std or [1]))
    low, high = info.value_range or (0, np.iinfo(dtype).max if dtype.kind in "ui" else 1)
    shift, scale = low + mean * (high - low), 1 / ((high - low) * deviation)
    return Steps(np.array([-np.inf]), np.array([np.inf]), shift / factor, scale * factor)


def _sequence(name: str, values: Any, each: type) -> tuple[Any, ...]:  # noqa: ANN401 - it is checked here
    fits = _is_finite if each is float else (lambda value: isinstance(value, str))
    if isinstance(values, str) or not isinstance(values, Sequence) or not all(map(fits, values)):
        kind = "finite numbers" if each is float else "texts"
        raise ConfigError(f"{name} must be a list of {kind}, got {values!r}")
    if len(values) > _LONGEST:
        raise ConfigError(f"{name} has {len(values):,} entries; at most {_LONGEST:,} are read")
    return tuple(each(value) for value in values)


def _is_finite(value: object) -> bool:
    real = number(value)
    try:
        return real is not None and math.isfinite(real)
    except OverflowError:  # such as 10**400
        return False
