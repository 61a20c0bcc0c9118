import pytest

from unetzoo.training.optim import rate_of


def test_warm_up_rises_in_a_line_to_the_highest_rate():
    rate = rate_of("cosine", steps=100, warm_up=0.1)
    assert [rate(step) for step in range(10)] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert rate(10) == 1


def test_cosine_is_a_half_in_the_middle_and_ends_at_zero():
    rate = rate_of("cosine", steps=100, warm_up=0)
    assert (rate(0), rate(50), rate(100)) == pytest.approx((1, 0.5, 0))


def test_poly_falls_by_the_power_of_deeplab():
    rate = rate_of("poly", steps=100, warm_up=0)
    assert (rate(0), rate(25), rate(100)) == pytest.approx((1, 0.75**0.9, 0))


def test_all_steps_may_warm_up():
    rate = rate_of("cosine", steps=4, warm_up=1)
    assert [rate(step) for step in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
