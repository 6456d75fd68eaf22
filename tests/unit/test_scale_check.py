"""The scale check: known arc elasticities from made-up lives at half, plain and double traffic."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.analysis.scale_check import scale_check
from sim.clock.calendar import NS_PER_S, Calendar
from sim.cost.ledger import Ledger

DAY_S = 86_400.0


@dataclass
class Life:
    """A finished run of two phases whose variable cost of a day is `usd_of(requests)`, at a factor of the traffic."""

    timeseries: pd.DataFrame
    ledger: pd.DataFrame
    calendar: Calendar
    phases_effective: list[tuple[str, float, float]]
    seed: int = 1
    manifest: dict[str, object] = field(default_factory=lambda: {"replication": 0})


def _life(factor: float, *, exponent: float = 0.6, days: int = 80, cap: float = 1e9, phases: int = 2) -> Any:
    calendar = Calendar(datetime(2026, 1, 1), "UTC", round(days * DAY_S) * NS_PER_S)
    spans = [("mvp", 0.0, days * DAY_S)]
    if phases == 2:
        spans = [("mvp", 0.0, 20 * DAY_S), ("scale", 20 * DAY_S, days * DAY_S)]
    rng, ledger, rows = np.random.default_rng(6), Ledger(), []
    for day in range(days):
        phase = "mvp" if day < 20 or phases == 1 else "scale"
        offered = round(min(factor, cap) * 1000 * (1 + day / 40) * float(np.exp(rng.normal(0, 0.1))))
        rows.append((day * DAY_S, (day + 1) * DAY_S, phase, "main", offered))
        usd = 2.0 * offered**exponent * float(np.exp(rng.normal(0, 0.02)))
        ledger.post((day + 1) * DAY_S, "serving.api", "variable", usd, "x", 1.0, phase)
        ledger.post((day + 1) * DAY_S, "people.engineer", "fixed", 7.0, "x", 1.0, phase)
    windows = pd.DataFrame(rows, columns=["start_s", "end_s", "phase", "workload", "offered"])
    return Life(windows, ledger.frame(), calendar, spans)


FACTORS = (2, 0.5, 1)


def test_a_power_law_gives_its_exponent_between_all_neighbours() -> None:
    check = scale_check({factor: _life(factor) for factor in FACTORS})
    assert check["factors"] == [0.5, 1, 2]
    assert [phase["name"] for phase in check["phases"]] == ["mvp", "scale"]
    for entry in (*check["phases"], check["total"]):
        below, plain, above = entry["requests"]
        assert (below, above) == pytest.approx((plain / 2, plain * 2), rel=1e-3)
        assert entry["variable_usd"][2] / entry["variable_usd"][1] == pytest.approx(2**0.6, rel=1e-3)
        assert entry["fixed_usd"][0] == entry["fixed_usd"][2]
        for step in entry["steps"]:
            assert step["elasticity"] == pytest.approx(0.6, abs=2e-3)
    json.dumps(check, allow_nan=False)


def test_pairing_leaves_an_interval_of_what_differs_and_short_phases_have_none() -> None:
    check = scale_check({factor: _life(factor) for factor in FACTORS})
    mvp, scale = check["phases"]
    assert [(step["lo"], step["hi"]) for step in mvp["steps"]] == [(None, None)] * 2
    for step in scale["steps"]:
        # the noise of days is common to both, so that hardly any doubt is left
        assert step["lo"] <= step["elasticity"] <= step["hi"]
        assert step["hi"] - step["lo"] < 0.01


def test_it_says_what_twice_the_requests_would_cost() -> None:
    said = scale_check({factor: _life(factor) for factor in FACTORS})["said"]
    assert said[0] == "Phase mvp: 2.00 times the requests would have 1.52 times the variable cost (elasticity 0.60)."
    assert said[-1].startswith("The whole life: 2.00 times the requests would have 1.52 times the variable cost")


def test_traffic_that_cannot_grow_has_no_elasticity_and_says_so() -> None:
    check = scale_check({factor: _life(factor, cap=1.0) for factor in FACTORS})
    low, high = check["total"]["steps"]
    assert low["elasticity"] == pytest.approx(0.6, abs=2e-3)
    assert high["elasticity"] is None
    assert high["reason"] == "the traffic is the same: exposure cannot grow"
    assert check["said"] == []


def test_a_phase_that_one_of_them_never_reached_is_not_compared() -> None:
    check = scale_check({0.5: _life(0.5, phases=1), 1: _life(1), 2: _life(2)})
    assert [phase["name"] for phase in check["phases"]] == ["mvp"]
    assert check["said"][-1] == "scale did not take effect at every factor and is not compared."


def test_same_runs_same_bytes() -> None:
    first, second = (json.dumps(scale_check({f: _life(f) for f in FACTORS})) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("factors", [(1,), (0.5, 2)])
def test_it_needs_the_plain_run_and_another(factors: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="factor of 1"):
        scale_check({factor: _life(factor) for factor in factors})
