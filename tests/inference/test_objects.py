"""Maps of objects: activated, blended, turned back, and decoded whole or in strips."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_objects import drawn, ellipses, same_objects
from scipy.ndimage import find_objects, gaussian_filter
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo import ModelConfig, OptionError
from unetzoo.inference.objects import Decoder
from unetzoo.inference.turns import TURNS, turned
from unetzoo.objects.coding import ObjectMap, channels_of, turn

IMAGE = np.random.default_rng(0).integers(0, 256, (90, 70, 1), dtype=np.uint8)


def _config(objects, classes=0, **options):
    channels = channels_of(unetzoo.create_objects(objects, options=options).maps)
    parts = {"decoder": "unet", "encoder": "plain", "objects": objects, "objects_options": options}
    return ModelConfig(classes=channels + classes, **parts)


def _model(objects, **options):
    torch.manual_seed(0)
    return unetzoo.create(
        "unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1, objects=objects, **options
    ).eval()


def _logits(model, image):
    with torch.no_grad():
        return model(torch.from_numpy(np.ascontiguousarray(image[None, ..., 0])).float()[None] / 255)[0]


def test_the_maps_are_those_of_the_logits_after_their_activations():
    model = _model("flows", object_classes=2)
    logits, maps = _logits(model, IMAGE), unetzoo.predict(model, IMAGE)
    place = {name: index for index, name in enumerate(["y", "x", "foreground"])}
    np.testing.assert_allclose(maps[:2], logits[:2], atol=1e-5)
    np.testing.assert_allclose(maps[place["foreground"]], torch.sigmoid(logits[2]), atol=1e-5)
    np.testing.assert_allclose(maps[3:], F.softmax(logits[3:], 0), atol=1e-5)


RAYS = ObjectMap(name="rays", channels=tuple("abcdefgh"), activation="none", loss="l1", rays=True)


@pytest.mark.parametrize("maps", [unetzoo.create_objects("flows").maps, (RAYS,)], ids=["vectors", "rays"])
def test_vectors_and_rays_of_the_eight_symmetries_are_turned_back(maps):
    values = np.random.default_rng(0).normal(size=(channels_of(maps), 8, 6)).astype(np.float32)
    for each in TURNS[2][8]:
        there = turned(torch.from_numpy(values)[None], each, maps)
        np.testing.assert_array_equal(there[0], turn(maps, values, each.quarters, mirror=each.mirror))
        np.testing.assert_array_equal(turned(there, each.back, maps)[0], values)
    assert len(set(TURNS[2][8])) == 8


def test_vectors_of_all_mirror_images_are_averaged():
    model = _model("flows")
    down, right = np.zeros((2, 90, 70))
    for rows, columns in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        logits = _logits(model, IMAGE[::rows, ::columns]).numpy()[:, ::rows, ::columns]
        down, right = down + rows * logits[0] / 4, right + columns * logits[1] / 4
    maps = unetzoo.predict(model, IMAGE, mirrors=4)
    np.testing.assert_allclose(maps[:2], [down, right], atol=1e-5)


def test_vectors_of_an_image_and_its_mirror_image_point_alike():
    model = _model("flows")
    (down, right), (down_too, left) = (
        _logits(model, image).numpy()[:2, :, ::step] for image, step in ((IMAGE, 1), (IMAGE[:, ::-1], -1))
    )
    maps = unetzoo.predict(model, IMAGE, mirrors=2)
    np.testing.assert_allclose(maps[:2], [(down + down_too) / 2, (right - left) / 2], atol=1e-5)


def test_vectors_of_quarter_turns_are_averaged():
    model = _model("flows")
    coding = unetzoo.create_objects("flows")
    expected = np.mean(
        [
            turn(coding.maps, unetzoo.predict(model, np.rot90(upright, quarters).copy()), -quarters, mirror=mirror)
            for mirror, upright in ((False, IMAGE), (True, IMAGE[:, ::-1]))
            for quarters in range(4)
        ],
        0,
    )
    np.testing.assert_allclose(unetzoo.predict(model, IMAGE, mirrors=8), expected, atol=1e-5)


@pytest.mark.parametrize("objects", unetzoo.list_objects())
def test_strips_give_the_objects_of_the_whole_image(objects):
    ids = ellipses(60, 300)
    maps = unetzoo.create_objects(objects).encode(ids)
    whole = Decoder(_config(objects)).decode(maps)
    strips = Decoder(_config(objects), largest_object=96, strip=96, whole=0).decode(maps)
    assert same_objects(strips.ids, whole.ids)
    assert len(np.unique(strips.ids)) == strips.ids.max() + 1 == len(strips.classes)
    assert whole.ids.max() > 20


@pytest.mark.parametrize("objects", unetzoo.list_objects())
def test_strips_give_the_objects_of_the_whole_image_where_many_pixels_are_equal(objects):
    coding, random = unetzoo.create_objects(objects), np.random.default_rng(0)
    maps = coding.encode(ellipses(60, 300))
    noise = gaussian_filter(random.normal(0, 0.5, maps.shape), (0, 1, 1))
    maps = (np.round(20 * (maps + noise)) / 20).clip(-1, 1).astype(np.float32)
    whole = Decoder(_config(objects)).decode(maps).ids
    strips = Decoder(_config(objects), largest_object=70, strip=70, whole=0).decode(maps).ids
    assert same_objects(strips, whole)
    assert whole.max() > 20


@pytest.mark.slow
@pytest.mark.parametrize("objects", unetzoo.list_objects())
def test_strips_give_the_objects_of_an_image_of_2000_pixels(objects):
    ids = ellipses(2500, 2000)
    maps = unetzoo.create_objects(objects).encode(ids)
    whole = Decoder(_config(objects)).decode(maps).ids
    longest = max(axis.stop - axis.start for span in find_objects(whole) for axis in span)
    strips = Decoder(_config(objects), largest_object=longest, strip=200, whole=0).decode(maps).ids
    assert same_objects(strips, whole)
    assert whole.max() > 1500


def test_an_object_belongs_to_one_strip_and_is_complete():
    ids = np.zeros((120, 40), int)
    ids[25:45, 5:15], ids[29:31, 20:30], ids[58:63, 5:35] = 1, 2, 3  # across the borders of strips of 30
    maps = unetzoo.create_objects("components").encode(ids)
    strips = list(
        Decoder(_config("components"), largest_object=30, strip=30, whole=0).strips(
            lambda first, beyond: maps[:, first:beyond], ids.shape
        )
    )
    assert np.concatenate([strip.top + np.arange(len(strip.ids)) for strip in strips]).tolist() == list(range(120))
    assert same_objects(np.concatenate([strip.ids for strip in strips]), ids)
    assert sum(len(strip.classes) for strip in strips) == 3


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize("length", [31, 45, 100, 120])
@pytest.mark.parametrize("top", [0, 10])
def test_an_object_longer_than_stated_is_never_cut_in_silence(length, top, is_turned):
    ids = np.zeros((130, 20), int)
    ids[top : top + length, 5:9] = 1
    ids = ids.T if is_turned else ids
    maps = unetzoo.create_objects("components").encode(ids)
    with pytest.raises(OptionError, match=r"more than largest_object=30.*give a larger largest_object"):
        Decoder(_config("components"), largest_object=30, strip=30, whole=0).decode(maps)
    assert same_objects(Decoder(_config("components"), largest_object=length, strip=30, whole=0).decode(maps).ids, ids)
    assert same_objects(Decoder(_config("components"), largest_object=30).decode(maps).ids, ids)  # nothing is cut


def test_pixels_without_data_belong_to_no_object():
    ids = drawn("1111", "1111", "1111", "1111")
    maps = unetzoo.create_objects("distance").encode(ids)
    maps[:, :2] = np.nan
    assert same_objects(Decoder(_config("distance")).decode(maps).ids, np.where(np.arange(4)[:, None] < 2, 0, ids))


def test_an_object_has_the_class_of_most_of_its_pixels():
    ids = drawn("111.22", "111.22")
    first = drawn("110.00", "111.10")
    maps = np.concatenate([unetzoo.create_objects("components").encode(ids), [first == 1, first == 0]])
    objects = Decoder(_config("components", classes=2)).decode(maps.astype(np.float32))
    assert objects.classes[objects.ids[0, [0, 4]]].tolist() == [0, 1]


def test_predict_objects_decodes_the_maps_of_predict_with_the_options_of_the_network():
    model = _model("components", objects_options={"threshold": 0.45, "min_size": 4})
    coding = unetzoo.create_objects("components", options={"threshold": 0.45, "min_size": 4})
    expected = coding.decode(unetzoo.predict(model, IMAGE))
    np.testing.assert_array_equal(unetzoo.predict_objects(model, IMAGE), expected)
    model.config = replace(model.config, objects_options={"threshold": 0.999})
    assert unetzoo.predict_objects(model, IMAGE).max() == 0


def test_a_network_of_classes_has_no_objects():
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1).eval()
    with pytest.raises(OptionError, match="gives classes of pixels, not objects; train one with objects="):
        unetzoo.predict_objects(model, IMAGE)
