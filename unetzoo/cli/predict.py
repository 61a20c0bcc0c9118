"""`unetzoo predict`: masks of images, of one or of many, of any size."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.cli.models import ModelName, load_model
from unetzoo.cli.outcomes import report
from unetzoo.cli.output import say
from unetzoo.cli.tiling import DeviceName, Flips, Overlap, Thresholds, Tile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unetzoo.inference.files.jobs import Job, OnRows, Outcome
    from unetzoo.inference.files.predictor import FileOptions
    from unetzoo.nn.segmenter import Segmenter

_IDS, _PROBABILITIES = "png", "tif"


def predict(
    model: ModelName,
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="an image, or a folder of images and of such folders", show_default=False),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="a file (.png, .tif, .npy, .zarr), or a folder where IN is one", show_default=False
        ),
    ],
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="write each class's probability, not class ids")
    ] = False,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="ENDING",
            help="of files in a folder: png, tif, npy or zarr  [default: png; tif with --probabilities]",
            show_default=False,
        ),
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="of pixels in a mask: ids; palette: ids with colours to show them in; trained: as in the masks of the "
            "training  [default: palette in png and tif, else ids]",
            show_default=False,
        ),
    ] = None,
    threshold: Thresholds = None,
    tile: Tile = None,
    overlap: Overlap = None,
    batch: Annotated[int, typer.Option(metavar="N", help="tiles at once")] = 1,
    flips: Flips = False,
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or float16")] = "float32",
    device: DeviceName = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="processes  [default: one a GPU, else one]", show_default=False, min=1),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="of a Ray cluster with the same file system; auto; local"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="make results anew that are there, whoever made them")
    ] = False,
) -> None:
    """Write the masks of images.

    Images of any size go through in tiles. A TIFF of more than 128 MB, .npy and .zarr are read and written by blocks,
    so that memory does not grow with the image. Results appear whole or not at all. Stopped at any moment, the same
    command goes on where it was. Results that are there already are kept where the same network, options and image made
    them, and predicted again where others did; files that something else made are left alone without --overwrite. The
    hidden folder .unetzoo in OUT remembers what made them.

    Exit codes: 0, all is there; 2, wrong use or no images; 3, some images failed; 4, all failed.
    """
    from unetzoo.inference.files.jobs import find_jobs
    from unetzoo.inference.files.predictor import FileOptions
    from unetzoo.inference.files.writers import check_target
    from unetzoo.inference.thresholds import read_threshold

    suffix = f".{(file_format or (_PROBABILITIES if probabilities else _IDS)).removeprefix('.').lower()}"
    options = FileOptions(
        probabilities=probabilities,
        values=values,  # type: ignore[arg-type] # FileOptions checks it
        threshold=None if threshold is None else read_threshold(threshold),
        tile=tile,
        overlap=overlap,
        batch=batch,
        flips=flips,
        precision=precision,  # type: ignore[arg-type] # FileOptions checks it
        device=device,
        overwrite=overwrite,
    )
    jobs = find_jobs(
        source.absolute(), target.absolute(), suffix, on_left_out=lambda text: say("warning:", "yellow", text)
    )
    for job in jobs:
        check_target(job.target, probabilities=probabilities)
    network = load_model(model)
    options.check_fits(network.config, {job.target.suffix.lower() for job in jobs})
    for folder in {job.target.parent for job in jobs}:
        _make_folder(folder)
    report(_run(network, jobs, options, workers, ray), jobs)


def _make_folder(folder: Path) -> None:
    from unetzoo.errors import DataError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the folder {folder}: {error.strerror}") from error


def _run(
    network: "Segmenter", jobs: "list[Job]", options: "FileOptions", workers: int | None, ray: str | None
) -> "Iterator[Outcome]":
    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.inference.files.cluster import run_on_ray
    from unetzoo.inference.files.jobs import run_jobs

    if ray is not None:
        yield from _counted(run_on_ray(network, jobs, options, address=ray), len(jobs))
        return
    keep_freed_memory()
    chosen = min(workers or _gpus(options), len(jobs))
    with _rows_shown(len(jobs)) as on_rows:
        yield from run_jobs(network, jobs, options, workers=chosen, on_rows=on_rows)


def _gpus(options: "FileOptions") -> int:
    import torch

    return 1 if options.device else max(1, torch.cuda.device_count())


def _counted(outcomes: "Iterator[Outcome]", total: int) -> "Iterator[Outcome]":
    from unetzoo.cli.progress import counting

    with counting("images") as on_image:
        for outcome in outcomes:
            on_image(total)
            yield outcome


@contextmanager
def _rows_shown(images: int) -> "Iterator[OnRows]":
    """A bar of the rows of the image that is predicted, with its number among all."""
    from unetzoo.cli.progress import progress

    seen: list[Path] = []
    with progress() as bar:
        task = bar.add_task("rows", total=None)

        def on_rows(source: Path, done: int, total: int) -> None:
            if source not in seen[-1:]:
                seen.append(source)
            label = "rows" if images == 1 else f"{len(seen)}/{images}"
            bar.update(task, description=label, completed=done, total=total)

        yield on_rows
