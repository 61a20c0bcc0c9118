"""`unetzoo add-labels`."""

from pathlib import Path
from typing import Annotated

import typer


def add_labels(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="Folder of OME-Zarr, such as cells.ome.zarr")],
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Its class ids or objects, as OME-Zarr")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Name among the labels of the image")] = "unetzoo",
) -> None:
    """Put a result into the labels of its OME-Zarr image, where viewers look for it; the result is kept.

    Example: unetzoo predict run cells.ome.zarr mask.ome.zarr, then unetzoo add-labels cells.ome.zarr mask.ome.zarr
    """
    from unetzoo_bioimage.labels import add_labels as add

    typer.echo(f"written to {add(image, result, name)}")
