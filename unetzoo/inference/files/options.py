"""How files are predicted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unetzoo.checks import Precision, check_choice, check_count, check_precision
from unetzoo.errors import OptionError
from unetzoo.inference.choices import (
    LARGEST_OBJECT,
    TILE_OF_LARGE,
    Axes,
    Resample,
    Threshold,
    Uncertainty,
    Values,
    check_axes,
    check_mirrors,
    check_tiling,
    plain_threshold,
)

if TYPE_CHECKING:
    from unetzoo.inference.files.looks import Look
    from unetzoo.nn.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """Options of `unetzoo.predict_files`; each is a flag of `unetzoo predict`, too.

    A network of objects writes label images, the number (h, w) of each pixel's object, 0 where there is none: uint16,
    and uint32 for more than 65,535 objects. Its probabilities are its maps.

    A network whose classes may overlap writes planes (classes, h, w) of 0 and 1.

    Attributes:
        probabilities: Write the probability of each class, float32 (classes, h, w), instead of class ids (h, w). A
            pixel without data has the largest id of the type, such as 255, or the probability NaN.
        format: Ending of the files in a folder: `png`, `tif`, `npy` or `zarr`. None: png; tif with probabilities, and
            for classes that may overlap; for volumes that of their own file, if it can be written, else tif.
        values: Values of the masks: `ids`; `palette`: ids with colors to show them in; `trained`: those of the training
            masks. None: palette in png and tif, else ids.
        threshold: Probability above which a class takes a pixel, for every class but the first, or for some by name,
            such as cell=0.3,border=0.6 on the command line. In Python a number, or a mapping such as `{"cell": 0.3}`.
            None: the most probable class; of classes that may overlap those above the thresholds of the network, or
            0.5.
        tile: Side of a tile, which the network sees at once, in pixels, at least 128; of a network over three axes at
            least 32. None: 2048; 1280 for an image of over 134 million pixels; 128 over three axes.
        overlap: Width that neighboring tiles share, in pixels. None: 128, or a quarter of `tile`.
        batch: Number of tiles in one call of the network.
        mirrors: Average over 2 mirror images, left-right, for data with an up; over 4, also upside down; or with their
            quarter turns over 8; for as many times the work. Of volumes, by a network over three axes, over 2, or over
            8 mirror images.
        uncertainty: Also write how unsure the network is of each pixel, float32 (h, w) from 0 to 1, beside the result,
            such as NAME.uncertainty.tif. `entropy`: that of its probabilities; `disagreement`: that of several networks
            or of mirror images with one another, see `unetzoo.predict_uncertainty`. None: no map.
        precision: Precision of the arithmetic.
        device: Name of the device: cpu, cuda, cuda:1 or mps. None: a GPU, else the CPU.
        engine: Name of the engine, see `unetzoo list engines`; others than torch run on the CPU. None: that of a
            deployed network, else torch.
        largest_object: Length of the longest object in images of over 16 million pixels, which are decoded in tiles.
            It is that along any axis, as in `predict_objects`. None: 256 pixels, in volumes 64.
        overwrite: Replace all existing results, whoever made them.
        per_class: Write a folder for each image with a file of 0 and 1 for each class, such as OUT/NAME/cell.png, where
            classes may overlap.
        raw: Leave out the post-processing that is stored with the network.
        resample: Whether an image or a volume whose pixels have another size than those of the training, by more than
            10 %, is predicted at that size: `auto`, if both sizes are known, and the result is brought back; `never`.
        axes: Axes of volumes along which slices are predicted: `z` (axial), `y` (coronal), `x` (sagittal), several such
            as z,x, or all: the mean of their probabilities. None: of a network that was trained on slices of volumes
            the axis of the training; a network over three axes sees all at once; of any other, images are no volumes.

    Raises:
        OptionError: a value is out of its range. The device is checked where it is used.
    """

    probabilities: bool = False
    format: str | None = None
    values: Values | None = None
    threshold: Threshold | None = None
    tile: int | None = None
    overlap: int | None = None
    batch: int = 1
    mirrors: int = 1
    uncertainty: Uncertainty | None = None
    precision: Precision = "float32"
    device: str | None = None
    engine: str | None = None
    largest_object: int | None = None
    overwrite: bool = False
    per_class: bool = False
    raw: bool = False
    resample: Resample = "auto"
    axes: Axes | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        smallest = TILE_OF_LARGE if self.tile is None else self.tile  # of the tiles that images may get
        tile, overlap, batch = check_tiling(smallest, self.overlap, self.batch, axes=3)  # `for_network` knows better
        checked = {
            "precision": check_precision(self.precision),
            "threshold": plain_threshold(self.threshold),
            "tile": self.tile and tile,
            "overlap": overlap,
            "batch": batch,
            "mirrors": check_mirrors(self.mirrors),
            "largest_object": self.largest_object and check_count("largest_object", self.largest_object),
            "axes": ",".join(check_axes(self.axes)) or None,
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        self._check_written()

    def _check_written(self) -> None:
        from unetzoo.data.formats.table import written_endings

        if self.suffix not in written_endings():
            endings = ", ".join(suffix.removeprefix(".") for suffix in written_endings())
            raise OptionError(f"format must be one of {endings}; got {self.format!r}")
        check_choice("resample", self.resample, Resample)
        if self.values is not None:
            check_choice("values", self.values, Values)
        if self.uncertainty is not None:
            check_choice("uncertainty", self.uncertainty, Uncertainty)
            if self.axes:
                raise OptionError("maps of uncertainty are those of images, not of volumes: leave uncertainty out")
        if self.probabilities and (self.values, self.threshold) != (None, None):
            raise OptionError("values and threshold are for class ids; leave them out, or leave probabilities out")
        if self.probabilities and self.per_class:
            raise OptionError("per_class is for masks of 0 and 1: leave it out, or leave probabilities out")

    @property
    def suffix(self) -> str:
        """Ending of the files in a folder, or of those of classes, such as `".png"`."""
        return f".{(self.format or ('tif' if self.probabilities else 'png')).removeprefix('.').lower()}"

    def for_network(self, config: "ModelConfig") -> "PredictOptions":
        """The options with the axes of volumes, and a format that holds the planes of classes that may overlap.

        Raises:
            OptionError: they do not suit images, or volumes.
        """
        space = config.spatial_dims
        check_tiling(TILE_OF_LARGE if self.tile is None else self.tile, self.overlap, self.batch, axes=space)
        check_mirrors(self.mirrors, axes=space)
        if space == 3 and check_axes(self.axes) not in ((), check_axes("all")):
            raise OptionError("axes are those of slices, and the network sees all three at once: leave axes out")
        has_planes = config.labels == "overlapping" and not self.per_class
        options = replace(
            self,
            axes=self.axes or ("all" if space == 3 else config.info.slice_axis) or None,
            largest_object=self.largest_object or LARGEST_OBJECT[space],
        )
        return replace(options, format="tif") if has_planes and self.format is None and not options.axes else options

    def suffix_for(self, image: str) -> str:
        """Ending of the result of an image in a folder; of a volume one of its own format or plugin, if it has one."""
        from unetzoo.data.formats.table import volume_ending

        return volume_ending(Path(image)) or ".tif" if self.axes and not self.format else self.suffix

    def check_fits(self, config: "ModelConfig", suffixes: Iterable[str]) -> None:
        """Raise OptionError where the network lacks a class, or files with these endings cannot hold its result."""
        from unetzoo.inference.thresholds import limits_of

        if config.objects:
            self._check_fits_objects()
        else:
            limits_of(self.threshold, config)
        if self.per_class:
            self._check_per_class(config)
        for suffix in suffixes:
            self.look(suffix, config)

    def _check_per_class(self, config: "ModelConfig") -> None:
        from unetzoo.inference.files.class_files import file_names

        if config.labels == "exclusive":
            raise OptionError("per_class is for classes that may overlap; those of this network exclude one another")
        file_names(config, self.suffix)

    def _check_fits_objects(self) -> None:
        if self.threshold is not None or self.values not in (None, "ids"):
            raise OptionError(
                "the network numbers objects: threshold and values are for classes; leave them out (its own thresholds "
                "are its objects_options)"
            )
        if self.uncertainty:
            raise OptionError(
                "uncertainty must be left out: a network of objects writes label images; unetzoo suggest lists the "
                "images to label next, and in Python unetzoo.predict_uncertainty gives the map of an image"
            )

    def look(self, suffix: str, config: "ModelConfig") -> "Look":
        """How results are written into files with an ending in lower case, such as `".png"`."""
        from unetzoo.inference.files.looks import Look, look_of, look_of_planes

        if self.probabilities or config.objects:
            return Look()
        if config.labels == "overlapping":
            return look_of_planes(self.values, suffix, per_class=self.per_class)
        return look_of("ids" if self.axes and self.values is None else self.values, suffix, config)
