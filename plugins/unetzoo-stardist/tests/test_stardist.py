import subprocess
import sys

import numpy as np
import pytest
import stardist
import stardist.data
import torch
from unetzoo_stardist.coding import StarDist
from unetzoo_stardist.rays import write_rays

import unetzoo
from unetzoo.objects.loss import object_loss
from unetzoo.objects.target import make_target
from unetzoo.testing import check_objects


@pytest.fixture(scope="module")
def nuclei():
    """Numbers (h, w) of 125 nuclei."""
    return stardist.data.test_image_nuclei_2d(return_mask=True)[1].astype(np.int32)


def _rays(ids, count):
    lengths = np.zeros((count, *ids.shape), np.float32)
    write_rays(ids, lengths)
    return lengths


def _disc(radius, side=33):
    return (np.hypot(*(np.indices((side, side)) - side // 2)) < radius).astype(np.int32)


def _noisy_maps(coding, ids):
    """The maps of objects and a little noise, so that no two pixels are equally probable."""
    noise = np.random.default_rng(0).uniform(0, 0.1, (1 + coding.rays, *ids.shape))
    return (0.9 * coding.encode(ids) + noise).astype(np.float32)


def test_the_coding_keeps_the_contract():
    check_objects("stardist")


@pytest.mark.parametrize("rays", [8, 32, 64])
def test_rays_are_those_of_stardist(nuclei, rays):
    expected = np.moveaxis(stardist.star_dist(nuclei, rays), -1, 0)
    np.testing.assert_allclose(_rays(nuclei, rays), expected, atol=1e-3)


@pytest.mark.parametrize("rays", [12, 24, 32])
def test_rays_of_a_turned_shape_are_turned(rays):
    shape = _disc(11.3)
    shape[14:18, 5:12] = 0
    lengths = _rays(shape, rays)
    expected = np.roll(np.rot90(lengths, axes=(1, 2)), -rays // 4, axis=0)
    np.testing.assert_array_equal(_rays(np.rot90(shape).copy(), rays), expected)


@pytest.mark.parametrize("decoder_options", [{}, {"deep_supervision": True}])
def test_a_new_network_predicts_rays_of_one_unit(decoder_options):
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1, "objects": "stardist"}
    model = unetzoo.create("unetpp", encoder="plain", decoder_options=decoder_options, **options).eval()
    with torch.no_grad():
        for logits in model.all_logits(torch.zeros(1, 1, 16, 16)):
            probability, rays = logits.split([1, 32], 1)
            assert rays.mean() == pytest.approx(1, abs=0.3)
            assert abs(probability.mean()) < 0.7


def test_rays_end_at_the_border():
    lengths = _rays(np.ones((3, 5), np.int32), 8)
    right, down, left, up = lengths[::2, 1, 1]
    assert (right, down, left, up) == (3.5, 1.5, 1.5, 1.5)


def test_rays_are_divided_by_the_unit_and_decoded_with_it(nuclei):
    ids = nuclei[:64, :64]
    coding = StarDist(unit=4)
    maps = coding.encode(ids)
    np.testing.assert_allclose(4 * maps[1:], _rays(ids, 32), rtol=1e-6)
    np.testing.assert_array_equal(coding.decode(maps), StarDist(unit=1).decode(StarDist(unit=1).encode(ids)))


def test_the_probability_is_that_of_stardist(nuclei):
    ids = np.pad(nuclei, 1)  # StarDist's objects do not end at the border
    np.testing.assert_allclose(StarDist().encode(ids)[0], stardist.utils.edt_prob(ids), atol=1e-6)


def test_objects_of_noisy_maps_are_those_of_stardist(nuclei):
    coding = StarDist(threshold=0.4, overlap=0.3)
    maps = _noisy_maps(coding, nuclei[:128, :160])
    lengths = coding.unit * np.moveaxis(maps[1:], 0, -1)
    points, scores, indices = stardist.non_maximum_suppression(lengths, maps[0], b=0, nms_thresh=0.3, prob_thresh=0.4)
    expected = stardist.polygons_to_label(indices, points, maps.shape[1:], scores)
    objects = coding.decode(maps)
    pairs = np.unique(np.stack([expected.ravel(), objects.ravel()]), axis=1)
    assert objects.max() > 10
    assert pairs.shape[1] == len(np.unique(expected)) == objects.max() + 1


def test_nuclei_numbered_by_hand_come_back(nuclei):
    coding = StarDist()
    matching = stardist.matching.matching(nuclei, coding.decode(coding.encode(nuclei)), thresh=0.7)
    assert matching.n_true == 125
    assert matching.tp >= 123
    assert matching.fp <= 3
    assert matching.mean_matched_score > 0.95


def test_discs_that_cut_each_other_come_back_apart():
    ids = np.zeros((40, 60), np.int32)
    rows, columns = np.indices(ids.shape)
    for number, column in enumerate((20, 38), start=1):
        ids[np.hypot(rows - 20, columns - column) < 11] = number
    objects = StarDist().decode(StarDist().encode(ids))
    assert objects.max() == 2
    assert objects[20, 12] != objects[20, 46]


def test_the_loss_is_stardists_but_for_the_divisor_of_the_rays_outside():
    coding, random = StarDist(rays=8), np.random.default_rng(0)
    ids = _disc(9.0)
    logits = random.normal(0, 3, (9, 33, 33)).astype(np.float32)
    loss = object_loss(coding.maps, unetzoo.create_loss)
    target = torch.from_numpy(make_target(coding, ids))[None]
    probability, rays = stardist.utils.edt_prob(ids), np.moveaxis(stardist.star_dist(ids, 8), -1, 0)
    predicted = 1 / (1 + np.exp(-logits[0]))
    cross_entropy = -(probability * np.log(predicted) + (1 - probability) * np.log(1 - predicted)).mean()
    errors = abs(coding.unit * logits[1:] - rays).mean(0)
    weights = np.where(ids > 0, probability, 1e-4)
    expected = cross_entropy + 0.2 * (weights * errors).sum() / weights.sum()
    assert float(loss(torch.from_numpy(logits)[None], target)) == pytest.approx(expected, rel=1e-5)


def test_small_objects_are_dropped_on_request():
    ids = np.zeros((30, 30), np.int32)
    ids[3:7, 3:7], ids[12:26, 12:26] = 1, 2
    maps = StarDist().encode(ids)
    assert StarDist().decode(maps).max() == 2
    assert StarDist(min_size=40).decode(maps).max() == 1


def test_rays_that_are_negative_or_endless_are_of_no_harm():
    maps = np.zeros((33, 20, 20), np.float32)
    maps[0, 10, 10] = maps[0, 3, 3] = 0.9
    maps[1:, 10, 10], maps[1:, 3, 3] = 1e30, -5
    assert StarDist().decode(maps).max() >= 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"rays": 6}, "rays must be a whole number >= 8, got 6"),
        ({"rays": 30}, "rays must be a multiple of 4, got 30"),
        ({"unit": 0}, "unit must be a number >= 0.1, got 0"),
        ({"threshold": 1}, r"threshold must be a number in \(0, 1\), got 1"),
        ({"overlap": 0}, r"overlap must be a number in \(0, 1\), got 0"),
        ({"min_size": 1.5}, "min_size must be a whole number >= 1, got 1.5"),
    ],
)
def test_options_outside_their_range_are_refused(options, problem):
    with pytest.raises(unetzoo.OptionError, match=problem):
        unetzoo.create_objects("stardist", options=options)


def test_decoding_needs_no_tensorflow_and_leaves_warnings_as_they_are():
    code = (
        "import sys, warnings, numpy, unetzoo\n"
        "before = warnings.formatwarning\n"
        "coding = unetzoo.create_objects('stardist')\n"
        "assert coding.decode(coding.encode(numpy.ones((9, 9), int))).all()\n"
        "assert warnings.formatwarning is before and 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
