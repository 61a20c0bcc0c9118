import json

import numpy as np
import pytest
import stacks
from PIL import Image

import unetzoo
from unetzoo.errors import DataError, OptionError


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Four stacks, and their arrays: the first two slices and the last three columns of the second are 0."""
    folder = tmp_path_factory.mktemp("cases")
    arrays = [stacks.volume(number, (7, 40, 36)) for number in range(4)]
    for _image, mask in arrays:
        mask[2:4, 20:24, 30:34] = 2
    arrays[1][0][:2] = arrays[1][0][..., -3:] = 0
    arrays[1][0][3, 10] = 0  # within the box
    for number, pair in enumerate(arrays):
        steps = (4.0, 0.75, 0.5) if number < 3 else (2.0, 0.5, 0.5)
        for part, array in zip(("images", "masks"), pair, strict=True):
            stacks.write_stack(folder / part / f"case{number}.tif", array, steps)
    return folder, arrays


def test_shapes_and_spacings_are_those_of_the_files_without_the_margin_of_zeros(cases):
    measured = unetzoo.fingerprint(cases[0], volumes=True)
    assert measured.shapes == ((7, 40, 36), (5, 40, 33), (7, 40, 36), (7, 40, 36))
    np.testing.assert_allclose(measured.spacings, [(4, 0.75, 0.5)] * 3 + [(2, 0.5, 0.5)], rtol=1e-4)
    assert (measured.unit, measured.classes) == ("um", 3)
    assert measured.share_after_crop == 1


def test_intensities_are_those_of_the_foreground_in_which_each_case_counts_equally(cases):
    (channel,) = unetzoo.fingerprint(cases[0], volumes=True, channels=["CT"]).channels
    cropped = [
        (image[2:, :, :-3], mask[2:, :, :-3]) if image[0].max() == 0 else (image, mask) for image, mask in cases[1]
    ]
    random = np.random.default_rng(0)
    drawn = np.concatenate([random.choice(image[mask > 0], 50_000) for image, mask in cropped])  # as nnU-Net does
    assert channel.name == "CT"
    assert (channel.mean, channel.std) == pytest.approx((drawn.mean(), drawn.std()), rel=0.005)
    assert (channel.low, channel.high) == pytest.approx(tuple(np.percentile(drawn, [0.5, 99.5])), rel=0.02)


def test_the_normalization_follows_the_name_of_the_channel_and_the_margin(cases):
    measured = unetzoo.fingerprint(cases[0], volumes=True, channels=["CT"])
    assert unetzoo.plan(measured, memory=1).normalization[0].scheme == "clip"
    plain = unetzoo.plan(cases[0], spatial_dims=3, memory=1)
    assert (plain.normalization[0].scheme, plain.normalization[0].within_mask) == ("z-score", False)


def test_the_description_of_nnunet_names_the_channels(cases, tmp_path):
    stacks.write_cases(tmp_path, count=2)
    (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": {"0": "CT"}}))
    assert unetzoo.fingerprint(tmp_path, volumes=True).channels[0].name == "CT"


def test_slices_are_those_across_the_largest_spacing(cases):
    plan = unetzoo.plan(unetzoo.fingerprint(cases[0], volumes=True), memory=1, spatial_dims=2)
    assert (plan.slice_axis, plan.axes) == (0, (1, 2))
    assert plan.spacing == pytest.approx((0.75, 0.5), rel=1e-4)
    assert plan.network["spatial_dims"] == 2


def _write_images(folder, count=3, size=(48, 64), values=(0, 1)):
    random = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir()
    for number in range(count):
        Image.fromarray(random.integers(1, 256, (*size, 3), np.uint8)).save(folder / "images" / f"{number}.png")
        Image.fromarray(random.choice(np.array(values, np.uint8), size)).save(folder / "masks" / f"{number}.png")
    return folder


def test_images_have_spacings_of_one_pixel(tmp_path):
    plan = unetzoo.plan(_write_images(tmp_path), memory=1)
    assert (plan.fingerprint.shapes, plan.spacing) == (((48, 64),) * 3, (1.0, 1.0))
    assert (plan.patch, plan.spatial_dims, plan.network["in_channels"]) == ((48, 64), 2, 3)


def _write_arrays(folder, image, mask):
    for part, array in (("images", image), ("masks", mask)):
        (folder / part).mkdir(exist_ok=True)
        np.save(folder / part / "a.npy", array)
    return folder


def test_volumes_without_distances_are_refused_until_they_are_said(tmp_path):
    _write_arrays(tmp_path, *stacks.volume())
    with pytest.raises(DataError) as caught:
        unetzoo.plan(tmp_path, spatial_dims=3)
    assert str(caught.value) == (
        "images/a.npy states no distances between its voxels, which a plan needs: say them along z, y and x with "
        "spacing (--spacing 3,0.8,0.8)"
    )
    assert unetzoo.plan(tmp_path, spatial_dims=3, spacing=(3, 0.5, 0.5), memory=1).spacing == (3, 0.5, 0.5)


@pytest.mark.parametrize("spacing", [(3, 0.5), (3, 0.5, 0), (3, 0.5, float("nan")), ("3", "1", "1")])
def test_an_invalid_spacing_is_one_clear_line(tmp_path, spacing):
    _write_arrays(tmp_path, *stacks.volume())
    with pytest.raises(OptionError, match=r"^spacing must be 3 numbers > 0, along z, y, x; got "):
        unetzoo.plan(tmp_path, spatial_dims=3, spacing=spacing)


def test_a_spacing_beside_that_of_the_files_is_refused(cases):
    with pytest.raises(OptionError, match=r"^spacing is for files that state no distances between voxels, and all "):
        unetzoo.plan(cases[0], spatial_dims=3, spacing=(1, 1, 1))


def test_cases_of_background_alone_are_refused(tmp_path):
    image, mask = stacks.volume()
    _write_arrays(tmp_path, image, np.zeros_like(mask))
    with pytest.raises(DataError, match=r"^no foreground in the masks of 1 case: there is nothing to plan for$"):
        unetzoo.plan(tmp_path, spatial_dims=3, spacing=(1, 1, 1), classes=["background", "a"])


def test_a_case_of_background_among_others_is_said(tmp_path):
    stacks.write_cases(tmp_path, count=2)
    stacks.write_stack(tmp_path / "masks" / "case1.tif", np.zeros((6, 40, 36)))
    doubts = unetzoo.fingerprint(tmp_path, volumes=True).doubts
    assert any(doubt.startswith("1 of 2 cases have no foreground") for doubt in doubts)


def test_nan_is_no_value_and_said(tmp_path):
    image, mask = stacks.volume()
    values = image.astype(np.float32)
    values[1, 8:10] = np.nan
    measured = unetzoo.fingerprint(_write_arrays(tmp_path, values, mask), volumes=True, spacing=(1, 1, 1))
    assert measured.channels[0].mean == pytest.approx(np.nanmean(values[mask > 0]))
    assert any("NaN" in doubt for doubt in measured.doubts)


def test_hounsfield_units_without_a_name_are_said(tmp_path):
    image, mask = stacks.volume()
    _write_arrays(tmp_path, image.astype(np.int16) - 1100, mask)
    (doubt,) = unetzoo.fingerprint(tmp_path, volumes=True, spacing=(1, 1, 1)).doubts[-1:]
    assert "Hounsfield units" in doubt
    named = unetzoo.fingerprint(tmp_path, volumes=True, spacing=(1, 1, 1), channels=["CT"])
    assert not any("Hounsfield" in doubt for doubt in named.doubts)


def test_names_of_other_channels_than_those_of_the_images_are_refused(cases):
    with pytest.raises(OptionError, match=r"^channels names T1, T2, but the images have 1 channel$"):
        unetzoo.plan(cases[0], spatial_dims=3, channels=["T1", "T2"])


def test_a_folder_without_volumes_is_refused(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="has no folder images/ with a folder masks/ beside it"):
        unetzoo.plan(tmp_path)


def test_a_survey_gives_the_same_fingerprint_however_it_reads_volumes(cases):
    expected = unetzoo.fingerprint(cases[0], volumes=True)
    assert unetzoo.fingerprint(unetzoo.survey(cases[0], spatial_dims=3)) == expected
    assert unetzoo.fingerprint(unetzoo.survey(cases[0], slices=1, axis="x")).shapes == expected.shapes
    with pytest.raises(OptionError, match=r"^the channels of this survey are slices"):
        unetzoo.plan(unetzoo.survey(cases[0], slices=3))


def test_options_of_the_data_beside_a_fingerprint_are_refused(cases):
    measured = unetzoo.fingerprint(cases[0], volumes=True)
    with pytest.raises(OptionError, match=r"^the fingerprint is measured already"):
        unetzoo.plan(measured, channels=["CT"])
