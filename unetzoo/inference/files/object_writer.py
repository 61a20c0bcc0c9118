"""Write the files about the objects of predicted images, from their label images."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unetzoo._utils.atomic import whole_file
from unetzoo._utils.colors import Colors, outline_palette
from unetzoo._utils.texts import printable
from unetzoo.data.formats.read import open_image
from unetzoo.data.formats.slices import open_voxels
from unetzoo.inference.files.jobs import Image, Job, open_pixels
from unetzoo.inference.files.object_files import ObjectFiles
from unetzoo.inference.files.object_overlays import write_overlay
from unetzoo.inference.files.object_plan import ImageFiles, shared_outlines
from unetzoo.inference.files.object_planes import write_plane_overlay
from unetzoo.inference.files.object_sizes import IN_PIXELS, Metric, grid_of_volume, metrics_of
from unetzoo.inference.files.object_tables import Labels, TableFile, measure_image, open_table, summary_of
from unetzoo.inference.files.predictor import FilePrediction
from unetzoo.inference.files.records import recorded_classes
from unetzoo.inference.files.volumes import volume_file
from unetzoo.nn.config import ModelConfig
from unetzoo.objects.geojson import GeoJsonFile, open_geojson
from unetzoo.objects.outlines import Outline, outlines_of
from unetzoo.objects.rois import check_rois, write_rois
from unetzoo.objects.windows import object_windows
from unetzoo.registry.objects import coding_of, count_object_classes, network_maps

_COLORS = 5  # that tell objects of a single class apart


@dataclass(frozen=True)
class ImageObjects:
    """The predicted objects of an image or a volume.

    Attributes:
        labels: their numbers.
        image: its pixels (h, w, c), or voxels (d, h, w, c), which can be sliced.
        classes: the class of each object, in the order of their numbers; empty: of the first class.
        class_names: of the objects.
        nodata: values of the image that stand for no data.
    """

    labels: Labels
    image: Any
    classes: Sequence[int]
    class_names: Sequence[str]
    nodata: tuple[float, ...]

    def class_of(self, number: int) -> int:
        """The class of an object, by its number."""
        return self.classes[number - 1] if self.classes else 0

    def class_in_color(self, number: int) -> tuple[str, tuple[int, ...]]:
        """The name and the color of the class of an object."""
        index = self.class_of(number)
        return self.class_names[index], tuple(outline_palette(index + 1)[-1].tolist())

    def colors(self) -> Colors:
        """The colors (n, 3) of outlines; the object i has the color `i % n`."""
        if not self.classes:
            return outline_palette(_COLORS)
        return outline_palette(len(self.class_names))[[0, *self.classes]]

    def draw(self, path: Path, source: Image) -> None:
        """Write a picture of the outlines over the image, of a volume over three planes."""
        names = self.class_names if len(self.class_names) > 1 else ()
        if len(self.labels.shape) == 2:
            write_overlay(path, self.labels, self.image, self.colors(), nodata=self.nodata, class_names=names)
            return
        grid = grid_of_volume(source)
        write_plane_overlay(path, self.labels, self.image, grid, self.colors(), nodata=self.nodata, class_names=names)

    def outlines(self) -> Iterator[Outline]:
        """The outlines of the objects."""
        for window in object_windows(self.labels):
            yield from outlines_of(window.ids, window.top)


@dataclass(frozen=True)
class Tables:
    """The open tables of all images.

    Attributes:
        table: a row for each object; None: not written.
        summary: a row for each image; None: not written.
    """

    table: TableFile | None
    summary: TableFile | None

    def add(self, name: str, objects: ImageObjects, metric: Metric) -> None:
        """Measure the objects of an image, and add their rows."""
        if not (self.table or self.summary):
            return
        columns, count = measure_image(objects.labels, objects.image, nodata=objects.nodata, metric=metric)
        if self.table:
            classes = [objects.class_names[objects.class_of(number)] for number in columns["id"].tolist()]
            plain = {title: values.tolist() for title, values in columns.items()}
            self.table.add(name, {"id": plain.pop("id"), "class": classes, **plain})
        if self.summary:
            row = summary_of(columns, count, metric.pixel_size)
            self.summary.add(name, {title: [value] for title, value in row.items()})


@contextmanager
def open_objects(job: Job, config: ModelConfig) -> Iterator[ImageObjects]:
    """The objects of an image that a network of this configuration predicted; raises DataError as `open_image`."""
    with ExitStack() as stack:
        if config.spatial_dims == 3:
            image = stack.enter_context(open_voxels(volume_file(job.image)))
            labels = stack.enter_context(open_voxels(job.target, role="mask"))
        else:
            image = stack.enter_context(open_pixels(job.image, channels=config.in_channels))
            labels = stack.enter_context(open_image(job.target, role="mask"))
        classes = recorded_classes(job.target)
        yield ImageObjects(Labels(labels), image, classes, object_class_names(config), tuple(config.info.nodata))


def with_object_files(
    results: Iterable[FilePrediction],
    planned: Sequence[ImageFiles],
    files: ObjectFiles,
    config: ModelConfig,
    *,
    on_image: Callable[[], None] = lambda: None,
) -> Iterator[FilePrediction]:
    """The same results; after the last one, the files about their objects are written.

    Images that failed, and results of unknown origin, are left out.

    Args:
        results: of the images.
        planned: the files of each image.
        files: what is written.
        config: of the network.
        on_image: called when the files of an image are written.

    Raises:
        DataError: a format cannot hold the outlines of an image.
        WriteError: a file cannot be written; what was there before is still there.
    """
    usable = set()
    for result in results:
        if result.state == "predicted" or (result.state == "kept" and not result.reason):
            usable.add(result.file)
        yield result
    chosen = [item for item in planned if item.job.target in usable]
    if chosen and files.paths():
        _write(chosen, files, config, on_image)


def _write(
    planned: Sequence[ImageFiles], files: ObjectFiles, config: ModelConfig, on_image: Callable[[], None]
) -> None:
    with ExitStack() as stack:
        table, summary = (
            None if path is None else stack.enter_context(open_table(Path(path)))
            for path in (files.table, files.summary)
        )
        tables = Tables(table, summary)
        images = [item.job.image for item in planned]
        has_tables = table or summary
        metrics = metrics_of(images, files.pixel_size, config.spatial_dims) if has_tables else [IN_PIXELS] * len(images)
        shared = shared_outlines(files, planned)
        outlines = stack.enter_context(_outlines_file(shared)) if shared else None
        for item, metric in zip(planned, metrics, strict=True):
            with open_objects(item.job, config) as objects:
                tables.add(item.name, objects, metric)
                if outlines:
                    outlines.add(objects.outlines(), printable(item.name), objects.class_in_color)
                _draw(item, objects)
            on_image()


@contextmanager
def _outlines_file(path: Path) -> Iterator[GeoJsonFile]:
    with whole_file(path) as draft, open_geojson(draft) as file:
        yield file


def _draw(files: ImageFiles, objects: ImageObjects) -> None:
    """Write the files of an image."""
    if files.outlines:
        with _outlines_file(files.outlines) as file:
            file.add(objects.outlines(), printable(files.name), objects.class_in_color)
    if files.rois:
        check_rois(files.rois, objects.labels.shape)
        with whole_file(files.rois) as draft:
            write_rois(draft, objects.outlines())
    if files.overlay:
        with whole_file(files.overlay) as draft:
            objects.draw(draft, files.job.image)


def object_class_names(config: ModelConfig) -> Sequence[str]:
    """The names of the classes of objects."""
    if count_object_classes(config, coding_of(config)):
        return network_maps(config)[-1].channels
    names = config.info.class_names
    return names[1:] if len(names) == 2 else ("object",)
