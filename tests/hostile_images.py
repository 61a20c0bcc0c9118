"""Small files that announce large pictures."""

import struct
import zlib

import numpy as np
import tifffile


def write_png_chunks(path, header, data):
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def write_png(path, side=140_000, depth=8, color=0):
    """One of 20 gigapixels of which a few rows are there."""
    header = struct.pack(">IIBBBBB", side, side, depth, color, 0, 0, 0)
    write_png_chunks(path, header, zlib.compress(bytes(10 * side), 1))


def write_gif(path, side=65_000):
    screen = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    path.write_bytes(screen + b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x44\x01\x00;")


def write_bmp(path, side=40_000):
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 100, 0, 0, 256, 0)
    path.write_bytes(b"BM" + struct.pack("<IHHI", 1178, 0, 0, 1078) + header + bytes(1024) + b"\0\1")


def write_tiff(path, side=60_000):
    """One of zeros whose strips are all there."""
    strips = [zlib.compress(bytes(side * 500), 9)] * (side // 500)
    tifffile.imwrite(path, shape=(side, side), dtype="uint8", data=iter(strips), rowsperstrip=500, compression="zlib")


def write_sparse_tiff(path, side=60_000):
    """One without any strip."""
    longs = {256: side, 257: side, 273: 0, 278: side, 279: 0}
    shorts = {258: 8, 259: 1, 262: 1, 277: 1}
    fields = sorted(
        [(tag, 4, value) for tag, value in longs.items()] + [(tag, 3, value) for tag, value in shorts.items()]
    )
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in fields)
    path.write_bytes(b"II*\0\x08\0\0\0" + struct.pack("<H", len(fields)) + entries + bytes(4))


def write_planes_of_ome(path, planes=10**12):
    """One whose OME-XML says that it has as many slices."""
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8), ome=True, metadata={"axes": "YX"})
    with tifffile.TiffFile(path) as file:
        xml = file.ome_metadata.replace('SizeZ="1"', f'SizeZ="{planes}"')
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8), description=xml.encode(), metadata=None)


def write_array(path, shape=(60_000, 60_000)):
    """A header alone."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
