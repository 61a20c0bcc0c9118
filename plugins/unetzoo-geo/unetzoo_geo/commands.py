"""`unetzoo polygons`, `rasterize`, `stack` and `torchgeo`: polygons and rasters, bands as one image, weights."""

from pathlib import Path
from typing import Annotated

import typer

from unetzoo import OptionError

_MOST_SHOWN = 12
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there")]


def polygons(
    labels: Annotated[Path, typer.Argument(help="TIFF or PNG of class ids, or of numbers of objects, as of `predict`")],
    out: Annotated[
        Path, typer.Argument(help="File to write: .gpkg in the coordinate system of the labels, .geojson in degrees")
    ],
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class", metavar="NAME=ID", help="A class to write, such as crop=1; again for others. None: all but 0"
        ),
    ] = None,
    overwrite: _Overwrite = False,
) -> None:
    """Write a polygon for each region of pixels that share a class and sides.

    Columns are class_id, class_name and area_m2 (area_px without a coordinate system).
    """
    from unetzoo_geo.polygons import write_polygons

    names = {number: name for name, number in read_classes(classes or []).items()}
    written = write_polygons(labels, out, names, overwrite=overwrite)
    typer.echo(f"{out}: {_count(sum(total.polygons for total in written.totals.values()), 'polygon')}")
    unit = {"m2": "m²", "px": "pixels"}[written.unit]
    for number, total in sorted(written.totals.items())[:_MOST_SHOWN]:
        typer.echo(f"  {names.get(number, number)}: {_count(total.polygons, 'polygon')}, {total.area:,.6g} {unit}")
    if len(written.totals) > _MOST_SHOWN:
        typer.echo(f"  and {len(written.totals) - _MOST_SHOWN:,} more")


def rasterize(
    vector: Annotated[Path, typer.Argument(help="GeoPackage, GeoJSON, Shapefile or FlatGeobuf of polygons")],
    image: Annotated[Path, typer.Argument(help="Image on whose grid the mask lies: TIFF or JPEG 2000")],
    mask: Annotated[Path, typer.Argument(help="TIFF to write")],
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME=ID", help="A class and its id, such as crop=1; again for others"),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column with the class of each polygon")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of the file, if it has several")] = None,
    all_touched: Annotated[
        bool, typer.Option("--all-touched", help="Pixels that a polygon touches, not those whose middle it covers")
    ] = False,
    outside: Annotated[int, typer.Option(min=0, help="Id of pixels in no polygon; 255: their class is unknown")] = 0,
    overwrite: _Overwrite = False,
) -> None:
    """Draw polygons as a mask on the grid of an image.

    A pixel has the class of the polygon that covers its middle, of several that of the last in the file. Polygons in
    another coordinate system are brought into that of the image.
    """
    from unetzoo_geo.masks import write_mask

    ids = read_classes(classes or [])
    drawn = write_mask(
        vector,
        image,
        mask,
        ids,
        column=column,
        layer=layer,
        all_touched=all_touched,
        outside=outside,
        overwrite=overwrite,
    )
    for note in drawn.notes:
        typer.echo(f"note: {note}", err=True)
    names = {number: name for name, number in ids.items()} | {outside: f"outside ({outside})"}
    parts = [f"{names.get(number, number)} {count:,}" for number, count in sorted(drawn.pixels.items())]
    typer.echo(f"{mask}: pixels of {', '.join(parts)}")


def stack(
    out: Annotated[Path, typer.Argument(help="VRT to write, which names the files and copies no pixels")],
    bands: Annotated[
        list[str], typer.Argument(metavar="NAME=FILE...", help="Bands in their order, such as B2=T33_B02.jp2")
    ],
    like: Annotated[str | None, typer.Option(help="Band whose grid it has. None: that of the smallest pixels")] = None,
    resampling: Annotated[
        str, typer.Option(help="How bands of other pixels are resampled: nearest, bilinear, cubic or average")
    ] = "bilinear",
    overwrite: _Overwrite = False,
) -> None:
    """Make one image of the bands of a scene that lie in files of their own, on the grid of one of them."""
    from unetzoo_geo.stack import write_stack

    files = _read_bands(bands)
    resampled = write_stack(out, files, like=like, resampling=resampling, overwrite=overwrite)
    note = f"; resampled ({resampling}): {', '.join(resampled)}" if resampled else ""
    typer.echo(f"{out}: {_count(len(files), 'band')}, {', '.join(files)}{note}")


def torchgeo(
    weights: Annotated[Path, typer.Argument(help="File of hf.co/torchgeo: a ResNet, .pth or .safetensors")],
    out: Annotated[Path, typer.Argument(help="Folder of the network to write, for `unetzoo train --from`")],
    bands: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Names of its bands in their order, such as B4,B3,B2. None: Sentinel-2's for 13, VV,VH for 2",
        ),
    ] = None,
) -> None:
    """Make a network of the weights of a torchgeo ResNet, which knows its bands by name.

    A training that begins with it (`unetzoo train data/ --from OUT --decoder unet --channels B2,B3,B4,B8`) takes the
    filters of these bands.
    """
    import unetzoo
    from unetzoo_geo.torchgeo import read_torchgeo

    names = [name.strip() for name in bands.split(",")] if bands else []
    network = read_torchgeo(weights, names)
    unetzoo.save(network, out)
    typer.echo(f"{out}: {network.config.encoder} of the bands {', '.join(network.config.info.channel_names)}")


def _read_bands(texts: list[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise OptionError(f"each band must be a name and a file, such as B2=T33_B02.jp2; got {text!r}")
        if name in files:
            raise OptionError(f"two bands have the name {name}; each needs its own")
        files[name] = Path(path)
    return files


def read_classes(texts: list[str]) -> dict[str, int]:
    """The ids of classes by name, from texts such as `"crop=1"`.

    Raises:
        OptionError: a text has another form, or two have the same name or id.
    """
    classes: dict[str, int] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        if not name or not number.isdecimal():
            raise OptionError(f"--class must be a name and an id, such as crop=1; got {text!r}")
        if name in classes or int(number) in classes.values():
            raise OptionError(f"--class {text} has the name or the id of another class; each needs its own")
        classes[name] = int(number)
    return classes


def _count(number: int, noun: str) -> str:
    """A number of things, such as `"1 band"` and `"1,200 polygons"`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
