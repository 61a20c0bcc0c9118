"""Structured mutations of what a folder holds: JSON, headers of safetensors, archives and pickles of torch."""

import copy
import io
import json
import pickletools
import zipfile
from itertools import pairwise

STRANGE = [
    None,
    True,
    -1,
    0,
    1,
    65536,
    10**9,
    2**63,
    10**400,
    1e308,
    0.5,
    float("nan"),
    "",
    "a",
    "x" * 300,
    "\x00",
    "../../etc/passwd",
    "\ud800",
    [],
    {},
    [[]],
    [1, 2, 3],
    [0] * 5000,
    {"a": 1},
]


def mutated_json(data, chance):
    """The data with one value, anywhere, replaced, removed, doubled, moved, wrapped, or with a strange neighbour."""
    data = copy.deepcopy(data)
    node, key = _anywhere(data, chance)
    kind = chance.randrange(7)
    if kind < 3:
        node[key] = chance.choice(STRANGE)
    elif kind == 3:
        del node[key]
    elif kind == 4:
        other, place = _anywhere(data, chance)
        node[key] = copy.deepcopy(other[place])
    elif kind == 5:
        node[key] = chance.choice([[node[key]], {"x": node[key]}, str(node[key]), [node[key]] * 70])
    elif isinstance(node, dict):
        node[chance.choice([*node, "unknown", "", "pretrained", "img_size", "__class__"])] = chance.choice(STRANGE)
    return data


def _anywhere(data, chance):
    node = data
    while True:
        key = chance.choice(list(node)) if isinstance(node, dict) else chance.randrange(len(node))
        if not (isinstance(node[key], dict | list) and node[key] and chance.random() < 0.7):
            return node, key
        node = node[key]


def mutated_bytes(whole, chance):
    """Bits flipped, a part cut off, removed, doubled, overwritten, or something behind the end."""
    data = bytearray(whole)
    start = chance.randrange(len(data))
    stop = min(len(data), start + chance.choice([1, 4, 8, 64]))
    kind = chance.randrange(6)
    if kind == 0:
        data[start] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del data[start:]
    elif kind == 2:
        del data[start:stop]
    elif kind == 3:
        data[start:start] = data[start:stop]
    elif kind == 4:
        data[start:stop] = chance.choice([b"\x00", b"\xff", b"[", b"9"]) * (stop - start)
    else:
        data += chance.randbytes(9)
    return bytes(data)


def mutated_safetensors(whole, chance):
    """Another header, as JSON or as bytes, with its length in front or another one."""
    length = int.from_bytes(whole[:8], "little")
    header, tensors = whole[8 : 8 + length], whole[8 + length :]
    kind = chance.randrange(4)
    if kind == 0:
        header = mutated_bytes(header, chance)
    elif kind < 3:
        header = json.dumps(mutated_json(json.loads(header), chance)).encode()
    else:
        tensors = mutated_bytes(tensors, chance)
    stated = chance.choice([len(header)] * 6 + [0, 1, len(header) + 1, 2**31, 2**63, 2**64 - 1])
    return stated.to_bytes(8, "little") + header + tensors


def mutated_checkpoint(whole, chance):
    """Another pickle in the archive, or other members, or the archive as bytes."""
    kind = chance.randrange(4)
    if kind == 0:
        return mutated_bytes(whole, chance)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    pickle = next(name for name in members if name.endswith("data.pkl"))
    if kind == 1:
        members[pickle] = mutated_bytes(members[pickle], chance)
    elif kind == 2:
        members[pickle] = _mutated_pickle(members[pickle], chance)
    else:
        name = chance.choice(list(members))
        members[chance.choice([name, pickle, "x"])] = members.pop(name) * chance.choice([0, 1, 2])
    packed = io.BytesIO()
    compression = chance.choice([zipfile.ZIP_STORED] * 5 + [zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


def _mutated_pickle(data, chance):
    """One operation removed, doubled, or replaced by another one of the same pickle."""
    places = [place for _, _, place in pickletools.genops(data)] + [len(data)]
    operations = [data[start:stop] for start, stop in pairwise(places)]
    index = chance.randrange(len(operations))
    operations[index] = chance.choice(
        [b"", operations[index] * 2, chance.choice(operations), b"]", b"\x8a\x09" + b"\x7f" * 9]
    )
    return b"".join(operations)
