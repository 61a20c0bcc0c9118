import pickle

import numpy as np
import pytest
import tifffile
from PIL import Image
from stacks import volume, write_cases, write_stack

import unetzoo
from unetzoo.data.sources import volume_cache


def _save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


@pytest.fixture
def cases(tmp_path):
    return write_cases(tmp_path / "cases")


@pytest.mark.parametrize(("axis", "number"), [("z", 0), ("y", 1), ("x", 2)])
def test_an_image_is_a_slice_between_its_neighbors_along_any_axis(cases, axis, number):
    survey = unetzoo.survey(cases, slices=3, axis=axis)
    assert not survey.errors
    array, mask = volume(0)
    count = array.shape[number]
    dataset = survey.dataset("all")
    for place in (0, 2, count - 1):
        sample = dataset[place]
        neighbors = [max(0, place - 1), place, min(count - 1, place + 1)]
        np.testing.assert_array_equal(sample.image, np.stack([array.take(each, number) for each in neighbors], -1))
        np.testing.assert_array_equal(sample.mask, mask.take(place, number))
        assert sample.name == f"images/case0.tif [{axis}={place}]"


def test_five_slices_repeat_the_ends(tmp_path):
    array = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    _save(tmp_path / "images" / "a.npy", array)
    _save(tmp_path / "masks" / "a.npy", (array > 30).astype(np.uint8))
    dataset = unetzoo.survey(tmp_path, slices=5).dataset("all")
    np.testing.assert_array_equal(dataset[1].image[0, 0], array[[0, 0, 1, 2, 3], 0, 0])
    np.testing.assert_array_equal(dataset[4].image[0, 0], array[[2, 3, 4, 4, 4], 0, 0])


def test_the_axis_is_that_of_the_largest_step(tmp_path):
    for steps, axis in [((4, 1, 2), "z"), ((1, 4, 2), "y"), ((1, 2, 4), "x"), ((1, 1, 1), "z")]:
        survey = unetzoo.survey(write_cases(tmp_path / axis / str(steps[0]), steps=steps), slices=1)
        assert survey.slicing == unetzoo.data.formats.slices.Slicing(1, axis)
        assert len(survey.names) == 4 * (6, 40, 36)["zyx".index(axis)]


def test_slices_have_the_steps_of_their_rows_and_columns(cases):
    for axis, size in [("z", (0.75, 0.5)), ("y", (4, 0.5)), ("x", (4, 0.75))]:
        statistics = unetzoo.survey(cases, axis=axis).statistics
        assert statistics.pixel_size == pytest.approx(size)
        assert statistics.unit == "um"


def test_entries_are_called_what_they_are(cases):
    surveys = unetzoo.survey(cases, slices=1), unetzoo.survey(cases, spatial_dims=3), unetzoo.survey("nuclei")
    assert [survey.noun for survey in surveys] == ["slice", "volume", "image"]


def test_slices_of_a_case_are_in_one_split(cases):
    survey = unetzoo.survey(cases, slices=1)
    sides = {split: {survey.source.case(index) for index in indices} for split, indices in survey.splits.items()}
    assert sorted(map(len, sides.values())) == [1, 3]
    assert not sides["train"] & sides["val"]


def test_folds_hold_out_whole_cases(cases):
    from unetzoo.data.survey.folds import folds_of

    survey = unetzoo.survey(cases, slices=1)
    held_out = [{survey.source.case(index) for index in part.splits["val"]} for part in folds_of(survey, 4)]
    assert sorted(next(iter(names)) for names in held_out) == [f"images/case{number}.tif" for number in range(4)]
    assert all(len(part.splits["val"]) == 6 for part in folds_of(survey, 4))


def test_arrays_of_three_axes_are_volumes_only_if_that_is_said(tmp_path):
    array, mask = volume()
    _save(tmp_path / "images" / "a.npy", array)
    _save(tmp_path / "masks" / "a.npy", mask[2])
    assert unetzoo.survey(tmp_path).dataset("all")[0].image.shape == (40, 36, 6)
    _save(tmp_path / "masks" / "a.npy", mask)
    survey = unetzoo.survey(tmp_path, slices=1)
    assert len(survey.names) == 6
    assert "images/a.npy states no distances between its voxels" in survey.warnings[0]


@pytest.mark.parametrize("axes", ["ZYX", "ZCYX", "CZYX"])
def test_named_axes_of_a_tiff_say_what_slices_and_channels_are(tmp_path, axes):
    array = np.arange(2 * 3 * 5 * 7, dtype=np.uint8).reshape(2, 3, 5, 7)  # (c, z, y, x)
    channels = 1 if axes == "ZYX" else 2
    stored = array[0] if axes == "ZYX" else array.swapaxes(0, 1) if axes == "ZCYX" else array
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    tifffile.imwrite(tmp_path / "images" / "a.ome.tif", stored, photometric="minisblack", metadata={"axes": axes})
    tifffile.imwrite(
        tmp_path / "masks" / "a.tif",
        (array[0] > 30).astype(np.uint8),
        photometric="minisblack",
        metadata={"axes": "ZYX"},
    )
    sample = unetzoo.survey(tmp_path, slices=1).dataset("all")[2]
    np.testing.assert_array_equal(sample.image, np.moveaxis(array[:channels, 2], 0, -1))


def test_a_mask_of_another_size_or_distance_is_an_error_that_names_both(cases):
    write_stack(cases / "masks" / "case1.tif", volume(1)[1][:5])
    write_stack(cases / "masks" / "case2.tif", volume(2)[1], (5, 0.75, 0.5))
    errors = unetzoo.survey(cases, slices=1).errors
    assert any("case1.tif: the volume has 6 x 40 x 36 voxels, its mask 5 x 40 x 36; resample" in e for e in errors)
    assert any("case2.tif: its voxels measure 4 x 0.75 x 0.5, those of its mask 5 x 0.75 x 0.5" in e for e in errors)


def test_a_volume_thinner_than_its_neighbors_is_an_error(cases):
    array, mask = volume(1, (3, 40, 36))
    write_stack(cases / "images" / "case1.tif", array)
    write_stack(cases / "masks" / "case1.tif", mask)
    (error,) = unetzoo.survey(cases, slices=5).errors
    assert (
        "case1.tif has 3 slices along z, fewer than the 5 that are read at once: choose fewer slices, or another axis"
        in error
    )


def test_pictures_are_not_volumes(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.eye(20, 30, dtype=np.uint8)).save(tmp_path / folder / "a.png")
    (error,) = unetzoo.survey(tmp_path, slices=1).errors
    assert "a.png is an image of 20 x 30 pixels and 1 channel, where a volume is expected" in error


def test_different_largest_steps_need_a_choice(cases):
    for folder, array in zip(("images", "masks"), volume(1), strict=True):
        write_stack(cases / folder / "case1.tif", array, (0.5, 4, 0.5))
    with pytest.raises(unetzoo.DataError, match=r"of images/case0.tif along z, of images/case1.tif along y; choose"):
        unetzoo.survey(cases, slices=1)
    assert len(unetzoo.survey(cases, axis="coronal").names) == 4 * 40


def test_invalid_slices_and_axes_are_one_error(cases):
    with pytest.raises(unetzoo.OptionError, match="slices must be one of 1, 3, 5; got 2"):
        unetzoo.survey(cases, slices=2)
    with pytest.raises(unetzoo.OptionError, match=r"axis must be one of z, y, x \(axial, coronal, sagittal\); got 'w'"):
        unetzoo.survey(cases, axis="w")
    with pytest.raises(unetzoo.OptionError, match="slices and axis are for volumes in files"):
        unetzoo.survey("nuclei", slices=1)


def test_only_a_case_without_any_foreground_is_said_to_be_empty(cases):
    write_stack(cases / "masks" / "case1.tif", volume(1)[1] * 0)
    empty = [text for text in unetzoo.survey(cases, slices=1).warnings if "is empty" in text]
    assert empty == ["images/case1.tif: its mask is empty, all is background"]


def test_equal_slices_of_different_cases_are_no_leak_and_equal_cases_are(cases):
    array = volume(0)[0]
    for number in range(4):
        other = volume(number)[0]
        other[0] = array[0]
        write_stack(cases / "images" / f"case{number}.tif", other)
    assert not [text for text in unetzoo.survey(cases, slices=1).warnings if "several splits" in text]
    for number in range(1, 4):
        write_stack(cases / "images" / f"case{number}.tif", array)
    assert [text for text in unetzoo.survey(cases, slices=1).warnings if "several splits" in text]


def test_a_volume_of_nan_and_of_infinity_are_said_once(tmp_path):
    for number in range(3):
        array, mask = volume(number)
        array = array.astype(np.float32)
        array[...] = np.nan if number == 1 else array
        array[2, 3, 4] = np.inf if number == 2 else array[2, 3, 4]
        _save(tmp_path / "images" / f"{number}.npy", array)
        _save(tmp_path / "masks" / f"{number}.npy", mask)
    survey = unetzoo.survey(tmp_path, slices=1)
    assert [error for error in survey.errors if "2.npy: 1 of its 1,440 values are infinite" in error]
    assert [text for text in survey.warnings if text.startswith("images/1.npy: none of its pixels has data")]


def test_the_names_of_nnunet_are_paired_without_a_doubt(cases):
    for number in range(4):
        path = cases / "images" / f"case{number}.tif"
        path.rename(path.with_name(f"case{number}_0000.tif"))
    (cases / "images").rename(cases / "imagesTr")
    (cases / "masks").rename(cases / "labelsTr")
    survey = unetzoo.survey(cases, slices=1)
    assert not survey.problems
    assert survey.names[0] == "imagesTr/case0_0000.tif [z=0]"


def test_numbered_pictures_with_masks_of_their_own_are_no_channels(tmp_path):
    for folder in ("images", "masks"):
        for name in ("a", "a_0000", "a_0001"):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(np.eye(20, dtype=np.uint8)).save(tmp_path / folder / f"{name}.png")
    assert len(unetzoo.survey(tmp_path).names) == 3


def test_volumes_are_not_converted_into_images(cases, tmp_path):
    from unetzoo.data.convert import convert_dataset

    source = unetzoo.survey(cases, slices=1).source
    with pytest.raises(unetzoo.DataError, match="has volumes, which are not written as images"):
        convert_dataset(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_decoded_volumes_are_kept_up_to_a_bound_and_not_sent_to_other_processes(cases, monkeypatch):
    survey = unetzoo.survey(cases, slices=1)
    source = survey.source
    assert len(source._cache._kept) == 8
    array = volume(3)[0]
    monkeypatch.setattr(volume_cache, "KEPT_BYTES", 2 * array.nbytes)
    source.image(len(source.entries) - 1)
    copy = pickle.loads(pickle.dumps(source))
    assert not copy._cache._kept
    np.testing.assert_array_equal(copy.image(len(source.entries) - 1)[..., 0], array[-1])
    for index in range(0, 24, 6):
        copy.pair(index)
    assert sum(each.nbytes for each in copy._cache._kept.values()) <= 2 * array.nbytes


def test_compressed_volumes_beyond_the_bound_are_said(cases, monkeypatch):
    monkeypatch.setattr("unetzoo.data.sources.volumes.KEPT_BYTES", 1000)
    assert [text for text in unetzoo.survey(cases, slices=1).warnings if "decodes them again and again" in text]
