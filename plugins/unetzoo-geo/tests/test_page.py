"""The page on remote sensing, done as it stands, on scenes of 96 x 560 pixels."""

from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from grounds import PLACES, noise, write_jp2
from unetzoo_geo.masks import write_mask
from unetzoo_geo.stack import write_stack
from written import commands, run_commands, run_python

pytestmark = pytest.mark.filterwarnings("ignore:Use .@. matmul:PendingDeprecationWarning")  # rasterio's own

_PAGE = (Path(__file__).parents[3] / "docs" / "remote_sensing.md").read_text(encoding="utf-8")
_CLASSES = {"wheat": 1, "maize": 2}


def _make_scenes(folder):
    for name in ("bands", "data/images", "data/masks"):
        (folder / name).mkdir(parents=True)
    corners = {"wheat": [(20, 10), (120, 16), (48, 80)], "maize": [(160, 20), (230, 24), (200, 90)]}
    fields = [  # one of each kind in the left half of a scene, and in the right one
        shapely.Polygon([PLACES["UTM"][1] * (x + shift, y) for x, y in each])
        for shift in (0, 290)
        for each in corners.values()
    ]
    columns = {"field_data": [np.array(2 * list(corners), object)], "fields": ["kind"]}
    geometry = shapely.to_wkb(np.array(fields, object))
    pyogrio.raw.write(folder / "fields.gpkg", geometry=geometry, geometry_type="Polygon", crs="EPSG:32633", **columns)
    for shift, scene in enumerate(("north", "middle", "south")):
        files = {band: folder / "bands" / f"{scene}_{band}.jp2" for band in ("B2", "B4", "B8")}
        for number, path in enumerate(files.values()):
            write_jp2(path, np.roll(noise(3, 96, 560), 7 * shift)[number : number + 1])
        if scene != "north":
            write_stack(folder / "data" / "images" / f"{scene}.vrt", files)
            mask = folder / "data" / "masks" / f"{scene}.tif"
            write_mask(folder / "fields.gpkg", files["B2"], mask, _CLASSES, column="kind")


def test_the_page_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    _make_scenes(tmp_path)
    monkeypatch.chdir(tmp_path)
    lines = [f"{line} --encoder plain" if " train " in line else line for line in commands(_PAGE)]
    for line, (status, _, errors) in zip(lines, run_commands(lines, tmp_path), strict=True):
        assert (line, status, errors) == (line, 0, "")
    with rasterio.open("north.tif") as result, rasterio.open("bands/north_B2.jp2") as scene:
        assert (result.crs, result.transform, result.shape) == (scene.crs, scene.transform, scene.shape)
    assert pyogrio.read_info("north.gpkg")["crs"] == "EPSG:32633"
    run_python(_PAGE, "remote_sensing.md")
    assert "EPSG:32633: the first pixel lies at 500005, 4999990; B8 is" in capsys.readouterr().out
