import gzip

import nibabel
import numpy as np
import pytest

import unetzoo
from unetzoo.data.formats.read import open_raster, read_image

_VALUES = np.random.default_rng(0).integers(0, 900, (5, 7, 1)).astype(np.int16)


def _content(**fields):
    image = nibabel.Nifti1Image(_VALUES, np.diag([0.5, 0.5, 3, 1]))
    content = bytearray(image.to_bytes())
    for name, value in fields.items():
        dtype, offset = nibabel.Nifti1Header.template_dtype.fields[name][:2]
        content[offset : offset + dtype.itemsize] = np.array(value, dtype.base).tobytes()
    return bytes(content)


def _outcome(path):
    """The image, or the error; anything but a `DataError` is raised."""
    try:
        return read_image(path)
    except unetzoo.DataError as caught:
        error = caught
    assert str(path) in str(error)
    assert "\n" not in str(error)
    return error


@pytest.mark.parametrize("compressed", [False, True])
def test_a_torn_file_is_an_error_that_names_it(tmp_path, compressed):
    path = tmp_path / ("a.nii.gz" if compressed else "a.nii")
    content = gzip.compress(_content()) if compressed else _content()
    for length in range(1, len(content), 7):
        path.write_bytes(content[:length])
        outcome = _outcome(path)
        if not compressed:
            assert isinstance(outcome, unetzoo.DataError)
        if isinstance(outcome, np.ndarray):  # the checksum alone is missing
            np.testing.assert_array_equal(outcome[..., 0], _VALUES[..., 0].T)


def test_any_byte_of_the_header_may_be_wrong(tmp_path):
    content = _content()
    for place in range(348):
        path = tmp_path / "a.nii"
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        _outcome(path)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"dim": [3, 30000, 30000, 30000, 1, 1, 1, 1]}, "is incomplete: its header announces 54,000,000,000,000 bytes"),
        ({"dim": [3, 5, 0, 1, 1, 1, 1, 1]}, "its header announces (5, 0, 1) voxels"),
        ({"dim": [3, 5, -7, 1, 1, 1, 1, 1]}, "its header announces (5, -7, 1) voxels"),
        ({"vox_offset": 1e30}, "is incomplete"),
        ({"vox_offset": np.nan}, "cannot be read"),
        ({"datatype": 32, "bitpix": 64}, "voxels must be numbers, but these are complex64"),
        ({"datatype": 128, "bitpix": 24}, "but these are colors (RGB); store channels along a fourth axis"),
        ({"srow_x": [np.nan] * 4}, "its header places the voxels at no volume"),
        ({"srow_z": [0, 0, 0, 0]}, "its header places the voxels at no volume"),
        ({"magic": b"ni1"}, "its voxels lie in another file"),
    ],
)
def test_an_invalid_header_is_explained(tmp_path, fields, text):
    path = tmp_path / "a.nii"
    path.write_bytes(_content(**fields))
    assert text in str(_outcome(path))


def test_a_few_compressed_bytes_that_announce_terabytes_are_refused_before_they_are_decompressed(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(_content(dim=[3, 30000, 30000, 3000, 1, 1, 1, 1]) + b"\0" * 10**6))
    assert "are made to fill the memory" in str(_outcome(path))


def test_what_follows_the_announced_voxels_is_not_decompressed(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(_content()) + b"garbage")
    np.testing.assert_array_equal(read_image(path)[..., 0], _VALUES[..., 0].T)


def test_labels_that_gzip_shrinks_a_thousand_times_are_opened(tmp_path):
    path = tmp_path / "a.nii.gz"
    header = _content(dim=[3, 1000, 1000, 300, 1, 1, 1, 1])[:352]
    path.write_bytes(gzip.compress(header) + 30 * gzip.compress(bytes(2 * 10**7)))
    with open_raster(path) as raster:
        assert raster.shape == (300, 1000, 1000, 1)
