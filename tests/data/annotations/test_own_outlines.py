"""Outlines that unetzoo writes are read as the same objects."""

import numpy as np
import pytest
from drawn_objects import ellipses, same_objects

from unetzoo import outline_objects
from unetzoo.objects.geojson import open_geojson
from unetzoo.objects.rois import write_rois


def _ids():
    """Ellipses that touch, and a ring around another object, of the size of the images of `write_image`."""
    ids = np.zeros((40, 60), np.int32)
    ids[:, :] = ellipses(12, 60)[:40]
    ids[5:16, 30:41] = 20
    ids[7:14, 32:39] = 0
    ids[10, 35] = 21
    return ids


@pytest.mark.parametrize("ending", [".geojson", ".zip"])
def test_outlines_are_read_as_the_objects_that_they_were_made_of(ending, write_image, opened, tmp_path):
    if ending == ".zip":
        pytest.importorskip("roifile")
    outlines = outline_objects(_ids())
    write_image("a.png")
    if ending == ".zip":
        write_rois(tmp_path / "a.zip", outlines)
    else:
        with open_geojson(tmp_path / "a.geojson") as file:
            file.add(outlines, "a.png", lambda _: ("cell", (0, 158, 115)))
    ids = opened().instances(0)
    assert same_objects(ids, _ids())
    assert len(np.unique(ids)) == len(np.unique(_ids()))
