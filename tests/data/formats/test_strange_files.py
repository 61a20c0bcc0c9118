"""Files that are not what their names say, or that name others."""

import ast
import io
import json
import logging
import os
from pathlib import Path

import datasets
import numpy as np
import pyarrow
import pytest
import tifffile
from PIL import Image

import unetzoo
from unetzoo.data.find import open_source
from unetzoo.data.formats.read import read_image, read_raw_mask

_ROOT = Path(unetzoo.__file__).parents[1]
_PIXELS = np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)
_POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\n(text) show\n%%EOF\n"


@pytest.fixture
def ghostscript(tmp_path, monkeypatch):
    """A program of that name, which writes down that it ran."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gs").write_text(f"#!/bin/sh\necho ran >> {tmp_path}/log\necho 10.0\n")
    (tmp_path / "bin" / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return tmp_path / "log"


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.npy"])
@pytest.mark.parametrize("read", [read_image, read_raw_mask], ids=["image", "mask"])
def test_a_picture_of_postscript_runs_no_program(name, read, tmp_path, ghostscript):
    (tmp_path / name).write_bytes(_POSTSCRIPT)
    with pytest.raises(
        unetzoo.DataError, match=f"{name} cannot be read: its content is not png, jpeg, bmp, gif, webp, tiff"
    ):
        read(tmp_path / name)
    assert not ghostscript.exists()


def test_a_row_of_postscript_runs_no_program(tmp_path, ghostscript):
    saved = _saved(tmp_path, [{"bytes": _POSTSCRIPT, "path": None}])
    with pytest.raises(unetzoo.DataError, match="row 0, 'image' cannot be read: its content is not png"):
        open_source(saved).pair(0)
    assert not ghostscript.exists()


@pytest.mark.parametrize("kind", ["PPM", "ICO", "PCX", "TGA", "SGI"])
def test_other_formats_that_pillow_knows_are_refused(kind, tmp_path):
    Image.fromarray(_PIXELS).save(tmp_path / "a.png", format=kind)
    with pytest.raises(unetzoo.DataError, match="its content is not png"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.npy", "a.bmp"])
@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "npy"])
def test_a_file_is_read_as_what_it_is_whatever_its_name(name, kind, tmp_path):
    with (tmp_path / name).open("wb") as file:
        np.save(file, _PIXELS) if kind == "npy" else Image.fromarray(_PIXELS).save(file, format=kind)
    np.testing.assert_array_equal(read_image(tmp_path / name)[..., 0], _PIXELS)


def test_every_picture_is_opened_with_the_formats_that_are_meant():
    paths = [*(_ROOT / "unetzoo").rglob("*.py"), *(_ROOT / "plugins").glob("*/unetzoo_*/**/*.py")]
    texts = {path: path.read_text() for path in paths}
    trees = [(path.name, ast.parse(text)) for path, text in texts.items() if "Image.open" in text]
    nodes = [(name, node) for name, tree in trees for node in ast.walk(tree)]
    calls = [(name, node) for name, node in nodes if isinstance(node, ast.Call) and _is_open(node)]
    assert calls
    assert [name for name, call in calls if "formats" not in {keyword.arg for keyword in call.keywords}] == []


def _is_open(call):
    return ast.unparse(call.func) in ("Image.open", "PIL.Image.open")


def test_reading_leaves_the_process_as_it_was(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", _PIXELS)
    Image.fromarray(_PIXELS).save(tmp_path / "a.png")
    logger = logging.getLogger("tifffile")
    before = (list(logger.handlers), logger.level, Image.MAX_IMAGE_PIXELS)
    for _ in range(3):
        read_image(tmp_path / "a.tif")
        read_image(tmp_path / "a.png")
    assert (list(logger.handlers), logger.level, Image.MAX_IMAGE_PIXELS) == before


def test_a_tiff_reads_no_other_file_that_it_names(tmp_path):
    tifffile.imwrite(tmp_path / "secret.tif", np.full((20, 30), 77, np.uint8))
    tifffile.imwrite(tmp_path / "whole.tif", np.stack([_PIXELS] * 2), ome=True, metadata={"axes": "ZYX"})
    with tifffile.TiffFile(tmp_path / "whole.tif") as file:
        xml = file.ome_metadata
    other = '<TiffData FirstZ="1" IFD="0" PlaneCount="1"><UUID FileName="../secret.tif">urn:uuid:2</UUID></TiffData>'
    own = '<TiffData FirstZ="0" IFD="0" PlaneCount="1"><UUID FileName="a.tif">urn:uuid:1</UUID></TiffData>'
    start, end = xml.index("<TiffData"), xml.rindex("</Pixels>")
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "a.tif"
    tifffile.imwrite(path, _PIXELS, description=(xml[:start] + own + other + xml[end:]).encode(), metadata=None)
    assert (tifffile.imread(path) == 77).any()  # so does the library alone
    np.testing.assert_array_equal(read_image(path)[..., 0], _PIXELS)


_CELL = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])


def _saved(folder, images):
    """A folder of `save_to_disk` with these cells of images, and honest masks."""
    file = io.BytesIO()
    Image.fromarray(_PIXELS).save(file, format="PNG")
    cell = {"bytes": file.getvalue(), "path": None}
    features = datasets.Features({"image": datasets.Image(), "mask": datasets.Image()})
    honest = datasets.Dataset.from_dict({name: [cell] * len(images) for name in features}, features=features)
    honest.save_to_disk(folder / "saved")
    schema = honest.data.schema
    table = pyarrow.table({"image": pyarrow.array(images, _CELL), "mask": pyarrow.array([cell] * len(images), _CELL)})
    (arrow,) = (folder / "saved").glob("*.arrow")
    stamped = table.schema.with_metadata(schema.metadata)
    with pyarrow.OSFile(str(arrow), "wb") as sink, pyarrow.ipc.new_stream(sink, stamped) as writer:
        writer.write_table(table)
    return folder / "saved"


@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:1/a.png", "../outside.png", "{folder}/outside.png", "zip://a.png::{folder}/a.zip"]
)
def test_a_row_that_names_what_is_not_of_the_data_set_is_refused(path, tmp_path):
    Image.fromarray(_PIXELS).save(tmp_path / "outside.png")
    saved = _saved(tmp_path, [{"bytes": None, "path": path.format(folder=tmp_path)}])
    with pytest.raises(unetzoo.DataError, match=r"row 0, 'image' names .*, which is not a file of the data set"):
        open_source(saved).image(0)


def test_a_row_that_names_a_file_of_the_data_set_is_read(tmp_path):
    saved = _saved(tmp_path, [{"bytes": None, "path": "inside.png"}])
    Image.fromarray(_PIXELS).save(saved / "inside.png")
    np.testing.assert_array_equal(open_source(saved).image(0)[..., 0], _PIXELS)


def test_an_empty_cell_is_one_clear_error(tmp_path):
    saved = _saved(tmp_path, [{"bytes": None, "path": None}, None])
    for row in (0, 1):
        with pytest.raises(unetzoo.DataError, match=f"row {row}, 'image' is"):
            open_source(saved).image(row)


def test_a_data_set_whose_files_lie_elsewhere_is_refused(tmp_path):
    saved = _saved(tmp_path, [None])
    state = json.loads((saved / "state.json").read_text())
    (saved / state["_data_files"][0]["filename"]).rename(tmp_path / "outside.arrow")
    (saved / "state.json").write_text(json.dumps({**state, "_data_files": [{"filename": "../outside.arrow"}]}))
    with pytest.raises(unetzoo.DataError, match=r"names .*outside\.arrow, which is not in it"):
        open_source(saved)
    (tmp_path / "dict").mkdir()
    (tmp_path / "dict" / "dataset_dict.json").write_text('{"splits": ["../saved"]}')
    with pytest.raises(unetzoo.DataError, match=r"names .*saved, which is not in it"):
        open_source(tmp_path / "dict")


def test_a_row_of_a_tiff_keeps_its_depth(tmp_path):
    file = io.BytesIO()
    tifffile.imwrite(file, _PIXELS.astype(np.float32) / 7)
    saved = _saved(tmp_path, [{"bytes": file.getvalue(), "path": None}])
    np.testing.assert_array_equal(open_source(saved).image(0)[..., 0], _PIXELS.astype(np.float32) / 7)
