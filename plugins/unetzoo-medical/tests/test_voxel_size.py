"""Volumes of other voxels than those of the training, on oblique grids; SimpleITK and nibabel are the judges."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - as its own examples have it
import torch
from unetzoo_medical.examples import OBLIQUE

import unetzoo

_PROBABILITIES = unetzoo.PredictOptions(probabilities=True)


def _network(sizes):
    """One that was trained on voxels of these sizes along z, y and x."""
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (4, 8)}}
    network = unetzoo.create("unet", encoder="plain", spatial_dims=3, in_channels=1, classes=2, **options).eval()
    info = unetzoo.ModelInfo(pixel_size=sizes, pixel_size_range=(min(sizes), max(sizes)), unit="mm")
    network.config = replace(network.config, info=info)
    return network


def _write(path, values, affine):
    """Write values (x, y, z), and give their steps along z, y and x of the body."""
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    image.to_filename(path)
    axes = np.argsort(nibabel.io_orientation(affine)[:, 0])
    return tuple(float(step) for step in np.linalg.norm(affine[:3, :3], axis=0)[axes][::-1])


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_a_result_lies_where_the_probabilities_of_averaged_voxels_lie(tmp_path, axes):
    """SimpleITK averages blocks of 2 x 2 voxels, which have the size of the training, and interpolates the result."""
    values = np.random.default_rng(0).normal(size=(24, 20, 14)).astype(np.float32)
    turned = nibabel.Nifti1Image(values, OBLIQUE).as_reoriented(np.array([[axis, 1] for axis in axes]))
    path, shrunk, target = tmp_path / "a.nii", tmp_path / "shrunk.nii", tmp_path / "result.nii"
    _write(path, np.asarray(turned.dataobj), turned.affine)
    source = sitk.ReadImage(str(path))
    factors = [2 if step < 2 else 1 for step in source.GetSpacing()]  # 1 of 2.5 mm
    sitk.WriteImage(sitk.BinShrink(source, factors), str(shrunk))
    small = nibabel.load(shrunk)
    network = _network(_write(shrunk, small.get_fdata(dtype=np.float32).copy(), small.affine))
    (done,) = unetzoo.predict_files(network, shrunk, tmp_path / "small.nii", options=_PROBABILITIES)
    assert done.warnings == ()
    (done,) = unetzoo.predict_files(network, path, target, options=_PROBABILITIES)
    assert "and the result brought back" in done.warnings[0]
    result = nibabel.load(target)
    np.testing.assert_allclose(result.affine, turned.affine, atol=1e-6)
    seen = nibabel.load(tmp_path / "small.nii")
    plane = nibabel.Nifti1Image(np.asarray(seen.dataobj)[..., 1], seen.affine)
    plane.to_filename(tmp_path / "plane.nii")
    back = sitk.Resample(sitk.ReadImage(str(tmp_path / "plane.nii")), source, sitk.Transform(), sitk.sitkLinear)
    expected = sitk.GetArrayFromImage(back).transpose(2, 1, 0)
    found = np.asarray(result.dataobj)[..., 1]
    inside = (slice(1, -1),) * 3
    np.testing.assert_allclose(found[inside], expected[inside], atol=1e-4)
    assert abs(found[:-1] - expected[1:])[inside].max() > 1e-3
