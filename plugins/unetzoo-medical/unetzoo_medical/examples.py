"""Small volumes, oblique and with steps that differ, on which the contract of formats is checked."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo_medical.space import LPS_TO_RAS

OBLIQUE = np.array([[0.6, -0.72, 0, -40.25], [0.64, 0.432, -1.5, 31.5], [0.48, 0.324, 2, 12.75], [0, 0, 0, 1]])
"""From (column, row, slice, 1) to RAS, in mm: turned about two axes, with steps of 1, 0.9 and 2.5."""


def example_values() -> NDArray[Any]:
    """Values (x, y, z)."""
    return np.random.default_rng(0).integers(-1000, 3000, (9, 7, 5)).astype(np.int16)


def example_nifti(folder: Path) -> Path:
    """A volume of nibabel's."""
    return _nifti(folder / "a.nii")


def example_compressed_nifti(folder: Path) -> Path:
    """As `example_nifti`, compressed."""
    return _nifti(folder / "a.nii.gz")


def _nifti(path: Path) -> Path:
    import nibabel

    image = nibabel.Nifti1Image(example_values(), OBLIQUE)
    image.header.set_xyzt_units("mm")
    image.to_filename(path)
    return path


def example_nrrd(folder: Path) -> Path:
    """A volume of pynrrd's, which is not compressed."""
    import nrrd

    path = folder / "a.nrrd"
    lps = LPS_TO_RAS @ OBLIQUE
    header = {
        "space": "left-posterior-superior",
        "space directions": lps[:3, :3].T,
        "space origin": lps[:3, 3],
        "space units": ["mm"] * 3,
        "encoding": "raw",
    }
    nrrd.write(str(path), example_values(), header)
    return path


def example_metaimage(folder: Path) -> Path:
    """A volume without compression."""
    path = folder / "a.mha"
    lps = LPS_TO_RAS @ OBLIQUE
    steps = np.linalg.norm(lps[:3, :3], axis=0)
    fields = {
        "ObjectType": "Image",
        "NDims": 3,
        "BinaryData": True,
        "BinaryDataByteOrderMSB": False,
        "TransformMatrix": _text((lps[:3, :3] / steps).T.ravel()),
        "Offset": _text(lps[:3, 3]),
        "ElementSpacing": _text(steps),
        "DimSize": "9 7 5",
        "ElementType": "MET_SHORT",
        "ElementDataFile": "LOCAL",
    }
    header = "".join(f"{name} = {value}\n" for name, value in fields.items())
    path.write_bytes(header.encode() + example_values().astype("<i2").tobytes("F"))
    return path


def example_dicom(folder: Path) -> Path:
    """A series of slices in an order that is not that of their names."""
    path = folder / "series"
    path.mkdir()
    for name, number in zip("cabed", range(5), strict=True):
        write_slice(path / f"{name}.dcm", example_values()[:, :, number].T, LPS_TO_RAS @ OBLIQUE, number)
    return path


def write_slice(path: Path, pixels: NDArray[Any], affine: NDArray[Any], number: int, **fields: object) -> None:
    """Write a slice (h, w) of a series as DICOM.

    Args:
        path: of the file.
        pixels: of 16 bits.
        affine: (4, 4), from (column, row, slice, 1) to DICOM's coordinates.
        number: of the slice.
        fields: of the data set, to be set or, if None, left out.
    """
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

    steps = np.linalg.norm(affine[:3, :3], axis=0)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number + 1}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    standard = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SeriesInstanceUID": "1.2.3",
        "StudyInstanceUID": "1.2",
        "Modality": "CT",
        "ImagePositionPatient": _decimals(affine[:3] @ [0, 0, number, 1]),
        "ImageOrientationPatient": _decimals((affine[:3, :2] / steps[:2]).T.ravel()),
        "PixelSpacing": _decimals(steps[[1, 0]]),
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.astype(pixels.dtype.newbyteorder("<")).tobytes(),
    }
    for name, value in (standard | fields).items():
        if value is not None:
            setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)


def _decimals(numbers: NDArray[Any]) -> list[str]:
    """Numbers as DICOM's decimal strings of up to 16 letters."""
    return [f"{number:.10g}" for number in numbers.tolist()]


def _text(numbers: NDArray[Any]) -> str:
    return " ".join(map(repr, numbers.tolist()))
