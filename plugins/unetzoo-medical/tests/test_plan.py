import gzip

import nibabel
import numpy as np
import pytest
from unetzoo_medical.examples import OBLIQUE

import unetzoo
from unetzoo.errors import DataError


def _write(folder, name, image, mask, affine):
    for part, array in (("images", image), ("masks", mask)):
        (folder / part).mkdir(exist_ok=True)
        written = nibabel.Nifti1Image(array, affine)
        written.header.set_xyzt_units("mm")
        written.to_filename(folder / part / f"{name}.nii.gz")


def _case(number=0):
    """A volume (x, y, z) of 20 x 24 x 9 voxels and its mask."""
    mask = np.zeros((20, 24, 9), np.uint8)
    mask[4:12, 6:20, 2 : 6 + number] = 1
    return np.random.default_rng(number).normal(100, 20, mask.shape).astype(np.float32) + 200 * mask, mask


def _turned(array, affine, axes):
    """The same volume with its axes in another order, by nibabel."""
    turned = nibabel.Nifti1Image(array, affine).as_reoriented(np.array([[axis, 1] for axis in axes]))
    return np.asarray(turned.dataobj), turned.affine


def test_a_plan_is_the_same_in_every_order_of_axes(tmp_path):
    affine = np.diag([0.5, 0.75, 4.0, 1.0])
    plans = []
    for axes in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        folder = tmp_path / "".join(map(str, axes))
        folder.mkdir()
        for number in range(2):
            (image, turned), (mask, _) = (_turned(array, affine, axes) for array in _case(number))
            _write(folder, f"c{number}", image, mask, turned)
        plans.append(unetzoo.plan(folder, memory=0.1))
    assert plans[0] == plans[1] == plans[2]
    assert (plans[0].fingerprint.unit, plans[0].fingerprint.shapes) == ("mm", ((9, 24, 20),) * 2)
    np.testing.assert_allclose(plans[0].spacing, (4, 0.75, 0.5))
    assert plans[0].kernels[0] == (1, 3, 3)


def test_a_case_without_one_of_the_modalities_is_refused(tmp_path):
    for number, channels in enumerate((2, 2, 1)):
        image, mask = _case()
        _write(tmp_path, f"c{number}", np.stack([image] * channels, -1), mask, OBLIQUE)
    with pytest.raises(DataError, match=r"^images/c2\.nii\.gz has 1 channel, most images have 2"):
        unetzoo.plan(tmp_path)


def test_a_volume_with_a_step_of_zero_is_refused(tmp_path):
    _write(tmp_path, "c0", *_case(), np.diag([0.5, 0.75, 4.0, 1.0]))
    path = tmp_path / "images" / "c0.nii.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[312:328] = bytes(16)  # the third row of the sform
    path.write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match=r"c0\.nii\.gz: its header places the voxels at no volume, .*steps above 0"):
        unetzoo.plan(tmp_path)
