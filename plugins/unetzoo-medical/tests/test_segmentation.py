"""DICOM-SEG that highdicom reads; SimpleITK and highdicom are the judges of where segments lie."""

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
import torch
from predicting import varied_model
from typer.testing import CliRunner
from unetzoo_medical.examples import OBLIQUE, example_values, write_slice
from unetzoo_medical.segmentation import write_segmentation
from unetzoo_medical.space import LPS_TO_RAS

import unetzoo
from unetzoo.cli import app
from unetzoo.data.formats import open_raster

highdicom = pytest.importorskip("highdicom")

_PATIENT = {
    "FrameOfReferenceUID": "1.2.3.4",
    "PatientID": "7",
    "PatientName": "A",
    "PatientBirthDate": "",
    "PatientSex": "O",
    "StudyDate": "20200102",
    "StudyTime": "030405",
    "StudyID": "1",
    "AccessionNumber": "",
    "ReferringPhysicianName": "",
}
_NAMES = ("background", "liver", "tumor")


def _series(folder, **fields):
    """Slices whose names are not in their order."""
    folder.mkdir(parents=True)
    for name, number in zip("cabed", range(5), strict=True):
        pixels = example_values()[:, :, number].T
        write_slice(folder / f"{name}.dcm", pixels, LPS_TO_RAS @ OBLIQUE, number, **{**_PATIENT, **fields})
    return folder


def _ids():
    """Ids (z, y, x) that are asymmetric along each axis."""
    ids = np.zeros((5, 7, 9), np.uint8)
    ids[1:3, 2:6, 1:8], ids[2:5, 0:3, 3:5], ids[0, 6, 8] = 1, 2, 255
    return ids


def test_each_class_is_a_segment_on_the_slices_of_the_series(tmp_path):
    series, ids = _series(tmp_path / "series"), _ids()
    write_segmentation(tmp_path / "a.dcm", series, ids, _NAMES)
    seg = highdicom.seg.segread(tmp_path / "a.dcm")
    described = [(seg.get_segment_description(number).segment_label) for number in seg.segment_numbers]
    assert described == ["liver", "tumor"]
    assert (seg.FrameOfReferenceUID, seg.StudyInstanceUID, seg.PatientID) == ("1.2.3.4", "1.2", "7")
    in_order = sorted(series.iterdir(), key=lambda path: "cabed".index(path.stem))
    uids = [pydicom.dcmread(path).SOPInstanceUID for path in in_order]
    masks = seg.get_pixels_by_source_instance(uids)
    np.testing.assert_array_equal(masks, np.stack([ids == 1, ids == 2], -1))
    for number in range(5):
        source = pydicom.dcmread(in_order[number])
        (item,) = [
            frame
            for frame in seg.PerFrameFunctionalGroupsSequence
            if frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 2
            and frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID == uids[number]
        ]
        place = item.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(np.float64(place), np.float64(source.ImagePositionPatient), atol=1e-6)


def test_the_volume_of_a_segment_lies_where_simpleitk_sees_the_series(tmp_path):
    series, ids = _series(tmp_path / "series"), _ids()
    write_segmentation(tmp_path / "a.dcm", series, ids, _NAMES)
    theirs = SimpleITK.ReadImage(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(series)))
    volume = highdicom.seg.segread(tmp_path / "a.dcm").get_volume(combine_segments=True)
    for voxel in np.argwhere(ids == 2):
        place = theirs.TransformIndexToPhysicalPoint([int(number) for number in voxel[::-1]])
        index = np.round(volume.map_reference_to_indices(np.array([place]))[0]).astype(int)
        assert volume.array[tuple(index)] == 2
    assert (volume.array == 2).sum() == (ids == 2).sum()


def test_a_result_without_any_segment_is_written(tmp_path):
    write_segmentation(tmp_path / "a.dcm", _series(tmp_path / "series"), np.zeros((5, 7, 9), np.uint8), _NAMES)
    assert not highdicom.seg.segread(tmp_path / "a.dcm").pixel_array.any()


def test_classes_without_a_background_are_all_segments(tmp_path):
    ids = _ids() % 255
    write_segmentation(tmp_path / "a.dcm", _series(tmp_path / "series"), ids, ("air", "liver", "tumor"))
    seg = highdicom.seg.segread(tmp_path / "a.dcm")
    assert [seg.get_segment_description(number).segment_label for number in (1, 2, 3)] == ["air", "liver", "tumor"]
    assert seg.pixel_array.sum() == ids.size


def _predict(*arguments):
    return CliRunner().invoke(app, ["predict-series", *map(str, arguments)])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model, path = varied_model(in_channels=1, classes=2), tmp_path_factory.mktemp("saved") / "network"
    likely = float(np.median(unetzoo.predict(model, example_values()[:, :, 2].T[..., None])[1]))
    with torch.no_grad():  # so that half of the pixels are of each class
        model.heads[0].bias[1] += np.log((1 - likely) / likely)
    unetzoo.save(model, path)
    return path


def test_the_command_writes_what_predict_writes_as_nifti(saved, tmp_path):
    series = _series(tmp_path / "in" / "series")
    done = _predict(saved, tmp_path / "in", tmp_path / "out")
    assert done.exit_code == 0, done.output
    arguments = ["predict", str(saved), str(series), str(tmp_path / "a.nii"), "--axes", "z"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    expected = np.asarray(nibabel.load(tmp_path / "a.nii").dataobj).T
    assert 0 < (expected == 1).sum() < expected.size
    seg = highdicom.seg.segread(tmp_path / "out" / "series.dcm")
    masks = seg.get_pixels_by_source_instance([f"1.2.3.{number}" for number in range(1, 6)])
    np.testing.assert_array_equal(masks[..., 0], expected == 1)


@pytest.mark.parametrize("labels", ["exclusive", "overlapping"])
def test_a_network_over_three_axes_and_classes_that_overlap_become_segments(labels, tmp_path):
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (4, 8)}, "spatial_dims": 3, "labels": labels}
    model = unetzoo.create("unet", encoder="plain", in_channels=1, classes=3, **options).eval()
    series = _series(tmp_path / "in" / "series")
    with open_raster(series) as raster, torch.no_grad():  # so that each class is somewhere
        likely = np.median(unetzoo.predict_volume(model, raster), axis=(1, 2, 3))
        model.heads[0].bias -= torch.from_numpy(np.log(likely / (1 - likely)))
    unetzoo.save(model, tmp_path / "network")
    done = _predict(tmp_path / "network", series, tmp_path / "out.dcm")
    assert done.exit_code == 0, done.output
    unetzoo.predict_files(model, series, tmp_path / "a.npy")
    expected = np.load(tmp_path / "a.npy")
    planes = expected == 1 if labels == "overlapping" else [expected == 1, expected == 2]
    seg = highdicom.seg.segread(tmp_path / "out.dcm")
    numbers = range(1, len(planes) + 1)
    masks = seg.get_pixels_by_source_instance([f"1.2.3.{number}" for number in range(1, 6)], segment_numbers=numbers)
    np.testing.assert_array_equal(masks, np.moveaxis(np.array(planes), 0, -1))
    assert 0 < masks.sum() < masks.size


@pytest.mark.parametrize(
    ("name", "out", "text"),
    [("a.nii", "out.dcm", "is not a folder with a series of DICOM"), ("series", "out.nii", "must end with .dcm")],
)
def test_what_cannot_be_a_dicom_seg_is_an_error_before_any_work(name, out, text, saved, tmp_path):
    _series(tmp_path / "series")
    nibabel.Nifti1Image(example_values(), OBLIQUE).to_filename(tmp_path / "a.nii")
    done = _predict(saved, tmp_path / name, tmp_path / out)
    assert done.exit_code == 2
    assert text in done.stderr.replace("\n", " ")
    assert not (tmp_path / out).exists()


def test_a_series_whose_headers_lack_the_frame_of_reference_is_named(saved, tmp_path):
    series = _series(tmp_path / "series", FrameOfReferenceUID=None)
    done = _predict(saved, series, tmp_path / "out.dcm")
    assert done.exit_code == 4
    assert "cannot have a DICOM-SEG: Source images have no Frame Of Reference UID" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["series"]


def test_without_highdicom_the_error_says_what_to_install(saved, tmp_path, monkeypatch):
    monkeypatch.setattr("unetzoo_medical.segmentation.find_spec", lambda name: None)
    done = _predict(saved, _series(tmp_path / "series"), tmp_path / "out.dcm")
    assert done.exit_code == 2
    assert "pip install 'unetzoo-medical[seg]'" in done.stderr
