"""Tables of objects in volumes that lie anywhere in a body: places in its coordinates, beside nibabel's."""

import csv
from dataclasses import replace

import nibabel
import numpy as np
import pytest
import torch
from nibabel.affines import apply_affine
from scipy import ndimage
from unetzoo_medical.examples import OBLIQUE

import unetzoo

STEPS = np.linalg.norm(OBLIQUE[:3, :3], axis=0)  # along (x, y, z)


@pytest.fixture(scope="module")
def model():
    """A network that finds some pieces in noise."""
    torch.manual_seed(0)
    network = unetzoo.create(
        "unet",
        encoder="plain",
        spatial_dims=3,
        in_channels=1,
        objects="components",
        encoder_options={"widths": (4, 8)},
    ).eval()
    values = np.random.default_rng(1).normal(size=(10, 12, 9)).astype(np.float32)
    threshold = float(np.quantile(unetzoo.predict(network, values), 0.8))
    network.config = replace(network.config, objects_options={"threshold": threshold, "min_size": 2})
    return network


def _save(path, unit, shape=(9, 12, 10)):
    path.parent.mkdir(exist_ok=True)
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    image = nibabel.Nifti1Image(values, OBLIQUE)
    if unit:
        image.header.set_xyzt_units(unit)
    image.to_filename(path)
    return values


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("unit", ["mm", ""])
def test_centroids_lie_where_nibabel_says_in_millimeters(unit, model, tmp_path):
    values = _save(tmp_path / "in" / "a.nii.gz", unit)
    files = unetzoo.ObjectFiles(table=tmp_path / "cells.csv")
    unetzoo.predict_files(model, tmp_path / "in", tmp_path / "out", object_files=files)
    labels = nibabel.load(tmp_path / "out" / "a.nii.gz")
    ids = np.asarray(labels.dataobj)  # (x, y, z)
    rows = _rows(tmp_path / "cells.csv")
    assert [int(row["id"]) for row in rows] == list(range(1, ids.max() + 1))
    assert len(rows) > 1
    for row in rows:
        number = int(row["id"])
        index = ndimage.center_of_mass(ids == number)
        own = [float(row[f"world_{axis}_mm"]) for axis in "xyz"]
        np.testing.assert_allclose(own, apply_affine(labels.affine, index), atol=1e-4)
        voxels = [float(row[f"centroid_{axis}_px"]) - 0.5 for axis in "xyz"]
        np.testing.assert_allclose(voxels, index, rtol=1e-6)
        assert float(row["volume_mm3"]) == pytest.approx((ids == number).sum() * STEPS.prod(), rel=1e-5)
        assert float(row["mean_c1"]) == pytest.approx(values[ids == number].mean(), rel=1e-4)


def test_one_table_has_one_unit(model, tmp_path):
    _save(tmp_path / "in" / "a.nii", "mm")
    _save(tmp_path / "in" / "b.nii", "micron")
    files = unetzoo.ObjectFiles(table=tmp_path / "cells.csv")
    unetzoo.predict_files(model, tmp_path / "in", tmp_path / "out", object_files=files)
    first, second = (
        [row for row in _rows(tmp_path / "cells.csv") if row["image"] == name] for name in ("a.nii", "b.nii")
    )
    assert len(first) == len(second) > 1
    for one, other in zip(first, second, strict=True):
        assert float(other["volume_mm3"]) == pytest.approx(float(one["volume_mm3"]) * 1e-9, rel=1e-5)
        assert float(other["world_x_mm"]) == pytest.approx(float(one["world_x_mm"]) * 1e-3, rel=1e-4)
