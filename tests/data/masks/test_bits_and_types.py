"""Masks of few bits, and of other types than bytes."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from discs import CLASSES, DISCS, assert_same, painted
from PIL import Image


def _few_bits(bits, values):
    """A writer of grey PNG files of few bits a pixel, which Pillow does not write."""

    def write(path, mask, _):
        height, width = mask.shape
        rows = b""
        for row in np.asarray(values)[mask.astype(int)]:
            text = "".join(format(value, f"0{bits}b") for value in row)
            rows += b"\0" + bytes(int(text[start : start + 8], 2) for start in range(0, len(text), 8))
        header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
        file = b"\x89PNG\r\n\x1a\n"
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
            file += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        path.write_bytes(file)

    return write


@pytest.mark.parametrize("bits", [2, 4])
def test_pixels_of_2_and_4_bits_are_ids_as_stored(read, bits):
    names, ids, _ = read(_few_bits(bits, [0, 1, 2]), CLASSES)
    assert names == ("class 0", "class 1", "class 2")
    assert_same(ids, CLASSES)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_black_and_white_of_few_bits_beside_8_bits_is_the_same(read, bits):
    few = _few_bits(bits, [0, 2**bits - 1])

    def write(path, mask, number):
        few(path, mask, number) if number else Image.fromarray(mask.astype(np.uint8) * 255).save(path)

    names, ids, problems = read(write, DISCS)
    assert names == ("background", "foreground")
    assert_same(ids, DISCS)
    assert problems == []


@pytest.mark.parametrize("dtype", [bool, np.float32, np.uint16])
def test_true_and_full_brightness_of_other_types_are_that_of_8_bits(read, dtype):
    def paint(mask, number):
        return mask.astype(np.uint8) * 255 if number else mask.astype(dtype) * (65535 if dtype == np.uint16 else 1)

    write = painted(lambda mask, number: np.asarray(paint(mask, number), np.uint8 if number else dtype))
    names, ids, _ = read(write, DISCS, "npy")
    assert names == ("background", "foreground")
    assert_same(ids, DISCS)


@pytest.mark.parametrize("options", [{}, {"ome": True}], ids=["shape", "OME"])
def test_true_in_a_tiff_of_python_is_the_foreground(read, options):
    def write(path, mask, number):
        tifffile.imwrite(path, mask if number else mask.astype(np.uint8) * 255, **options)

    names, ids, _ = read(write, DISCS, "tif")
    assert names == ("background", "foreground")
    assert_same(ids, DISCS)


def test_black_on_white_of_a_fax_is_read_as_it_is_shown(read):
    def write(path, mask, _):
        Image.fromarray(mask).save(path, compression="group4")

    pytest.importorskip("imagecodecs")
    assert_same(read(write, DISCS, "tif")[1], DISCS)
