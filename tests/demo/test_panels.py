import numpy as np

from unetzoo._utils.colors import FALSE_NEGATIVE, FALSE_POSITIVE, HIT, NOTHING
from unetzoo.demo.panels import error_panel, image_panel, mask_panel


def test_errors_have_the_colour_of_their_kind():
    predicted = np.array([[False, True, False, True]])
    truth = np.array([[False, False, True, True]])
    assert [tuple(color) for color in error_panel(predicted, truth)[0]] == [
        NOTHING, FALSE_POSITIVE, FALSE_NEGATIVE, HIT
    ]  # fmt: skip


def test_both_kinds_of_error_differ_in_hue_for_the_colour_blind():
    # Okabe and Ito, "Color Universal Design" (2008): orange and sky blue differ in their amount of blue, which
    # neither a red nor a green deficiency touches.
    assert FALSE_NEGATIVE[2] - FALSE_POSITIVE[2] > 200


def test_a_mask_is_light_on_dark():
    dark, light = mask_panel(np.array([[False, True]]))[0].astype(int)
    assert (light - dark > 200).all()


def test_an_image_keeps_the_order_of_its_brightness():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    panel = image_panel(image)
    assert panel.shape == (16, 16, 3)
    assert panel.dtype == np.uint8
    assert (panel.min(), panel.max()) == (0, 255)
    assert (np.diff(panel[..., 0].ravel().astype(int)) >= 0).all()
