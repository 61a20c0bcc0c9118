"""`unetzoo predict-series` and `unetzoo evaluate-volumes`."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import unetzoo

if TYPE_CHECKING:
    from unetzoo import FilePrediction, Segmenter

_SOME_FAILED, _ALL_FAILED = 3, 4
_AXIAL = "axial"


def predict_series(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a network, or USER/NAME on the Hub")],
    series: Annotated[
        Path, typer.Argument(metavar="IN", help="Folder with a series of DICOM, or folder with folders of these")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="For one series, a .dcm file; else a folder")],
    axes: Annotated[
        str | None,
        typer.Option(
            metavar="AXES",
            help="Axes along which slices are predicted: z, y, x, several such as z,x, or all: the mean of their "
            "probabilities; not for networks over three axes  [default: that of the training, else z]",
            show_default=False,
        ),
    ] = None,
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results")] = False,
) -> None:
    """Predict series of DICOM, and write DICOM-SEG: a segment for each class but the background.

    A result appears complete or not at all, and is kept: if the command is interrupted, run it again to continue with
    the next series. `unetzoo predict` writes other formats.

    Exit codes: 0, all results exist; 2, wrong use or no series; 3, some series failed; 4, all failed.

    Example: unetzoo predict-series run scan/ scan.dcm
    """
    from unetzoo_medical.files import find_volumes
    from unetzoo_medical.segmentation import check_segmentation

    volumes = find_volumes(series)
    check_segmentation(volumes)
    targets = _targets(volumes, series, out)
    network = unetzoo.load(model) if Path(model).exists() else unetzoo.pull(model)
    options = unetzoo.PredictOptions(axes=axes or _axes_of(network), format="npy")
    failed = 0
    for volume, target in zip(volumes, targets, strict=True):
        if target.exists() and not overwrite:
            typer.echo(f"{target} is kept")
        elif not _predict(network, volume, target, options):
            failed += 1
    if failed:
        raise typer.Exit(_ALL_FAILED if failed == len(targets) else _SOME_FAILED)


def evaluate_volumes(
    predicted: Annotated[Path, typer.Argument(metavar="PREDICTED", help="Volume of class ids, or folder of these")],
    truth: Annotated[Path, typer.Argument(metavar="TRUE", help="True ones of the same names")],
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the scores as JSON")] = None,
) -> None:
    """Score volumes of any program case by case: Dice, and distances between surfaces in millimeters.

    `unetzoo evaluate` scores a network, with intervals.

    Example: unetzoo evaluate-volumes results/ livers/masks/
    """
    from dataclasses import asdict
    from json import dumps

    from unetzoo_medical.evaluation import evaluate_volumes as evaluate
    from unetzoo_medical.evaluation import in_words

    scores = evaluate(predicted, truth)
    for line in in_words(scores):
        typer.echo(line)
    if json:
        json.write_text(dumps([asdict(score) for score in scores], indent=2) + "\n", encoding="utf-8")


def _axes_of(network: "Segmenter") -> str | None:
    """The axis of a network's training, else z; None: it sees whole volumes."""
    return None if network.config.spatial_dims == 3 else network.config.info.slice_axis or _AXIAL


def _targets(volumes: list[Path], source: Path, out: Path) -> list[Path]:
    """The file of the result of each series."""
    from unetzoo_medical.segmentation import ENDING

    if volumes == [source] and not out.is_dir():
        if out.suffix.lower() != ENDING:
            raise unetzoo.OptionError(f"{out} must end with {ENDING}; unetzoo predict writes other formats")
        return [out]
    places = [volume.parent.relative_to(source) if volume != source else Path() for volume in volumes]
    return [out / place / f"{volume.name}{ENDING}" for place, volume in zip(places, volumes, strict=True)]


def _predict(network: "Segmenter", volume: Path, target: Path, options: "unetzoo.PredictOptions") -> bool:
    """Predict a series; False: it failed, as is said."""
    import numpy as np

    from unetzoo_medical.segmentation import names_of_segments, write_segmentation

    with tempfile.TemporaryDirectory() as folder:
        ids = Path(folder) / "ids.npy"
        (done,) = unetzoo.predict_files(network, volume, ids, options=options)
        if _said(done, volume):
            return False
        try:
            write_segmentation(target, volume, np.load(ids), names_of_segments(network))
        except unetzoo.UnetzooError as error:
            typer.echo(f"error: {error}", err=True)
            return False
    typer.echo(str(target))
    return True


def _said(done: "FilePrediction", volume: Path) -> bool:
    """Say what is wrong or doubtful about a prediction; whether it failed."""
    for doubt in done.warnings:
        typer.echo(f"warning: {volume}: {doubt}", err=True)
    if done.state == "failed":
        typer.echo(f"error: {done.reason}", err=True)
    return done.state == "failed"
