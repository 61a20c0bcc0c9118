"""From a fingerprint to a network, its patch and its batch: arithmetic alone."""

from dataclasses import dataclass
from math import prod
from typing import Any

from unetzoo.checks import check_choice, number
from unetzoo.errors import OptionError
from unetzoo.planning.estimate import PlannedEncoder, blocks_of, widths_of
from unetzoo.planning.fingerprint import Fingerprint
from unetzoo.planning.normalization import Normalization, normalizations
from unetzoo.planning.patch import fit_patch
from unetzoo.planning.spacing import median_shape, target_spacing, thickest_first
from unetzoo.planning.topology import Sides

_AS_NNUNET = {"norm": "instance", "activation": "leaky_relu"}
_STRIDED = {"downsample": "stride", **_AS_NNUNET}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `unetzoo.plan` chooses; numbers by axis follow (d, h, w) of volumes, (h, w) of images and slices.

    Attributes:
        fingerprint: what it is chosen for.
        memory: likewise, in GB.
        encoder: `"plain"` or `"resenc"`; the decoder is `"unet"`.
        axes: those of the cases that the network sees; of a network of slices, two of three.
        spacing: distance between pixels to which cases are to be brought, in `fingerprint.unit`.
        median_shape: size of the median case at this spacing; half numbers of an even number of cases.
        patch: sides of the crops in pixels.
        batch: number of crops in a step.
        strides: factor by which each level is coarser than the one before.
        kernels: sides of the kernels of each level.
    """

    fingerprint: Fingerprint
    memory: float
    encoder: PlannedEncoder
    axes: tuple[int, ...]
    spacing: tuple[float, ...]
    median_shape: tuple[float, ...]
    patch: Sides
    batch: int
    strides: tuple[Sides, ...]
    kernels: tuple[Sides, ...]

    @property
    def spatial_dims(self) -> int:
        """2: a network of images, or of the slices of volumes; 3: of volumes."""
        return len(self.axes)

    @property
    def slice_axis(self) -> int | None:
        """The axis along which slices follow one another in a network of slices; else None."""
        return next(iter({*range(self.fingerprint.spatial_dims)} - {*self.axes}), None)

    @property
    def widths(self) -> tuple[int, ...]:
        """The channels of each level."""
        return widths_of(len(self.strides), self.spatial_dims)

    @property
    def normalization(self) -> tuple[Normalization, ...]:
        """How the values of each channel are to be normalized."""
        return normalizations(self.fingerprint)

    @property
    def covered(self) -> float:
        """The part of the median case that a patch sees, at most 1."""
        return min(1.0, prod(self.patch) / prod(self.median_shape))

    @property
    def network(self) -> dict[str, Any]:
        """The arguments of `unetzoo.create` for the network, without the decoder's name, which is `"unet"`.

        Convolutions of the decoder are 3 wide along all axes, and two a level; nnU-Net's have the encoder's kernels,
        and with `resenc` it has one a level.
        """
        options: dict[str, Any] = {
            "widths": list(self.widths),
            "kernel_sizes": [list(kernel) for kernel in self.kernels],
            "strides": [list(stride) for stride in self.strides],
        }
        own = {"blocks": list(blocks_of(len(self.widths)))} if self.encoder == "resenc" else _STRIDED
        decoder = {"widths": list(self.widths[-2::-1]), "upsample": "transpose", **_AS_NNUNET}
        return {
            "encoder": self.encoder,
            "spatial_dims": self.spatial_dims,
            "in_channels": len(self.fingerprint.channels),
            "classes": self.fingerprint.classes,
            "encoder_options": options | own,
            "decoder_options": decoder,
        }


def plan_for(
    fingerprint: Fingerprint, *, encoder: PlannedEncoder = "plain", memory: float = 8, spatial_dims: int | None = None
) -> Plan:
    """The plan for a data set by its fingerprint, by the rules of nnU-Net (doi:10.1038/s41592-020-01008-z).

    Args:
        fingerprint: of the data set, see `unetzoo.fingerprint`.
        encoder: `"plain"`: nnU-Net's first network; `"resenc"`: residual blocks in the encoder (arXiv:2404.09556).
        memory: of the GPU in GB. The rules suppose mixed precision; float32 takes nearly twice as much.
        spatial_dims: 2 for the slices of volumes across the largest spacing; None: as many as the cases have.

    Raises:
        DataError: the median case is too small for a U-Net.
        OptionError: an invalid value, a volume of images, or no patch fits in the memory.
    """
    check_plan_options(encoder, memory, spatial_dims)
    axes = fingerprint.spatial_dims
    dims = spatial_dims or axes
    if dims > axes:
        raise OptionError("these are images, not volumes: plan a network over two axes, without spatial_dims=3")
    target = target_spacing(fingerprint)
    order = thickest_first(target) if axes == 3 else (0, 1)
    median = median_shape(fingerprint, target)
    used = order[axes - dims :]
    fit = fit_patch(
        [median[axis] for axis in used],
        [target[axis] for axis in used],
        prod(median) * len(fingerprint.shapes),
        encoder,
        fingerprint.classes,
        memory,
    )
    kept = sorted(used)
    places = [used.index(axis) for axis in kept]

    def in_order(sides: Sides) -> Sides:
        return tuple(sides[place] for place in places)

    return Plan(
        fingerprint=fingerprint,
        memory=memory,
        encoder=encoder,
        axes=tuple(kept),
        spacing=tuple(target[axis] for axis in kept),
        median_shape=tuple(median[axis] for axis in kept),
        patch=in_order(fit.topology.patch),
        batch=fit.batch,
        strides=tuple(map(in_order, fit.topology.strides)),
        kernels=tuple(map(in_order, fit.topology.kernels)),
    )


def check_plan_options(encoder: str, memory: float | None, spatial_dims: int | None) -> None:
    """Raise OptionError for a value that is invalid for any data."""
    check_choice("encoder", encoder, PlannedEncoder)
    size = 1 if memory is None else number(memory)
    if size is None or not 0 < size < float("inf"):
        raise OptionError(f"memory must be a number of GB > 0, got {memory!r}")
    if spatial_dims not in (None, 2, 3):
        raise OptionError(f"spatial_dims must be 2 or 3, got {spatial_dims!r}")
