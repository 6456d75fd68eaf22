"""Made-up runs for the tests of the report."""

import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd

import sim
from sim.analysis.summary import summarise
from sim.clock.calendar import NS_PER_S, Calendar
from sim.cost.ledger import Ledger
from sim.record.histogram import STEPS
from sim.scenario.model import Scenario

DAY_S = 86_400.0
COUNTS = ("potential", "offered", "hit", "completed", "throttled", "good", "rejected", "timed_out", "failed")
EVENTS = ("at_s", "time", "kind", "subject", "detail", "before", "after")
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
    worth: Ledger = field(default_factory=Ledger)
    happened: list[tuple[float, str, str, str, float, float]] = field(default_factory=list)
    gates_checked: list[dict[str, object]] = field(default_factory=list)
    thresholds: list[dict[str, object]] = field(default_factory=list)
    scale_check: dict[str, object] | None = None

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
    def value(self) -> pd.DataFrame:
        return self.worth.frame()

    @property
    def events(self) -> pd.DataFrame:
        promoted = [
            (at_s, kind, name, detail, NAN, NAN)
            for name, start_s, _ in self.phases_effective[1:]
            for kind, at_s, detail in (
                ("phase_decided", start_s - 300.0, "date 2026-04-01 >= 2026-04-01"), ("phase_effective", start_s, ""),
            )
        ]  # fmt: skip
        rows = [
            (at_s, self.calendar.civil(round(at_s * NS_PER_S)), *rest)
            for at_s, *rest in sorted([*promoted, *self.happened], key=lambda row: row[0])
        ]
        return pd.DataFrame(rows, columns=list(EVENTS))

    @property
    def totals(self) -> dict[str, int]:
        frame = self.timeseries
        return {name: int(frame[name].sum()) for name in COUNTS if name != "good"} | {"in_system": 0}

    def summary(self) -> dict[str, object]:
        return summarise(self) | {"scale_check": self.scale_check}


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
        frame["hit"] = frame["throttled"] = 0
        frame["quality"] = frame["quality_seen"] = NAN
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


def enliven(run: FakeRun) -> FakeRun:
    """Give a run all that a whole life has: cache, rate limit, a model that drifts and is retrained, value, incidents.

    A new model every 60 days; quality falls by a tenth in between, and the monitor sees it a week late.
    """
    period_s, late_s = 60 * DAY_S, 7 * DAY_S
    random = np.random.default_rng(5)
    for frame in run.windows:
        middle = (frame["start_s"] + frame["end_s"]) / 2
        frame["throttled"] = random.binomial(frame["completed"], 0.004)
        frame["hit"] = random.binomial(frame["completed"] - frame["throttled"], 0.3 * (1 - np.exp(-middle / 5e6)))
        frame["completed"] -= frame["throttled"] + frame["hit"]
        frame["good"] = ((frame["completed"] + frame["hit"]) * 0.995).astype("int64")
        frame["quality"] = 0.92 - 0.1 * (middle % period_s) / period_s
        seen = 0.92 - 0.1 * ((middle - late_s) % period_s) / period_s + random.normal(0, 0.006, len(frame))
        frame["quality_seen"] = np.where(middle < 2 * late_s, NAN, seen)
        _life_costs(run, frame)
    for at_s in np.arange(period_s, run.scenario.horizon_s, period_s):
        run.happened.append((at_s - DAY_S, "training_started", "main", "period", NAN, NAN))
        run.happened.append((at_s, "model_deployed", "main", "", 0.82, 0.918))
        phase = next(name for name, start_s, end_s in run.phases_effective if start_s <= at_s < end_s)
        run.lines.post(at_s, "training", "fixed", 12.0, "h", 2.5, phase, "main")
        run.happened.append((at_s + 5, "incident", "incident/1", "", 0.0, 1.0))
        run.happened.append((at_s + 9e4, "incident_resolved", "incident/1", "waited 1 h", 0.0, 6.0))
    for name, _, _ in run.phases_effective[1:]:
        run.gates_checked.append(
            {"phase": name, "condition": "traffic 2.31 req/s >= 2 req/s", "value": 2.31, "passed": True}
        )
        run.gates_checked.append({"phase": name, "condition": "quality 88.2 % < 90 %", "value": 0.882, "passed": False})
    for name, _, _ in run.phases_effective:
        run.thresholds += [
            {"phase": name, "name": "unit_cost", "measure": "unit_cost", "value": 0.0004, "limit": 0.001,
             "passed": True, "said": "variable cost per request 0.0004 USD <= 0.001 USD"},
            {"phase": name, "name": "latency_p99", "measure": "latency_p99", "value": 1.3, "limit": 0.2,
             "passed": False, "said": "p99 latency 1300 ms > 200 ms"},
            {"phase": name, "name": "false_positive_rate", "measure": "false_positive_rate", "value": None,
             "limit": 0.01, "passed": None, "said": "false positive rate not known yet, needs <= 1 %"},
        ]  # fmt: skip
    return run


def _life_costs(run: FakeRun, frame: pd.DataFrame) -> None:
    """Costs and value of each day: cache memory, labels, premium, switching, development; earned and lost."""
    phase = str(frame["phase"].iloc[0])
    first_s = float(frame["start_s"].iloc[0])
    run.lines.post(first_s + DAY_S, "switching", "fixed", 1.0, "move", 5000.0, phase)
    run.lines.post(first_s + DAY_S, "development", "fixed", 1.0, "once", 20_000.0, phase)
    for _, rows in frame.groupby((frame["end_s"] - 1) // DAY_S):
        at_s, answered = float(rows["end_s"].max()), float((rows["hit"] + rows["completed"]).sum())
        quality = float(rows["quality"].mean())
        run.lines.post(at_s, "cache", "variable", 24 * 2.0, "GB-h", 0.125, phase, "main")
        run.lines.post(at_s, "labels.monitor", "variable", answered * 0.01, "label", 0.012, phase, "main")
        run.lines.post(at_s, "rca", "fixed", 0.3, "h", 100.0, phase)
        for account, nature, count, usd in (
            ("value.answers", "earned", answered, 0.02 * quality),
            ("value.throttled", "lost", float(rows["throttled"].sum()), 0.02 * 0.92),
            ("value.shed", "lost", float(rows["rejected"].sum()), 0.02 * 0.92),
            ("value.staleness", "lost", answered, 0.02 * (0.92 - quality)),
        ):
            run.worth.post(at_s, account, nature, count, "request", usd, phase, "main")  # type: ignore[arg-type]


@cache
def scenario_of(*typed: str) -> Scenario:
    return sim.load("document_assistant", *typed)


def two_years() -> FakeRun:
    return grow(scenario_of())


def whole_life() -> FakeRun:
    """Two years in which variable cost takes over, with everything on, and a scale check."""
    run = enliven(grow(scenario_of(), per_s=2.0, growth=30.0, replicas=60.0, price=1.0))
    run.scale_check = {
        "factors": [0.5, 1, 2],
        "phases": [_scaled(name, 1e6) for name, _, _ in run.phases_effective],
        "total": _scaled("total", 4e6),
        "said": ["The whole life: 2.00 times the requests would have 1.62 times the variable cost (elasticity 0.70)."],
    }
    return run


def _scaled(name: str, requests: float) -> dict[str, object]:
    steps = [{"from": a, "to": b, "elasticity": 0.7, "lo": 0.6, "hi": 0.8} for a, b in ((0.5, 1), (1, 2))]
    variable = [requests * 2e-3 * factor**0.7 for factor in (0.5, 1, 2)]
    return {"name": name, "requests": [requests / 2, requests, 2 * requests], "variable_usd": variable,
            "fixed_usd": [requests * 3e-3] * 3, "serving_usd": variable, "steps": steps}  # fmt: skip


def an_hour() -> FakeRun:
    run = grow(
        scenario_of(
            "horizon=1 h", "learning=none", "phases=production", "record=minutely", "start='2023-11-16 18:17:03'"
        ),
        2.4,
        1.2,
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
    return grow(scenario_of("horizon=10 d", "learning=none", "phases=production"), per_s=0.0)


def everything_is_free() -> FakeRun:
    return grow(scenario_of("horizon=40 d", "phases=production"), price=0.0)


def five_seconds() -> FakeRun:
    return grow(scenario_of("horizon=5 s", "learning=none", "phases=production", "record.interval=1 s"))


RUNS = (two_years, whole_life, an_hour, eighty_eight_days, nobody_asked, everything_is_free, five_seconds)
