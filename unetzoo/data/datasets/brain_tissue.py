"""Tissues of the brain: the ICBM152 template that nilearn carries, as slices."""

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.extras import how_to_install, need
from unetzoo.data.dataset import Dataset, Sample
from unetzoo.errors import DataError

CLASSES = ("background", "CSF", "grey matter", "white matter")
_FOLDER = ("datasets", "data")
_FILES = {
    "t1": "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz",
    "grey": "mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz",
    "white": "mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz",
}
_SHARES = {"train": (0.0, 0.6), "val": (0.6, 0.8), "test": (0.8, 1.0)}  # of the slices that show brain
_GAP = 10.0  # mm between slabs


class BrainTissueDataset(Dataset):
    """Coronal slices (h, w, 1) of the ICBM152 T1 template, with background, CSF, grey and white matter.

    A pixel inside of the brain (T1 > 0) is of the class with the largest share of it: grey and white matter as the
    template's maps say, CSF what is left. Each split is a slab of neighboring slices, with 10 mm between slabs: the
    template is mirror-symmetric, so that a left and a right half would be the same picture.

    Args:
        split: `"train"`, the 60 % of the slices at the back; `"val"` and `"test"`, 20 % each, in front of them.
        step: every how many slices one is taken.

    Raises:
        MissingExtraError: nilearn is not installed.
        DataError: nilearn does not carry the template.
    """

    def __init__(self, *, split: str, step: int = 1) -> None:
        super().__init__(class_names=CLASSES)
        t1, classes, spacing = load_template()
        shown = np.flatnonzero(t1.any(axis=(0, 2)))
        first, last = (round(share * len(shown)) for share in _SHARES[split])
        margin = round(_GAP / spacing / 2)
        slab = shown[first + (margin if first else 0) : last - (margin if last < len(shown) else 0) : step]
        self.samples = [
            Sample(np.rot90(t1[:, at])[..., None], np.rot90(classes[:, at]), f"coronal slice {at}")
            for at in slab.tolist()
        ]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


@lru_cache(maxsize=1)
def load_template() -> tuple[NDArray[np.uint8], NDArray[np.int64], float]:
    """The T1 image, the class ids, both (left-right, back-front, down-up), and the mm from voxel to voxel."""
    need("brain", "the data set 'brain-tissue'", "nilearn")
    import nibabel

    folder = files("nilearn").joinpath(*_FOLDER)
    missing = [name for name in _FILES.values() if not folder.joinpath(name).is_file()]
    if missing:
        raise DataError(
            f"this version of nilearn does not carry {missing[0]}; for one that does: {how_to_install('brain')}"
        )
    volumes = {name: nibabel.Nifti1Image.from_filename(str(folder.joinpath(file))) for name, file in _FILES.items()}
    t1 = np.asarray(volumes["t1"].dataobj)
    grey, white = (np.asarray(volumes[name].dataobj, dtype=np.float32) / 255 for name in ("grey", "white"))
    tissue = np.stack([1 - grey - white, grey, white]).argmax(0) + 1
    return t1, np.where(t1 > 0, tissue, 0), float(volumes["t1"].header["pixdim"][2])
