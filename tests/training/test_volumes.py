import pytest
import tifffile
import torch
from stacks import volume, write_cases

import unetzoo


def _network(channels):
    torch.manual_seed(0)
    return unetzoo.create("unet", encoder="plain", in_channels=channels, classes=2, encoder_options={"widths": (4, 8)})


def _options(**values):
    return unetzoo.FitOptions(
        **{"crop": 32, "batch": 4, "steps": 40, "average": 0, "augment": "none", "device": "cpu", "workers": 0} | values
    )


@pytest.mark.long
def test_a_network_that_is_trained_on_volumes_reads_and_scores_them_as_in_its_training(tmp_path):
    cases = write_cases(tmp_path / "cases")
    fit = unetzoo.fit(_network(3), cases, tmp_path / "run", options=_options(), slices=3)
    info = unetzoo.load(tmp_path / "run").config.info
    assert (info.slices, info.slice_axis) == (3, "z")
    recipe = unetzoo.Recipe.load(tmp_path / "run").data
    assert (recipe.slices, recipe.axis) == (3, None)
    result = unetzoo.evaluate(fit.model, cases)
    assert (result.split, len(result.cases)) == ("val", 1)
    assert result.classes[1]["IoU"].value > 0.9
    unetzoo.predict_files(fit.model, cases / "images", tmp_path / "out")
    stored = tifffile.imread(tmp_path / "out" / "case3.tif")
    assert (stored == volume(3)[1]).mean() > 0.97


def test_workers_read_slices_too(tmp_path):
    cases = write_cases(tmp_path / "cases", 3, (4, 40, 36))
    options = _options(steps=2, batch=2)
    one = unetzoo.fit(_network(1), cases, tmp_path / "run", options=options, axis="z")
    two = unetzoo.fit(_network(1), cases, tmp_path / "run2", options=_options(steps=2, batch=2, workers=1), axis="z")
    assert one.epochs[-1].loss == two.epochs[-1].loss


def test_a_network_of_objects_is_not_trained_on_volumes(tmp_path):
    cases = write_cases(tmp_path / "cases", 2)
    network = unetzoo.create("unet", encoder="plain", in_channels=1, objects="distance")
    with pytest.raises(unetzoo.OptionError, match="objects reach over slices, which no coding joins"):
        unetzoo.fit(network, cases, tmp_path / "run", options=_options(steps=1), slices=1)
