"""Errors of formats that plugins provide name the file, the format and the plugin."""

import json

import pytest
from throwaway import Site, plugin

_SOURCE = """
from contextlib import contextmanager

import numpy
import unetzoo

UNETZOO_HOOKS = 4
_ONES = numpy.ones((4, 5, 1), numpy.uint8)


def raster(**changes):
    sound = {"shape": _ONES.shape, "dtype": _ONES.dtype, "read": lambda window: _ONES[window]}
    return unetzoo.Raster(**{**sound, **changes})


def fails(window):
    raise ValueError("no such block")


RASTERS = {
    "gridless": lambda: raster(grid=None),
    "bandless": lambda: raster(grid=unetzoo.Grid(bands=None)),
    "untyped": lambda: raster(dtype="uint8"),
    "blind": lambda: raster(read=fails),
    "empty": lambda: raster(read=lambda window: None),
    "level": lambda: raster(levels=(raster(grid=None),)),
    "closed": lambda: 1 / 0,
    "nothing": lambda: None,
    "sound": raster,
}


@contextmanager
def open_it(content):
    kind = content.path.stem
    yield RASTERS["sound" if kind == "late" else kind]()
    if kind == "late":
        raise OSError("cannot close")


def write_it(path, result):
    raise ValueError("no such color")


@unetzoo.hookimpl
def unetzoo_formats():
    yield unetzoo.FormatSpec(name="odd", endings=(".odd",), open=open_it, create=write_it)
"""
_BROKEN = """
import unetzoo

UNETZOO_HOOKS = 4

@unetzoo.hookimpl
def unetzoo_formats():
    raise ValueError("no endings")
"""
_NAMED = "format odd of plugin 'odd-formats 1.0'"
_EXPECTED = {
    "gridless": ("PluginError", f": its {_NAMED} gives a Raster whose grid must be a Grid, but is None"),
    "bandless": ("PluginError", f": its {_NAMED} gives a Grid whose bands must be a tuple, but is None"),
    "untyped": ("PluginError", f": its {_NAMED} gives a Raster whose dtype must be a dtype, but is 'uint8'"),
    "level": ("PluginError", f": its {_NAMED} gives a Raster whose grid must be a Grid, but is None"),
    "nothing": ("PluginError", f": its {_NAMED} must give a Raster, but gives None"),
    "blind": ("DataError", f" cannot be read by {_NAMED}: ValueError: no such block"),
    "empty": ("DataError", f" cannot be read by {_NAMED}: AttributeError: 'NoneType' object has no attribute 'shape'"),
    "closed": ("DataError", f" cannot be read by {_NAMED}: ZeroDivisionError: division by zero"),
    "late": ("DataError", f" cannot be read by {_NAMED}: OSError: cannot close"),
}
_READ = """
import json, sys, warnings
from pathlib import Path
import numpy, unetzoo
from unetzoo.data.formats.read import read_image
warnings.simplefilter("ignore")
errors = {}
for path in sorted(Path(sys.argv[1]).glob("*.odd")):
    try:
        read_image(path)
    except unetzoo.UnetzooError as error:
        errors[path.stem] = [type(error).__name__, str(error).removeprefix(str(path))]
model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}).eval()
numpy.save(Path(sys.argv[1]) / "in.npy", numpy.zeros((8, 8, 3), numpy.uint8))
(written,) = unetzoo.predict_files(model, Path(sys.argv[1]) / "in.npy", Path(sys.argv[1]) / "out.odd")
try:
    read_image(Path(sys.argv[1]) / "a.broken")
except unetzoo.DataError as error:
    missing = str(error)
print(json.dumps([errors, written.reason, missing]))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Errors of reading, by the names of the files; of writing; and of a file whose plugin is disabled."""
    folder = tmp_path_factory.mktemp("odd")
    for name in (*_EXPECTED, "sound"):
        (folder / f"{name}.odd").write_bytes(b"content")
    (folder / "a.broken").write_bytes(b"content")
    site = Site(tmp_path_factory.mktemp("plugins") / "site")
    site.install(plugin("odd_formats", _SOURCE), plugin("broken_formats", _BROKEN))
    return json.loads(site.run(_READ, str(folder), UNETZOO_PLUGINS="odd_formats,broken_formats"))


@pytest.mark.parametrize("kind", _EXPECTED)
def test_a_reader_that_fails_or_gives_no_sound_raster_is_named_with_its_plugin(kind, said):
    assert tuple(said[0][kind]) == _EXPECTED[kind]


def test_a_sound_reader_is_read(said):
    assert "sound" not in said[0]


def test_a_writer_that_fails_is_named_with_its_plugin(said):
    assert said[1].endswith(f"out.odd: its {_NAMED} raises ValueError: no such color")


def test_a_file_of_no_format_names_the_plugins_that_are_disabled(said):
    assert said[2].endswith("; disabled plugins: broken-formats 1.0 (`unetzoo plugins` says why)")
