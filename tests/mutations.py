"""Small valid files of every format that holds images or lists them, and changes of their fields."""

import csv
import io
import json
import re
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

_NUMBERS = (0, 1, 2, 3, 4, 5, 8, 16, 32, 127, 255, 256, 274, 4096, 32767, 65535, 2**20, 2**31 - 1, 2**31, 2**32 - 1)
_TEXTS = (
    "",
    "\0",
    "../a",
    "/etc/passwd",
    "http://127.0.0.1:1/a.png",
    "é" * 300,
    "1e999",
    "-1",
    "[" * 2000,
    "<!DOCTYPE x",
)
_VALUES = (
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63,
    10**30,
    1.5,
    float("nan"),
    "",
    "../..",
    "float128",
    [],
    [[]],
    {},
    [1, 2, 3, 4, 5],
)
_PIXELS = np.random.default_rng(0).integers(0, 255, (24, 31), dtype=np.uint8)
_COLORS = np.random.default_rng(1).integers(0, 255, (24, 31, 3), dtype=np.uint8)


def _picture(kind, pixels=_COLORS, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=kind, **options)
    return file.getvalue()


def _array(pixels):
    file = io.BytesIO()
    np.save(file, pixels)
    return file.getvalue()


def _tiff(pixels, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def pictures():
    """The bytes of an image of each kind, by file name, with what changes them."""
    exif = Image.Exif()
    exif[274] = 6
    palette = Image.fromarray(_PIXELS).convert("P")
    file = io.BytesIO()
    palette.save(file, format="PNG", transparency=3)
    stack = np.stack([_PIXELS] * 3)
    return {
        "color.png": (_picture("PNG", exif=exif), change_png),
        "grey.png": (_picture("PNG", _PIXELS.astype(np.uint16)), change_png),
        "palette.png": (file.getvalue(), change_png),
        "a.jpg": (_picture("JPEG", exif=exif), change_jpeg),
        "a.bmp": (_picture("BMP"), change_bytes),
        "a.gif": (_picture("GIF", _PIXELS), change_bytes),
        "a.webp": (_picture("WEBP", lossless=True), change_bytes),
        "plain.tif": (_tiff(_PIXELS), change_tiff),
        "tiled.tif": (_tiff(_COLORS, tile=(16, 16), compression="zlib", predictor=True), change_tiff),
        "imagej.tif": (_tiff(stack, imagej=True, metadata={"axes": "CYX"}), change_tiff),
        "ome.tif": (_tiff(stack, ome=True, metadata={"axes": "ZYX"}), change_tiff),
        "shaped.tif": (_tiff(np.stack([_PIXELS] * 5, 2)), change_tiff),
        "lzw.tif": (_tiff(_PIXELS, compression="lzw", rowsperstrip=5), change_tiff),
        "big.tif": (_tiff(_PIXELS, bigtiff=True), change_bytes),
        "a.npy": (_array(_PIXELS.astype(np.float32)), change_array),
        "b.npy": (_array(_COLORS), change_array),
    }


def change_bytes(content, random):
    """Some bytes, near the beginning above all; or the end is missing."""
    content = bytearray(content)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(min(len(content), random.choice((16, 64, len(content)))))
        content[place] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))
    return bytes(content[: random.choice((len(content), len(content), random.randrange(1, len(content) + 1)))])


def change_png(content, random):
    """A field of the header, a chunk's length, kind, order or number; checksums are right."""
    chunks, place = [], 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        chunks.append([content[place + 4 : place + 8], content[place + 8 : place + 8 + length]])
        place += 12 + length
    for _ in range(random.randint(1, 2)):
        change = random.randrange(6)
        chunk = random.choice(chunks)
        if change == 0:
            header = list(struct.unpack(">IIBBBBB", chunks[0][1])) if len(chunks[0][1]) == 13 else [1] * 7
            field = random.randrange(7)
            header[field] = random.choice(_NUMBERS) % (2**32 if field < 2 else 2**8)
            chunks[0][1] = struct.pack(">IIBBBBB", *header)
        elif change == 1 and len(chunks) > 2:
            chunks.remove(chunk)
        elif change == 2:
            chunks.insert(random.randrange(len(chunks)), list(chunk))
        elif change == 3:
            kind = random.choice(
                (b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"tRNS", b"PLTE", b"acTL", b"fcTL", b"IDAT", b"IEND")
            )
            body = random.choice((b"", b"x\0\0" + zlib.compress(bytes(10**5)), b"II*\0" + b"\xff" * 20, bytes(768)))
            chunks.insert(random.randrange(1, len(chunks) + 1), [kind, body])
        elif chunk[1]:
            chunk[1] = change_bytes(chunk[1], random)
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return content[:8] + b"".join(parts)


def change_jpeg(content, random):
    """A segment's length or bytes, the size of the picture, or the entropy-coded data."""
    content = bytearray(content)
    marks = [match.start() for match in re.finditer(rb"\xff[\xc0-\xfe]", content)]
    place = random.choice(marks) + random.choice((1, 2, 3, 5, 6, 7, 8, 9))
    number = random.choice(_NUMBERS) % 2**16
    content[place : place + 2] = struct.pack(">H", number)
    return change_bytes(bytes(content), random) if random.random() < 0.3 else bytes(content)


def change_tiff(content, random):
    """Type, count or value of a tag, the place of a directory, or a number in a description."""
    content = bytearray(content)
    if random.random() < 0.3:
        numbers = list(re.finditer(rb'(?<=[="\[ ])\d+', content))
        if numbers:
            match = random.choice(numbers)
            number = str(random.choice((*_NUMBERS, 10**9, 10**12, 10**18))).encode()
            content[match.start() : match.end()] = (number + b" " * 20)[: match.end() - match.start()]
            return bytes(content)
    (first,) = struct.unpack("<I", content[4:8])
    (count,) = struct.unpack("<H", content[first : first + 2])
    for _ in range(random.randint(1, 3)):
        entry = first + 2 + 12 * random.randrange(count)
        change = random.randrange(5)
        if change == 0:
            content[entry : entry + 2] = struct.pack(
                "<H", random.choice((254, 256, 257, 258, 259, 262, 273, 277, 284, 322, 339))
            )
        elif change == 1:
            content[entry + 2 : entry + 4] = struct.pack("<H", random.choice((0, 1, 2, 3, 4, 5, 11, 12, 13, 16, 99)))
        elif change == 2:
            content[entry + 4 : entry + 8] = struct.pack("<I", random.choice(_NUMBERS))
        elif change == 3:
            content[entry + 8 : entry + 12] = struct.pack("<I", random.choice((*_NUMBERS, first, len(content))))
        else:
            content[first + 2 + 12 * count : first + 6 + 12 * count] = struct.pack(
                "<I", random.choice((first, 8, 2**31))
            )
    return bytes(content)


def change_array(content, random):
    """The header: version, type, order, shape or length."""
    length = struct.unpack("<H", content[8:10])[0]
    text, rest = content[10 : 10 + length].decode().strip(), content[10 + length :]
    change = random.randrange(4)
    if change == 0:
        text = re.sub(r"\d+(?=[,)])", lambda _: str(random.choice((*_NUMBERS, -1, 10**18, 2**63))), text)
    elif change == 1:
        text = re.sub(
            r"'[<|>]\w+'", repr(random.choice(("<f2", "<f16", "<c8", "|O", "|V5", "<U9", "|b1", "<M8[s]", "x"))), text
        )
    elif change == 2:
        text = text.replace(
            random.choice(("False", "shape", "{", "(", "'")), random.choice(("", "True", "9" * 5000, "[" * 300)), 1
        )
    else:
        return change_bytes(content, random)
    version = random.choice((b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\x09\0"))
    size = struct.pack("<H" if version[0] == 1 else "<I", len(text) + 1)
    return content[:6] + version + size + text.encode() + b"\n" + rest


def change_json(value, random):
    """One value somewhere in plain data becomes another, or is missing."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        if random.random() < 0.1:
            return {name: kept for name, kept in value.items() if name != key}
        return {**value, key: change_json(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.9:
        place = random.randrange(len(value))
        return [*value[:place], change_json(value[place], random), *value[place + 1 :]]
    return random.choice((*_VALUES, *_TEXTS))


def change_table(rows, random):
    """A CSV file of rows (dicts) with fields, names and quotes that nobody expects."""
    file = io.StringIO()
    writer = csv.writer(file)
    table = [list(rows[0]), *(list(row.values()) for row in rows)]
    for _ in range(random.randint(1, 3)):
        line = random.choice(table)
        line.insert(random.randrange(len(line) + 1), random.choice((*_TEXTS, "x" * 200_000)))
        del line[random.randrange(len(line))]
    writer.writerows(table)
    return change_bytes(file.getvalue().encode(), random) if random.random() < 0.5 else file.getvalue().encode()


def change_lines(rows, random):
    """A JSONL file of rows (dicts), likewise."""
    lines = [json.dumps(change_json(row, random)) for row in rows]
    lines.insert(
        random.randrange(3), random.choice(("", "{", "[" * 100_000, "9" * 5000, '{"image": "\\ud800"}', "null"))
    )
    content = "\n".join(lines).encode()
    return change_bytes(content, random) if random.random() < 0.3 else content
