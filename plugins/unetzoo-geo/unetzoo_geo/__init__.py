"""Images of the Earth: formats that GDAL reads, polygons of results, masks of polygons."""

from collections.abc import Iterator

import unetzoo

UNETZOO_HOOKS = 4


@unetzoo.hookimpl
def unetzoo_formats() -> Iterator[unetzoo.FormatSpec]:
    """Formats whose endings are theirs alone: files that end with `.tif` stay with unetzoo's own format."""
    yield unetzoo.FormatSpec(
        name="jpeg2000",
        endings=(".jp2", ".j2k"),
        open=unetzoo.lazy("unetzoo_geo.rasters:open_jpeg2000"),
        signatures=(b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
        example=unetzoo.lazy("unetzoo_geo.examples:example_jpeg2000"),
        summary="JPEG 2000, as of Sentinel-2; read by blocks",
    )
    yield unetzoo.FormatSpec(
        name="vrt",
        endings=(".vrt",),
        open=unetzoo.lazy("unetzoo_geo.rasters:open_vrt"),
        example=unetzoo.lazy("unetzoo_geo.examples:example_vrt"),
        summary="several files as one image, by GDAL's VRT; read by blocks",
    )
    yield unetzoo.FormatSpec(
        name="cog",
        endings=(".cog.tif", ".cog.tiff"),
        open=unetzoo.lazy("unetzoo_geo.rasters:open_cog"),
        create=unetzoo.lazy("unetzoo_geo.cog:write_cog"),
        signatures=(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
        stores=("palette", "arrays", "grid"),
        example=unetzoo.lazy("unetzoo_geo.examples:example_cog"),
        summary="cloud-optimized GeoTIFF with overviews; read and written by blocks",
    )


@unetzoo.hookimpl
def unetzoo_commands() -> Iterator[unetzoo.CommandSpec]:
    """The commands `polygons`, `rasterize`, `stack` and `torchgeo`."""
    yield unetzoo.CommandSpec(
        name="polygons",
        build=unetzoo.lazy("unetzoo_geo.commands:polygons"),
        summary="Write the regions of a class raster as polygons: GeoPackage or GeoJSON.",
    )
    yield unetzoo.CommandSpec(
        name="rasterize",
        build=unetzoo.lazy("unetzoo_geo.commands:rasterize"),
        summary="Draw polygons of a GeoPackage, GeoJSON or Shapefile as a mask on the grid of an image.",
    )
    yield unetzoo.CommandSpec(
        name="stack",
        build=unetzoo.lazy("unetzoo_geo.commands:stack"),
        summary="Make one image of the bands of a scene that lie in files of their own.",
    )
    yield unetzoo.CommandSpec(
        name="torchgeo",
        build=unetzoo.lazy("unetzoo_geo.commands:torchgeo"),
        summary="Make a network of the weights of a torchgeo ResNet, to begin a training with.",
    )
