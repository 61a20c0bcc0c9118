import gzip
import io
from contextlib import contextmanager
from itertools import permutations, product

import nibabel
import numpy as np
import pytest
import SimpleITK
from unetzoo_medical.nifti import open_nifti, write_compressed_nifti, write_nifti

import unetzoo
from unetzoo.data.formats import NO_GRID, Content
from unetzoo.testing import check_format

_SIZE = (5, 7, 9)  # along x, y, z
_OBLIQUE = nibabel.affines.from_matvec(
    nibabel.eulerangles.euler2mat(0.3, -0.2, 0.5) @ np.diag([0.7, 0.9, 3.5]), [-40.25, 31.5, 12.75]
)


@pytest.mark.parametrize("name", ["nifti", "nifti-gz"])
def test_the_format_keeps_the_contract(name):
    check_format(name)


def _volume(size=_SIZE, dtype=np.int16):
    return np.random.default_rng(0).integers(-100, 1000, size).astype(dtype)


@contextmanager
def _open(path):
    with path.open("rb") as stream, open_nifti(Content(stream, path.stat().st_size, str(path), path)) as raster:
        yield raster


def _save(path, values=None, affine=_OBLIQUE, **fields):
    image = nibabel.Nifti1Image(_volume() if values is None else values, affine)
    for name, value in fields.items():
        image.header[name] = value
    image.to_filename(path)
    return path


class _Result:
    """A finished result in memory, given by blocks of two rows."""

    palette = nodata = None

    def __init__(self, values, axes, grid=NO_GRID):
        self.values, self.axes, self.grid = values, axes, grid
        self.shape, self.dtype = values.shape, values.dtype

    def blocks(self, rows=2):
        axis = self.axes.index("Z" if "Z" in self.axes else "Y")
        for top in range(0, self.shape[axis], rows or 2):
            yield top, self.values[(slice(None),) * axis + (slice(top, top + (rows or 2)),)]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_windows_are_those_of_what_nibabel_wrote_with_z_first(tmp_path, ending):
    values = _volume()
    with _open(_save(tmp_path / f"a{ending}", values)) as raster:
        assert (raster.shape, raster.dtype) == ((9, 7, 5, 1), np.int16)
        np.testing.assert_array_equal(raster.read(raster.whole)[..., 0], values.transpose(2, 1, 0))
        part = raster.read((slice(3, 4), slice(1, 6), slice(2, 5)))
        np.testing.assert_array_equal(part[..., 0], values[2:5, 1:6, 3:4].transpose(2, 1, 0))


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_pixels_and_places_are_those_that_simpleitk_reads(tmp_path, ending):
    path = _save(tmp_path / f"a{ending}")
    theirs = SimpleITK.ReadImage(str(path))
    with _open(path) as raster:
        np.testing.assert_array_equal(raster.read(raster.whole)[..., 0], SimpleITK.GetArrayFromImage(theirs))
        for voxel in [(0, 0, 0), (8, 6, 4), (3, 1, 2)]:
            place = np.array(raster.grid.affine) @ [*voxel, 1]
            left_back_head = theirs.TransformIndexToPhysicalPoint(voxel[::-1])
            np.testing.assert_allclose(place, np.array(left_back_head) * [-1, -1, 1], atol=1e-4)  # float32 in the file
        steps = [axis.step for axis in raster.grid.axes]
        np.testing.assert_allclose(steps, theirs.GetSpacing()[::-1], rtol=1e-6)


def test_an_uncompressed_file_is_read_by_the_bytes_of_a_window(tmp_path):
    path = _save(tmp_path / "a.nii", _volume((40, 50, 60)))
    stream = _Counting(path.read_bytes())
    with open_nifti(Content(stream, path.stat().st_size, "a.nii", path)) as raster:
        raster.read((slice(30, 31), slice(0, 50), slice(0, 40)))
    assert stream.count < 2 * 40 * 50 * 2 + 2000


class _Counting(io.BytesIO):
    """A stream that counts the bytes which are read."""

    count = 0

    def read(self, size=-1):
        part = super().read(size)
        self.count += len(part)
        return part

    def readinto(self, buffer):
        count = super().readinto(buffer)
        self.count += count
        return count


def test_the_affine_of_every_axis_order_and_flip_is_that_of_nibabel(tmp_path):
    for order, flips in product(permutations(range(3)), product([1, -1], repeat=3)):
        affine = np.eye(4)
        affine[:3, :3] = (np.eye(3) * [0.5, 1.25, 4] * flips)[list(order)]
        affine[:3, 3] = [7, -3, 2.5]
        with _open(_save(tmp_path / "a.nii", affine=affine)) as raster:
            actual = np.array(raster.grid.affine)[:, [2, 1, 0, 3]]
        np.testing.assert_allclose(actual, nibabel.load(tmp_path / "a.nii").affine[:3], atol=1e-6)
        np.testing.assert_allclose(actual, affine[:3], atol=1e-6)


@pytest.mark.parametrize(
    "codes", [(0, 0), (1, 0), (0, 4), (2, 3)], ids=["no code", "qform", "sform", "both, which differ"]
)
@pytest.mark.parametrize("unit", ["mm", "micron", "unknown"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_result_has_the_place_codes_and_units_of_its_source(tmp_path, codes, unit, compressed):
    image = nibabel.Nifti1Image(_volume(), None)
    image.header.set_zooms((0.7, 0.9, 3.5))
    image.set_qform(_OBLIQUE, code=codes[0])
    image.set_sform(_OBLIQUE + 3 * np.eye(4)[3], code=codes[1])
    image.header.set_xyzt_units(unit, "sec")
    image.header.set_dim_info(1, 0, 2)
    image.header["descrip"] = "a name"
    image.to_filename(tmp_path / "a.nii")
    with _open(tmp_path / "a.nii") as raster:
        labels = _volume(raster.shape[:3]).astype(np.uint8)
        write = write_compressed_nifti if compressed else write_nifti
        write(tmp_path / "result.nii.gz", _Result(labels, "ZYX", raster.grid))
    content = (tmp_path / "result.nii.gz").read_bytes()
    result = nibabel.Nifti1Image.from_bytes(gzip.decompress(content) if compressed else content)
    source = nibabel.load(tmp_path / "a.nii")
    np.testing.assert_array_equal(result.get_fdata(), labels.transpose(2, 1, 0))
    assert result.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(result.affine, source.affine)
    for name in ("get_sform", "get_qform"):
        (ours, code), (theirs, their_code) = (getattr(each, name)(coded=True) for each in (result, source))
        assert code == their_code
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_array_equal(ours, theirs)
    assert result.header.get_zooms() == source.header.get_zooms()
    assert result.header.get_xyzt_units()[0] == unit
    assert result.header.get_dim_info() == (1, 0, 2)
    assert bytes(result.header["descrip"]).strip(b"\0") == b""


def test_simpleitk_sees_a_result_where_it_sees_the_source(tmp_path):
    with _open(_save(tmp_path / "a.nii")) as raster:
        planes = np.random.default_rng(1).random((2, 9, 7, 5)).astype(np.float32)
        write_nifti(tmp_path / "result.nii", _Result(planes, "CZYX", raster.grid))
    theirs, source = (SimpleITK.ReadImage(str(tmp_path / name)) for name in ("result.nii", "a.nii"))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(theirs), planes)
    np.testing.assert_allclose(theirs.GetSpacing()[:3], source.GetSpacing(), rtol=1e-6)
    np.testing.assert_allclose(theirs.GetOrigin()[:3], source.GetOrigin(), rtol=1e-6)
    np.testing.assert_allclose(np.reshape(theirs.GetDirection(), (4, 4))[:3, :3].ravel(), source.GetDirection())


@pytest.mark.parametrize(
    ("axes", "shape"), [("YX", (7, 5)), ("CYX", (3, 7, 5)), ("YXS", (7, 5, 3)), ("CZYX", (2, 3, 7, 5))]
)
def test_results_of_any_axes_come_back(tmp_path, axes, shape):
    values = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    write_compressed_nifti(tmp_path / "a.nii.gz", _Result(values, axes))
    with _open(tmp_path / "a.nii.gz") as raster:
        actual = raster.read(raster.whole)
    expected = {
        "YX": lambda: values[None, ..., None],
        "CYX": lambda: values.transpose(1, 2, 0)[None],
        "YXS": lambda: values[None],
        "CZYX": lambda: values.transpose(1, 2, 3, 0),
    }[axes]()
    np.testing.assert_array_equal(actual, expected)


def test_a_shear_is_kept_by_the_sform_alone(tmp_path):
    shear = np.array([[1.0, 0.25, 0, 3], [0, 1, 0, 4], [0, 0, 2, 5], [0, 0, 0, 1]])
    affine = tuple(map(tuple, shear[:3, [2, 1, 0, 3]].tolist()))
    grid = unetzoo.Grid(affine=affine, crs="RAS")
    write_nifti(tmp_path / "a.nii", _Result(np.zeros((9, 7, 5), np.uint8), "ZYX", grid))
    header = nibabel.load(tmp_path / "a.nii").header
    np.testing.assert_array_equal(header.get_sform(), shear)
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 0)


def test_the_fourth_axis_is_that_of_channels(tmp_path):
    values = _volume((5, 7, 9, 2))
    path = _save(tmp_path / "a.nii.gz", values)
    with _open(path) as raster:
        np.testing.assert_array_equal(raster.read(raster.whole), values.transpose(2, 1, 0, 3))
        assert raster.doubt == "its 2 volumes (the fourth axis) are taken for channels"


def test_a_fifth_axis_is_the_channels_if_there_is_no_fourth(tmp_path):
    values = _volume((5, 7, 9, 1, 3))
    with _open(_save(tmp_path / "a.nii", values)) as raster:
        np.testing.assert_array_equal(raster.read(raster.whole), values[:, :, :, 0].transpose(2, 1, 0, 3))
    with (
        pytest.raises(unetzoo.DataError, match="only three of space and one of channels"),
        _open(_save(tmp_path / "b.nii", _volume((5, 7, 9, 2, 3)))),
    ):
        pass


@pytest.mark.parametrize(
    ("dtype", "slope", "intercept", "expected"),
    [
        (np.int16, 1, 0, np.int16),
        (np.uint8, 1, -1024, np.int16),
        (np.int16, 1, -1024, np.int32),
        (np.int16, 0.25, 3, np.float32),
        (np.int32, 0.1, 0, np.float64),
        (np.float32, 2, 1, np.float32),
    ],
)
def test_stored_values_are_scaled_as_nibabel_scales_them(tmp_path, dtype, slope, intercept, expected):
    values = np.random.default_rng(0).integers(0, 200, _SIZE).astype(dtype)
    image = nibabel.Nifti1Image(values, np.eye(4))
    image.header.set_slope_inter(slope, intercept)
    image.to_filename(tmp_path / "a.nii")
    with (tmp_path / "a.nii").open("r+b") as file:  # nibabel's own writer changes the values to fit
        file.seek(112)
        file.write(np.array([slope, intercept], np.float32).tobytes())
        file.seek(352)
        file.write(values.tobytes("F"))
    theirs = nibabel.load(tmp_path / "a.nii").get_fdata()
    with _open(tmp_path / "a.nii") as raster:
        actual = raster.read(raster.whole)[..., 0]
    assert actual.dtype == raster.dtype == expected
    np.testing.assert_allclose(actual, theirs.transpose(2, 1, 0), rtol=1e-6)


@pytest.mark.parametrize("version", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_both_orders_of_bytes_and_both_versions_are_read(tmp_path, version):
    values = _volume()
    header = version.header_class(endianness=">")
    header.set_data_dtype(">i2")
    version(values.astype(">i2"), _OBLIQUE, header).to_filename(tmp_path / "a.nii")
    with unetzoo_raster(tmp_path / "a.nii") as raster:
        actual = raster.read(raster.whole)
        assert actual.dtype == raster.dtype == np.int16
        assert actual.dtype.isnative
        np.testing.assert_array_equal(actual[..., 0], values.transpose(2, 1, 0))
        np.testing.assert_allclose(np.array(raster.grid.affine)[:, [2, 1, 0, 3]], _OBLIQUE[:3], atol=1e-5)


def unetzoo_raster(path):
    """The raster as unetzoo opens it, by the plugin's hook."""
    from unetzoo.data.formats.read import open_raster

    return open_raster(path)


def test_a_gzip_file_of_several_parts_is_read(tmp_path):
    content = nibabel.Nifti1Image(_volume(), _OBLIQUE).to_bytes()
    parts = [gzip.compress(content[start : start + 200]) for start in range(0, len(content), 200)]
    (tmp_path / "a.nii.gz").write_bytes(b"".join(parts) + b"\0" * 100)
    with unetzoo_raster(tmp_path / "a.nii.gz") as raster:
        np.testing.assert_array_equal(raster.read(raster.whole)[..., 0], _volume().transpose(2, 1, 0))
