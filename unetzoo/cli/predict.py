"""`unetzoo predict`: write the masks of images of any size."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.fields import with_fields
from unetzoo.cli.models import ModelName, More, load_models
from unetzoo.cli.output import say
from unetzoo.cli.predict_output import report
from unetzoo.errors import OptionError
from unetzoo.inference.choices import MIRRORS, read_threshold
from unetzoo.inference.files.object_files import ENDINGS, TABLES, ObjectFiles
from unetzoo.inference.files.options import PredictOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from unetzoo.inference.files.predictor import OnRows


@with_fields(
    PredictOptions,
    metavars={
        "mirrors": "|".join(map(str, MIRRORS[2])),
        "format": "ENDING",
        "threshold": "PROBABILITY",
        "tile": "PIXELS",
        "overlap": "PIXELS",
        "device": "NAME",
    }
    | {"largest_object": "PIXELS", "engine": "NAME", "axes": "AXES"},
    readers={"threshold": read_threshold},
)
@with_fields(
    ObjectFiles,
    into="object_files",
    metavars=dict.fromkeys(TABLES, "FILE") | dict.fromkeys(ENDINGS, "FILE|FOLDER") | {"pixel_size": "LENGTH"},
)
def predict(
    model: ModelName,
    images: Annotated[
        str,
        typer.Argument(
            metavar="IN",
            help="Image, folder of images (subfolders included), a .csv, .tsv or .jsonl file with the column image, "
            "a Hugging Face data set (hf:user/name), or a name of `unetzoo list datasets`",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="For one image, a file (.png, .tif, .npy, .zarr) or an existing folder; else a folder",
            show_default=False,
        ),
    ],
    *,
    with_: More = None,
    values: dict[str, Any],
    object_files: dict[str, Any],
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Number of processes  [default: one for each GPU, else one]", show_default=False, min=1
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Use a Ray cluster with a shared file system: its address, auto, or local"
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Write the masks of images.

    Images may have any size: they are predicted in tiles. TIFF files of more than 128 MB, .npy and .zarr are read and
    written by blocks, so that memory does not grow with the image. A result appears complete or not at all. If the
    command is interrupted, run it again to continue. Results that the same network, options and image made are kept;
    those of another network are replaced; files that unetzoo did not write are left alone without --overwrite. The
    hidden folder .unetzoo in OUT records how each result was made.

    A network of objects (train --objects) writes label images: the number of each pixel's object, 0 where there is
    none; and at the end, from the label images, the tables, outlines and pictures that are asked for.

    A network that was trained on volumes (train --slices) reads volumes slice by slice and writes volumes; any other
    one does so with --axes.

    Several networks, those of --with or of a folder of train --folds, predict together: the result is that of their
    mean probabilities.

    A package of bioimage.io, a .zip file or a folder, predicts with what its description says: its result (channels,
    h, w) is written as it is, TIFF unless --format is another. Of the options it takes --format, --tile and
    --overwrite.

    Exit codes: 0, all results exist; 2, wrong use or no images; 3, some images failed; 4, all failed.

    Example: unetzoo predict run images/ masks/ --threshold 0.3
    """
    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.inference.files.jobs import find_jobs
    from unetzoo.inference.files.object_plan import check_network, plan_files
    from unetzoo.inference.files.object_writer import with_object_files
    from unetzoo.inference.files.predict import run_jobs
    from unetzoo.inference.packages.archive import is_package

    options = PredictOptions(**values)
    files = ObjectFiles(**object_files)
    if is_package(Path(model)):
        _check_alone(files, with_, workers, ray)
        _predict_by_package(model, images, out, options, json)
        return
    network = load_models(model, with_)
    options = options.for_network(network.config)
    jobs = find_jobs(images, out, options, on_left_out=lambda text: say("warning:", "yellow", text))
    check_network(files, network.config, probabilities=options.probabilities)
    planned = plan_files(files, jobs, images, out)
    keep_freed_memory()
    with _progress(len(jobs)) as (on_rows, on_result, on_objects):
        results = run_jobs(network, jobs, options, workers=workers, ray=ray, on_rows=on_rows)
        results = with_object_files(results, planned, files, network.config, on_image=on_objects)
        report(results, [job.target for job in jobs], json, about_objects=files.paths(), on_result=on_result)


def _check_alone(files: ObjectFiles, more: "Sequence[str] | None", workers: int | None, ray: str | None) -> None:
    """Raise OptionError for what a package of bioimage.io does not have."""
    if files != ObjectFiles() or more or workers not in (None, 1) or ray is not None:
        raise OptionError(
            "a package of bioimage.io writes its result alone, in one process: leave --with, --workers, --ray and the "
            "files of objects out"
        )


def _predict_by_package(path: str, images: str, out: Path, options: PredictOptions, json: str | None) -> None:
    from unetzoo.inference.files.jobs import find_jobs
    from unetzoo.inference.files.package_predictor import options_of_package, predict_by_package
    from unetzoo.inference.packages.package import load_package

    options = options_of_package(options)
    package = load_package(path)
    jobs = find_jobs(images, out, options, on_left_out=lambda text: say("warning:", "yellow", text))
    with _progress(len(jobs)) as (on_rows, on_result, _):
        results = predict_by_package(package, jobs, options, on_rows=on_rows)
        report(results, [job.target for job in jobs], json, about_objects={}, on_result=on_result)


@contextmanager
def _progress(images: int) -> "Iterator[tuple[OnRows, Callable[[], None], Callable[[], None]]]":
    """A bar of the rows of the current image, one of all images where there are several, and one of their objects."""
    from unetzoo.cli.progress import progress

    with progress() as bar:
        finished = bar.add_task("images", total=images, visible=images > 1)
        rows = bar.add_task("rows", total=None, visible=False)
        measured = bar.add_task("objects", total=images, visible=False)

        def on_rows(_: str, done: int, total: int) -> None:
            bar.update(rows, completed=done, total=total, visible=True)

        yield on_rows, lambda: bar.advance(finished), lambda: bar.update(measured, advance=1, visible=True)
