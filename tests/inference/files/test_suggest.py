"""The images of which a network is least sure."""

import numpy as np
import pytest
import torch
from predicting import SMALL, objects_model, varied_model

import unetzoo
from unetzoo import DataError, DataWarning, Ensemble, OptionError, suggest


@pytest.fixture
def images(tmp_path):
    """Four images, one of them of two tiles and in a folder of its own."""
    random = np.random.default_rng(0)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for number, name in enumerate(("a", "b", "c", "deep/d")):
        pixels = random.integers(0, 256, (200 if number == 3 else 40, 48), dtype=np.uint8)
        np.save(tmp_path / "in" / f"{name}.npy", pixels // (number + 1))
    return tmp_path / "in"


def _by_hand(model, folder, **options):
    means = {
        str(path): float(unetzoo.predict_uncertainty(model, np.load(path), **options).mean())
        for path in folder.rglob("*.npy")
    }
    return sorted(means.items(), key=lambda item: -item[1])


def _pairs(suggestions):
    return [(each.image, pytest.approx(each.uncertainty, abs=1e-6)) for each in suggestions]


def test_images_are_ranked_by_the_mean_entropy_of_their_pixels(images):
    model = varied_model()
    expected = _by_hand(model, images, **SMALL)
    assert expected == _pairs(suggest(model, images, **SMALL))
    assert expected[:2] == _pairs(suggest(model, images, count=2, **SMALL))
    assert len({round(value, 4) for _, value in expected}) == 4


def test_images_of_objects_are_ranked_by_the_maps_that_are_probabilities(images):
    model = objects_model(np.load(images / "a.npy"))
    assert _by_hand(model, images) == _pairs(suggest(model, images))


def test_several_networks_and_mirror_images_are_ranked_by_disagreement(images):
    torch.manual_seed(1)
    other = varied_model()
    with torch.no_grad():
        for head in other.heads:
            head.weight.neg_()
    both = Ensemble([varied_model(), other])
    assert _by_hand(both, images, kind="disagreement") == _pairs(suggest(both, images))
    one = varied_model()
    assert _by_hand(one, images, kind="disagreement", mirrors=8) == _pairs(suggest(one, images, mirrors=8))
    assert _by_hand(both, images) == _pairs(suggest(both, images, uncertainty="entropy"))


def test_pixels_without_data_do_not_count_and_images_without_any_are_left_out(tmp_path):
    image = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    half = np.where(np.arange(64)[:, None] < 32, np.nan, image).astype(np.float32)
    np.save(tmp_path / "half.npy", half)
    np.save(tmp_path / "none.npy", np.full_like(image, np.nan))
    model = varied_model()
    with pytest.warns(DataWarning, match="none.npy is left out: it has no data"):
        (only,) = suggest(model, tmp_path)
    assert only.uncertainty == pytest.approx(np.nanmean(unetzoo.predict_uncertainty(model, half)), abs=1e-6)


def test_an_image_that_cannot_be_read_is_said_and_the_others_are_ranked(images):
    (images / "b.npy").write_bytes(b"nothing")
    with pytest.warns(DataWarning, match=r"b\.npy is left out"):
        assert len(suggest(varied_model(), images)) == 3


def test_a_table_of_images_and_a_data_set_are_taken(images, tmp_path):
    (tmp_path / "list.csv").write_text(f"image\n{images / 'a.npy'}\n{images / 'c.npy'}\n")
    assert {each.image for each in suggest(varied_model(), tmp_path / "list.csv")} == {
        str(images / "a.npy"),
        str(images / "c.npy"),
    }
    assert len(suggest(varied_model(), [images / "a.npy"])) == 1


def test_what_does_not_fit_is_refused(images, tmp_path):
    for options, message in (
        ({"count": 0}, "count must be a whole number >= 1"),
        ({"mirrors": 3}, "mirrors must be 1, 2, 4 or 8"),
        ({"uncertainty": "disagreement"}, "one prediction cannot disagree with itself"),
        ({"resample": "up"}, "resample must be"),
    ):
        with pytest.raises(OptionError, match=message):
            suggest(varied_model(), images, **options)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="there are no images in the folder"):
        suggest(varied_model(), tmp_path / "empty")
