"""Star-convex objects."""

from collections.abc import Iterator

import unetzoo

UNETZOO_HOOKS = 3


@unetzoo.hookimpl
def unetzoo_objects() -> Iterator[unetzoo.ObjectCodingSpec]:
    """The coding `stardist`."""
    yield unetzoo.ObjectCodingSpec(
        name="stardist",
        build=unetzoo.lazy("unetzoo_stardist.coding:StarDist"),
        summary="probability and the lengths of rays to the edge; non-maximum suppression of the polygons",
        paper="arXiv:1806.03535",
        when="Objects are convex and crowded, even overlapping; others lose their shape.",
    )
