"""Open and survey data sets of any kind: a folder, a table of pairs, a name, or what Python has opened already."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from unetzoo.checks import check_choice, whole
from unetzoo.data.dataset import Dataset
from unetzoo.data.find import Data, source_of
from unetzoo.data.formats.slices import AS_IT_SAYS, Slicing
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.masks.trained import labels_of_training, resolve_coding
from unetzoo.data.sources.cases import as_cases
from unetzoo.data.sources.cuts import SplitBy, in_blocks
from unetzoo.data.sources.declared import with_declared
from unetzoo.data.sources.files import FileSource
from unetzoo.data.sources.samples import CodedDataset
from unetzoo.data.sources.source import Source
from unetzoo.data.sources.splits import ALL, choose_split, split_entries
from unetzoo.data.sources.volumes import VolumeSource, in_slices
from unetzoo.data.survey.folds import entries_as_trained, folds_in
from unetzoo.data.survey.problems import find_mask_problems, summary_of
from unetzoo.data.survey.reading import masks_of, read_all
from unetzoo.data.survey.survey import Survey, survey_source
from unetzoo.errors import DataError, OptionError
from unetzoo.nn.config import ModelConfig, SpatialDims
from unetzoo.nn.info import ModelInfo


def survey(
    data: Data,
    *,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    split_by: SplitBy = "auto",
    slices: int | None = None,
    axis: str | None = None,
    spatial_dims: int = 2,
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
            `"overlapping"`: the planes of masks, or the labels of annotations, are classes that may overlap;
            `"exclusive"`: they may not; `"auto"`: planes may if some do.
        ignore: values or colors whose pixels do not count, such as `0`, `[0, -9999]` or `"#000000"`.
        threshold: the least value of the foreground, in masks with soft edges.
        nearest_color: a color or value of no class stands for the nearest one of a class.
        split_by: what is divided among splits where the data has none. `"images"`: images are; `"blocks"`: blocks of
            the ground of images in files, a fifth each for validation and the test; `"auto"`: blocks of the only image
            if it has over 128 MiB of pixels. Such images are read by blocks in any case.
        slices: volumes: 1, 3 or 5 neighboring slices that are the channels of an image, itself in the middle; those
            beyond the ends repeat the last one. None: as in the training of `trained`, else 1 where files hold volumes;
            3-D arrays, such as TIFF stacks, are images with channels.
        axis: volumes: along which slices follow one another, `"z"`, `"y"` or `"x"`, also called `"axial"`, `"coronal"`
            and `"sagittal"`; None: as in the training of `trained`, else that with the largest step.
        spatial_dims: 3: volumes are read whole, for networks over three axes, not in slices.
        trained: `model.config.info` of a network: unless classes, masks or a threshold say otherwise, values of masks
            mean what they meant in its training; and its classes keep their order.
        on_read: called after each pair with the number of all pairs.

    Raises:
        DataError: there is no such data set, or it has no pairs. What is wrong with single files is in the result.
        OptionError: classes that do not fit.
    """
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    slicing = Slicing(slices, axis, whole=is_whole(spatial_dims))
    return survey_of(data, options, trained=trained, split_by=split_by, slicing=slicing, on_read=on_read)


def open_dataset(
    data: Data,
    split: str | None = None,
    *,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    split_by: SplitBy = "auto",
    slices: int | None = None,
    axis: str | None = None,
    spatial_dims: int = 2,
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
        split_by: as for `unetzoo.survey`; `"auto"`: as in the training on this data, if `trained` says so.
        slices: as for `unetzoo.survey`.
        axis: as for `unetzoo.survey`.
        spatial_dims: as for `unetzoo.survey`.
        trained: as for `unetzoo.survey`.

    Raises:
        DataError: there is no such data set or split, it cannot be decided what the masks mean, or one cannot be read
            or holds a value of no class.
        OptionError: classes that do not fit, or that are given for a data set that is open already.
    """
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    slicing = Slicing(slices, axis, whole=is_whole(spatial_dims))
    return dataset_of(data, split, options, trained=trained, split_by=split_by, slicing=slicing)


def survey_of(
    data: Data,
    masks: MaskOptions,
    *,
    trained: ModelInfo | None,
    objects: bool = False,
    split_by: SplitBy | None = "auto",
    slicing: Slicing = AS_IT_SAYS,
    on_read: Callable[[int], None] | None = None,
) -> Survey:
    """As `survey`, with all that the user says of masks in one; a survey is returned as it is.

    With `objects`, for a network of objects, masks in files number these unless the user names classes or a threshold,
    or `trained` knows what they mean. Without `split_by`, no image is cut into blocks.
    """
    if isinstance(data, Survey):
        _refuse_options(masks, split_by, slicing)
        return data
    source, masks = _resolved(data, masks, trained, objects=objects)
    source = _in_slices(source, slicing, trained)
    if objects and isinstance(source, VolumeSource):
        raise OptionError("objects reach over slices, which no coding joins: train classes on volumes, without objects")
    source = in_blocks(source, split_by) if split_by else source
    return survey_source(source, masks, trained=trained, on_read=on_read)


def dataset_of(
    data: Data,
    split: str | None,
    masks: MaskOptions,
    *,
    trained: ModelInfo | None,
    objects: bool = False,
    split_by: SplitBy = "auto",
    slicing: Slicing = AS_IT_SAYS,
) -> Dataset:
    """As `open_dataset`, with all that the user says of masks in one; a `Dataset` is returned as it is.

    `objects` is as for `survey_of`.
    """
    if isinstance(data, Dataset | Survey):
        _refuse_options(masks, split_by, slicing)
    if isinstance(data, Dataset) and split is not None:
        raise OptionError("a Dataset is a single split already: leave split out")
    if isinstance(data, Dataset):
        return data
    if isinstance(data, Survey):
        return _of_survey(data, split, trained or ModelInfo())
    source, masks = _resolved(data, masks, trained, objects=objects)
    source = _in_slices(source, slicing, trained)
    source = _cut_as_trained(source, masks, trained or ModelInfo(), split_by)
    if trained and folds_in(trained)[0]:
        survey = survey_source(source, masks, trained=trained)
        if entries_as_trained(survey, trained)[0] is not source.entries:
            return _of_survey(survey, split, trained)
    return _of_source(source, masks, data, split, trained or ModelInfo())


def _cut_as_trained(source: Source, masks: MaskOptions, trained: ModelInfo, split_by: SplitBy) -> Source:
    """Images of files in blocks, divided among splits as in the training of a network, if it was on this source."""
    if split_by != "auto" or not trained.mean:
        return in_blocks(source, split_by)
    if trained.split_by == "blocks" and isinstance(source, FileSource):
        with suppress(DataError, OptionError):  # other data, which cannot be split so
            blocks = in_blocks(source, "blocks")
            if _is_of_training(blocks, masks, trained):
                return blocks
    return in_blocks(source, "images")


def _of_survey(survey: Survey, split: str | None, trained: ModelInfo) -> Dataset:
    entries, of_folds = entries_as_trained(survey, trained)
    chosen, note = choose_split(entries, split, is_of_training=lambda: survey.is_training_data_of(trained))
    own = survey.splits if entries is survey.source.entries else split_entries(entries)
    dataset = survey.of_images(range(len(entries)) if chosen == ALL else own.get(chosen, ()))
    dataset.split, dataset.split_note = chosen, (of_folds if chosen != "test" else "") or note
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


def _in_slices(source: Source, said: Slicing, trained: ModelInfo | None) -> Source:
    """Volumes in files as their slices, read as the user says, or else as in the training of a network; or whole."""
    if said.whole:
        return as_cases(source)
    if isinstance(source, FileSource) and trained and trained.slices:
        return in_slices(source, Slicing(said.slices or trained.slices, said.axis or trained.slice_axis))
    return in_slices(source, said)


def slicing_for(config: ModelConfig) -> Slicing:
    """How a network sees the volumes of a data set that says nothing else: as files say it, or whole."""
    return Slicing(whole=config.spatial_dims == 3)


def is_whole(spatial_dims: int) -> bool:
    """Whether volumes are read whole; raises OptionError for another number of axes than 2 and 3."""
    check_choice("spatial_dims", whole(spatial_dims), SpatialDims)
    return spatial_dims == 3


def _refuse_options(masks: MaskOptions, split_by: SplitBy | None, slicing: Slicing) -> None:
    if masks != MaskOptions() or split_by == "blocks" or slicing.is_said:
        raise OptionError(
            "this data set is open already: give classes, masks, split_by, slices and axis where you open it"
        )


def _resolved(
    data: object, masks: MaskOptions, trained: ModelInfo | None, *, objects: bool
) -> tuple[Source, MaskOptions]:
    """The images and masks, which number objects if the user asks for that, and what the user or the data say."""
    source = source_of(data)
    is_overlapping = "overlapping" in (masks.masks, masks.masks == "auto" and trained and labels_of_training(trained))
    if is_overlapping:
        source, masks = source.in_planes(), replace(masks, masks="overlapping")
    masks = with_declared(masks, source.declared)
    is_said = masks.classes is not None or masks.threshold is not None or (trained and trained.mask_coding)
    if masks.masks == "overlapping":
        return source, masks
    if objects and not source.knows_objects and not is_said:
        masks = replace(masks, masks="instances")
    return source.numbered() if masks.masks == "instances" else source, masks
