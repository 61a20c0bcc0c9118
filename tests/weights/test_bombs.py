"""Small files that announce much are refused before anything is built, in no time and in little memory."""

import gc
import io
import json
import struct
import zipfile

import pytest
import torch
from limits import within

import unetzoo
from unetzoo.bench.calls import peak_bytes

PLAIN = {"format": 1, "decoder": "unet", "encoder": "plain", "encoder_options": {"widths": [2, 3]}}
RESNET = {"format": 1, "decoder": "unet", "encoder": "test_resnet"}
VIT = {"format": 1, "decoder": "unet", "encoder": "test_vit"}
WEIGHTS = b"\x02\x00\x00\x00\x00\x00\x00\x00{}"


@pytest.fixture(scope="module", autouse=True)
def _warm(tmp_path_factory):
    """What the first loading imports counts for no test."""
    network = unetzoo.create("unet", encoder="test_vit", encoder_options={"img_size": [32, 32]})
    unetzoo.load(unetzoo.save(network, tmp_path_factory.mktemp("warm")))
    gc.freeze()
    yield
    gc.unfreeze()


def _refuse(folder, match):
    def load():
        with within(2), pytest.raises(unetzoo.UnetzooError, match=match):
            unetzoo.load(folder)

    peak = peak_bytes(load, "cpu")
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert peak is None or peak < 2 * size + 2**25


def _folder(folder, config, weights=WEIGHTS, name="model.safetensors"):
    (folder / "config.json").write_text(json.dumps(config))
    (folder / name).write_bytes(weights)
    return folder


@pytest.mark.parametrize(
    ("config", "options", "match"),
    [
        (VIT, {"img_size": [65536, 65536]}, "img_size must be at most 8,192 pixels a side"),
        (VIT, {"img_size": [9000, 32]}, "img_size must be at most 8,192 pixels a side"),
        (VIT, {"out_indices": [0] * 5000}, "out_indices must be a list of up to 64 whole numbers"),
        (RESNET, {"out_indices": list(range(65))}, "out_indices must be a list of up to 64 whole numbers"),
        (RESNET, {"out_indices": "01"}, "out_indices must be a list of up to 64 whole numbers"),
        (PLAIN, {"widths": [1] * 40_000}, "encoder_options take 120,0.. letters as JSON; at most 100,000 are read"),
        (PLAIN, {"widths": [65536] * 64}, "the weights are not those of this network"),
    ],
    ids=["side", "one side", "blocks", "levels", "text", "widths", "weights"],
)
def test_sizes_and_lists_that_no_network_needs(config, options, match, tmp_path):
    _refuse(_folder(tmp_path, config | {"encoder_options": options}), match)


def test_a_configuration_that_is_nothing_but_brackets(tmp_path):
    _folder(tmp_path, {})
    (tmp_path / "config.json").write_text('{"a": [' + "[]," * 350_000 + "[]]}")
    _refuse(tmp_path, "config.json has 1,050,.* bytes; at most 1,048,576 are read")


def test_an_index_of_very_many_files(tmp_path):
    _folder(tmp_path, PLAIN)
    names = {str(number): f"{number}.safetensors" for number in range(100_000)}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    _refuse(tmp_path, "names 100,000 files; at most 500 are read")


def _safetensors(header, size=0):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(size)


def _entry(shape, start, stop, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


@pytest.mark.parametrize(
    "weights",
    [
        (2**63).to_bytes(8, "little") + bytes(100),
        _safetensors(b"[" * 1_000_000),
        _safetensors(b'{"a":' * 200_000),
        _safetensors({"a": _entry([2**31, 2**31], 0, 2**64)}),
        _safetensors({str(number): _entry([250], 0, 1000) for number in range(1000)}, 1000),
        _safetensors({"a": _entry([2**62] * 10_000, 0, 4)}, 4),
        _safetensors(b'{"a": %s}' % (b"9" * 4000)),
        _safetensors({"a": _entry([0, 2**62], 0, 4)}, 4),
        _safetensors(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a": 1}', 4),
    ],
    ids=["length", "brackets", "depth", "size", "overlap", "axes", "digits", "empty", "twice"],
)
def test_headers_that_announce_more_than_the_file_holds(weights, tmp_path):
    _refuse(_folder(tmp_path, PLAIN, weights), r"model\.safetensors is damaged or not a safetensors file")


def _members():
    packed = io.BytesIO()
    torch.save({"a": torch.zeros(4)}, packed)
    with zipfile.ZipFile(packed) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archive(members, compression=zipfile.ZIP_STORED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


def _with_pickle(change):
    members = _members()
    name = next(name for name in members if name.endswith("data.pkl"))
    members[name] = change(members[name])
    return members


BOMBS = {
    "deflated": lambda: _archive(_with_pickle(lambda pickle: pickle[:-1] + b"N0" * 2**24 + b"."), zipfile.ZIP_DEFLATED),
    "many operations": lambda: _archive(_with_pickle(lambda pickle: b"\x80\x02" + b"}" * 2_000_000 + b".")),
    "deep": lambda: _archive(_with_pickle(lambda _: b"\x80\x02}" + b")" + b"\x85" * 500_000 + b"Ns.")),
    "calls": lambda: _archive(_with_pickle(lambda _: b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.")),
    "many members": lambda: _archive(_members() | {f"archive/data/{number}": b"" for number in range(20_000)}),
    "a larger storage": lambda: _archive(
        _with_pickle(lambda pickle: pickle.replace(b"K\x04\x85", b"J\xff\xff\xff\x7f\x85"))
    ),
    "code": lambda: _archive(_with_pickle(lambda _: b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.")),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_checkpoints_that_take_more_than_they_hold(bomb, tmp_path):
    _refuse(
        _folder(tmp_path, PLAIN, BOMBS[bomb](), "pytorch_model.bin"), r"pytorch_model\.bin is damaged, or holds more"
    )


def test_a_checkpoint_whose_tensors_all_show_one_storage(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    storage = torch.zeros(1000)
    torch.save({str(number): storage[: 1000 - number] for number in range(500)}, path)
    _refuse(_folder(tmp_path, PLAIN, path.read_bytes(), path.name), "take more than twice as much as it holds")


def test_a_checkpoint_of_a_tensor_that_repeats_one_number(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.zeros(1).expand(65536, 65536)}, path)
    _refuse(_folder(tmp_path, PLAIN, path.read_bytes(), path.name), "a tensor is larger than its storage")


def test_a_checkpoint_that_remembers_something_at_a_place_far_away(tmp_path):
    pickle = b"\x80\x02}r" + struct.pack("<I", 2**32 - 1) + b"."
    weights = _archive(_with_pickle(lambda _: pickle))
    _refuse(_folder(tmp_path, PLAIN, weights, "pytorch_model.bin"), "38 missing in the file")
