"""How the values of each channel become those that a network sees, as nnU-Net chooses it."""

from dataclasses import dataclass
from typing import Literal

from unetzoo.nn.normalization import NONZERO, ChannelNormalization, ClipNormalization
from unetzoo.planning.fingerprint import Fingerprint, Intensities

Scheme = Literal["clip", "z-score", "none", "to 0..1", "8 bits to 0..1"]
_SCHEMES: dict[str, Scheme] = {
    "ct": "clip",
    "nonorm": "none",
    "rescale_to_0_1": "to 0..1",
    "rgb_to_0_1": "8 bits to 0..1",
}
_SMALL = 0.75  # share of the median case that is left without its margin


@dataclass(frozen=True, kw_only=True)
class Normalization:
    """The normalization of a channel.

    Attributes:
        scheme: `"clip"`: values are cut to `low` and `high`, then the mean is taken off and the rest divided by the
            standard deviation, all of them those of the foreground of all cases, since the values of a CT mean the same
            in each; `"z-score"`: each image has its own mean and standard deviation; `"none"`; `"to 0..1"`: from the
            smallest and largest value of each image; `"8 bits to 0..1"`: from 0 and 255.
        within_mask: whether a z-score is that of the values inside the margin of zeros alone, which stay 0.
        intensities: of the foreground.
    """

    scheme: Scheme
    within_mask: bool
    intensities: Intensities

    @property
    def value(self) -> ChannelNormalization:
        """The same as `unetzoo.fit` and recipes take it; a foreground of a single value has a z-score."""
        values = self.intensities
        if self.scheme == "8 bits to 0..1":
            return ClipNormalization(low=0, high=255, mean=0, std=255)
        if self.scheme != "clip":
            return NONZERO if self.within_mask else self.scheme
        if values.low >= values.high or values.std <= 0:
            return "z-score"
        return ClipNormalization(low=values.low, high=values.high, mean=values.mean, std=values.std)

    @property
    def text(self) -> str:
        """What happens, in words."""
        values = self.intensities
        if self.scheme == "clip":
            return (
                f"clip to {values.low:g} and {values.high:g}, the 0.5 and 99.5 percentiles of the foreground, then "
                f"subtract its mean {values.mean:g} and divide by its standard deviation {values.std:g}"
            )
        where = " of the values inside the margin of zeros" if self.within_mask else ""
        return f"z-score of each image{where}" if self.scheme == "z-score" else self.scheme


def normalizations(fingerprint: Fingerprint) -> tuple[Normalization, ...]:
    """The normalization of each channel, by its name: `CT`, or one of nnU-Net's words; else a z-score."""
    is_small = fingerprint.share_after_crop < _SMALL
    schemes = [(_SCHEMES.get(channel.name.casefold(), "z-score"), channel) for channel in fingerprint.channels]
    return tuple(
        Normalization(scheme=scheme, within_mask=is_small and scheme == "z-score", intensities=channel)
        for scheme, channel in schemes
    )
