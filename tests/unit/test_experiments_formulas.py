"""Formulas that stand in experiments, at answers that are known otherwise."""

import pytest

from experiments.estimates import Estimate
from experiments.x_large_small.run import near_the_mean, quotient


@pytest.mark.parametrize(
    ("terms", "per", "chance"),
    [
        # the sum of two uniform numbers has a triangular density: 1 - (1 - d)^2 within d of its mean
        (2, 10, 1 - 0.9**2),
        (2, 1, 1.0),
        # of four, by the cubic spline: density 2/3 - x^2 + |x|^3 / 2 at x from its mean, up to 1
        (4, 2, 2 * (2 / 3 * 0.5 - 0.5**3 / 3 + 0.5**4 / 8)),
    ],
)
def test_a_sum_of_uniform_numbers_is_near_its_mean_as_often_as_its_density_says(terms, per, chance):
    assert near_the_mean(terms, per) == pytest.approx(chance, rel=1e-12)


def test_the_relative_errors_of_a_quotient_add_as_squares():
    got = quotient(Estimate(6.0, 0.6 * 0.3, 20), Estimate(2.0, 0.2 * 0.4, 15))

    assert got.value == 3.0
    assert got.standard_error == pytest.approx(3.0 * 0.05)
    assert got.parts == 15
