import pytest

from unetzoo.bench.charts import round_numbers


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        ([0.41, 8.07], [0.2, 0.5, 1, 2, 5, 10]),
        ([7.76, 9.28], [7, 8, 9, 10]),
        ([100.0], [100]),
        ([326.3, 1343.8], [200, 500, 1000, 2000]),
        ([], []),
    ],
)
def test_an_axis_is_marked_at_round_numbers_around_its_values(values, numbers):
    assert round_numbers(values) == pytest.approx(numbers)
