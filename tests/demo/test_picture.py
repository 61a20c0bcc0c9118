import numpy as np
import pytest

from unetzoo._utils.colors import FALSE_NEGATIVE, FALSE_POSITIVE
from unetzoo.data.datasets.picture import Part
from unetzoo.demo.picture import draw
from unetzoo.demo.run import Outcome, Result, Settings
from unetzoo.demo.scores import score

_SCALE = 2


def _result(height=30, width=200, *, added=0, missed=0, methods=1):
    """A result whose methods add so many pixels to one nucleus, and miss so many of it."""
    truth = np.zeros((height, width), dtype=bool)
    truth[:10] = True
    predicted = truth.copy()
    predicted[20, :added] = True
    predicted[5, :missed] = False
    image = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    outcome = Outcome("unet", score(predicted, truth), 0.1, 10, predicted)
    return Result(Settings("plain", 1, 0), Part(image, truth), (outcome,) * methods)


def _count(result, color):
    return int((np.asarray(draw(result)) == color).all(axis=-1).sum())


@pytest.mark.parametrize(("kind", "color"), [("added", FALSE_POSITIVE), ("missed", FALSE_NEGATIVE)])
def test_every_wrong_pixel_is_drawn_in_its_colour_once_for_each_method(kind, color):
    in_legend = _count(_result(methods=2), color)
    assert in_legend > 0
    assert _count(_result(methods=2, **{kind: 7}), color) - in_legend == 2 * 7 * _SCALE**2


def test_the_picture_has_room_for_two_panels_of_the_truth_and_of_each_method():
    small, tall, wide = (draw(_result(*size, methods=2)).size for size in ((30, 200), (40, 200), (30, 210)))
    assert tall == (small[0], small[1] + 10 * _SCALE)
    assert wide == (small[0] + 6 * 10 * _SCALE, small[1])


def test_the_numbers_are_in_the_picture():
    same_panels = _result()
    worse = Result(
        same_panels.settings,
        same_panels.held_out,
        (Outcome("unet", score(~same_panels.held_out.nuclei, same_panels.held_out.nuclei), 0.1, 10,
                 same_panels.outcomes[0].prediction),),
    )  # fmt: skip
    changed = np.asarray(draw(same_panels)) != np.asarray(draw(worse))
    rows = changed.any(axis=(1, 2)).nonzero()[0]
    assert 0 < len(rows) < 40  # one line of text


def test_the_same_result_gives_the_same_picture():
    assert draw(_result(added=3)).tobytes() == draw(_result(added=3)).tobytes()
