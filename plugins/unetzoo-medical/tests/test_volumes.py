import gzip
from itertools import permutations, product

import nibabel
import numpy as np
import pytest
import SimpleITK
import torch
from typer.testing import CliRunner
from unetzoo_medical.examples import OBLIQUE, example_dicom, example_values

import unetzoo
from unetzoo.cli import app
from unetzoo.data.formats import open_raster
from unetzoo.data.formats.slices import Slices


def _save(path, values, affine=OBLIQUE):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    image.to_filename(path)
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
            for direction in range(3):
                slices = Slices(raster, direction)
                assert len(slices) == shown.shape[direction]
                np.testing.assert_array_equal(slices[1][..., 0], shown.take(1, axis=direction))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_volume_is_predicted_alike_in_every_order_of_axes(tmp_path, channels):
    network = _network(channels)
    values = np.random.default_rng(0).normal(size=(9, 7, 5)).astype(np.float32)
    expected = None
    for image in list(_orientations(values, OBLIQUE))[:: 7 if channels == 1 else 23]:
        with open_raster(_save(tmp_path / "a.nii", np.asarray(image.dataobj), image.affine)) as raster:
            probabilities = unetzoo.predict_volume(network, raster, axes="axial")
            slices = Slices(raster, 0, count=channels)
            by_hand = np.stack([unetzoo.predict(network, slices[number])[1] for number in range(len(slices))])
        result = _as_viewers_show(nibabel.Nifti1Image(probabilities[1].transpose(2, 1, 0), image.affine))
        np.testing.assert_allclose(result, by_hand, atol=1e-6)
        expected = result if expected is None else expected
        np.testing.assert_allclose(result, expected, atol=1e-6)
    assert expected.std() > 1e-3


@pytest.fixture
def cases(tmp_path):
    """Four cases: a bright box is the second class; each file has another order of axes."""
    random, orders = np.random.default_rng(0), [0, 11, 22, 37]
    for number in range(4):
        mask = np.zeros((24, 20, 6), np.uint8)
        mask[6:16, 5 : 12 + number, 1:5] = 1
        values = (100 + 400.0 * mask + random.normal(0, 20, mask.shape)).astype(np.int16)
        for folder, array in (("imagesTr", values), ("labelsTr", mask)):
            image = list(_orientations(array, OBLIQUE))[orders[number]]
            _save(tmp_path / "data" / folder / f"case{number}.nii.gz", np.asarray(image.dataobj), image.affine)
    return tmp_path / "data"


def test_the_slices_of_a_case_are_those_that_viewers_show_and_on_one_side_of_the_splits(cases):
    survey = unetzoo.survey(cases)
    assert not survey.errors
    assert (survey.slicing.slices, survey.slicing.axis) == (1, "z")
    sides = {split: {survey.source.case(index) for index in indices} for split, indices in survey.splits.items()}
    assert sorted(map(len, sides.values())) == [1, 3]
    assert not sides["train"] & sides["val"]
    dataset = survey.dataset("all")
    for number in range(4):
        for folder, part in (("imagesTr", 0), ("labelsTr", 1)):
            path = cases / folder / f"case{number}.nii.gz"
            shown = _as_viewers_show(nibabel.load(path))
            np.testing.assert_array_equal(np.squeeze(dataset[6 * number + 2][part]), shown[2])


def test_a_network_trained_on_volumes_predicts_and_scores_them_where_they_lie(cases, tmp_path):
    options = unetzoo.FitOptions(crop=32, batch=4, steps=60, average=0, augment="none", device="cpu", workers=0)
    fit = unetzoo.fit(_network(3), cases, tmp_path / "run", options=options, slices=3)
    results = tmp_path / "results"
    arguments = ["predict", str(tmp_path / "run"), str(cases / "imagesTr"), str(results)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    for number in range(4):
        result = nibabel.load(results / f"case{number}.nii.gz")
        mask = nibabel.load(cases / "labelsTr" / f"case{number}.nii.gz")
        np.testing.assert_allclose(result.affine, mask.affine, atol=1e-6)
        assert (np.asarray(result.dataobj) == np.asarray(mask.dataobj)).mean() > 0.95
        theirs = SimpleITK.ReadImage(str(results / f"case{number}.nii.gz"))
        source = SimpleITK.ReadImage(str(cases / "imagesTr" / f"case{number}.nii.gz"))
        for name in ("GetOrigin", "GetSpacing", "GetDirection"):
            np.testing.assert_allclose(getattr(theirs, name)(), getattr(source, name)(), atol=1e-5)
    assert "4 kept" in CliRunner().invoke(app, arguments).output
    scores = unetzoo.evaluate(fit.model, cases, split="all", surface=True)
    assert (len(scores.cases), scores.unit) == (4, "mm")
    assert scores.classes[1]["Dice"].value > 0.9


def test_the_mean_of_all_axes_lies_where_its_series_lies(tmp_path):
    network = _network()
    example_dicom(tmp_path)
    done = unetzoo.predict_files(
        network,
        tmp_path / "series",
        tmp_path / "out.nii.gz",
        options=unetzoo.PredictOptions(axes="all", probabilities=True),
    )
    assert done[0].state == "predicted", done[0].reason
    result = nibabel.load(tmp_path / "out.nii.gz")
    assert result.shape == (9, 7, 5, 2)
    np.testing.assert_allclose(result.affine, OBLIQUE, atol=1e-5)
    np.testing.assert_allclose(np.asarray(result.dataobj).sum(3), 1, atol=1e-5)
    with open_raster(tmp_path / "series") as raster:
        expected = unetzoo.predict_volume(network, raster, axes="all")
    np.testing.assert_allclose(np.asarray(result.dataobj), expected.transpose(3, 2, 1, 0), atol=1e-6)


def test_results_of_a_folder_have_the_format_of_their_source_or_one_with_its_place(tmp_path):
    (tmp_path / "in").mkdir()
    example_dicom(tmp_path / "in")
    _save(tmp_path / "in" / "b.nii.gz", example_values())
    done = unetzoo.predict_files(
        _network(), tmp_path / "in", tmp_path / "out", options=unetzoo.PredictOptions(axes="z")
    )
    assert [each.state for each in done] == ["predicted"] * 2
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.nii*")) == ["b.nii.gz", "series.nii"]
    result = nibabel.load(next((tmp_path / "out").rglob("series.nii")))
    np.testing.assert_allclose(result.affine, OBLIQUE, atol=1e-5)


@pytest.mark.parametrize("ending", [".nii", ".nrrd", ".mha"])
def test_results_in_other_formats_have_the_same_place_by_simpleitk(tmp_path, ending):
    source = _save(tmp_path / "a.nii.gz", example_values())
    (done,) = unetzoo.predict_files(
        _network(), source, tmp_path / f"out{ending}", options=unetzoo.PredictOptions(axes="sagittal")
    )
    assert done.state == "predicted", done.reason
    ours, theirs = SimpleITK.ReadImage(str(tmp_path / f"out{ending}")), SimpleITK.ReadImage(str(source))
    assert ours.GetSize() == theirs.GetSize() == (9, 7, 5)
    for name in ("GetOrigin", "GetSpacing", "GetDirection"):
        np.testing.assert_allclose(getattr(ours, name)(), getattr(theirs, name)(), atol=1e-5)


def test_a_mask_that_lies_elsewhere_or_has_another_size_is_an_error_that_names_it(cases):
    moved = OBLIQUE.copy()
    moved[0, 3] += 2
    empty = np.zeros((24, 20, 6), np.uint8)
    _save(cases / "imagesTr" / "case1.nii.gz", empty.astype(np.int16))
    _save(cases / "labelsTr" / "case1.nii.gz", empty, moved)
    _save(cases / "imagesTr" / "case2.nii.gz", empty.astype(np.int16))
    _save(cases / "labelsTr" / "case2.nii.gz", empty[:, :, :5])
    errors = unetzoo.survey(cases).errors
    assert any("case1.nii.gz: its mask lies up to 2 mm away from it by their headers" in each for each in errors)
    assert any("case2.nii.gz: the volume has 6 x 20 x 24 voxels, its mask 5 x 20 x 24" in each for each in errors)


def test_a_step_of_zero_is_an_error_that_names_the_file(cases):
    path = cases / "imagesTr" / "case1.nii.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[312:328] = bytes(16)  # srow_z, since nibabel writes no such header
    path.write_bytes(gzip.compress(content))
    (error,) = unetzoo.survey(cases).errors
    assert "case1.nii.gz: its header places the voxels at no volume" in error


def test_cases_with_different_planes_need_a_choice(cases):
    for folder in ("imagesTr", "labelsTr"):
        _save(cases / folder / "case1.nii.gz", np.zeros((24, 20, 6), np.uint8), np.diag([5, 1, 1, 1.0]))
    with pytest.raises(unetzoo.DataError, match=r"case0.nii.gz along z, of imagesTr/case1.nii.gz along x; choose"):
        unetzoo.survey(cases)
    assert unetzoo.survey(cases, axis="coronal").names[0] == "imagesTr/case0.nii.gz [y=0]"


def test_a_case_with_a_missing_modality_is_an_error_that_names_it(cases):
    for number in range(4):
        count = 1 if number == 2 else 2
        values = np.zeros((24, 20, 6, count), np.int16)
        _save(cases / "imagesTr" / f"case{number}.nii.gz", values)
        _save(cases / "labelsTr" / f"case{number}.nii.gz", np.zeros((24, 20, 6), np.uint8))
    errors = unetzoo.survey(cases, slices=3).errors
    assert [each for each in errors if each.startswith("imagesTr/case2.nii.gz has 3 channels, most images have 6")]


def test_a_network_without_a_training_on_volumes_says_how_to_predict_them(tmp_path):
    source = _save(tmp_path / "a.nii", example_values())
    (done,) = unetzoo.predict_files(_network(), source, tmp_path / "out.nii")
    assert done.state == "failed"
    assert "a.nii is a volume of 5 slices, where an image is expected" in done.reason
    assert "--axes z" in done.reason


def test_a_first_file_that_cannot_be_read_leaves_the_others_volumes(tmp_path):
    colors = np.zeros((8, 9, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for name, values in (("a", colors), ("b", np.ones((8, 9, 3), np.int16))):
        _save(tmp_path / "images" / f"{name}.nii", values)
        _save(tmp_path / "masks" / f"{name}.nii", np.arange(216).reshape(8, 9, 3).astype(np.uint8) % 2)
    survey = unetzoo.survey(tmp_path)
    (error,) = survey.errors
    assert "a.nii: voxels must be numbers, but these are colors (RGB)" in error
