"""Losses of distance and connectedness."""

from collections.abc import Iterator

import unetzoo

UNETZOO_HOOKS = 2


@unetzoo.hookimpl
def unetzoo_losses() -> Iterator[unetzoo.LossSpec]:
    """The losses of this plugin."""
    yield unetzoo.LossSpec(
        name="boundary",
        build=unetzoo.lazy("unetzoo_boundary.boundary:BoundaryLoss"),
        summary="wrong pixels weighted by their distance to the boundary",
        paper="arXiv:1812.07032",
    )
    yield unetzoo.LossSpec(
        name="hausdorff",
        build=unetzoo.lazy("unetzoo_boundary.hausdorff:HausdorffLoss"),
        summary="squared errors weighted by the distances to both boundaries",
        paper="arXiv:1904.10030",
    )
    yield unetzoo.LossSpec(
        name="cldice",
        build=unetzoo.lazy("unetzoo_boundary.cldice:ClDiceLoss"),
        summary="Dice of soft skeletons: keeps thin structures connected",
        paper="arXiv:2003.07311",
    )
    yield unetzoo.LossSpec(
        name="border_bce",
        build=unetzoo.lazy("unetzoo_boundary.border:BorderBCELoss"),
        summary="cross-entropy with larger weights on thin borders between cells; binary",
        paper="arXiv:1505.04597",
    )


@unetzoo.hookimpl
def unetzoo_commands() -> Iterator[unetzoo.CommandSpec]:
    """The command `border-map`."""
    yield unetzoo.CommandSpec(
        name="border-map",
        build=unetzoo.lazy("unetzoo_boundary.command:border_map"),
        summary="Draw the border weight map of a mask.",
    )
