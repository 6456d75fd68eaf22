"""Made-up runs for the tests of the report, and how their long series become short enough to draw."""

import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
import pytest

import sim
from sim.analysis.summary import summarise
from sim.clock.calendar import NS_PER_S, Calendar
from sim.cost.ledger import Ledger
from sim.record.histogram import STEPS
from sim.report import series
from sim.scenario.model import Scenario

DAY_S = 86_400.0
COUNTS = ("potential", "offered", "completed", "good", "rejected", "timed_out", "failed")
HISTOGRAM = ("start_s", "phase", "workload", "bucket", "count")
NAN = math.nan
MANIFEST = {"version": "0.1.0", "engine": "exact", "replication": 0, "wall_s": 12.3}


@dataclass
class FakeRun:
    """Frames as a run leaves them, made up: `grow` fills them."""

    scenario: Scenario
    seed: int = 1
    notes: list[str] = field(default_factory=list)
    manifest: dict[str, object] = field(default_factory=lambda: dict(MANIFEST))
    windows: list[pd.DataFrame] = field(default_factory=list)
    histograms: list[pd.DataFrame] = field(default_factory=list)
    lines: Ledger = field(default_factory=Ledger)

    @property
    def calendar(self) -> Calendar:
        return self.scenario.calendar()

    @property
    def phases_effective(self) -> list[tuple[str, float, float]]:
        calendar, phases = self.calendar, self.scenario.phases
        starts = [0.0 if p.start is None else calendar.ns(p.start) / NS_PER_S for p in phases.values()]
        return list(zip(phases, starts, [*starts[1:], calendar.horizon_ns / NS_PER_S]))

    @property
    def timeseries(self) -> pd.DataFrame:
        return pd.concat(self.windows, ignore_index=True)

    @property
    def latency_histogram(self) -> pd.DataFrame:
        empty = pd.DataFrame(columns=list(HISTOGRAM)).astype({"bucket": "int64", "count": "int64"})
        return pd.concat(self.histograms, ignore_index=True) if self.histograms else empty

    @property
    def ledger(self) -> pd.DataFrame:
        return self.lines.frame()

    @property
    def events(self) -> pd.DataFrame:
        rows = [
            (at_s, self.calendar.civil(round(at_s * NS_PER_S)), kind, name, "", NAN, NAN)
            for name, start_s, _ in self.phases_effective[1:]
            for kind, at_s in (("phase_decided", start_s - 300.0), ("phase_effective", start_s))
        ]
        return pd.DataFrame(rows, columns=["at_s", "time", "kind", "subject", "detail", "before", "after"])

    @property
    def totals(self) -> dict[str, int]:
        frame = self.timeseries
        ended = {name: int(frame[name].sum()) for name in COUNTS if name != "good"}
        return ended | {"hit": 0, "throttled": 0, "in_system": 0}

    def summary(self) -> dict[str, object]:
        return summarise(self)


def grow(
    scenario: Scenario,
    per_s: float = 0.4,
    growth: float = 8.0,
    median_s: float = 1.0,
    lost: float = 0.002,
    replicas: float = 4.0,
    price: float = 1.0,
) -> FakeRun:
    """A run whose rate grows by `growth` over its length, with days, weeks and noise, and a cost that follows a bit."""
    run, horizon_s, interval_s = FakeRun(scenario), scenario.horizon_s, scenario.record.interval_s
    random = np.random.default_rng(3)
    for phase, start_s, end_s in run.phases_effective:
        cuts = np.arange(math.floor(start_s / interval_s), math.ceil(end_s / interval_s) + 1) * interval_s
        edges = np.unique(np.clip(cuts, start_s, end_s))
        begin, end = edges[:-1], edges[1:]
        exposure, api = scenario.phases[phase].exposure, scenario.phases[phase].serving == "api"
        rate = per_s * growth ** (begin / horizon_s) * (1 + 0.5 * np.sin(begin / DAY_S * 2 * np.pi))
        potential = random.poisson(rate * (end - begin))
        offered = random.binomial(potential, exposure)
        rejected = random.binomial(offered, lost)
        completed = offered - rejected
        crowd = 1 + 0.8 * offered / max(offered.max(initial=1), 1)
        ready = (
            np.full(len(begin), NAN) if api else np.full(len(begin), 2.0) + replicas * offered / max(offered.max(), 1)
        )
        frame = pd.DataFrame({"start_s": begin, "end_s": end, "phase": phase, "workload": "main", "pool": "main"})
        frame["potential"], frame["offered"], frame["completed"] = potential, offered, completed
        frame["good"] = (completed * 0.995).astype("int64")
        frame["rejected"], frame["timed_out"], frame["failed"], frame["in_system"] = rejected, 0, 0, 0
        frame["queue_mean"] = offered / np.maximum(end - begin, 1) * 0.02 * crowd
        frame["replicas_ready"] = np.nan_to_num(ready)
        frame["capacity_per_s"] = ready * (8 / 1.35)
        run.windows.append(frame)
        _latencies(run, frame, completed, median_s * crowd)
        _costs(run, frame, phase, api, price)
    return run


def _latencies(run: FakeRun, frame: pd.DataFrame, completed: np.ndarray, median_s: np.ndarray) -> None:
    quantiles = np.exp(0.5 * np.array([-1.2, -0.5, 0.0, 0.5, 1.2, 1.7, 2.4]))
    weights = np.array([0.1, 0.2, 0.2, 0.2, 0.2, 0.08, 0.02])
    for quantile, weight in zip(quantiles, weights):
        mantissa, exponent = np.frexp(np.floor(median_s * quantile * 1e9))
        bucket = (exponent - 1) * STEPS + ((mantissa - 0.5) * 128).astype(int)
        part = pd.DataFrame({"start_s": frame["start_s"], "phase": frame["phase"], "workload": "main"})
        part["bucket"], part["count"] = bucket.astype("int64"), np.floor(completed * weight).astype("int64")
        run.histograms.append(part[part["count"] > 0])


def _costs(run: FakeRun, frame: pd.DataFrame, phase: str, api: bool, price: float) -> None:
    edges = np.array([0.0, *(ns / NS_PER_S for ns in run.calendar.day_starts()), run.scenario.horizon_s])
    day = np.searchsorted(edges, frame["start_s"], side="right") - 1
    for _, rows in frame.groupby(day):
        at_s, hours = float(rows["end_s"].max()), float((rows["end_s"] - rows["start_s"]).sum()) / 3600
        requests = float(rows["offered"].sum())
        if api:
            run.lines.post(at_s, "serving.api", "variable", requests, "request", 0.0003 * price, phase, "main")
        else:
            machine_h, busy = (
                float((rows["replicas_ready"] * (rows["end_s"] - rows["start_s"])).sum()) / 3600,
                requests * 2e-4,
            )
            run.lines.post(at_s, "serving.machine.busy", "variable", busy, "h", 0.805 * price, phase)
            run.lines.post(at_s, "serving.machine.idle", "variable", machine_h - busy, "h", 0.805 * price, phase)
        run.lines.post(at_s, "network.egress", "variable", requests * 2e-6, "GB", 0.09 * price, phase)
        run.lines.post(at_s, "observability.log_ingest", "variable", requests * 2e-6, "GB", 0.5 * price, phase)
        for role, people in run.scenario.phases[phase].staff.items():
            salary = people.salary_usd_per_year * price
            run.lines.post(at_s, f"people.{role}", "fixed", people.fte * hours / 8766, "FTE-year", salary, phase)


@cache
def scenario_of(*typed: str) -> Scenario:
    return sim.load("document_assistant", *typed)


def two_years() -> FakeRun:
    return grow(scenario_of())


def an_hour() -> FakeRun:
    run = grow(
        scenario_of("horizon=1 h", "phases=production", "record=minutely", "start='2023-11-16 18:17:03'"), 2.4, 1.2
    )
    run.notes.append("3 of 60 minutes have no requests in the file.")
    return run


def eighty_eight_days() -> FakeRun:
    typed = (
        "horizon=88 d",
        "phases=worldcup98",
        "start='1998-04-30'",
        "autoscaler.max_replicas=8",
        "workload.slo.share=99.9 %",
    )
    return grow(scenario_of(*typed), 30.0, 9.0, 0.004, 0.004)


def nobody_asked() -> FakeRun:
    return grow(scenario_of("horizon=10 d", "phases=production"), per_s=0.0)


def everything_is_free() -> FakeRun:
    return grow(scenario_of("horizon=40 d", "phases=production"), price=0.0)


def five_seconds() -> FakeRun:
    return grow(scenario_of("horizon=5 s", "phases=production", "record.interval=1 s"))


RUNS = (two_years, an_hour, eighty_eight_days, nobody_asked, everything_is_free, five_seconds)


@pytest.mark.parametrize(
    ("make", "most"), [(two_years, 800), (eighty_eight_days, 88), (an_hour, 60), (five_seconds, 5)]
)
def test_bins_cover_the_whole_run_and_are_at_most_800(make, most: int) -> None:
    run = make()
    edges = series.bin_edges(run.calendar, run.timeseries)
    assert (edges[0], edges[-1]) == (0.0, run.scenario.horizon_s)
    assert (np.diff(edges) > 0).all()
    assert len(edges) - 1 <= most


def test_binning_keeps_every_request() -> None:
    run = eighty_eight_days()
    table = series.demand(run.timeseries, series.bin_edges(run.calendar, run.timeseries))
    drawn = (table["offered_per_s"] * (table["end_s"] - table["start_s"])).sum()
    assert drawn == pytest.approx(run.totals["offered"], rel=1e-9)
    assert (table["offered_lo_per_s"] <= table["offered_per_s"]).all()
    assert (table["offered_per_s"] <= table["offered_hi_per_s"]).all()


def test_the_percentiles_of_one_bin_are_those_of_the_summary() -> None:
    run = an_hour()
    table = series.percentiles(run.latency_histogram, np.array([0.0, 3600.0]))
    phase = run.summary()["phases"][0]
    assert [table[f"p{p}_s"].item() for p in (50, 95, 99)] == [phase[f"latency_p{p}_s"] for p in (50, 95, 99)]


def test_a_pool_that_two_workloads_share_is_counted_once() -> None:
    one = an_hour().timeseries
    two = pd.concat([one, one.assign(workload="other")], ignore_index=True)
    alone, shared = series.by_window(one), series.by_window(two)
    assert (shared["capacity_per_s"] == alone["capacity_per_s"]).all()
    assert (shared["offered"] == 2 * alone["offered"]).all()
    both = series.by_window(pd.concat([one, one.assign(workload="other", pool="second")], ignore_index=True))
    assert (both["capacity_per_s"] == 2 * alone["capacity_per_s"]).all()


def test_the_grain_is_that_of_most_bins_not_of_a_first_one_that_is_cut() -> None:
    assert series.grain_s(np.array([0.0, 1800.0, 88_200.0, 174_600.0, 257_400.0])) == DAY_S
    assert series.grain_s(np.array([0.0, 5.0])) == 5.0
