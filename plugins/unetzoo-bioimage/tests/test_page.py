"""The page on microscopy, done as it stands, on images of 96 x 96 pixels."""

import csv
import json
from pathlib import Path

import numpy as np
import roifile
import tifffile
import zarr
from cells import Cells
from ome_stores import axis, scaling, write_store
from written import commands, run_commands, run_python

_PAGE = (Path(__file__).parents[3] / "docs" / "microscopy.md").read_text(encoding="utf-8")
_STEP = 0.5  # um


def _make_wells(folder):
    cells = Cells(4, 0)
    for part in ("images", "masks"):
        (folder / "wells" / part).mkdir(parents=True)
    for index in range(4):
        gray, ids = cells[index].image[..., 0], cells.instances(index).astype(np.uint16)
        stack = np.stack([gray, 255 - gray])
        path = folder / "new.tif" if index == 3 else folder / "wells" / "images" / f"{index}.tif"
        metadata = {"axes": "CYX", "unit": "micron"}
        tifffile.imwrite(path, stack, imagej=True, resolution=(1 / _STEP, 1 / _STEP), metadata=metadata)
        if index < 3:
            tifffile.imwrite(folder / "wells" / "masks" / f"{index}.tif", ids)
    levels = [{"path": "0", "coordinateTransformations": [scaling(1, _STEP, _STEP)]}]
    omero = {"channels": [{"label": "DAPI"}, {"label": "GFP"}]}
    multiscale = {"axes": [axis(letter) for letter in "cyx"], "datasets": levels}
    write_store(folder / "well.ome.zarr", [stack], multiscale, omero=omero)


def test_the_page_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    _make_wells(tmp_path)
    monkeypatch.chdir(tmp_path)
    lines = [f"{line} --encoder plain" if " train " in line else line for line in commands(_PAGE)]
    for line, (status, output, errors) in zip(lines, run_commands(lines, tmp_path), strict=True):
        assert (line, status) == (line, 0), output + errors
    labels = tifffile.imread("cells.tif")
    numbers = set(np.unique(labels).tolist()) - {0}
    with Path("cells.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {int(row["id"]) for row in rows} == numbers
    for row in rows:
        assert float(row["area_um2"]) == (labels == int(row["id"])).sum() * _STEP**2
    assert len(json.loads(Path("cells.geojson").read_text())["features"]) == len(numbers)
    assert len(numbers) == (len(roifile.roiread("cells.zip")) if numbers else 0)
    with tifffile.TiffFile("cells.tif") as file:
        assert file.pages[0].get_resolution("MICROMETER") == (1 / _STEP, 1 / _STEP)
    copied = zarr.open_group("well.ome.zarr/labels/cells", mode="r")
    np.testing.assert_array_equal(copied["0"][...], zarr.open_group("cells.ome.zarr", mode="r")["0"][...])
    run_python(_PAGE, "microscopy.md")
    assert "DAPI, GFP: uint8; a pixel has 0.5 x 0.5 um" in capsys.readouterr().out
