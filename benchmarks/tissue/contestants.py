"""Who takes part: networks of this project, and nnU-Net's own trainer with two of them as its plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unetzoo.data.datasets.brain_tissue import CLASSES

_AS_NNUNET = {"norm": "instance", "activation": "leaky_relu"}
WIDTHS: Mapping[int, tuple[int, ...]] = {2: (16, 32, 64, 128, 256), 3: (8, 16, 32, 64)}
"""By the number of axes, those of nnU-Net's rules, halved or quartered: a step of training takes half a second."""
CROPS: Mapping[int, tuple[int, ...]] = {2: (64, 64), 3: (32, 32, 32)}
BATCHES: Mapping[int, int] = {2: 16, 3: 2}
"""As many voxels a step with two axes as with three."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A network of this project, and what it is shown.

    Attributes:
        network: arguments of `unetzoo.create`.
        slices: neighboring slices that are its channels; 0: it has three axes.
        crop: side of squares, or three sides.
        batch: crops a step.
    """

    network: Mapping[str, Any]
    slices: int = 0
    crop: int | tuple[int, ...] = CROPS[3]
    batch: int = BATCHES[3]

    @property
    def axes(self) -> int:
        """Of the network."""
        return 2 if self.slices else 3

    @property
    def arguments(self) -> dict[str, Any]:
        """All of `unetzoo.create`, but the decoder."""
        return {
            "spatial_dims": self.axes,
            "in_channels": self.slices or 1,
            "classes": len(CLASSES),
            **self.network,
        }


def _planned(axes: int) -> dict[str, Any]:
    """The network of a plan."""
    widths = WIDTHS[axes]
    return {
        "encoder": "plain",
        "encoder_options": {"widths": widths, "downsample": "stride", **_AS_NNUNET},
        "decoder_options": {"widths": widths[-2::-1], "upsample": "transpose", **_AS_NNUNET},
    }


def _resnet(**options: str) -> dict[str, Any]:
    """A backbone of images with random weights."""
    return {
        "encoder": "resnet18",
        "encoder_options": options,
        "decoder_options": {"widths": (64, 32, 16, 16, 8)},
    }


_SQUARES: dict[str, Any] = {"crop": CROPS[2][0], "batch": BATCHES[2]}
OWN: Mapping[str, Contestant] = {
    "planned, three axes": Contestant(network=_planned(3)),
    "planned, slices": Contestant(network=_planned(2), slices=1, **_SQUARES),
    "planned, 3 slices as channels": Contestant(network=_planned(2), slices=3, **_SQUARES),
    "resnet18, 3 slices as channels": Contestant(network=_resnet(), slices=3, **_SQUARES),
    "resnet18, inflated": Contestant(network=_resnet(volume="inflated")),
    "resnet18, slice by slice, decoder of three axes": Contestant(
        network=_resnet(volume="slices"), crop=(8, *CROPS[2])
    ),
}
NNUNET: Mapping[str, int] = {"nnU-Net 3d_fullres": 3, "nnU-Net 2d": 2}
"""Its configurations, by name, with their number of axes."""
