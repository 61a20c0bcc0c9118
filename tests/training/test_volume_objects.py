"""Objects in volumes, from a training on files to scores and label volumes."""

import json

import numpy as np
import pytest
import torch
from scipy import ndimage
from stacks import network_of_volumes
from touching import STEPS, Nuclei, nuclei, write_nuclei
from typer.testing import CliRunner

import unetzoo
from unetzoo.cli import app
from unetzoo.data.formats.slices import open_volume
from unetzoo.evaluation.objects import aggregated_jaccard, average_precision, tally
from unetzoo.registry.objects import coding_of

pytestmark = pytest.mark.long
_SEED = 100  # of volumes that no training has seen


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with volumes, `cells`, and a network that was trained on them, `run`."""
    folder = tmp_path_factory.mktemp("objects")
    network = network_of_volumes("boundary", widths=(8, 16, 32))
    options = unetzoo.FitOptions(
        crop=(12, 24, 24), batch=2, steps=70, epochs=1, learning_rate=1e-2, average=0, device="cpu", workers=0
    )
    unetzoo.fit(network, write_nuclei(folder / "cells", 6), folder / "run", options=options)
    return folder


def _components_of_the_truth(number):
    """What the connected components of a class map without any error would score: numbers of `tally`."""
    ids = nuclei((_SEED, number))[1]
    return tally(ndimage.label(ids > 0, np.ones((3, 3, 3)))[0], ids)


def test_nuclei_that_touch_are_told_apart_where_components_of_a_perfect_class_map_merge_them(run):
    model = unetzoo.load(run / "run")
    scores = unetzoo.evaluate(model, {"test": Nuclei(3, _SEED)}, split="test")
    assert (scores.noun, scores.unit) == ("volume", "voxels")
    precision = scores.objects.scores["AP"].value
    assert precision > 0.35
    assert average_precision(sum(map(_components_of_the_truth, range(3)))) < 0.1
    own = [
        tally(unetzoo.predict_objects(model, sample.image), truth)
        for sample, truth in ((Nuclei(3, _SEED)[index], nuclei((_SEED, index))[1]) for index in range(3))
    ]
    assert precision == pytest.approx(float(average_precision(sum(own))))
    assert (run / "run" / "predictions.png").stat().st_size > 1000
    assert "AP of objects, decoder tuned on 1 volume" in model.config.info.metrics


def test_a_label_volume_lies_on_the_grid_of_its_source(run):
    result = unetzoo.predict_files(unetzoo.load(run / "run"), run / "cells" / "images", run / "out")
    assert [each.state for each in result] == ["predicted"] * 6
    with (
        open_volume(run / "out" / "cells1.tif") as stored,
        open_volume(run / "cells" / "images" / "cells1.tif") as source,
    ):
        assert [axis.step for axis in stored.grid.axes[:3]] == pytest.approx(STEPS)
        ids, values = (raster.read(raster.whole)[..., 0] for raster in (stored, source))
    assert ids.dtype == np.uint16
    np.testing.assert_array_equal(ids, unetzoo.predict_objects(unetzoo.load(run / "run"), values))
    again = unetzoo.predict_files(unetzoo.load(run / "run"), run / "cells" / "images", run / "out")
    assert [each.state for each in again] == ["kept"] * 6


def test_the_commands_take_volumes_with_objects(run):
    done = CliRunner().invoke(
        app, ["evaluate", str(run / "run"), str(run / "cells"), "--split", "all", "--json", str(run / "scores.json")]
    )
    assert done.exit_code == 0, done.output
    scores = json.loads((run / "scores.json").read_text())
    assert len(scores["cases"]) == 6
    refused = CliRunner().invoke(
        app, ["predict", str(run / "run"), str(run / "cells" / "images"), str(run / "labels"), "--outlines", "outlines"]
    )
    assert refused.exit_code != 0
    assert "outlines must be left out: outlines and ROIs are those of images" in " ".join(refused.output.split())


def test_distances_are_in_the_steps_of_the_files(tmp_path):
    network = unetzoo.create(
        "unet",
        encoder="plain",
        spatial_dims=3,
        in_channels=1,
        objects="distance",
        encoder_options={"widths": (4, 8)},
    )
    assert coding_of(network.config).spacing == ()
    options = unetzoo.FitOptions(crop=(8, 16, 16), batch=1, steps=1, epochs=1, device="cpu", workers=0)
    unetzoo.fit(network, write_nuclei(tmp_path / "cells", 2), tmp_path / "run", options=options)
    assert coding_of(unetzoo.load(tmp_path / "run").config).spacing == pytest.approx(STEPS)


def test_components_of_a_class_are_counted_in_volumes():
    torch.manual_seed(0)
    network = unetzoo.create(
        "unet", encoder="plain", spatial_dims=3, in_channels=1, classes=2, encoder_options={"widths": (4, 8)}
    )
    scores = unetzoo.evaluate(network.eval(), Nuclei(2, _SEED), instances="nucleus")
    tallies = 0
    for index in range(2):
        labels = unetzoo.predict(network, Nuclei(2, _SEED)[index].image).argmax(0) == 1
        found = ndimage.label(labels, np.ones((3, 3, 3)))[0]
        tallies = tallies + tally(found, nuclei((_SEED, index))[1])
    assert scores.objects.scores["found per image"].value + scores.objects.scores["missed per image"].value == 8
    assert scores.objects.scores["AJI"].value == pytest.approx(float(aggregated_jaccard(tallies)))
