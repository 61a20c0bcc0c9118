import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unetzoo


def _write(folder, *, empty=""):
    random = np.random.default_rng(0)
    for kind, high in (("images", 256), ("masks", 2)):
        (folder / kind).mkdir(parents=True)
        for name in ("a.png", "b.png", "c.png"):
            Image.fromarray(random.integers(0, high, (16, 16), dtype=np.uint8)).save(folder / kind / name)
    if empty:
        (folder / empty).write_bytes(b"")
    return str(folder)


def test_a_sound_data_set_is_described(invoke, tmp_path):
    result = invoke("data", "check", _write(tmp_path / "cells"))
    assert result.exit_code == 0
    assert "3 images with masks: 2 train, 1 val" in result.stdout
    assert "16 x 16 pixels (height x width), 1 channel, values 0 to 255" in result.stdout
    assert "foreground" in result.stdout
    assert result.stdout.endswith("nothing is wrong\n")


def test_errors_are_listed_and_the_exit_code_says_so(invoke, tmp_path):
    result = invoke("data", "check", _write(tmp_path / "cells", empty="images/b.png"))
    assert result.exit_code == 1
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("error: "))
    assert line.endswith("b.png is empty: it has 0 bytes")


def test_json_has_the_statistics_and_the_problems(invoke, tmp_path):
    folder = _write(tmp_path / "cells")
    (tmp_path / "cells" / "masks" / "c.png").unlink()
    report = json.loads(invoke("data", "check", folder, "--json", "--classes", "rest,cell").stdout)
    assert report["splits"] == {"train": 1, "val": 1}
    assert report["problems"] == [{"severity": "warning", "text": "images/c.png has no mask"}]
    assert report["statistics"]["class_names"] == ["rest", "cell"]
    survey = unetzoo.survey(folder, classes=["rest", "cell"])
    assert report == json.loads(json.dumps(survey.to_dict()))


def test_no_data_is_one_line_and_exit_code_2(invoke, tmp_path):
    result = invoke("data", "check", str(tmp_path / "nothing"))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: there is no folder or file")
    assert result.stderr.count("\n") == 1


def _annotate(folder):
    """Images with COCO's annotations of two objects each, one of which leaves the image."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number, name in enumerate("abc"):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
        images.append({"id": number, "file_name": f"{name}.png", "height": 16, "width": 16})
        left = -6 if name == "a" else 2
        outlines = [[left, 0, 8, 0, 8, 8, left, 8], [10, 10, 14, 10, 14, 14, 10, 14]]
        annotations += [{"image_id": number, "category_id": 1, "segmentation": [outline]} for outline in outlines]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cell"}]}
    (folder / "coco.json").write_text(json.dumps(document))
    return folder


@pytest.mark.parametrize("source", ["", "coco.json"])
def test_annotations_are_checked_and_converted(source, invoke, tmp_path):
    folder, out = _annotate(tmp_path / "cells"), tmp_path / "out"
    warning = "images/a.png: some of its objects reach beyond the image, and are cut off"
    assert f"warning: {warning}" in invoke("data", "check", str(folder / source)).stdout
    result = invoke("data", "convert", str(folder / source), str(out), "--masks", "instances")
    assert (result.exit_code, result.stdout) == (0, f"written to {out}\n")
    assert warning in result.stderr
    checked = invoke("data", "check", str(out))
    assert "cell" in checked.stdout
    assert checked.stdout.endswith("nothing is wrong\n")


def test_converting_into_a_folder_with_files_is_one_line_and_exit_code_2(invoke, tmp_path):
    result = invoke("data", "convert", _write(tmp_path / "cells"), str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path} exists already, and is not replaced: name a new folder\n"


def test_the_way_out_of_several_formats_works_as_it_is_written(invoke, tmp_path):
    folder = _annotate(tmp_path / "cells")
    (folder / "a.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    result = invoke("data", "check", str(folder))
    assert result.exit_code == 2
    assert f"say which, as qupath:{folder} or coco:{folder}" in result.stderr
    assert invoke("data", "check", f"coco:{folder}").exit_code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are texts there")
def test_a_name_that_is_no_text_is_shown(run, tmp_path):
    folder = Path(_write(tmp_path / "cells"))
    (folder / "images" / "c.png").rename(folder / "images" / os.fsdecode(b"\xff.png"))
    done = run("data", "check", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\udcff.png has no mask" in done.stdout
