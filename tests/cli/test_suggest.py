import csv
import json

import numpy as np
import pytest
from PIL import Image
from predicting import varied_model

import unetzoo


@pytest.fixture
def model(tmp_path):
    return str(unetzoo.save(varied_model(), tmp_path / "model"))


@pytest.fixture
def images(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "new").mkdir()
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        Image.fromarray(random.integers(0, 256 // (number + 1), (40, 50), dtype=np.uint8)).save(tmp_path / "new" / name)
    return tmp_path / "new"


def test_a_table_a_csv_that_predict_takes_and_a_json(invoke, model, images, tmp_path):
    table = tmp_path / "next.csv"
    expected = unetzoo.suggest(unetzoo.load(model), images, count=2)
    done = invoke("suggest", model, str(images), "--count", "2", "--csv", str(table))
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines() if ".png" in line]
    assert lines == [[each.image, f"{each.uncertainty:.4f}"] for each in expected]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [(row["image"], float(row["uncertainty"])) for row in rows] == [
        (each.image, each.uncertainty) for each in expected
    ]
    done = invoke("suggest", model, str(images), "--mirrors", "4", "--json", "-")
    assert len(json.loads(done.stdout)["suggestions"]) == 3
    done = invoke("predict", model, str(table), str(tmp_path / "masks"))
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "masks").glob("*.png"))) == 2


def test_what_does_not_fit_is_one_line(invoke, model, images, tmp_path):
    for flags, message in (
        (("--uncertainty", "disagreement"), "one prediction cannot disagree with itself"),
        (("--csv", str(tmp_path / "missing" / "next.csv")), "cannot write"),
        (("--resample", "foo"), "Invalid value for '--resample': 'foo' is not one of 'auto', 'never' ("),
        (("--csv", str(tmp_path / "next.tsv")), "--csv must be a .csv file, got "),
        (("--count", "0"), "count must be a whole number >= 1"),
    ):
        done = invoke("suggest", model, str(images), *flags)
        assert done.exit_code == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.filterwarnings("default::unetzoo.DataWarning")
def test_images_that_are_left_out_beyond_the_first_ones_are_counted(invoke, model, images):
    for name in "defgh":
        (images / f"{name}.png").write_text("not an image")
    lines = invoke("suggest", model, str(images)).stderr.splitlines()
    assert len(lines) == 4
    assert all("is left out" in line for line in lines[:3])
    assert lines[3] == "warning: not shown: 2 more warnings about images"
