"""`unetzoo slice-volumes`, `unetzoo predict-volumes` and `unetzoo evaluate-volumes`."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import unetzoo

if TYPE_CHECKING:
    from unetzoo_medical.prediction import Network

_ALL = "all"
_SOME_FAILED, _ALL_FAILED = 3, 4
_PLANES_HELP = "axial, coronal or sagittal  [default: across the largest step]"


def slice_volumes(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Folder with images/ and masks/ (or imagesTr/ and labelsTr/; or train/, val/, test/ with both), or a "
            ".csv file with the columns image and mask, and perhaps split and group",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write, new or empty")],
    axis: Annotated[str | None, typer.Option(metavar="PLANE", help=_PLANES_HELP, show_default=False)] = None,
    neighbors: Annotated[
        int, typer.Option(metavar="1|3|5", help="Slices that are the channels of an image, itself in the middle")
    ] = 1,
) -> None:
    """Write the slices of volumes and their masks as images for training, with splits by case.

    Example: unetzoo slice-volumes livers/ slices/, then unetzoo train slices/slices.csv --out run
    """
    from unetzoo_medical.slicing import slice_volumes as write

    table = write(
        data,
        out,
        plane=axis,
        neighbors=neighbors,
        on_case=lambda name, count, plane: typer.echo(f"{name}: {count} {plane} slices"),
    )
    typer.echo(f"written to {out}; train with: unetzoo train {table} --out run")


def predict_volumes(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a network, or USER/NAME on the Hub")],
    volumes: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="Volume (.nii, .nii.gz, .nrrd, .mha, or the folder of a DICOM series), or folder of these",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="For one volume, a file; else a folder")],
    axis: Annotated[
        str | None,
        typer.Option(metavar="PLANE", help=f"{_PLANES_HELP}; all: the mean of the three", show_default=False),
    ] = None,
    ending: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="ENDING",
            help="Ending of files in a folder: nii.gz, nii, nrrd, mha, or dcm (DICOM-SEG, of series of DICOM)",
        ),
    ] = "nii.gz",
    *,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Write the probability of each class")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results")] = False,
) -> None:
    """Predict volumes slice by slice with a 2D network; results lie where their sources lie.

    A network with three or five times the channels of a volume sees each slice between its neighbors. A result appears
    complete or not at all, and is kept: if the command is interrupted, run it again to continue with the next volume.

    Exit codes: 0, all results exist; 2, wrong use or no volumes; 3, some volumes failed; 4, all failed.

    Example: unetzoo predict-volumes run volumes/ results/
    """
    from unetzoo_medical.files import find_volumes
    from unetzoo_medical.segmentation import ENDING, check_segmentation

    targets = _targets(find_volumes(volumes), volumes, out, ending)
    if any(target.suffix == ENDING for _, target in targets):
        check_segmentation([volume for volume, _ in targets], probabilities=probabilities)
    planes = _planes(axis)
    network = _network(model)
    failed = 0
    for volume, target in targets:
        if target.exists() and not overwrite:
            typer.echo(f"{target} is kept")
        elif not _predict(network, volume, target, planes, probabilities=probabilities):
            failed += 1
    if failed:
        raise typer.Exit(_ALL_FAILED if failed == len(targets) else _SOME_FAILED)


def evaluate_volumes(
    predicted: Annotated[Path, typer.Argument(metavar="PREDICTED", help="Volume of class ids, or folder of these")],
    truth: Annotated[Path, typer.Argument(metavar="TRUE", help="True ones of the same names")],
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the scores as JSON")] = None,
) -> None:
    """Score volumes case by case: Dice, and distances between surfaces in millimeters.

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


def _planes(axis: str | None) -> tuple[int | None, ...]:
    from unetzoo_medical.slicing import check_plane

    return (0, 1, 2) if axis == _ALL else (check_plane(axis),)


def _network(name: str) -> "Network":
    """The network of a folder or of the Hub, fused for prediction, on a GPU if there is one."""
    import torch

    network = unetzoo.load(name) if Path(name).exists() else unetzoo.pull(name)
    network = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return unetzoo.optimize(network)


def _targets(volumes: list[Path], source: Path, out: Path, ending: str) -> list[tuple[Path, Path]]:
    """Each volume with the file of its result."""
    from unetzoo_medical.files import WRITERS, ending_of, name_of
    from unetzoo_medical.segmentation import ENDING

    suffix, written = f".{ending.removeprefix('.').lower()}", (*WRITERS, ENDING)
    if suffix not in written:
        raise unetzoo.OptionError(f"format must be one of {', '.join(written)}; got {ending!r}")
    if volumes == [source] and not out.is_dir():
        if not ending_of(out.name, written):
            raise unetzoo.OptionError(f"{out} has none of the endings {', '.join(written)}")
        targets = [out]
    else:
        places = [volume.parent.relative_to(source) if volume != source else Path() for volume in volumes]
        targets = [out / place / f"{name_of(volume)}{suffix}" for place, volume in zip(places, volumes, strict=True)]
    _check_targets(volumes, targets)
    return list(zip(volumes, targets, strict=True))


def _check_targets(volumes: list[Path], targets: list[Path]) -> None:
    sources = {volume.resolve() for volume in volumes}
    for index, target in enumerate(targets):
        if target.resolve() in sources:
            raise unetzoo.DataError(
                f"the result {target} would take the place of a volume; name another file or folder"
            )
        if target in targets[:index]:
            other = volumes[targets.index(target)]
            raise unetzoo.DataError(f"{other} and {volumes[index]} would both become {target}; rename one of them")


def _predict(
    network: "Network", volume: Path, target: Path, planes: tuple[int | None, ...], *, probabilities: bool
) -> bool:
    """Predict a volume; False: it failed, as is said."""
    from unetzoo_medical.files import write_volume
    from unetzoo_medical.prediction import names_of_ids, predict_volume_file
    from unetzoo_medical.segmentation import ENDING, write_segmentation

    try:
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always", unetzoo.DataWarning)
            values, grid = predict_volume_file(network, volume, planes, probabilities=probabilities)
        if target.suffix == ENDING:
            write_segmentation(target, volume, values, names_of_ids(network))
        else:
            write_volume(target, values, grid)
    except unetzoo.UnetzooError as error:
        typer.echo(f"error: {error}", err=True)
        return False
    for doubt in doubts:
        typer.echo(f"warning: {volume}: {doubt.message}", err=True)
    typer.echo(str(target))
    return True
