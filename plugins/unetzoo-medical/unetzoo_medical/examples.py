"""Small volumes, oblique and with steps that differ, on which the contract of formats is checked."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OBLIQUE = np.array([[0.6, -0.72, 0.0, -40.25], [0.36, 0.75, -1.5, 31.5], [0.48, 0.6, 2.0, 12.75], [0, 0, 0, 1]])
"""From (column, row, slice, 1) to RAS, in mm."""


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
