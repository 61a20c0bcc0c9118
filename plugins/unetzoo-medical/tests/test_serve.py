"""A compressed NIfTI volume that a client sends to `unetzoo serve`."""

from threading import Event

import nibabel
import numpy as np
import torch

import unetzoo
from unetzoo.inference.files.options import PredictOptions
from unetzoo.serving.compute import compute
from unetzoo.serving.serve import predictors_of


def test_the_answer_to_nifti_is_nifti_with_its_affine(tmp_path):
    affine = np.array([[0, 0, 3.0, -20], [-0.8, 0, 0, 31], [0, 0.7, 0, 5], [0, 0, 0, 1]])
    values = np.random.default_rng(0).normal(100, 20, (12, 14, 6)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / "a.nii.gz")
    torch.manual_seed(0)
    model = unetzoo.create(
        "unet", encoder="plain", spatial_dims=3, in_channels=1, classes=2, encoder_options={"widths": (4, 8)}
    ).eval()
    unetzoo.predict_files(model, tmp_path / "a.nii.gz", tmp_path / "expected.nii.gz")
    (tmp_path / "upload").mkdir()
    upload = (tmp_path / "a.nii.gz").rename(tmp_path / "upload" / "upload")
    (predictor,) = predictors_of(model, PredictOptions(device="cpu"))
    answer = compute(predictor, upload, "volume", 10**6, Event())
    assert answer.name == "mask.nii.gz"
    (tmp_path / answer.name).write_bytes(answer.content)
    result, expected = nibabel.load(tmp_path / answer.name), nibabel.load(tmp_path / "expected.nii.gz")
    np.testing.assert_allclose(result.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(result.dataobj), np.asarray(expected.dataobj))
