"""The fingerprint of a data set: its images and masks are read twice, to check them and to measure the foreground."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil, prod
from pathlib import Path

import numpy as np

from unetzoo._utils.texts import count_of
from unetzoo.data.dataset import Sample
from unetzoo.data.find import Data, source_of
from unetzoo.data.formats.channel_files import channel_names
from unetzoo.data.formats.slices import AS_IT_SAYS, Slicing
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.open import survey_of
from unetzoo.data.sources.cases import CaseSource
from unetzoo.data.sources.files import FileSource
from unetzoo.data.sources.source import Source
from unetzoo.data.sources.volumes import VolumeSource, holds_volumes
from unetzoo.data.survey.statistics import class_counts
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import DataError, OptionError
from unetzoo.planning.case import Case
from unetzoo.planning.distances import distances_of
from unetzoo.planning.fingerprint import Fingerprint
from unetzoo.planning.intensities import intensities_of

_MOST_VALUES = 2e7  # of the foreground of all cases
_AIR = -900  # of Hounsfield units, about
_IMAGE = 3  # axes, with that of the channels


def measure(
    data: Data,
    masks: MaskOptions,
    *,
    as_volumes: bool = False,
    channels: Sequence[str] = (),
    spacing: Sequence[float] = (),
    on_read: Callable[[int], None] | None = None,
) -> Fingerprint:
    """The fingerprint of a data set without its test split.

    Args:
        data: as for `unetzoo.survey`.
        masks: what the user says of the masks.
        as_volumes: 3-D arrays, such as TIFF stacks, are volumes and not images with channels.
        channels: names of the channels, such as `["CT"]`; empty: those that the files, or `dataset.json`, say.
        spacing: distance between the voxels along each axis of files that state none.
        on_read: called after each image or slice, with the number of all that will be read.

    Raises:
        DataError: the data has errors, no foreground, or volumes without distances between their voxels.
        OptionError: names or distances do not fit the data.
    """
    count = on_read or _ignored
    survey = _survey(data, masks, count, as_volumes=as_volumes)
    statistics = survey.statistics  # raises DataError for data with errors
    names = _channel_names(channels or statistics.channel_names or names_in(data), statistics.channels)
    numbers = sorted(index for split, indices in survey.splits.items() if split != "test" for index in indices)
    distances = distances_of(survey.source, numbers, spacing)
    cases = _cases(survey, numbers, statistics.nodata, count)
    foregrounds = [values for case in cases if len(values := case.foreground)]
    if not foregrounds:
        raise DataError(f"no foreground in the masks of {count_of(len(cases), 'case')}: there is nothing to plan for")
    doubts = _doubts(names, statistics.value_range[0], len(cases), len(cases) - len(foregrounds))
    return Fingerprint(
        shapes=tuple(_shape(case, survey.source) for case in cases),
        spacings=distances.steps,
        channels=intensities_of(foregrounds, names),
        classes=len(statistics.class_names),
        unit=distances.unit,
        share_after_crop=float(np.median([prod(case.shape) / prod(case.whole) for case in cases])),
        doubts=(*survey.warnings, *doubts),
    )


def _ignored(total: int) -> None:
    """The progress that nobody follows."""


def _survey(data: Data, masks: MaskOptions, on_read: Callable[[int], None], *, as_volumes: bool) -> Survey:
    """A survey whose volumes are read along their first direction, whichever step is the largest."""
    if isinstance(data, Survey):
        if data.slicing.count > 1:
            raise OptionError("the channels of this survey are slices: plan one with slices=1, or with spatial_dims=3")
        return survey_of(data, masks, trained=None, split_by=None)
    source = source_of(data)
    slicing = Slicing(1, "z") if as_volumes or _holds_volumes(source) else AS_IT_SAYS
    return survey_of(
        source, masks, trained=None, split_by=None, slicing=slicing, on_read=lambda total: on_read(2 * total)
    )


def _holds_volumes(source: Source) -> bool:
    return isinstance(source, FileSource) and holds_volumes(source)


def _cases(
    survey: Survey, numbers: Sequence[int], nodata: tuple[float, ...], on_read: Callable[[int], None]
) -> list[Case]:
    """The cases of some entries; of large ones a part of the foreground is kept."""
    of_case: dict[str, list[int]] = {}
    for number in numbers:
        of_case.setdefault(survey.source.case(number), []).append(number)
    return [_case(survey, entries, nodata, _MOST_VALUES / len(of_case), on_read) for entries in of_case.values()]


def _case(
    survey: Survey, entries: Sequence[int], nodata: tuple[float, ...], most: float, on_read: Callable[[int], None]
) -> Case:
    dataset = survey.of_images(entries)
    first = 1 if dataset.labels == "exclusive" else 0
    readings = [survey.readings[entry] for entry in entries]
    count = sum(int(class_counts(reading, dataset.coding)[first:].sum()) for reading in readings)
    case = Case(step=max(1, ceil(count / most)), nodata=nodata)
    for number in range(len(dataset)):
        for part in _slices(dataset[number]):
            case.add(part)
        on_read(2 * len(survey.readings))
    return case


def _slices(sample: Sample) -> Iterator[Sample]:
    """The slices of a whole volume; an image as it is."""
    image, mask, name = sample
    if image.ndim == _IMAGE:
        yield sample
    else:
        yield from (Sample(image[place], mask[..., place, :, :], name) for place in range(len(image)))


def _shape(case: Case, source: Source) -> tuple[int, ...]:
    """The size along (z, y, x), of an image along (y, x)."""
    slices, *plane = case.shape
    if isinstance(source, CaseSource | VolumeSource):
        plane.insert(source.direction if isinstance(source, VolumeSource) else 0, slices)
    return tuple(plane)


def _channel_names(names: Sequence[str], count: int) -> tuple[str, ...]:
    if names and len(names) != count:
        raise OptionError(f"channels names {', '.join(names)}, but the images have {count_of(count, 'channel')}")
    return tuple(names) or ("",) * count


def names_in(data: object) -> tuple[str, ...]:
    """The names of the channels by nnU-Net's description of a folder; empty without one."""
    return channel_names(Path(data)) if isinstance(data, str | Path) else ()


def _doubts(names: Sequence[str], lowest: float, cases: int, empty: int) -> Iterator[str]:
    if empty:
        yield f"{empty} of {cases} cases have no foreground, and do not count in the intensities"
    if lowest <= _AIR and not any(names):
        yield (
            f"values reach down to {lowest:g}, as the Hounsfield units of CT do: if they are, say so with "
            "channels (--channels CT), so that they are clipped"
        )
