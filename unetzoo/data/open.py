"""Open and survey data sets of any kind: a folder, a table of pairs, a name, or what Python has opened already."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from unetzoo.assembly import create_dataset, list_datasets
from unetzoo.data.annotations.source import open_annotations
from unetzoo.data.annotations.table import is_annotation_file, named_format
from unetzoo.data.dataset import Dataset
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.masks.trained import resolve_coding
from unetzoo.data.sources.declared import with_declared
from unetzoo.data.sources.folders import NoPairsError, pairs_in_folder
from unetzoo.data.sources.hub import is_saved_dataset, open_hub_dataset
from unetzoo.data.sources.samples import CodedDataset, SampleSource
from unetzoo.data.sources.source import SPLITS, Source
from unetzoo.data.sources.splits import ALL, choose_split, split_entries
from unetzoo.data.sources.tables import TABLES, pairs_in_table
from unetzoo.data.survey.problems import find_mask_problems, summary_of
from unetzoo.data.survey.reading import masks_of, read_all
from unetzoo.data.survey.survey import Survey, survey_source
from unetzoo.errors import DataError, OptionError, UnknownNameError
from unetzoo.nn.info import ModelInfo

Data: TypeAlias = str | Path | Source | Survey | Dataset | Mapping[str, Dataset]
"""A data set: a folder, a file of pairs, annotations, `"hf:user/name"` or a name of `list_datasets`; or opened."""


def survey(
    data: Data,
    *,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    trained: ModelInfo | None = None,
    on_read: Callable[[int], None] | None = None,
) -> Survey:
    """Read every image and mask of a data set once; find what its masks mean and what is wrong, as `data check` does.

    Args:
        data: a folder with `images/` and `masks/` (or `train/`, `val/`, `test/` with both), a `.csv`, `.tsv` or
            `.jsonl` file that lists pairs, a folder or file of annotations, such as `"coco:cells"`,
            `"hf:user/name"`, a name of `unetzoo.list_datasets`, a `Dataset`, of which a fifth is held out for
            validation, or a mapping of splits to them.
        classes: names of the classes, such as `["sky", "cell"]`, or with their values in the masks, such as
            `{"sky": 0, "cell": 255}` or `{"sky": "#000000", "cell": ["#ff0000", "#00ff00"]}`; None: derived from masks.
        masks: `"instances"`: masks number the objects of one class; those of annotations are drawn so.
        ignore: values or colors whose pixels do not count, such as `0`, `[0, -9999]` or `"#000000"`.
        threshold: the least value of the foreground, in masks with soft edges.
        nearest_color: a color or value of no class stands for the nearest one of a class.
        trained: `model.config.info` of a network: unless classes, masks or a threshold say otherwise, values of masks
            mean what they meant in its training; and its classes keep their order.
        on_read: called after each pair with the number of all pairs.

    Raises:
        DataError: there is no such data set, or it has no pairs. What is wrong with single files is in the result.
        OptionError: classes that do not fit.
    """
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    return survey_of(data, options, trained=trained, on_read=on_read)


def open_dataset(
    data: Data,
    split: str | None = None,
    *,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    trained: ModelInfo | None = None,
) -> Dataset:
    """One split of a data set, sample by sample; its masks are read once to find out what they mean.

    Args:
        data: as for `unetzoo.survey`.
        split: `"train"`, `"val"`, `"test"` or `"all"`; None: the test split; without one, the validation split; if the
            data has no splits, all images, or, of those that `trained` was trained on, the ones held out.
        classes: as for `unetzoo.survey`.
        masks: as for `unetzoo.survey`.
        ignore: as for `unetzoo.survey`.
        threshold: as for `unetzoo.survey`.
        nearest_color: as for `unetzoo.survey`.
        trained: as for `unetzoo.survey`.

    Raises:
        DataError: there is no such data set or split, it cannot be decided what the masks mean, or one cannot be read
            or holds a value of no class.
        OptionError: classes that do not fit, or that are given for a data set that is open already.
    """
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    return dataset_of(data, split, options, trained=trained)


def survey_of(
    data: Data,
    masks: MaskOptions,
    *,
    trained: ModelInfo | None,
    objects: bool = False,
    on_read: Callable[[int], None] | None = None,
) -> Survey:
    """As `survey`, with all that the user says of masks in one; a survey is returned as it is.

    With `objects`, for a network of objects, masks in files number these unless the user names classes or a threshold,
    or `trained` knows what they mean.
    """
    if isinstance(data, Survey):
        _refuse_options(masks)
        return data
    source, masks = _resolved(data, masks, trained, objects=objects)
    return survey_source(source, masks, trained=trained, on_read=on_read)


def dataset_of(
    data: Data, split: str | None, masks: MaskOptions, *, trained: ModelInfo | None, objects: bool = False
) -> Dataset:
    """As `open_dataset`, with all that the user says of masks in one; a `Dataset` is returned as it is.

    `objects` is as for `survey_of`.
    """
    if isinstance(data, Dataset | Survey):
        _refuse_options(masks)
    if isinstance(data, Dataset) and split is not None:
        raise OptionError("a Dataset is a single split already: leave split out")
    if isinstance(data, Dataset):
        return data
    if isinstance(data, Survey):
        return _of_survey(data, split, trained or ModelInfo())
    source, masks = _resolved(data, masks, trained, objects=objects)
    return _of_source(source, masks, data, split, trained or ModelInfo())


def _of_survey(survey: Survey, split: str | None, trained: ModelInfo) -> Dataset:
    entries = survey.source.entries
    chosen, note = choose_split(entries, split, is_of_training=lambda: survey.is_training_data_of(trained))
    dataset = survey.dataset(chosen)
    dataset.split, dataset.split_note = chosen, note
    return dataset


def _of_source(source: Source, masks: MaskOptions, data: object, split: str | None, trained: ModelInfo) -> Dataset:
    """A split of a source; errors begin with the name of the data."""
    entries = source.entries
    try:
        chosen, note = choose_split(entries, split, is_of_training=lambda: _is_of_training(source, masks, trained))
        indices = range(len(entries)) if chosen == ALL else split_entries(entries)[chosen]
        readings = read_all(source, indices, images=False)
        coding = resolve_coding(masks_of(readings), masks, trained, class_names=source.class_names)
    except DataError as error:
        raise DataError(f"{data}: {error}" if isinstance(data, str | os.PathLike) else str(error)) from error
    if problems := find_mask_problems(source, readings, coding):
        raise DataError(summary_of(problems))
    dataset = CodedDataset(source, indices, coding)
    dataset.split, dataset.split_note = chosen, note
    return dataset


def _is_of_training(source: Source, masks: MaskOptions, trained: ModelInfo) -> bool:
    """Whether a network was trained on this source."""
    try:
        return bool(trained.mean) and survey_source(source, masks, trained=trained).is_training_data_of(trained)
    except DataError:  # the data has errors, so that nothing was trained on it
        return False


def open_source(source: str | Path) -> Source:
    """The images and masks of a folder, a file that lists them, a Hugging Face data set, or a named data set.

    Args:
        source: a folder (see `unetzoo.data.sources.folders`), a `.csv`, `.tsv` or `.jsonl` file (see
            `unetzoo.data.sources.tables`), a folder or file of annotations (see `unetzoo.data.annotations.table`),
            perhaps with the name of their format before it (`"coco:cells"`), a folder of
            `datasets.Dataset.save_to_disk`, `"hf:user/name"` or `"hf:user/name:config"`, or a name of
            `unetzoo.list_datasets`.

    Raises:
        DataError: it does not exist, or has no pair of an image and a mask.
    """
    format_, text = named_format(str(source))
    path = Path(text)
    if format_ and path.exists():
        return _open_annotations(path, format_)
    if text.startswith("hf:") or is_saved_dataset(path):
        return open_hub_dataset(text)
    if path.is_dir():
        return _open_folder(path)
    if path.is_file() and path.suffix.lower() in TABLES:
        return pairs_in_table(path)
    if path.exists():
        return _open_annotations(path)
    try:
        return SampleSource({split: create_dataset(text, split=split) for split in SPLITS})
    except UnknownNameError as error:
        names = ", ".join(list_datasets())
        raise DataError(
            f"there is no folder or file {text!r}, and no data set of that name; data sets: {names}"
        ) from error


def _open_folder(folder: Path) -> Source:
    """Its masks, or else its annotations."""
    try:
        return pairs_in_folder(folder)
    except NoPairsError:
        if annotated := open_annotations(folder):
            return annotated
        raise


def _open_annotations(path: Path, format_: str = "") -> Source:
    """The annotations of a folder of a known format, or of a file."""
    is_readable = path.is_dir() or is_annotation_file(path)
    if is_readable and (annotated := open_annotations(path, format_)):
        return annotated
    raise DataError(
        f"{path} is not a data set: give a folder, a file {', '.join(TABLES)} that lists images and masks, or a file "
        "of annotations (COCO, CVAT XML, YOLO's data.yaml)"
    )


def _refuse_options(masks: MaskOptions) -> None:
    if masks != MaskOptions():
        raise OptionError("this data set is open already: give classes and masks where you open it")


def _resolved(
    data: object, masks: MaskOptions, trained: ModelInfo | None, *, objects: bool
) -> tuple[Source, MaskOptions]:
    """The images and masks, which number objects if the user asks for that, and what the user or the data say."""
    source = source_of(data)
    masks = with_declared(masks, source.declared)
    is_said = masks.classes is not None or masks.threshold is not None or (trained and trained.mask_coding)
    if objects and not source.knows_objects and not is_said:
        masks = replace(masks, masks="instances")
    return source.numbered() if masks.masks == "instances" else source, masks


def source_of(data: object) -> Source:
    """The images and masks of a data set, unread; raises DataError for what is not one."""
    if isinstance(data, Survey):
        return data.source
    if isinstance(data, Source):
        return data
    if isinstance(data, Dataset | Mapping):
        return SampleSource(data if isinstance(data, Mapping) else {"": data})
    if isinstance(data, str | os.PathLike):
        return open_source(data if isinstance(data, str) else Path(data))
    raise DataError(
        "a data set is a folder, a file that lists pairs, a name, a unetzoo.Dataset or a mapping of splits to them;"
        f" got {type(data).__name__}"
    )
