"""OME-Zarr and CZI: images of microscopes with their scale, and results that lie where their image lies."""

from collections.abc import Iterator

import unetzoo

UNETZOO_HOOKS = 4


@unetzoo.hookimpl
def unetzoo_formats() -> Iterator[unetzoo.FormatSpec]:
    """OME-Zarr in folders that end with `.ome.zarr`, since others stay with unetzoo's own format; and CZI."""
    yield unetzoo.FormatSpec(
        name="ome-zarr",
        endings=(".ome.zarr",),
        open=unetzoo.lazy("unetzoo_bioimage.reading:open_ome_zarr"),
        create=unetzoo.lazy("unetzoo_bioimage.writing:write_ome_zarr"),
        check=unetzoo.lazy("unetzoo_bioimage.writing:check_target"),
        example=unetzoo.lazy("unetzoo_bioimage.examples:example_ome_zarr"),
        summary="OME-Zarr 0.4 and 0.5: images, volumes and labels with their scale; read and written by chunks",
        folders=("zarr.json", ".zgroup"),
        stores=("palette", "arrays", "grid"),
    )
    yield unetzoo.FormatSpec(
        name="czi",
        endings=(".czi",),
        open=unetzoo.lazy("unetzoo_bioimage.czi:open_czi"),
        example=unetzoo.lazy("unetzoo_bioimage.examples:example_czi"),
        summary="CZI of ZEISS: images and volumes with their scale, read by windows; needs unetzoo-bioimage[czi]",
        signatures=(b"ZISRAWFILE",),
    )


@unetzoo.hookimpl
def unetzoo_commands() -> Iterator[unetzoo.CommandSpec]:
    """The command `add-labels`."""
    yield unetzoo.CommandSpec(
        name="add-labels",
        build=unetzoo.lazy("unetzoo_bioimage.commands:add_labels"),
        summary="Put a result into the labels of its OME-Zarr image.",
    )
