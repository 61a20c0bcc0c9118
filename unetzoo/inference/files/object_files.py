"""Which files about the objects of predicted images and volumes are written."""

from dataclasses import dataclass, fields
from pathlib import Path

from unetzoo._utils.pixel_size import read_pixel_size
from unetzoo.errors import OptionError

TABLES = ("table", "summary")
"""The fields that are a file of all images."""
ENDINGS = {"outlines": ".geojson", "rois": ".zip", "overlay": ".png"}
"""The fields that are a file of each image, with its ending."""


@dataclass(frozen=True, kw_only=True)
class ObjectFiles:
    """Files about the objects of predicted images, beside their label images; each is a flag of `unetzoo predict`, too.

    They are written at the end, from the label images that this call wrote or kept, and replace files of the same
    names. Images that failed are left out, and results that unetzoo did not write. Places are those of
    `outline_objects`: (0, 0) is the corner of the first pixel. Of volumes there are table, summary
    and overlay.

    Attributes:
        table: A .csv file with a row for each object of all images: area, place, form, and values of each channel. The
            columns are those of `unetzoo.measure_objects`, after the name of the image, the number and the class.
        summary: A .csv file with a row for each image: number of objects, density and mean area. Pixels without data do
            not count.
        outlines: Outlines as GeoJSON. A folder: a file for each image, as QuPath reads them; a .geojson file: those of
            all images, with the name of the image in each one's properties.
        rois: Outlines as ROIs, which ImageJ reads: a .zip file for one image, else a folder.
        overlay: Pictures of the images with outlines in color, of volumes of three planes through their middle: a .png
            file for one image, else a folder. The colors are those of classes, which a legend below names; where there
            is one class, they tell objects apart. Small images are enlarged to 1024 pixels, large ones reduced to 4096.
        pixel_size: Side of a pixel with its unit, such as 0.5um, or sides of a voxel along z, y and x, such as
            2,0.5,0.5um, for further columns in the unit. By default those which the files state, if all do.

    Raises:
        OptionError: a file has another ending, or `pixel_size` is not a length, or there is no table for it.
    """

    table: str | Path | None = None
    summary: str | Path | None = None
    outlines: str | Path | None = None
    rois: str | Path | None = None
    overlay: str | Path | None = None
    pixel_size: str | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        for name, path in self.paths().items():
            if name in TABLES and path.suffix.lower() != ".csv":
                raise OptionError(f"{name} must be a .csv file, got {path}")
            ending = path.suffix.lower()
            if name in ENDINGS and ending[1:].isalpha() and ending != ENDINGS[name] and not path.is_dir():
                raise OptionError(f"{name} must be a {ENDINGS[name]} file, or a folder, got {path}")
        if self.pixel_size is not None:
            read_pixel_size(self.pixel_size)
            if not (self.table or self.summary):
                raise OptionError("pixel_size must be left out: it is for the columns of table and summary")

    def paths(self) -> dict[str, Path]:
        """The files and folders by field, without those that are not written."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "pixel_size"}
        return {name: Path(path) for name, path in values.items() if path is not None}
