"""How quality falls with age, its exact mean, and shocks that nobody's retraining moves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.clock.calendar import NS_PER_DAY
from sim.model.drift import Shocks, mean_quality, quality
from sim.model.parameters import ExponentialDrift, LinearDrift, NoDrift, StepDrift
from sim.streams import Streams

DAY_S = 86_400.0
LINEAR = LinearDrift(loss=0.10, over_s=100 * DAY_S)
EXPONENTIAL = ExponentialDrift(floor=0.7, time_constant_s=60 * DAY_S)
STEP = StepDrift(loss=0.05, every_s=90 * DAY_S)
SHOCKS = [day * NS_PER_DAY for day in (10, 40, 45, 200, 900)]
SHAPES = [NoDrift(), LINEAR, EXPONENTIAL, STEP, LinearDrift(loss=0.9, over_s=30 * DAY_S)]


@pytest.mark.parametrize(
    ("drift", "age_d", "expected"),
    [
        (NoDrift(), 1000, 0.9),
        (LINEAR, 0, 0.9),
        (LINEAR, 50, 0.85),
        (LINEAR, 950, 0.0),
        (EXPONENTIAL, 0, 0.9),
        (EXPONENTIAL, 60, 0.7 + 0.2 / math.e),
        (EXPONENTIAL, 20_000, 0.7),
        (STEP, 9.999, 0.9),
        (STEP, 10, 0.85),  # the shock of this very moment
        (STEP, 50, 0.75),
    ],
)
def test_quality_at_an_age(drift, age_d, expected) -> None:
    assert quality(drift, 0.9, 0, round(age_d * NS_PER_DAY), SHOCKS) == pytest.approx(expected, abs=1e-12)


def test_a_model_has_learned_what_happened_before_its_data_ended() -> None:
    cut = 40 * NS_PER_DAY
    assert quality(STEP, 0.9, cut, 44 * NS_PER_DAY, SHOCKS) == 0.9
    assert quality(STEP, 0.9, cut, 45 * NS_PER_DAY, SHOCKS) == pytest.approx(0.85)


@given(
    drift=st.sampled_from(SHAPES), cut=st.integers(0, 50), wait=st.integers(0, 400 * NS_PER_DAY),
    span=st.integers(1, 600 * NS_PER_DAY),
)  # fmt: skip
def test_the_mean_is_the_integral_over_the_interval(drift, cut, wait, span) -> None:
    cut_ns = cut * NS_PER_DAY
    start = cut_ns + wait
    # midpoint rule on 4,000 cells: a jump of at most 5 points is off by less than a cell, a kink by far less
    cells = [start + span * (2 * i + 1) // 8000 for i in range(4000)]
    sampled = math.fsum(quality(drift, 0.9, cut_ns, t, SHOCKS) for t in cells) / 4000
    mean = mean_quality(drift, 0.9, cut_ns, start, start + span, SHOCKS)
    assert mean == pytest.approx(sampled, abs=0.05 * 4 / 4000 + 1e-6)
    assert 0.0 <= mean <= 0.9 + 1e-15


@given(
    drift=st.sampled_from(SHAPES),
    marks=st.lists(st.integers(0, 1000 * NS_PER_DAY), min_size=3, max_size=3, unique=True).map(sorted),
)
def test_means_of_neighbouring_intervals_add_up(drift, marks) -> None:
    a, b, c = marks
    parts = mean_quality(drift, 0.9, 0, a, b, SHOCKS) * (b - a) + mean_quality(drift, 0.9, 0, b, c, SHOCKS) * (c - b)
    assert mean_quality(drift, 0.9, 0, a, c, SHOCKS) * (c - a) == pytest.approx(parts, rel=1e-9, abs=1e3)


@pytest.mark.parametrize("drift", SHAPES)
def test_the_mean_of_a_moment_is_its_quality(drift) -> None:
    at = 33 * NS_PER_DAY
    assert mean_quality(drift, 0.9, 0, at, at, SHOCKS) == quality(drift, 0.9, 0, at, SHOCKS)
    assert mean_quality(drift, 0.9, 0, at, at + 1, SHOCKS) == pytest.approx(quality(drift, 0.9, 0, at, SHOCKS))


# --- shocks


def shocks(horizon_d: int, seed: int = 1) -> Shocks:
    return Shocks(Streams(seed).generator("drift/main"), horizon_d * NS_PER_DAY)


def test_shocks_are_as_far_apart_as_stated() -> None:
    process = shocks(900_000 // 2)
    process.steer(0, StepDrift(loss=0.05, every_s=90 * DAY_S))
    gaps_d = np.diff([0, *process.times_ns]) / NS_PER_DAY
    # exponential gaps: the mean of n has a standard error of 90 / sqrt(n); 99.9 % interval
    assert gaps_d.mean() == pytest.approx(90, abs=3.29 * 90 / math.sqrt(len(gaps_d)))
    assert gaps_d.std() == pytest.approx(90, rel=0.1)


def test_a_longer_horizon_only_adds_shocks() -> None:
    short, long = shocks(1000), shocks(3000)
    short.steer(0, STEP)
    long.steer(0, STEP)
    assert short.times_ns == [t for t in long.times_ns if t <= 1000 * NS_PER_DAY]


def test_a_change_of_rate_leaves_past_shocks_and_stretches_the_wait_for_the_next() -> None:
    process = shocks(3000)
    process.steer(0, STEP)
    before, now = list(process.times_ns), 500 * NS_PER_DAY
    process.steer(now, StepDrift(loss=0.05, every_s=45 * DAY_S))
    past = [t for t in before if t <= now]
    assert process.times_ns[: len(past)] == past
    waits = [t - now for t in process.times_ns[len(past) :]]
    assert [2 * w for w in waits][: len(before) - len(past)] == pytest.approx([t - now for t in before[len(past) :]])


def test_without_step_drift_there_are_no_shocks_and_the_wait_stands_still() -> None:
    process = shocks(3000)
    process.steer(0, NoDrift())
    assert process.times_ns == []
    process.steer(100 * NS_PER_DAY, STEP)
    other = shocks(3000)
    other.steer(0, STEP)
    assert process.times_ns[0] - 100 * NS_PER_DAY == pytest.approx(other.times_ns[0])
