"""Codings of objects over three axes."""

from itertools import product

import numpy as np
import pytest
from drawn_objects import best_ious, same_objects
from scipy import ndimage
from skimage.segmentation import find_boundaries
from touching import STEPS, nuclei

import unetzoo
from unetzoo.inference.objects import Decoder
from unetzoo.objects.boundary import Boundary
from unetzoo.objects.components import Components
from unetzoo.objects.distance import Distance

CODINGS = [Components(), Boundary(), Distance(), Distance(spacing=STEPS)]
IDS = nuclei()[1]


def _parts(ids):
    """The ids with pieces of one id apart, by a loop of scipy's over the objects."""
    parts, count = np.zeros(ids.shape, int), 0
    for number in np.unique(ids[ids > 0]):
        labels, found = ndimage.label(ids == number, np.ones((3, 3, 3)))
        parts[labels > 0] = labels[labels > 0] + count
        count += found
    return parts


def _config(coding):
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    return unetzoo.create("unet", encoder="plain", spatial_dims=3, objects=coding, **options).config


def _worst(coding):
    """The smallest IoU of a nucleus and what comes back of it; pieces of less than 100 voxels do not count."""
    expected = _parts(IDS)
    ious = best_ious(expected, coding.decode(coding.encode(IDS)))[np.bincount(expected.ravel())[1:] > 100]
    assert len(ious) == 8
    return ious.min()


def test_nuclei_that_touch_come_back_apart():
    assert ndimage.label(IDS > 0, np.ones((3, 3, 3)))[1] <= 4
    assert _worst(Boundary()) > 0.95
    assert _worst(Distance(spacing=STEPS)) > 0.9


def test_without_the_spacing_thin_nuclei_would_merge():
    assert _worst(Distance()) < 0.6


def test_components_are_those_of_scipy_over_faces_edges_and_corners():
    coding = Components()
    expected = ndimage.label(IDS > 0, np.ones((3, 3, 3)))[0]
    assert same_objects(coding.decode(coding.encode(IDS)), expected)


def test_edges_are_those_of_scikit_image():
    edge = Boundary().encode(IDS)[2]
    expected = find_boundaries(np.pad(IDS, 1), connectivity=3, mode="inner")[1:-1, 1:-1, 1:-1]
    np.testing.assert_array_equal(edge > 0, expected)


@pytest.mark.parametrize("spacing", [(), STEPS, (1.0, 0.3, 0.45)])
def test_distances_are_those_of_each_object_alone_in_units_of_the_spacing(spacing):
    _, edge, center = Distance(spacing=spacing).encode(IDS)
    steps = spacing or (1, 1, 1)
    for number in range(1, _parts(IDS).max() + 1):
        mask = _parts(IDS) == number
        inner = ndimage.binary_erosion(mask, np.ones((3, 3, 3)))
        distances = ndimage.distance_transform_edt(np.pad(inner, 1), steps)[1:-1, 1:-1, 1:-1][mask]
        expected = distances / distances.max() if distances.max() else np.ones(mask.sum())
        np.testing.assert_allclose(edge[mask], expected, rtol=1e-5)
        places = np.argwhere(mask) * steps
        to_center = np.linalg.norm(places - places.mean(0), axis=1)
        extent = max(np.ptp(to_center), 1e-6)
        np.testing.assert_allclose(center[mask], (to_center - to_center.min()) / extent, atol=1e-5)


def test_seeds_are_smoothed_by_as_much_along_each_axis_in_units_of_the_spacing():
    maps = np.zeros((3, 21, 21, 21), np.float32)
    maps[0], maps[1, 10, 10, 10] = 1, 1
    smooth = Distance(smoothing=2, spacing=(2, 1, 1))._smooth(maps[1])
    np.testing.assert_allclose(smooth, ndimage.gaussian_filter(maps[1], (1, 2, 2)), atol=1e-7)


@pytest.mark.parametrize("coding", CODINGS, ids=repr)
def test_mirrored_objects_have_mirrored_maps_and_weights(coding):
    for flips in product((1, -1), repeat=3):
        turned = np.s_[:: flips[0], :: flips[1], :: flips[2]]
        np.testing.assert_allclose(coding.encode(IDS[turned]), coding.encode(IDS)[:, *turned], atol=1e-6)
        np.testing.assert_array_equal(coding.weights(IDS[turned]), coding.weights(IDS)[:, *turned])


@pytest.mark.parametrize("coding", CODINGS, ids=repr)
def test_an_empty_volume_has_no_objects(coding):
    maps = coding.encode(np.zeros((3, 9, 8), int))
    assert np.isfinite(maps).all()
    objects = coding.decode(maps)
    assert (objects.shape, objects.dtype, objects.max()) == ((3, 9, 8), np.int32, 0)


@pytest.mark.parametrize("name", ["components", "boundary", "distance"])
def test_blocks_give_the_objects_of_the_whole_volume(name):
    ids = nuclei(3, (24, 44, 50), pairs=14)[1]
    maps = unetzoo.create_objects(name).encode(ids)
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 0.4, maps.shape), (0, 1, 1, 1))
    maps = np.clip(maps + noise, 0, 1).astype(np.float32)
    config = _config(name)
    whole = Decoder(config).decode(maps)
    longest = max(span.stop - span.start for spans in ndimage.find_objects(whole.ids) for span in spans)
    assert longest < 24 or name == "components"
    decoder = Decoder(config, largest_object=longest, strip=10, whole=0)
    blocks = decoder.decode(maps)
    assert same_objects(blocks.ids, whole.ids)
    strips = list(decoder.strips(lambda first, beyond: maps[:, first:beyond], ids.shape))
    np.testing.assert_array_equal(np.concatenate([strip.ids for strip in strips]), blocks.ids)
    assert len(np.unique(blocks.ids)) == blocks.ids.max() + 1 == len(blocks.classes)


def test_an_object_that_borders_of_blocks_cut_along_each_axis_is_one():
    ids = np.zeros((30, 30, 30), int)
    ids[8:13, 7:12, 9:14], ids[1:4, 8:12, 1:3] = 1, 2
    maps = unetzoo.create_objects("components").encode(ids)
    blocks = Decoder(_config("components"), largest_object=6, strip=10, whole=0).decode(maps)
    assert same_objects(blocks.ids, ids)
    with pytest.raises(
        unetzoo.OptionError, match=r"voxels long.* largest_object=3, so that blocks of the volume would cut"
    ):
        Decoder(_config("components"), largest_object=3, strip=5, whole=0).decode(maps)


@pytest.mark.parametrize("name", ["flows", "weighted"])
def test_codings_of_images_alone_are_refused_for_volumes_and_the_others_named(name):
    says = rf"'{name}' works on images alone; .*spatial_dims=3, for volumes: boundary, components, distance"
    with pytest.raises(unetzoo.OptionError, match=says):
        _config(name)
    with pytest.raises(unetzoo.ShapeError, match=r"ids of objects must be whole numbers \(h, w\), got int32"):
        unetzoo.create_objects(name).encode(IDS)


@pytest.mark.parametrize("spacing", [(1, 2), (1, 1, 0), (1, 1, float("inf")), "abc", 3, (1, None, 1)])
def test_a_spacing_that_is_none_is_refused(spacing):
    with pytest.raises(unetzoo.OptionError, match="spacing must be three numbers > 0, the distances of voxels"):
        Distance(spacing=spacing)
