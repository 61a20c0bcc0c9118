from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from scipy.ndimage import binary_erosion, distance_transform_edt
from stacks import STEPS, volume, write_cases, write_stack
from typer.testing import CliRunner

import unetzoo
from unetzoo.cli import app
from unetzoo.evaluation.measure import Measurement


class _Threshold(torch.nn.Module):
    """Logits that are positive where the middle channel is above the mean of the training."""

    def forward(self, images):
        middle = images[:, images.shape[1] // 2, None]
        return torch.cat([-middle, middle], 1)


def _network(slices=1, axis="z"):
    """A network whose prediction is known: voxels above 300 are foreground."""
    options = {"encoder_options": {"widths": (4, 8)}}
    network = unetzoo.create("unet", encoder="plain", in_channels=slices, classes=2, **options).eval()
    info = unetzoo.ModelInfo(
        class_names=("background", "foreground"),
        slices=slices,
        slice_axis=axis,
        mean=[300 / 65535] * slices,
        std=[100 / 65535] * slices,
        value_range=(0, 65535),
        image_dtypes=["uint16"],
    )
    network.config = replace(network.config, info=info)
    network.forward = _Threshold().forward
    return network


@pytest.fixture
def cases(tmp_path):
    """Four cases, each predicted larger or smaller than its mask, in another place."""
    folder = write_cases(tmp_path / "cases")
    for number in range(4):
        mask = volume(number)[1]
        seen = np.roll(mask, (number % 2, number, -1), (0, 1, 2))
        write_stack(folder / "images" / f"case{number}.tif", 100 + 400 * seen.astype(np.uint16))
    return folder


def _surface_distances(one, two):
    """By scipy's distance transform with the distances of the voxels."""
    edges = [mask & ~binary_erosion(mask) for mask in (one, two)]
    away = [distance_transform_edt(~edge, sampling=STEPS) for edge in edges]
    return away[1][edges[0]], away[0][edges[1]]


@pytest.mark.parametrize(("axis", "slices"), [("z", 1), ("y", 3), ("x", 5)])
def test_scores_are_those_of_whole_volumes_in_their_unit(cases, axis, slices):
    result = unetzoo.evaluate(_network(slices, axis), cases, split="all", surface=True, tolerance=1.0)
    assert [case.name for case in result.cases] == [f"images/case{number}.tif" for number in range(4)]
    assert (result.noun, result.unit) == ("volume", "um")
    distances, dices, ious = [], [], []
    for number in range(4):
        truth = volume(number)[1] == 1
        seen = np.roll(truth, (number % 2, number, -1), (0, 1, 2))
        ways = _surface_distances(seen, truth)
        distances.append(max(np.percentile(way, 95) for way in ways))
        dices.append(sum((way <= 1.0).sum() for way in ways) / sum(map(len, ways)))
        ious.append((truth & seen).sum() / (truth | seen).sum())
    assert result.classes[1]["Hausdorff 95"].value == pytest.approx(np.mean(distances), rel=1e-5)
    assert result.classes[1]["surface Dice"].value == pytest.approx(np.mean(dices), rel=1e-5)
    np.testing.assert_allclose([case.class_iou[1] for case in result.cases], ious)
    assert max(distances) > 3.9


def test_the_bootstrap_draws_volumes_not_slices(cases):
    result = unetzoo.evaluate(_network(), cases, split="all")
    assert len(result.cases) == 4
    assert result.classes[1]["IoU"].images == 4
    pooled = [0, 0]
    for number in range(4):
        truth = volume(number)[1] == 1
        seen = np.roll(truth, (number % 2, number, -1), (0, 1, 2))
        pooled[0] += (truth & seen).sum()
        pooled[1] += (truth | seen).sum()
    assert result.classes[1]["IoU"].value == pytest.approx(pooled[0] / pooled[1])
    assert result.classes[1]["IoU"].low < result.classes[1]["IoU"].value < result.classes[1]["IoU"].high


def test_the_brier_score_is_that_of_the_probabilities_of_volumes(cases):
    network = _network()
    result = unetzoo.evaluate(network, cases, split="all", axes="y,x")
    squares = []
    for number in range(4):
        array = tifffile.imread(cases / "images" / f"case{number}.tif")
        probabilities = unetzoo.predict_volume(network, array, axes="y,x")[1]
        squares.append((probabilities - volume(number)[1]) ** 2)
    assert result.calibration.classes[1].brier.value == pytest.approx(np.mean(squares), rel=1e-5)


def test_a_case_points_to_the_slice_with_the_most_errors(cases):
    mask = volume(2)[1]
    seen = mask.copy()
    seen[3] = 0
    write_stack(cases / "images" / "case2.tif", 100 + 400 * seen.astype(np.uint16))
    result = unetzoo.evaluate(_network(), cases, split="all")
    assert result.cases[2].index == 2 * 6 + 3


def test_all_axes_and_the_command_measure_volumes(cases, tmp_path):
    network = _network()
    along_z = unetzoo.evaluate(network, cases, split="all")
    mean = unetzoo.evaluate(network, cases, split="all", axes="all")
    assert [case.mean_iou for case in mean.cases] == [case.mean_iou for case in along_z.cases]
    plain = unetzoo.create("unet", encoder="plain", in_channels=1, classes=2, encoder_options={"widths": (4, 8)})
    plain.config = replace(plain.config, info=network.config.info)
    unetzoo.save(plain.eval(), tmp_path / "network")
    arguments = ["evaluate", str(tmp_path / "network"), str(cases), "--split", "all", "--surface"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "split all, 4 volumes" in done.output
    assert "distances are in um" in done.output


def test_images_have_no_axes_and_slices_no_objects(cases):
    network = _network()
    with pytest.raises(
        unetzoo.OptionError, match="objects are counted in images, and in volumes by a network over three axes"
    ):
        unetzoo.evaluate(network, cases, split="all", instances="foreground")
    network.config = replace(network.config, info=unetzoo.ModelInfo(), in_channels=3)
    with pytest.raises(unetzoo.OptionError, match="axes are for volumes, and the data has images"):
        unetzoo.evaluate(network, "nuclei", split="val", axes="z")


def test_a_missed_class_is_as_far_away_as_the_diagonal_of_the_volume():
    truth = volume(0)[1]
    measurement = Measurement(("background", "foreground"), surface=True)
    measurement.add("a", truth * 0, truth, steps=STEPS, unit="um")
    assert measurement.penalized[0][1] == pytest.approx(np.linalg.norm(np.multiply(truth.shape, STEPS)))


def test_planes_of_a_volume_are_counted_like_those_of_its_slices():
    random = np.random.default_rng(0)
    truth, predicted = random.integers(0, 2, (2, 3, 4, 5, 6))
    truth[0, 0] = 255
    measurement = Measurement(("one", "two", "three"), surface=True)
    measurement.add("a", predicted, truth, steps=STEPS, unit="mm")
    for number in range(3):
        known = truth[number] != 255
        true, seen = truth[number] == 1, (predicted[number] == 1) & known
        expected = [(true & seen).sum(), (seen & ~true).sum(), (true & ~seen).sum()]
        np.testing.assert_array_equal(measurement.counts[0][number], expected)
