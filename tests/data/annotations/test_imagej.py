"""ROIs that roifile writes, as the ROI Manager of ImageJ does."""

import numpy as np
import pytest
from roifile import ROI_OPTIONS, ROI_TYPE, ImagejRoi, roiwrite
from skimage.draw import polygon as filled

import unetzoo
from unetzoo.data.find import open_source
from unetzoo.objects.rois import write_rois

_SIZE = (40, 60)
_CORNERS = np.array([[5.3, 4.1], [40.7, 9.6], [30.2, 33.3], [12.8, 20.5]])


def _by_skimage(corners):
    mask = np.zeros(_SIZE, bool)
    mask[filled(corners[:, 1] - 0.5, corners[:, 0] - 0.5, _SIZE)] = True
    return mask


def _roi(kind, top=0, left=0, bottom=0, right=0):
    roi = ImagejRoi()
    roi.roitype, roi.version = kind, 228
    roi.top, roi.left, roi.bottom, roi.right = top, left, bottom, right
    return roi


@pytest.mark.parametrize("corners", [_CORNERS, np.array([[5.0, 4], [40, 10], [31, 34], [12, 21]])])
def test_polygons_have_the_pixels_whose_centers_they_hold(corners, write_image, tmp_path, opened):
    write_image("a.tif")
    roi = ImagejRoi.frompoints(corners if (corners % 1).any() else corners.astype(int))
    roiwrite(tmp_path / "a.zip", [roi, ImagejRoi.frompoints(np.array([[50, 30], [58, 30], [58, 38], [50, 38]]))])
    numbers = opened().instances(0)
    np.testing.assert_array_equal(numbers == 1, _by_skimage(np.float32(corners)))
    assert np.argwhere(numbers == 2).min(0).tolist() == [30, 50]
    assert np.argwhere(numbers == 2).max(0).tolist() == [37, 57]


def test_rectangles_and_ovals_are_their_bounds(write_image, tmp_path, opened):
    write_image("a.tif")
    roiwrite(tmp_path / "a.zip", [_roi(ROI_TYPE.RECT, 2, 3, 10, 20), _roi(ROI_TYPE.OVAL, 15, 10, 35, 50)])
    numbers = opened().instances(0)
    expected = np.zeros(_SIZE, bool)
    expected[2:10, 3:20] = True
    np.testing.assert_array_equal(numbers == 1, expected)
    rows, columns = np.mgrid[:40, :60] + 0.5
    radius = np.hypot((columns - 30) / 20, (rows - 25) / 10)
    assert (numbers == 2)[radius < 0.98].all()
    assert not (numbers == 2)[radius > 1].any()


def test_a_rectangle_of_fractions_of_pixels(write_image, tmp_path, opened):
    write_image("a.tif")
    roi = _roi(ROI_TYPE.RECT, 2, 3, 10, 20)
    roi.options |= ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    roi.xd, roi.yd, roi.widthd, roi.heightd = 3.6, 2.4, 16.0, 8.0
    roiwrite(tmp_path / "a.roi", roi)
    mask = opened().raw_mask(0).pixels
    assert (np.argwhere(mask).min(0).tolist(), np.argwhere(mask).max(0).tolist()) == ([2, 4], [9, 19])


def test_composite_rois_have_holes_and_several_parts(write_image, tmp_path, opened):
    write_image("a.tif")
    roi = _roi(ROI_TYPE.RECT, 0, 0, 40, 60)
    squares = [(2, 2, 20), (6, 6, 8), (40, 20, 10)]
    path = []
    for left, top, side in squares:
        corners = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
        path += [0, *corners[0], *(value for corner in corners[1:] for value in (1, *corner)), 4]
    roi.multi_coordinates = np.array(path, dtype=np.float32)
    roi.shape_roi_size = len(path)
    roiwrite(tmp_path / "a.zip", [roi])
    expected = np.zeros(_SIZE, bool)
    expected[2:22, 2:22] = expected[20:30, 40:50] = True
    expected[6:14, 6:14] = False
    np.testing.assert_array_equal(opened().raw_mask(0).pixels > 0, expected)
    np.testing.assert_array_equal(opened().instances(0), expected)


@pytest.mark.parametrize("name", ["a.zip", "RoiSet_a.zip", "a_RoiSet.zip", "rois/a.zip", "a-rois.zip", "a.tif.zip"])
def test_a_zip_belongs_to_the_image_of_its_name(name, write_image, tmp_path, opened):
    write_image("images/a.tif" if "/" in name else "a.tif")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    roiwrite(tmp_path / name, [ImagejRoi.frompoints(_CORNERS)])
    source = opened()
    assert (len(source.entries), source.problems) == (1, ())


def test_lines_and_points_are_left_out_and_said(write_image, tmp_path):
    write_image("a.tif")
    roiwrite(tmp_path / "a.zip", [_roi(ROI_TYPE.LINE, 0, 0, 9, 9), ImagejRoi.frompoints(_CORNERS)])
    survey = unetzoo.survey(tmp_path)
    assert "a.tif: its annotations of the kind line have no area, and are left out" in survey.warnings


def test_outlines_that_are_written_are_read_again(write_image, tmp_path, opened):
    """Those of `unetzoo.outline_objects`."""
    write_image("a.tif")
    numbers = np.zeros(_SIZE, np.int32)
    numbers[5:20, 5:25] = 1
    numbers[8:12, 8:12] = 0
    numbers[20:30, 25:50] = 2
    write_rois(tmp_path / "a.zip", unetzoo.outline_objects(numbers))
    np.testing.assert_array_equal(opened().instances(0), numbers)


@pytest.mark.parametrize("cut", [10, 63, 70, 100])
def test_damaged_rois_are_one_error(cut, write_image, tmp_path):
    write_image("a.tif")
    (tmp_path / "a.roi").write_bytes(ImagejRoi.frompoints(_CORNERS).tobytes()[:cut])
    with pytest.raises(unetzoo.DataError, match=r"a\.roi"):
        open_source(tmp_path).raw_mask(0)


@pytest.mark.parametrize("version", [None, 255])
def test_a_damaged_zip_is_one_error(version, write_image, tmp_path):
    write_image("a.tif")
    roiwrite(tmp_path / "a.zip", [ImagejRoi.frompoints(_CORNERS)])
    content = (tmp_path / "a.zip").read_bytes()
    at = content.index(b"PK\1\2") + 6  # the version of the format that the directory says is needed
    (tmp_path / "a.zip").write_bytes(content[:at] + bytes([version]) + content[at + 1 :] if version else content[:at])
    with pytest.raises(unetzoo.DataError, match=r"a\.zip cannot be read"):
        open_source(tmp_path)
