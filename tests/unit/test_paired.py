"""Intervals of replications and of their paired differences: textbook values, laws, and coverage."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.analysis.paired import NOTHING, mean_interval, paired_difference

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20)


def test_a_textbook_interval() -> None:
    # Law (2015), example 4.26: ten observations, 90 % there; t(9, 0.975) = 2.262 from his table T.1
    values = [1.20, 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09]

    interval = mean_interval(values)

    assert interval.mean == pytest.approx(1.343, abs=5e-4)
    assert interval.half == pytest.approx(2.262 * math.sqrt(0.17 / 10), rel=0.01)  # s2 is printed as 0.17
    assert interval.n == 10


def test_one_value_has_a_mean_and_no_interval_and_a_missing_one_nothing() -> None:
    assert mean_interval([3.0])[:3] == (3.0, None, None)
    assert mean_interval([]) == NOTHING
    assert mean_interval([1.0, None, 2.0]) == NOTHING
    assert paired_difference([1.0, 2.0], [None, 1.0]) == NOTHING
    with pytest.raises(ValueError):
        paired_difference([1.0], [1.0, 2.0])


@settings(max_examples=50)
@given(VALUES, st.floats(-1e3, 1e3))
def test_a_shift_moves_the_interval_and_leaves_its_width(values: list[float], by: float) -> None:
    plain, moved = mean_interval(values), mean_interval([v + by for v in values])

    assert plain.mean is not None
    assert plain.half is not None
    assert moved.mean == pytest.approx(plain.mean + by, abs=1e-6)
    assert moved.half == pytest.approx(plain.half, abs=1e-6, rel=1e-6)


@settings(max_examples=50)
@given(VALUES)
def test_the_other_way_round_a_difference_is_its_negative(values: list[float]) -> None:
    others = [v * 0.5 + 1 for v in reversed(values)]
    forth, back = paired_difference(values, others), paired_difference(others, values)

    assert forth.mean is not None
    assert back.mean == pytest.approx(-forth.mean)
    assert (back.lo, back.hi) == pytest.approx((-(forth.hi or 0), -(forth.lo or 0)))
    assert forth.excludes_zero == back.excludes_zero


def test_what_two_systems_share_is_no_part_of_the_doubt_about_their_difference() -> None:
    common = np.random.default_rng(1).normal(100, 50, 10)

    apart = paired_difference((common + 1).tolist(), common.tolist())

    assert apart.mean == pytest.approx(1)
    assert apart.half == pytest.approx(0, abs=1e-9)
    assert apart.excludes_zero


def test_95_of_100_intervals_cover_the_mean() -> None:
    draws = np.random.default_rng(7).normal(3, 2, (4000, 5))

    intervals = [mean_interval(row.tolist()) for row in draws]

    covered = np.mean([(i.lo or 0) <= 3 <= (i.hi or 0) for i in intervals])
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 4000))  # four standard errors
