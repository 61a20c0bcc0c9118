"""Files that GDAL reads, as rasters of unetzoo: by windows, with their overviews and their grid."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from unetzoo import Raster
from unetzoo.data.formats import Content, check_backed
from unetzoo_geo.bands import Bands
from unetzoo_geo.grids import grid_of_dataset
from unetzoo_geo.handles import Handles
from unetzoo_geo.sources import check_sources


@contextmanager
def open_jpeg2000(content: Content) -> Iterator[Raster]:
    """A file of JPEG 2000.

    Raises:
        DataError: it announces more pixels than it can hold, or its bands have different types.
    """
    with _opened(content, "JP2OpenJPEG", content.size) as raster:
        yield raster


@contextmanager
def open_cog(content: Content) -> Iterator[Raster]:
    """A GeoTIFF, cloud-optimized or not, read by GDAL; raises as `open_jpeg2000`."""
    with _opened(content, "GTiff", content.size) as raster:
        yield raster


@contextmanager
def open_vrt(content: Content) -> Iterator[Raster]:
    """A VRT of which all sources are images on this machine; raises as `open_jpeg2000`, and where one is not."""
    with _opened(content, "VRT", check_sources(content)) as raster:
        yield raster


@contextmanager
def _opened(content: Content, driver: str, stored: int) -> Iterator[Raster]:
    """The finest level with the coarser ones, of a file whose pixels take `stored` bytes."""
    path = content.file().absolute()
    with ExitStack() as stack:

        def handles(**options: int) -> Handles:
            opened = Handles(path, {"driver": driver, **options})
            stack.callback(opened.close)
            return opened

        finest = handles()
        raster = _raster(finest, content)
        if content.role == "image":
            check_backed(content.name, raster.nbytes, stored)
        coarser = [handles(overview_level=level) for level in range(len(finest.get().overviews(1)))]
        yield replace(raster, levels=tuple(_raster(level, content) for level in coarser))


def _raster(handles: Handles, content: Content) -> Raster:
    dataset = handles.get()
    bands = Bands(handles, content)
    return Raster(
        shape=bands.shape,
        dtype=bands.dtype,
        read=bands.read,
        grid=grid_of_dataset(dataset, bands.numbers, bands.nodata),
        block=dataset.block_shapes[0],
        marks=bands.marks,
    )
