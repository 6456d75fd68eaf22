"""Why the curve bends: parts that add up to the elasticity, whose names and words say which account does it."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.analysis.daily import daily_table
from sim.analysis.drivers import drivers, log_parts
from sim.analysis.elasticity import elasticity
from sim.clock.calendar import NS_PER_S, Calendar
from sim.cost.ledger import Ledger
from sim.streams import Streams

DAY_S = 86_400.0
DAYS = 120
CALENDAR = Calendar(pd.Timestamp("2026-01-01").to_pydatetime(), "UTC", round(DAYS * DAY_S) * NS_PER_S)
SPANS = [("poc", 0.0, 20 * DAY_S), ("scale", 20 * DAY_S, DAYS * DAY_S)]


def _rows(
    cost: dict[str, Any], hit: Any = 0, throttled: Any = 0
) -> tuple[list[dict[str, Any]], pd.DataFrame, np.ndarray]:
    """Drivers of 120 days of growing traffic. cost: account -> USD of a day as a function of its requests."""
    day = np.arange(DAYS)
    requests = np.round(1000 * np.exp(0.02 * day + 0.2 * np.sin(2 * np.pi * day / 7)))
    phase = np.where(day < 20, "poc", "scale")
    windows = pd.DataFrame({
        "start_s": day * DAY_S, "end_s": (day + 1) * DAY_S, "phase": phase, "workload": "main", "offered": requests,
        "hit": hit * requests, "throttled": throttled * requests,
    })  # fmt: skip
    ledger = Ledger()
    for account, of_requests in cost.items():
        for number, usd in enumerate(np.broadcast_to(of_requests(requests), DAYS)):
            ledger.post((number + 1) * DAY_S, account, "variable", float(usd), "x", 1.0, str(phase[number]))
    ledger.post(DAYS * DAY_S, "people.engineer", "fixed", 1, "x", 1e6, "scale")
    lines = ledger.frame()
    days = daily_table(windows, lines, CALENDAR, SPANS)
    return drivers(days, windows, lines, CALENDAR, ["poc", "scale"], Streams(1)), days, requests


def test_the_parts_add_up_to_the_elasticity_of_the_phase_and_the_shares_to_one() -> None:
    rows, days, _ = _rows({
        "serving.machine.busy": lambda n: 1e-3 * n, "serving.machine.idle": lambda n: 4 + 0 * n,
        "observability.log_ingest": lambda n: 1e-4 * n**1.3, "observability.log_storage": lambda n: 1e-2 * n**0.5,
        "network.egress": lambda n: np.maximum(0, n - 2000) * 1e-3,
    })  # fmt: skip
    for scope, chosen in (("phase", days[days["phase"] == "scale"]), ("life", days)):
        own = [row for row in rows if row["scope"] == scope]
        usable = chosen[chosen["complete"]]
        slope = elasticity(usable["offered"], usable["variable_usd"], Streams(1).generator("x")).value
        assert slope is not None
        assert sum(row["share"] * row["elasticity"] for row in own) == pytest.approx(slope, abs=1e-9)
        assert sum(row["bend"] for row in own) == pytest.approx(slope - 1, abs=1e-9)
        assert sum(row["share"] for row in own) == pytest.approx(1)
    assert {row["phase"] for row in rows} == {"scale", None}
    json.dumps(rows, allow_nan=False)


def test_idle_capacity_that_stays_is_why_it_bends() -> None:
    rows, _, requests = _rows({"serving.machine.busy": lambda n: 1e-3 * n, "serving.machine.idle": lambda n: 5 + 0 * n})
    idle, busy = rows[:2]
    in_phase = requests[20:]
    share = 5 / (5 + 1e-3 * in_phase.mean())
    assert (idle["mechanism"], idle["accounts"]) == ("idle", ["serving.machine.idle"])
    assert idle["share"] == pytest.approx(share)
    assert (idle["elasticity"], idle["lo"], idle["hi"]) == pytest.approx((0, 0, 0), abs=1e-12)
    assert idle["said"] == f"idle capacity: {100 * share:.0f} % of variable cost, hardly grows with traffic"
    assert busy["mechanism"] == "busy"
    assert busy["elasticity"] > 0.85


def test_one_account_has_the_elasticity_of_its_power_law() -> None:
    (in_phase, in_life), _, _ = _rows({"serving.api": lambda n: 1e-3 * n**0.7})
    for row in (in_phase, in_life):
        assert (row["mechanism"], row["share"]) == ("api", 1.0)
        assert (row["elasticity"], row["lo"], row["hi"]) == pytest.approx((0.7, 0.7, 0.7), abs=1e-6)
        assert row["said"] == "API fees: 100 % of variable cost, grows more slowly than traffic"


def test_what_another_replaces_falls_over_the_life() -> None:
    rows, _, _ = _rows({
        "serving.api": lambda n: np.where(np.arange(DAYS) < 20, 1e-3 * n, 0),
        "serving.machine.busy": lambda n: np.where(np.arange(DAYS) < 20, 0, 1e-3 * n),
    })  # fmt: skip
    assert [row["mechanism"] for row in rows if row["scope"] == "phase"] == ["busy"]
    life = {row["mechanism"]: row["elasticity"] for row in rows if row["scope"] == "life"}
    assert life["api"] < 0 < 1 < life["busy"]


def test_a_cache_that_answers_ever_more_is_why_it_bends_and_not_what_serves_the_rest() -> None:
    hit = np.linspace(0.1, 0.6, DAYS)
    rows, days, requests = _rows(
        {"serving.api": lambda n: 1e-3 * n * (0.9 - hit), "observability.log_ingest": lambda n: 1e-5 * n},
        hit=hit, throttled=0.1,
    )  # fmt: skip
    life = {row["mechanism"]: row for row in rows if row["scope"] == "life"}
    assert rows[0]["mechanism"] == "hits"
    assert life["hits"]["bend"] == pytest.approx(life["api"]["share"] * (life["hits"]["elasticity"] - 1))
    assert life["api"]["bend"] == pytest.approx(0, abs=5e-3)  # the rest of the accounts shifts the weights a little
    assert life["api"]["elasticity"] < 0.85
    assert life["throttled"]["bend"] == pytest.approx(0, abs=1e-12)
    said = f"the cache: answers {100 * (hit * requests).sum() / requests.sum():.0f} % of requests, ever more as traffic"
    assert life["hits"]["said"].startswith(said)
    assert life["throttled"]["said"] == "the quota: refuses 10 % of requests, as many as traffic grows"
    slope = elasticity(days["offered"], days["variable_usd"], Streams(1).generator("x")).value
    assert slope is not None
    assert sum(row["bend"] for row in life.values()) == pytest.approx(slope - 1, abs=1e-9)


def test_an_account_that_nobody_knows_is_other() -> None:
    (row, _), _, _ = _rows({"surprise.fee": lambda n: 1e-3 * n})
    assert (row["mechanism"], row["accounts"]) == ("other", ["surprise.fee"])


def test_without_variable_cost_there_are_no_rows() -> None:
    assert _rows({})[0] == []


@settings(max_examples=100, deadline=None)
@given(arrays(np.float64, (3, 9), elements=st.one_of(st.just(0.0), st.floats(1e-6, 1e6))))
def test_a_days_parts_add_up_to_the_log_of_its_cost(cost: np.ndarray) -> None:
    cost[0] += 1.0
    whole = np.log(cost.sum(axis=0) / cost.sum(axis=0).mean())
    assert log_parts(cost).sum(axis=0) == pytest.approx(whole, abs=1e-6)
