from itertools import permutations, product

import nrrd
import numpy as np
import pytest
import SimpleITK
from unetzoo_medical.examples import OBLIQUE, example_metaimage, example_nrrd, example_values
from unetzoo_medical.metaimage import write_metaimage
from unetzoo_medical.nifti import write_nifti
from unetzoo_medical.nrrd import write_nrrd

import unetzoo
from unetzoo.data.formats.read import open_raster, read_image
from unetzoo.testing import check_format

_ENDINGS = [".nrrd", ".mha", ".mhd"]


class _Result:
    palette = nodata = None

    def __init__(self, values, axes, grid):
        self.values, self.axes, self.grid = values, axes, grid
        self.shape, self.dtype = values.shape, values.dtype

    def blocks(self, rows=None):
        axis = self.axes.index("Z")
        for top in range(0, self.shape[axis], 2):
            yield top, self.values[(slice(None),) * axis + (slice(top, top + 2),)]


def _image(values, affine=OBLIQUE, **options):
    """SimpleITK's image of values (z, y, x), whose place is an affine to RAS."""
    image = SimpleITK.GetImageFromArray(values, **options)
    lps = np.diag([-1, -1, 1, 1]) @ affine
    steps = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(steps.tolist())
    image.SetDirection((lps[:3, :3] / steps).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


def _affine(raster):
    return np.array(raster.grid.affine)[:, [2, 1, 0, 3]]


@pytest.mark.parametrize("name", ["nrrd", "metaimage"])
def test_the_format_keeps_the_contract(name):
    check_format(name)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("ending", _ENDINGS)
def test_values_and_places_are_those_that_simpleitk_wrote(tmp_path, ending, compressed):
    values = example_values().transpose(2, 1, 0).copy()
    path = tmp_path / f"a{ending}"
    SimpleITK.WriteImage(_image(values), str(path), compressed)
    with open_raster(path) as raster:
        assert raster.dtype == np.int16
        np.testing.assert_array_equal(raster.read(raster.whole)[..., 0], values)
        part = raster.read((slice(1, 3), slice(2, 7), slice(0, 4)))
        np.testing.assert_array_equal(part[..., 0], values[1:3, 2:7, :4])
        np.testing.assert_allclose(_affine(raster), OBLIQUE[:3], atol=1e-6)
        assert [axis.unit for axis in raster.grid.axes] == ["mm"] * 3


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_the_affine_of_every_axis_order_and_flip_is_that_of_simpleitk(tmp_path, ending):
    values = np.zeros((2, 3, 4), np.uint8)
    for order, flips in product(permutations(range(3)), product([1, -1], repeat=3)):
        affine = np.eye(4)
        affine[:3, :3] = (np.eye(3) * [0.5, 1.25, 4] * flips)[list(order)]
        affine[:3, 3] = [7, -3, 2.5]
        path = tmp_path / f"a{ending}"
        SimpleITK.WriteImage(_image(values, affine), str(path))
        with open_raster(path) as raster:
            np.testing.assert_allclose(_affine(raster), affine[:3], atol=1e-6)


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_several_values_of_a_voxel_are_channels(tmp_path, ending):
    values = np.random.default_rng(0).random((4, 5, 6, 3)).astype(np.float32)
    path = tmp_path / f"a{ending}"
    SimpleITK.WriteImage(_image(values, isVector=True), str(path))
    with open_raster(path) as raster:
        np.testing.assert_array_equal(raster.read(raster.whole), values)
        np.testing.assert_array_equal(raster.read((slice(1, 2), slice(0, 3), slice(2, 6))), values[1:2, :3, 2:6])
        np.testing.assert_allclose(_affine(raster), OBLIQUE[:3], atol=1e-6)


@pytest.mark.parametrize(
    ("example", "write", "ending"), [(example_nrrd, write_nrrd, ".nrrd"), (example_metaimage, write_metaimage, ".mha")]
)
@pytest.mark.parametrize("axes", ["ZYX", "CZYX"])
def test_simpleitk_sees_a_result_where_it_sees_the_source(tmp_path, example, write, ending, axes):
    source = example(tmp_path)
    shape = (2, 5, 7, 9)[4 - len(axes) :]
    values = np.random.default_rng(0).random(shape).astype(np.float32)
    with open_raster(source) as raster:
        write(tmp_path / f"result{ending}", _Result(values, axes, raster.grid))
    theirs, before = (SimpleITK.ReadImage(str(path)) for path in (tmp_path / f"result{ending}", source))
    seen = SimpleITK.GetArrayFromImage(theirs)
    np.testing.assert_array_equal(seen, np.moveaxis(values, 0, -1) if axes == "CZYX" else values)
    for name in ("GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(theirs, name)(), getattr(before, name)(), atol=1e-6)


def test_pynrrd_reads_a_result_and_its_space_is_that_of_the_source(tmp_path):
    values = np.random.default_rng(0).integers(0, 2**16, (5, 7, 9)).astype(np.uint16)
    with open_raster(example_nrrd(tmp_path)) as raster:
        write_nrrd(tmp_path / "result.nrrd", _Result(values, "ZYX", raster.grid))
    theirs, header = nrrd.read(str(tmp_path / "result.nrrd"))
    before = nrrd.read_header(str(tmp_path / "a.nrrd"))
    np.testing.assert_array_equal(theirs, values.transpose(2, 1, 0))
    assert header["space"] == before["space"] == "left-posterior-superior"
    assert header["space units"] == before["space units"]
    np.testing.assert_allclose(header["space directions"], before["space directions"], atol=1e-6)
    np.testing.assert_allclose(header["space origin"], before["space origin"], atol=1e-6)


@pytest.mark.parametrize("example", [example_nrrd, example_metaimage])
def test_a_result_may_be_of_another_format_than_its_source(tmp_path, example):
    with open_raster(example(tmp_path)) as raster:
        write_nifti(tmp_path / "a.nii", _Result(np.zeros((5, 7, 9), np.uint8), "ZYX", raster.grid))
    with open_raster(tmp_path / "a.nii") as result:
        np.testing.assert_allclose(_affine(result), OBLIQUE[:3], atol=1e-6)


@pytest.mark.parametrize(
    ("space", "signs"), [("RAS", [1, 1, 1]), ("left-anterior-superior", [-1, 1, 1]), ("LPS", [-1, -1, 1])]
)
def test_the_spaces_of_nrrd_are_converted(tmp_path, space, signs):
    header = {"space": space, "space directions": np.diag([1.0, 2, 3]), "space origin": [4.0, 5, 6]}
    nrrd.write(str(tmp_path / "a.nrrd"), np.zeros((2, 3, 4), np.uint8), header)
    with open_raster(tmp_path / "a.nrrd") as raster:
        expected = np.diag([*signs, 1]) @ [[1, 0, 0, 4], [0, 2, 0, 5], [0, 0, 3, 6], [0, 0, 0, 1]]
        np.testing.assert_allclose(_affine(raster), expected[:3])


def test_without_a_space_nothing_is_claimed_of_the_place(tmp_path):
    nrrd.write(str(tmp_path / "a.nrrd"), np.zeros((2, 3, 4), np.uint8), {"spacings": [0.5, 2, 3]})
    with open_raster(tmp_path / "a.nrrd") as raster:
        assert [axis.step for axis in raster.grid.axes] == [3, 2, 0.5]
        assert not raster.grid.has_place


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"NRRD0004\ntype: float\n", "it has no header of NRRD"),
        (b"NRRD0004\ntype: float\n\n", "its header lacks dimension, sizes, encoding"),
        (b"NRRD0004\ntype: float\ndimension: 2\nsizes: 3 4\nencoding: hex\n\n", "its encoding is hex"),
        (b"NRRD0004\ntype: float\ndimension: 2\nsizes: 3 4\nencoding: raw\n\n", "is incomplete"),
        (b"NRRD0004\ntype: block\ndimension: 2\nsizes: 3 4\nencoding: raw\n\n", "voxels must be numbers"),
        (b"NRRD0004\ntype: float\ndimension: 2\nsizes: 99999 99999\nencoding: gzip\n\n", "made to fill the memory"),
        (
            b"NRRD0004\ntype: float\ndimension: 2\nsizes: 3 4\nencoding: raw\ndata file: /etc/passwd\n\n",
            "its voxels lie in another file",
        ),
    ],
)
def test_an_invalid_header_of_nrrd_is_explained(tmp_path, content, text):
    (tmp_path / "a.nrrd").write_bytes(content)
    with pytest.raises(unetzoo.DataError, match=text):
        read_image(tmp_path / "a.nrrd")


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("NDims = 3", "lacks DimSize, ElementType, ElementDataFile"),
        ("NDims = 2\nDimSize = 3 4\nElementType = MET_FLOAT\nElementDataFile = LOCAL", "is incomplete"),
        ("NDims = 2\nDimSize = 3 4\nElementType = MET_OTHER\nElementDataFile = LOCAL", "voxels must be numbers"),
        ("NDims = 2\nDimSize = 3 4\nElementType = MET_FLOAT\nElementDataFile = ../b.raw", "no such file beside it"),
        ("NDims = 2\nDimSize = 3 4\nElementType = MET_FLOAT\nElementDataFile = /etc/passwd", "no such file beside it"),
        (
            "NDims = 2\nDimSize = 99999 99999\nElementType = MET_FLOAT\nCompressedData = True\nElementDataFile = LOCAL",
            "made to fill the memory",
        ),
    ],
)
def test_an_invalid_header_of_metaimage_is_explained(tmp_path, lines, text):
    (tmp_path / "a.mha").write_text(lines + "\n")
    with pytest.raises(unetzoo.DataError, match=text):
        read_image(tmp_path / "a.mha")


@pytest.mark.parametrize("example", [example_nrrd, example_metaimage])
def test_any_byte_of_the_header_may_be_wrong(tmp_path, example):
    path = example(tmp_path)
    content = path.read_bytes()
    for place in range(len(content) - 2 * example_values().size):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x15]) + content[place + 1 :])
        try:
            with open_raster(path) as raster:
                raster.read(raster.whole)
        except unetzoo.DataError as caught:
            error = caught
            assert "\n" not in str(error)
