"""Networks over three axes on volumes in files, each of which may have another order of axes."""

import gzip

import nibabel
import numpy as np
import pytest
import torch
from typer.testing import CliRunner
from unetzoo_medical.examples import OBLIQUE

import unetzoo
from unetzoo.cli import app
from unetzoo.data.formats import open_raster

_ORDERS = [[(0, 1), (1, 1), (2, 1)], [(2, -1), (0, 1), (1, -1)], [(1, 1), (2, 1), (0, -1)], [(0, -1), (1, 1), (2, -1)]]


def _network():
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (4, 8)}}
    return unetzoo.create("unet", encoder="plain", spatial_dims=3, in_channels=1, classes=2, **options).eval()


def _save(path, values, number):
    """Write values (x, y, z) with axes in another order and direction for each number, by nibabel."""
    image = nibabel.Nifti1Image(values, OBLIQUE).as_reoriented(np.array(_ORDERS[number]))
    image.header.set_xyzt_units("mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(path)
    return image


def test_a_volume_is_predicted_alike_in_every_order_of_axes(tmp_path):
    values = np.random.default_rng(0).normal(size=(9, 12, 10)).astype(np.float32)
    expected = None
    for number, order in enumerate(_ORDERS):
        image = _save(tmp_path / "a.nii", values, number)
        with open_raster(tmp_path / "a.nii") as raster:
            probabilities = unetzoo.predict_volume(_network(), raster)
        foreground = nibabel.Nifti1Image(probabilities[1].transpose(2, 1, 0), image.affine)
        now, then = (nibabel.io_orientation(affine) for affine in (image.affine, OBLIQUE))
        back = foreground.as_reoriented(nibabel.orientations.ornt_transform(now, then))
        np.testing.assert_allclose(back.affine, OBLIQUE, atol=1e-6)
        result = np.asarray(back.dataobj)
        expected = result if expected is None else expected
        np.testing.assert_allclose(result, expected, atol=1e-6, err_msg=str(order))
    assert expected.std() > 1e-3


@pytest.fixture
def cases(tmp_path):
    """Four cases with a bright box, in other orders of axes."""
    random = np.random.default_rng(0)
    for number in range(4):
        mask = np.zeros((20, 18, 10), np.uint8)
        mask[6:14, 5 : 12 + number, 2:8] = 1
        values = (100 + 400.0 * mask + random.normal(0, 20, mask.shape)).astype(np.int16)
        for folder, array in (("imagesTr", values), ("labelsTr", mask)):
            _save(tmp_path / "data" / folder / f"case{number}.nii.gz", array, number)
    return tmp_path / "data"


def test_the_commands_train_predict_and_score_volumes_where_they_lie(cases, tmp_path):
    run, results = str(tmp_path / "run"), tmp_path / "results"
    train = f"train {cases} --spatial-dims 3 --encoder plain --encoder-option widths=[4,8] --crop 8,16,16 --batch 2 "
    train += f"--steps 30 --learning-rate 0.01 --average 0 --augment flips --device cpu --workers 0 --out {run}"
    for line in (train, f"predict {run} {cases / 'imagesTr'} {results}"):
        done = CliRunner().invoke(app, line.split())
        assert done.exit_code == 0, done.output
    assert unetzoo.load(run).config.info.pixel_size == pytest.approx((2.5, 0.9, 1.0), abs=0.2)
    for number in range(4):
        result = nibabel.load(results / f"case{number}.nii.gz")
        mask = nibabel.load(cases / "labelsTr" / f"case{number}.nii.gz")
        np.testing.assert_allclose(result.affine, mask.affine, atol=1e-6)
        assert (np.asarray(result.dataobj) == np.asarray(mask.dataobj)).mean() > 0.95
    scores = unetzoo.evaluate(unetzoo.load(run), cases, split="all", surface=True)
    assert (len(scores.cases), scores.unit, scores.noun) == (4, "mm", "volume")
    assert scores.classes[1]["Dice"].value > 0.9


def test_a_mask_that_lies_elsewhere_or_an_image_nowhere_is_an_error_that_names_it(cases, tmp_path):
    path = cases / "labelsTr" / "case1.nii.gz"
    image = nibabel.load(path)
    moved = image.affine.copy()
    moved[0, 3] += 20
    nibabel.Nifti1Image(np.asarray(image.dataobj), moved).to_filename(path)
    path = cases / "imagesTr" / "case2.nii.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[312:328] = bytes(16)  # srow_z, since nibabel writes no such header
    path.write_bytes(gzip.compress(content))
    errors = unetzoo.survey(cases, spatial_dims=3).errors
    assert any("case1.nii.gz: its mask lies up to 20 mm away from it by their headers" in each for each in errors)
    assert any("case2.nii.gz: its header places the voxels at no volume" in each for each in errors)
    with pytest.raises(unetzoo.DataError, match="its mask lies up to 20 mm away"):
        unetzoo.fit(_network(), cases, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_channels_in_files_of_their_own_are_one_volume_if_they_lie_alike(tmp_path):
    values = np.random.default_rng(0).normal(size=(9, 12, 10, 2)).astype(np.float32)
    for channel in range(2):
        _save(tmp_path / "imagesTs" / f"a_000{channel}.nii.gz", values[..., channel], 1)
    together = nibabel.Nifti1Image(values, OBLIQUE).as_reoriented(np.array(_ORDERS[1]))
    together.header.set_xyzt_units("mm")
    together.to_filename(tmp_path / "a.nii.gz")
    with open_raster(tmp_path / "imagesTs" / "a_0000.nii.gz") as apart, open_raster(tmp_path / "a.nii.gz") as expected:
        assert apart.shape == expected.shape
        assert np.array_equal(apart.read(apart.whole), expected.read(expected.whole))
        np.testing.assert_allclose(apart.grid.affine, expected.grid.affine, atol=1e-6)
    moved = nibabel.load(tmp_path / "imagesTs" / "a_0001.nii.gz")
    affine = moved.affine + np.array([[0, 0, 0, 3], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    nibabel.Nifti1Image(np.asarray(moved.dataobj), affine).to_filename(tmp_path / "imagesTs" / "a_0001.nii.gz")
    apart = open_raster(tmp_path / "imagesTs" / "a_0000.nii.gz")
    with pytest.raises(unetzoo.DataError, match=r"a_0001\.nii\.gz lies up to 3 mm away from the first channel"), apart:
        pass
