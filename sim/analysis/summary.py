"""The answer of a run: one entry per phase with what it cost and what its users felt, ready for JSON."""

import math
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sim.analysis.daily import PhaseSpan, daily_table
from sim.analysis.elasticity import elasticity
from sim.clock.calendar import NS_PER_S, Calendar
from sim.scenario.load import phase_scenarios
from sim.scenario.model import Scenario
from sim.streams import Streams

if TYPE_CHECKING:
    import pandas as pd

_ENDS = ("completed", "rejected", "timed_out", "failed")
_ROUNDING = 1e-12  # "99.9 %" times 0.01 is a hair above 0.999, and 999 of 1,000 keep that promise
_SLACK_S = 1e-6  # seconds are ns / 1e9; the difference of two is good to 1e-7 s even after a hundred years


class FinishedRun(Protocol):
    """What of a run its summary is made of (`sim.world.Run`)."""

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""

    @property
    def seed(self) -> int:
        """Its root seed."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What made it; `replication` is read here."""

    @property
    def timeseries(self) -> "pd.DataFrame":
        """One row per record window, phase and workload."""

    @property
    def latency_histogram(self) -> "pd.DataFrame":
        """Sparse histogram rows: start_s, phase, workload, bucket, count."""

    @property
    def ledger(self) -> "pd.DataFrame":
        """Every amount of money."""

    @property
    def totals(self) -> Mapping[str, int]:
        """The conservation line."""

    @property
    def calendar(self) -> Calendar:
        """Civil time of the run."""

    @property
    def phases_effective(self) -> Sequence[PhaseSpan]:
        """Each phase with the seconds between which it was in effect."""


def summarise(run: FinishedRun, run_dir: str | PathLike[str] | None = None) -> dict[str, Any]:
    """The summary of a run: plain dicts, lists, numbers, texts and None, never NaN or infinity.

    run_dir: where the run was written, if it was. Keys: phases (in order of taking effect), totals (the conservation
    line and the sums of money), scenario, seed, run_dir. A phase's peak_rate_per_s is a mean over a whole record window
    (see `busiest`), its slo_attainment is that of all workloads together; each workload is judged in `workloads`.
    """
    days = daily_table(run.timeseries, run.ledger, run.calendar, run.phases_effective)
    streams = Streams(run.seed, int(run.manifest["replication"]))
    lived_in, interval_s = phase_scenarios(run.scenario), run.scenario.record.interval_s
    phases = []
    for name, start_s, end_s in run.phases_effective:
        usable = days[(days["phase"] == name) & days["complete"]]
        # one stream a phase, so that a phase's interval does not hang on which other phases there are
        slope = elasticity(usable["offered"], usable["variable_usd"], streams.generator(f"elasticity/{name}"))
        entry: dict[str, Any] = {
            "name": name,
            "start": _civil(run.calendar, start_s),
            "end": _civil(run.calendar, end_s),
            "days": (end_s - start_s) / 86_400,
        }
        windows = run.timeseries[run.timeseries["phase"] == name]
        entry |= _traffic(windows, interval_s)
        entry["workloads"] = _judged(windows, lived_in[name])
        entry |= _latency(run.latency_histogram, name)
        entry |= _money(run.ledger[run.ledger["phase"] == name], entry["requests"])
        entry["elasticity"] = slope.as_json()
        phases.append(entry)
    fixed, variable = (_usd(run.ledger, run.ledger["nature"] == nature) for nature in ("fixed", "variable"))
    totals = {name: int(count) for name, count in run.totals.items()}
    return {
        "phases": phases,
        "totals": totals | {"fixed_usd": fixed, "variable_usd": variable, "total_usd": _usd(run.ledger)},
        "scenario": run.scenario.name,
        "seed": int(run.seed),
        "run_dir": None if run_dir is None else fspath(run_dir),
    }


class Peak(NamedTuple):
    """Requests per second of the busiest window, and that window's length in seconds; None where there is none."""

    per_s: float | None
    window_s: float | None


def busiest(windows: "pd.DataFrame", interval_s: float) -> Peak:
    """Peak rate of a phase's windows, all workloads together, as a mean over a window of the record interval (s).

    A window that a phase's edge or midnight cuts does not count, as a few requests in a few seconds are no peak; where
    none is whole, those as long as the longest count.
    """
    length = windows["end_s"] - windows["start_s"]
    real = length[length > 0]
    if real.empty:
        return Peak(None, None)
    whole = bool(((real - interval_s).abs() <= _SLACK_S).any())
    window_s = float(interval_s if whole else round(real.max(), 6))
    chosen = (length - window_s).abs() <= _SLACK_S
    offered = windows.loc[chosen, "offered"].groupby(windows.loc[chosen, "start_s"]).sum()
    return Peak(_number(float(offered.max()) / window_s), window_s)


def _traffic(windows: "pd.DataFrame", interval_s: float) -> dict[str, Any]:
    """Requests, their peak rate, and how they ended, of all workloads together."""
    offered, rejected, timed_out = (int(windows[name].sum()) for name in ("offered", "rejected", "timed_out"))
    return {
        "requests": offered,
        "peak_rate_per_s": busiest(windows, interval_s).per_s,
        "slo_attainment": _attainment(windows),
        "shed_share": _ratio(rejected, offered),
        "timed_out_share": _ratio(timed_out, offered),
    }


def _judged(windows: "pd.DataFrame", scenario: Scenario) -> list[dict[str, Any]]:
    """Each workload of a phase against its own promise, as the phase's scenario has it.

    slo_held: whether at least the promised share of the requests that ended did so in time; None where none ended. The
    only place where this is decided.
    """
    entries = []
    for name, workload in scenario.workloads.items():
        own = windows[windows["workload"] == name]
        attained, promised = _attainment(own), workload.slo.share
        entries.append({
            "name": name,
            "requests": int(own["offered"].sum()),
            "slo_attainment": attained,
            "slo_share": promised,
            "slo_latency_s": workload.slo.latency_s,
            "slo_held": None if attained is None else attained >= promised - _ROUNDING,
        })  # fmt: skip
    return entries


def _attainment(windows: "pd.DataFrame") -> float | None:
    """Share of the requests that ended, in whatever way, that were answered within their SLO's latency."""
    return _ratio(int(windows["good"].sum()), sum(int(windows[name].sum()) for name in _ENDS))


def _latency(histogram: "pd.DataFrame", phase: str) -> dict[str, float | None]:
    """Percentiles of the latency of the requests that a phase completed, seconds."""
    from sim.record.histogram import quantiles_s

    of_phase = (histogram["phase"] == phase).to_numpy()
    buckets, counts = (histogram[name].to_numpy()[of_phase] for name in ("bucket", "count"))
    values = quantiles_s(buckets, counts, (0.5, 0.95, 0.99))
    return {f"latency_p{p}_s": _number(value) for p, value in zip((50, 95, 99), values, strict=True)}


def _money(lines: "pd.DataFrame", requests: int) -> dict[str, float | None]:
    """Sums by nature, the idle share of serving cost, and cost per 1,000 offered requests."""
    fixed, variable = (_usd(lines, lines["nature"] == nature) for nature in ("fixed", "variable"))
    idle = _usd(lines, lines["account"] == "serving.machine.idle")
    serving = _usd(lines, lines["account"].isin(["serving.machine.busy", "serving.machine.idle", "serving.api"]))
    return {
        "fixed_usd": fixed,
        "variable_usd": variable,
        "idle_share": _ratio(idle, serving),
        "variable_per_1k_usd": _ratio(1000 * variable, requests),
        "total_per_1k_usd": _ratio(1000 * _usd(lines), requests),
    }


def _usd(lines: "pd.DataFrame", chosen: "pd.Series[bool] | None" = None) -> float:
    """Exact sum of the lines' amounts, then USD."""
    amounts = lines["amount_nano_usd"] if chosen is None else lines.loc[chosen, "amount_nano_usd"]
    nano: int = sum(amounts.tolist())  # Python's integers: a sum may pass what an int64 holds
    return nano / 1e9


def _ratio(above: float, below: float) -> float | None:
    return _number(above / below) if below else None


def _number(value: float | None) -> float | None:
    """A number that JSON can hold, or None."""
    return None if value is None or not math.isfinite(value) else float(value)


def _civil(calendar: Calendar, at_s: float) -> str:
    return calendar.civil(round(at_s * NS_PER_S)).isoformat()
