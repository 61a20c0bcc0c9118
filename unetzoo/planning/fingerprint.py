"""What a plan needs to know of a data set."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Intensities:
    """The values of a channel where there is a class beside the first, the background; each case counts equally.

    Attributes:
        name: of the channel, such as `"CT"`; empty: not stated.
        mean: of the values.
        std: their standard deviation.
        low: the value below which 0.5 percent of them are.
        high: the value below which 99.5 percent of them are.
    """

    name: str = ""
    mean: float = 0.0
    std: float = 1.0
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """What a plan needs to know of a data set; nnU-Net calls it so.

    Attributes:
        shapes: size of each case along each axis, (d, h, w) of volumes and (h, w) of images, without the margin in
            which all channels are 0.
        spacings: distance between the pixels of each case along the same axes, > 0; 1 of images that do not state it.
        channels: the intensities of each channel of the images.
        classes: number of classes with the background.
        unit: of the spacings, such as `"mm"`; empty: pixels, or not stated.
        share_after_crop: the part of a case that is left without the margin, the median of all cases.
        doubts: what the data leaves open, in sentences.
    """

    shapes: tuple[tuple[int, ...], ...]
    spacings: tuple[tuple[float, ...], ...]
    channels: tuple[Intensities, ...]
    classes: int
    unit: str = ""
    share_after_crop: float = 1.0
    doubts: tuple[str, ...] = ()

    @property
    def spatial_dims(self) -> int:
        """2 of images, 3 of volumes."""
        return len(self.shapes[0])
