import json

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner
from unetzoo_medical.evaluation import evaluate_volumes, surface_distances

import unetzoo
from unetzoo.cli import app

_STEPS = (3.5, 0.5, 0.75)  # along z, y, x


def _save(path, ids):
    path.parent.mkdir(exist_ok=True)
    image = nibabel.Nifti1Image(ids.transpose(2, 1, 0), np.diag([*_STEPS[::-1], 1]))
    image.header.set_xyzt_units("mm")
    image.to_filename(path)
    return path


def _box(z, y, x):
    ids = np.zeros((8, 20, 24), np.uint8)
    ids[z, y, x] = 1
    return ids


def test_a_shifted_box_has_the_distance_of_the_shift_in_millimeters(tmp_path):
    truth = _box(slice(2, 5), slice(3, 9), slice(4, 12))
    for shift, expected in [((1, 0, 0), 3.5), ((0, 2, 0), 1.0), ((0, 0, 2), 1.5)]:
        moved = np.roll(truth, shift, (0, 1, 2))
        (score,) = evaluate_volumes(_save(tmp_path / "a.nii.gz", moved), _save(tmp_path / "b.nii.gz", truth))
        assert score.hd95 == pytest.approx(expected)
        assert score.unit == "mm"
        assert score.dice == 2 * (truth & moved).sum() / (2 * truth.sum())


def _surface(mask):
    """The places in mm of voxels of which not all six neighbors are in the mask."""
    padded = np.pad(mask, 1)
    inner = np.all([np.roll(padded, shift, axis) for axis in range(3) for shift in (1, -1)], axis=0)[1:-1, 1:-1, 1:-1]
    return np.argwhere(mask & ~inner) * _STEPS


def test_distances_are_those_of_all_pairs_of_surface_voxels():
    random = np.random.default_rng(0)
    one = (_box(slice(2, 6), slice(3, 15), slice(4, 12)) * (random.random((8, 20, 24)) > 0.1)) > 0
    two = (_box(slice(1, 5), slice(5, 12), slice(6, 20)) * (random.random((8, 20, 24)) > 0.1)) > 0
    pairs = np.linalg.norm(_surface(one)[:, None] - _surface(two)[None], axis=-1)
    ways = [pairs.min(1), pairs.min(0)]
    expected = max(np.percentile(way, 95) for way in ways), np.concatenate(ways).mean()
    assert surface_distances(one, two, _STEPS) == pytest.approx(expected)


def test_dice_is_that_of_a_whole_case_and_unknown_voxels_do_not_count(tmp_path):
    truth, predicted = np.zeros((8, 20, 24), np.uint8), np.zeros((8, 20, 24), np.uint8)
    truth[0], predicted[0, :10], predicted[1, :10] = 2, 2, 2
    truth[1] = 255
    _save(tmp_path / "true" / "a.nii", truth)
    _save(tmp_path / "ours" / "a.nii.gz", predicted)
    (score,) = evaluate_volumes(tmp_path / "ours", tmp_path / "true")
    assert (score.case, score.class_id, score.dice) == ("a", 2, pytest.approx(2 * 240 / (480 + 240)))


def test_a_missed_class_has_a_dice_of_zero_and_no_distance(tmp_path):
    truth = _box(slice(2, 5), slice(3, 9), slice(4, 12))
    (score,) = evaluate_volumes(_save(tmp_path / "a.nii", truth * 0), _save(tmp_path / "b.nii", truth))
    assert (score.dice, score.hd95, score.mean_distance) == (0, None, None)


def test_a_case_without_a_prediction_and_probabilities_are_refused(tmp_path):
    _save(tmp_path / "true" / "a.nii", _box(0, 0, 0))
    _save(tmp_path / "ours" / "b.nii", _box(0, 0, 0))
    with pytest.raises(unetzoo.DataError, match=r"a.nii has no prediction: there is no volume a in"):
        evaluate_volumes(tmp_path / "ours", tmp_path / "true")
    _save(tmp_path / "ours" / "a.nii", np.full((8, 20, 24), 0.5, np.float32))
    with pytest.raises(unetzoo.DataError, match="must hold class ids"):
        evaluate_volumes(tmp_path / "ours", tmp_path / "true")


def test_voxels_without_a_result_are_of_no_class(tmp_path):
    truth = _box(slice(2, 5), slice(3, 9), slice(4, 12))
    predicted = np.where(np.arange(8)[:, None, None] == 2, 255, truth).astype(np.uint8)
    (score,) = evaluate_volumes(_save(tmp_path / "a.nii", predicted), _save(tmp_path / "b.nii", truth))
    assert (score.class_id, score.dice) == (1, pytest.approx(2 * 2 / (2 + 3)))


def test_one_volume_is_not_compared_with_those_of_a_folder(tmp_path):
    volume = _box(slice(2, 5), slice(3, 9), slice(4, 12))
    for name in ("a.nii", "b.nii"):
        _save(tmp_path / "true" / name, volume)
    with pytest.raises(unetzoo.DataError, match=r"c.nii is one volume, and .*true has 2"):
        evaluate_volumes(_save(tmp_path / "c.nii", volume), tmp_path / "true")


def test_the_command_shows_each_case_and_writes_json(tmp_path):
    for name, shift in (("a", 0), ("b", 2)):
        truth = _box(slice(2, 5), slice(3, 9), slice(4, 12))
        _save(tmp_path / "true" / f"{name}.nii", truth)
        _save(tmp_path / "ours" / f"{name}.nii", np.roll(truth, shift, 2))
    arguments = ["evaluate-volumes", str(tmp_path / "ours"), str(tmp_path / "true"), "--json", str(tmp_path / "s.json")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "b, class 1: Dice 0.750, HD95 1.50 mm" in done.output
    assert "mean of 2 cases, class 1: Dice 0.875, HD95 0.75 mm" in done.output
    written = json.loads((tmp_path / "s.json").read_text())
    assert [each["dice"] for each in written] == [1, 0.75]
