"""Elasticity: it finds a known exponent, its interval covers it, and it says when there is none."""

import numpy as np
import pytest

from sim.analysis.elasticity import elasticity
from sim.streams import Streams

DAYS = np.arange(120)
WEEKLY = 1e4 * np.exp(0.5 * np.sin(2 * np.pi * DAYS / 7) + 0.01 * DAYS)


def _stream(name: str = "elasticity/scale", seed: int = 1) -> np.random.Generator:
    return Streams(seed).generator(name)


@pytest.mark.parametrize("exponent", [0.0, 0.3, 0.7, 1.0, 1.4])
def test_a_power_law_gives_its_exponent_and_no_doubt(exponent: float) -> None:
    found = elasticity(WEEKLY, 3e-3 * WEEKLY**exponent, _stream())
    assert found.value == pytest.approx(exponent, abs=1e-9)
    assert found.lo == pytest.approx(exponent, abs=1e-6)
    assert found.hi == pytest.approx(exponent, abs=1e-6)
    assert found.as_json() == {"value": found.value, "lo": found.lo, "hi": found.hi}


def test_the_unit_of_money_does_not_move_it() -> None:
    cost = WEEKLY**0.7 * np.exp(np.random.default_rng(3).normal(0, 0.1, len(DAYS)))
    in_usd, in_cents = elasticity(WEEKLY, cost, _stream()), elasticity(WEEKLY, 100 * cost, _stream())
    assert in_cents.value == pytest.approx(in_usd.value)
    assert in_cents.lo == pytest.approx(in_usd.lo)


def test_same_stream_same_interval_other_stream_another() -> None:
    cost = WEEKLY**0.7 * np.exp(np.random.default_rng(3).normal(0, 0.1, len(DAYS)))
    assert elasticity(WEEKLY, cost, _stream()) == elasticity(WEEKLY, cost, _stream())
    assert elasticity(WEEKLY, cost, _stream()) != elasticity(WEEKLY, cost, _stream(seed=2))


@pytest.mark.parametrize("days", [0, 1, 27])
def test_under_28_days_there_is_none_and_it_says_so(days: int) -> None:
    found = elasticity(WEEKLY[:days], WEEKLY[:days], _stream())
    expected = {"value": None, "lo": None, "hi": None, "reason": f"{days} complete days, at least 28 needed"}
    assert found.as_json() == expected


def test_28_days_are_enough() -> None:
    assert elasticity(WEEKLY[:28], WEEKLY[:28], _stream()).value == pytest.approx(1.0)


def test_traffic_that_hardly_varies_has_none_and_it_says_so() -> None:
    flat = np.exp(np.linspace(0, 0.199, 60))
    found = elasticity(flat, flat, _stream())
    assert found.value is None
    assert found.reason == "ln(requests a day) spans 0.199, at least 0.2 needed"
    assert elasticity(np.exp(np.linspace(0, 0.21, 60)), np.ones(60), _stream()).value == pytest.approx(0.0)


def test_days_without_requests_or_cost_are_left_out_and_said() -> None:
    requests, cost = WEEKLY.copy(), WEEKLY**0.7
    requests[[3, 50]], cost[10] = 0.0, 0.0
    found = elasticity(requests, cost, _stream())
    assert found.value == pytest.approx(0.7)
    assert found.as_json()["note"] == "2 days without requests and 1 day without variable cost left out"
    few = elasticity(requests[:29], cost[:29], _stream())
    assert few.reason.startswith("27 complete days, at least 28 needed (1 day without requests and 1 day")


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="one count and one cost"):
        elasticity([1.0, 2.0], [1.0], _stream())


@pytest.mark.parametrize("days", [35, 120])
def test_the_interval_covers_the_truth_about_95_times_in_100(days: int) -> None:
    # 200 samples with AR(1) noise of 0.4. At a true coverage of 95 % the count lies in [178, 198] with probability
    # 0.9994 (binomial); at 85 % it would be under 178 with probability 0.93.
    rng = np.random.default_rng(20)
    covered = 0
    for _ in range(200):
        shock = rng.normal(0, 0.1, days)
        noise = np.zeros(days)
        for day in range(1, days):
            noise[day] = 0.4 * noise[day - 1] + shock[day]
        log_requests = 9 + 0.3 * np.sin(2 * np.pi * np.arange(days) / 7) + rng.normal(0, 0.1, days)
        found = elasticity(np.exp(log_requests), np.exp(0.7 * log_requests + noise), rng)
        assert found.lo is not None
        assert found.hi is not None
        covered += found.lo <= 0.7 <= found.hi
    assert 178 <= covered <= 198
