import csv
from itertools import permutations, product

import nibabel
import numpy as np
import pytest
import SimpleITK
import torch
from typer.testing import CliRunner
from unetzoo_medical.examples import OBLIQUE, example_dicom, example_values
from unetzoo_medical.orientation import PLANES, Slices
from unetzoo_medical.prediction import predict_volume, predict_volume_file
from unetzoo_medical.slicing import slice_volumes

import unetzoo
from unetzoo.cli import app
from unetzoo.data.formats import open_raster


def _save(path, values, affine=OBLIQUE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(values, affine).to_filename(path)
    return path


def _network(channels=1, classes=2):
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (4, 8)}}
    return unetzoo.create("unet", encoder="plain", in_channels=channels, classes=classes, **options).eval()


def _orientations(values, affine):
    """The same volume in all 48 orders and directions of its axes, by nibabel."""
    image = nibabel.Nifti1Image(values, affine)
    for order, flips in product(permutations(range(3)), product([1, -1], repeat=3)):
        yield image.as_reoriented(np.array([*zip(order, flips, strict=True)]))


def _as_viewers_show(image):
    """The voxels (z, y, x) from head to feet, front to back and right to left, by nibabel."""
    now = nibabel.io_orientation(image.affine)
    then = nibabel.orientations.axcodes2ornt(("L", "P", "I"))
    turned = image.as_reoriented(nibabel.orientations.ornt_transform(now, then))
    return np.asarray(turned.dataobj).transpose(2, 1, 0)


def test_slices_are_the_same_in_every_order_of_axes(tmp_path):
    path = tmp_path / "a.nii"
    for image in _orientations(example_values(), OBLIQUE):
        image.to_filename(path)
        shown = _as_viewers_show(image)
        with open_raster(path) as raster:
            for plane in range(3):
                slices = Slices(raster, plane)
                assert len(slices) == shown.shape[plane]
                np.testing.assert_array_equal(slices[1][..., 0], shown.take(1, axis=plane))


def test_a_slice_lies_where_its_voxels_lie(tmp_path):
    values = np.arange(9 * 7 * 5, dtype=np.int16).reshape(9, 7, 5)
    for image in _orientations(values, OBLIQUE):
        with open_raster(_save(tmp_path / "a.nii", np.asarray(image.dataobj), image.affine)) as raster:
            for plane in range(3):
                slices = Slices(raster, plane)
                pixels, grid = slices[2][..., 0], slices.grid(2)
                place = np.array(grid.affine) @ [0, 1, 3, 1]
                expected = OBLIQUE[:3] @ [*np.argwhere(values == pixels[1, 3])[0], 1]
                np.testing.assert_allclose(place, expected, atol=1e-5)


def test_the_plane_is_that_across_the_largest_step_and_neighbors_are_channels(tmp_path):
    affine = np.diag([1, 4, 2, 1.0])
    with open_raster(_save(tmp_path / "a.nii", example_values(), affine)) as raster:
        slices = Slices(raster, neighbors=3)
        assert PLANES[slices.plane] == "coronal"
        assert slices[3].shape == (5, 9, 3)
        single = Slices(raster)
        for number, expected in [(0, (0, 0, 1)), (3, (2, 3, 4)), (6, (5, 6, 6))]:
            np.testing.assert_array_equal(slices[number], np.concatenate([single[each] for each in expected], axis=-1))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_volume_is_predicted_as_its_slices_are_in_every_order_of_axes(tmp_path, channels):
    network = _network(channels)
    values = np.random.default_rng(0).normal(size=(9, 7, 5)).astype(np.float32)
    expected = None
    for image in list(_orientations(values, OBLIQUE))[:: 7 if channels == 1 else 23]:
        with open_raster(_save(tmp_path / "a.nii", np.asarray(image.dataobj), image.affine)) as raster:
            probabilities = predict_volume(network, raster, probabilities=True)
            np.testing.assert_array_equal(predict_volume(network, raster), probabilities.argmax(0))
            slices = Slices(raster, 0, neighbors=channels)
            by_hand = np.stack([unetzoo.predict(network, slices[number])[1] for number in range(len(slices))])
        result = _as_viewers_show(nibabel.Nifti1Image(probabilities[1].transpose(2, 1, 0), image.affine))
        np.testing.assert_allclose(result, by_hand, atol=1e-6)
        expected = result if expected is None else expected
        np.testing.assert_allclose(result, expected, atol=1e-6)
    assert expected.std() > 1e-3


def test_all_planes_give_the_mean_of_their_probabilities(tmp_path):
    network = _network()
    with open_raster(_save(tmp_path / "a.nii", example_values())) as raster:
        single = [predict_volume(network, raster, [plane], probabilities=True) for plane in range(3)]
        mean = predict_volume(network, raster, [0, 1, 2], probabilities=True)
        ids = predict_volume(network, raster, [0, 1, 2])
    assert mean.shape == (2, 5, 7, 9)
    np.testing.assert_allclose(mean, np.mean(single, axis=0), atol=1e-6)
    np.testing.assert_array_equal(ids, mean.argmax(0))
    assert abs(single[0] - single[1]).max() > 1e-4


def test_a_network_with_other_channels_is_refused(tmp_path):
    path = _save(tmp_path / "a.nii", example_values())
    with pytest.raises(unetzoo.DataError, match=r"a.nii: the volume has 1 channels, .* takes 4 channels"):
        predict_volume_file(_network(4), path)


@pytest.fixture
def cases(tmp_path):
    """Four cases: a bright box is the second class."""
    random = np.random.default_rng(0)
    for number in range(4):
        mask = np.zeros((24, 20, 6), np.uint8)
        mask[6:16, 5 : 12 + number, 1:5] = 1
        values = (100 + 400.0 * mask + random.normal(0, 20, mask.shape)).astype(np.int16)
        _save(tmp_path / "data" / "images" / f"case{number}.nii.gz", values)
        _save(tmp_path / "data" / "masks" / f"case{number}.nii.gz", mask)
    return tmp_path / "data"


def test_slices_of_a_case_are_on_one_side_of_the_splits(cases, tmp_path):
    table = slice_volumes(cases, tmp_path / "slices")
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 6
    survey = unetzoo.survey(table)
    assert not survey.errors
    sides = {split: {rows[index]["group"] for index in indices} for split, indices in survey.splits.items()}
    assert set(sides) == {"train", "val"}
    assert not sides["train"] & sides["val"]
    image, theirs = (
        nibabel.load(cases / "images" / "case0.nii.gz"),
        SimpleITK.ReadImage(str(tmp_path / "slices" / rows[2]["image"])),
    )
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(theirs)[0], _as_viewers_show(image)[2])


@pytest.mark.filterwarnings("ignore:.*its mask is empty:unetzoo.DataWarning")
def test_a_network_trained_on_slices_predicts_volumes_where_they_lie(cases, tmp_path):
    runner = CliRunner()
    done = runner.invoke(app, ["slice-volumes", str(cases), str(tmp_path / "slices")])
    assert done.exit_code == 0, done.output
    assert "case0: 6 axial slices" in done.output
    options = unetzoo.FitOptions(crop=32, batch=4, steps=60, average=0, augment="none", device="cpu", workers=0)
    unetzoo.fit(_network(), tmp_path / "slices" / "slices.csv", tmp_path / "run", options=options)
    results = tmp_path / "results"
    arguments = ["predict-volumes", str(tmp_path / "run"), str(cases / "images"), str(results)]
    done = runner.invoke(app, arguments)
    assert done.exit_code == 0, done.output
    for number in range(4):
        result = nibabel.load(results / f"case{number}.nii.gz")
        mask = nibabel.load(cases / "masks" / f"case{number}.nii.gz")
        np.testing.assert_allclose(result.affine, mask.affine, atol=1e-6)
        assert (np.asarray(result.dataobj) == np.asarray(mask.dataobj)).mean() > 0.95
    assert sorted(path.name for path in results.iterdir()) == [f"case{number}.nii.gz" for number in range(4)]
    before = (results / "case0.nii.gz").stat().st_mtime_ns
    again = runner.invoke(app, arguments)
    assert "case0.nii.gz is kept" in again.output
    assert (results / "case0.nii.gz").stat().st_mtime_ns == before


def test_a_series_of_dicom_becomes_nifti_and_a_damaged_volume_does_not_stop_the_others(tmp_path):
    unetzoo.save(_network(), tmp_path / "network")
    example_dicom(tmp_path)
    (tmp_path / "volumes").mkdir()
    (tmp_path / "series").rename(tmp_path / "volumes" / "series")
    (tmp_path / "volumes" / "broken.nii").write_bytes(b"\x5c\x01\0\0")
    arguments = ["predict-volumes", str(tmp_path / "network"), str(tmp_path / "volumes"), str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*arguments, "--probabilities", "--axis", "all"])
    assert done.exit_code == 3
    assert "broken.nii cannot be read" in done.stderr
    result = nibabel.load(tmp_path / "out" / "series.nii.gz")
    assert result.shape == (9, 7, 5, 2)
    np.testing.assert_allclose(result.affine, OBLIQUE, atol=1e-5)
    np.testing.assert_allclose(np.asarray(result.dataobj).sum(3), 1, atol=1e-5)


def test_a_mask_that_lies_elsewhere_is_refused(cases, tmp_path):
    moved = OBLIQUE.copy()
    moved[0, 3] += 2
    _save(cases / "masks" / "case1.nii.gz", np.zeros((24, 20, 6), np.uint8), moved)
    with pytest.raises(unetzoo.DataError, match=r"case1.nii.gz lies up to 2 units away from its image"):
        slice_volumes(cases, tmp_path / "slices")


def test_a_mask_of_another_size_and_a_missing_one_are_refused(cases, tmp_path):
    _save(cases / "masks" / "case1.nii.gz", np.zeros((24, 20, 5), np.uint8))
    with pytest.raises(unetzoo.DataError, match=r"has \(5, 20, 24\) voxels \(z, y, x\), but its image"):
        slice_volumes(cases, tmp_path / "slices")
    (cases / "masks" / "case1.nii.gz").unlink()
    with pytest.raises(unetzoo.DataError, match=r"case1.nii.gz has no mask"):
        slice_volumes(cases, tmp_path / "others")


def test_cases_with_different_planes_need_a_choice(cases, tmp_path):
    affine = np.diag([5, 1, 1, 1.0])
    for folder in ("images", "masks"):
        _save(cases / folder / "case1.nii.gz", np.zeros((24, 20, 6), np.uint8), affine)
    with pytest.raises(unetzoo.DataError, match="of case0 axial, of case1 sagittal; choose with axis"):
        slice_volumes(cases, tmp_path / "slices")
    with (tmp_path / "slices.csv").open("w") as file:
        csv.writer(file).writerows([("image", "mask"), ("data/images/case1.nii.gz", "data/masks/case1.nii.gz")])
    slice_volumes(tmp_path / "slices.csv", tmp_path / "slices", plane="coronal")
    assert len(list((tmp_path / "slices" / "images" / "case1").iterdir())) == 20
