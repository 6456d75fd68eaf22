"""Serving cost: a commitment bends the curve as the machines that it pays do, by hand-made days with known answers."""

from dataclasses import dataclass, field
from datetime import datetime
from math import log
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.analysis.cost_curve import cost_curve
from sim.analysis.daily import daily_table, day_edges
from sim.analysis.drivers import drivers
from sim.analysis.elasticity import elasticity
from sim.analysis.scale_check import scale_check
from sim.analysis.serving_cost import serving_nano
from sim.clock.calendar import NS_PER_S, Calendar
from sim.cost.accrual import machine_lines
from sim.cost.ledger import Ledger
from sim.streams import Streams

DAY_S, HOUR_S = 86_400.0, 3_600.0
POOL: dict[str, Any] = {"resource": "main", "sku": "small"}


@dataclass
class Days:
    """A life of whole days, made of `day`: requests, billed, busy and committed hours, and the price of an hour."""

    ledger: Ledger = field(default_factory=Ledger)
    windows: list[tuple[float, float, str, str, float]] = field(default_factory=list)

    def day(
        self, requests: float, billed_h: float, busy_h: float, *, committed_h: float = 0.0, rent: float = 0.0,
        price: float = 1.0, phase: str = "scale",
    ) -> None:  # fmt: skip
        begin = len(self.windows) * DAY_S
        at_s = begin + DAY_S
        self.windows.append((begin, at_s, phase, "main", requests))
        covered_s = min(billed_h, committed_h) * HOUR_S
        machine_lines(self.ledger, at_s, billed_h * HOUR_S, busy_h * HOUR_S, price, phase, covered_s=covered_s, **POOL)
        if committed_h:
            self.ledger.post(at_s, "commitment", "fixed", committed_h, "h", rent, phase, **POOL)

    @property
    def calendar(self) -> Calendar:
        return Calendar(datetime(2026, 1, 1), "UTC", round(len(self.windows) * DAY_S) * NS_PER_S)

    @property
    def timeseries(self) -> pd.DataFrame:
        frame = pd.DataFrame(self.windows, columns=["start_s", "end_s", "phase", "workload", "offered"])
        return frame.assign(hit=0, throttled=0)

    @property
    def spans(self) -> list[tuple[str, float, float]]:
        frame = self.timeseries.groupby("phase", sort=False)
        return list(zip(frame.groups, frame["start_s"].min(), frame["end_s"].max()))

    @property
    def table(self) -> pd.DataFrame:
        return daily_table(self.timeseries, self.ledger.frame(), self.calendar, self.spans)


def doubling() -> Days:
    """28 days at 1,000 requests on two committed machines, 28 at twice that with a third machine on demand."""
    life = Days()
    for day in range(56):
        if day % 2:
            life.day(2000, 72, 24, committed_h=48, rent=1.0, price=1.5)
        else:
            life.day(1000, 48, 12, committed_h=48, rent=1.0, price=1.5)
    return life


def test_a_committed_pool_whose_demand_doubles_has_the_slope_of_rent_and_machines_together() -> None:
    # 48 h at 1 USD on a quiet day; on a busy one 24 h at 1.50 USD on top of them
    days = doubling().table
    assert sorted(set(days["serving_usd"])) == [48.0, 84.0]
    assert sorted(set(days["variable_usd"])) == [0.0, 36.0]
    assert set(days["fixed_usd"]) == {48.0}
    slope = elasticity(days["offered"], days["serving_usd"], Streams(1).generator("x")).value
    assert slope == pytest.approx(log(84 / 48) / log(2))


def test_what_a_commitment_pays_is_at_work_as_far_as_its_machines_are() -> None:
    life = doubling()
    rows = drivers(life.table, life.timeseries, life.ledger.frame(), life.calendar, ["scale"], Streams(1))
    own = {row["mechanism"]: row for row in rows if row["scope"] == "life"}
    # quiet: 12 of 48 h at work; busy: a third of 48 h at 1 USD and of 24 h at 1.50 USD
    assert own["busy"]["share"] == pytest.approx((12 + 16 + 12) / (48 + 84))
    assert own["idle"]["share"] == pytest.approx((36 + 32 + 24) / (48 + 84))
    assert own["busy"]["accounts"] == ["serving.machine.busy", "serving.machine.covered_busy"]
    assert own["idle"]["accounts"] == ["serving.machine.covered_idle", "serving.machine.idle"]
    slope = log(84 / 48) / log(2)
    assert sum(row["share"] * row["elasticity"] for row in own.values()) == pytest.approx(slope)
    assert sum(row["bend"] for row in own.values()) == pytest.approx(slope - 1)
    assert own["idle"]["said"] == "idle capacity: 70 % of serving cost, grows more slowly than traffic"


def test_committed_hours_that_no_machine_used_are_idle() -> None:
    life = Days()
    for day in range(56):
        life.day(1000 * (1 + day % 2), 48, 12, committed_h=72, rent=2.0)
    nano = serving_nano(life.ledger.frame(), day_edges(life.calendar))
    assert {account: usd for (day, _, account), usd in nano.items() if day == 0} == {
        "serving.machine.covered_busy": 24 * 10**9, "serving.machine.covered_idle": 72 * 10**9,
        "commitment": 48 * 10**9,
    }  # fmt: skip
    rows = drivers(life.table, life.timeseries, life.ledger.frame(), life.calendar, ["scale"], Streams(1))
    (idle,) = (row for row in rows if (row["scope"], row["mechanism"]) == ("life", "idle"))
    assert idle["accounts"] == ["commitment", "serving.machine.covered_idle"]
    assert idle["share"] == pytest.approx(120 / 144)


def test_each_contract_prices_the_hours_of_its_own_machines() -> None:
    ledger = Ledger()
    for sku, rent, busy in (("small", 1.0, 6.0), ("large", 10.0, 12.0)):
        machine_lines(
            ledger, DAY_S, DAY_S, busy * HOUR_S, 2.0 * rent, "scale", covered_s=DAY_S, resource="main", sku=sku
        )
        ledger.post(DAY_S, "commitment", "fixed", 24.0, "h", rent, "scale", resource="main", sku=sku)
    calendar = Calendar(datetime(2026, 1, 1), "UTC", round(DAY_S) * NS_PER_S)
    nano = serving_nano(ledger.frame(), day_edges(calendar))
    assert nano[0, "scale", "serving.machine.covered_busy"] == (6 + 120) * 10**9
    assert nano[0, "scale", "serving.machine.covered_idle"] == (18 + 120) * 10**9


@given(
    st.lists(st.tuples(st.floats(0, 500), st.floats(0, 1), st.floats(0, 300), st.floats(0, 20)), min_size=1, max_size=6)
)
def test_the_parts_add_up_to_variable_cost_and_commitments_to_the_nano_dollar(
    days: list[tuple[float, float, float, float]],
) -> None:
    life = Days()
    for billed, busy, committed, rent in days:
        life.day(1000, billed, billed * busy, committed_h=committed, rent=rent, price=1.7)
    nano = serving_nano(life.ledger.frame(), day_edges(life.calendar))
    wanted = life.ledger.total_nano("variable") + life.ledger.total_nano(account="commitment")
    assert sum(nano.values()) == wanted
    assert min(nano.values(), default=0) >= 0


def test_a_jump_is_the_discount_and_not_what_moved_to_fixed_cost() -> None:
    # given four machines that are always on, first on demand and then under a commitment at 41 % off
    life = Days()
    for day in range(80):
        requests, busy = 1000 * (1 + day % 5), 10.0 + day % 5
        if day < 40:
            life.day(requests, 96, busy, phase="production")
        else:
            life.day(requests, 96, busy, committed_h=96, rent=0.59)
    serving = {"production": "pool", "scale": "committed"}
    curve = cost_curve(life.table, serving, Streams(1).generator("cost_curve"))
    (jump,) = curve["jumps"]
    assert jump["factor"] == pytest.approx(0.59)
    assert [slope["value"] for slope in curve["slopes"]] == [pytest.approx(0, abs=1e-9)]
    for line, usd in zip(curve["lines"], (96.0, 96 * 0.59)):
        assert [point["serving_usd"] for point in line["points"]] == [pytest.approx(usd)] * 2


def test_a_scale_check_counts_the_commitment_that_does_not_grow() -> None:
    # given 48 USD a day of rent whatever comes, and 10 USD a day of fees at plain traffic
    def life(factor: float) -> Any:
        made = Days()
        for day in range(40):
            made.day(1000 * factor, 48, 12, committed_h=48, rent=1.0)
            made.ledger.post((day + 1) * DAY_S, "serving.api", "variable", 10 * factor, "x", 1.0, "scale")
        return _Run(made.timeseries, made.ledger.frame(), made.calendar, made.spans)

    check = scale_check({factor: life(factor) for factor in (0.5, 1, 2)})
    assert check["total"]["serving_usd"] == pytest.approx([40 * 53, 40 * 58, 40 * 68])
    assert check["total"]["variable_usd"] == pytest.approx([40 * 5, 40 * 10, 40 * 20])
    assert [step["elasticity"] for step in check["total"]["steps"]] == pytest.approx(
        [log(58 / 53) / log(2), log(68 / 58) / log(2)]
    )
    assert check["said"][-1].startswith(
        "The whole life: 2.00 times the requests would have 1.17 times the serving cost "
        "(variable cost and the commitment; elasticity 0.23"
    )


@dataclass
class _Run:
    timeseries: pd.DataFrame
    ledger: pd.DataFrame
    calendar: Calendar
    phases_effective: list[tuple[str, float, float]]
    seed: int = 1
    manifest: dict[str, object] = field(default_factory=lambda: {"replication": 0})
