"""DICOM-SEG: a result as segments, a class each, on the slices of its series, written with highdicom."""

import warnings
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo import DataError, MissingExtraError, Segmenter, UnetzooError
from unetzoo_medical.dicom import read_series
from unetzoo_medical.dicom_slice import Slice

ENDING = ".dcm"
_BACKGROUND = "background"
_PLANES = 4  # axes of planes: classes, slices, rows and columns
_SERIES_NUMBER = 1000  # above those of scanners


def check_segmentation(volumes: Sequence[Path]) -> None:
    """Check whether results can be DICOM-SEG, before any is predicted.

    Raises:
        DataError: a volume is not a series of DICOM.
        MissingExtraError: highdicom is not installed.
    """
    if find_spec("highdicom") is None:
        raise MissingExtraError("writing DICOM-SEG needs highdicom: pip install 'unetzoo-medical[seg]'")
    if others := [volume for volume in volumes if not volume.is_dir()]:
        raise DataError(
            f"{others[0]} is not a folder with a series of DICOM, of which DICOM-SEG is made; use unetzoo predict"
        )


def names_of_segments(model: Segmenter) -> tuple[str, ...]:
    """The name of each id or plane that a network gives; numbers where its training did not store all."""
    count, names = model.config.classes, tuple(model.config.info.class_names)
    if model.config.labels == "overlapping":
        return names if len(names) == count else tuple(map(str, range(1, count + 1)))
    count = max(count, len((_BACKGROUND, "foreground")))
    return names if len(names) == count else (_BACKGROUND, *map(str, range(1, count)))


def write_segmentation(path: Path, series: Path, ids: NDArray[np.uint8], class_names: Sequence[str]) -> None:
    """Write the classes of a series as DICOM-SEG, completely or not at all.

    Each class is a binary segment, but for a first one of ids that is called `background`. Study, patient and frame of
    reference are those of the series.

    Args:
        path: of the file.
        series: folder of the series.
        ids: (d, h, w), in the order of its `Raster`; ids of no class are in no segment. Of classes that may overlap:
            planes (classes, d, h, w) of 0 and 1.
        class_names: the name of each id or plane.

    Raises:
        DataError: the headers of the series lack what a DICOM-SEG refers to.
    """
    slices = read_series(series)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.writing")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that pydicom finds odd
        try:
            _segmentation(_headers(slices), ids, class_names).save_as(draft)
            draft.replace(path)
        except (UnetzooError, OSError):
            raise
        except Exception as error:  # highdicom raises nearly anything for headers that lack something
            first, *_ = str(error).splitlines() or [repr(error)]
            raise DataError(f"{series} cannot have a DICOM-SEG: {first.rstrip('.')}; use unetzoo predict") from error
        finally:
            draft.unlink(missing_ok=True)


def _headers(slices: Sequence[Slice]) -> list[Any]:
    """The headers of a series, each with a thickness: where a file has none, it is the step between slices."""
    import pydicom

    first, last = slices[0], slices[-1]
    step = np.linalg.norm(last.position - first.position) / (len(slices) - 1) if len(slices) > 1 else first.thickness
    headers = [pydicom.dcmread(each.path, stop_before_pixels=True) for each in slices]
    for header in headers:
        if not header.get("SliceThickness"):
            header.SliceThickness = f"{step:.8g}"
    return headers


def _segmentation(headers: Sequence[Any], ids: NDArray[np.uint8], class_names: Sequence[str]) -> Any:  # noqa: ANN401 - pydicom's types say little
    from highdicom.seg import Segmentation, SegmentationTypeValues
    from pydicom.uid import generate_uid

    has_planes = ids.ndim == _PLANES
    first = 1 if class_names[0] == _BACKGROUND and not has_planes else 0
    segment_of = np.zeros(256, np.uint8)
    segment_of[first : len(class_names)] = np.arange(1, len(class_names) - first + 1)
    return Segmentation(
        source_images=headers,
        pixel_array=np.moveaxis(ids == 1, 0, -1).astype(np.uint8) if has_planes else segment_of[ids],
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(number, name) for number, name in enumerate(class_names[first:], 1)],
        series_instance_uid=generate_uid(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="unetzoo",
        manufacturer_model_name="unetzoo-medical",
        software_versions=version("unetzoo-medical"),
        device_serial_number="0",
        content_label="UNETZOO",
        omit_empty_frames=False,
    )


def _segment(number: int, name: str) -> Any:  # noqa: ANN401 - see above
    """A segment of which the name alone is known: its category and type are those of any tissue."""
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes

    return SegmentDescription(
        segment_number=number,
        segment_label=name[:64],
        segmented_property_category=codes.SCT.Tissue,
        segmented_property_type=codes.SCT.Tissue,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name="unetzoo", version=version("unetzoo"), family=codes.DCM.ArtificialIntelligence
        ),
    )
