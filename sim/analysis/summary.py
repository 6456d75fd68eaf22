"""The answer of a run: one entry per phase with what it cost and what its users felt, ready for JSON."""

import math
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Protocol

from sim.analysis.daily import PhaseSpan, daily_table
from sim.analysis.elasticity import elasticity
from sim.clock.calendar import NS_PER_S, Calendar
from sim.streams import Streams

if TYPE_CHECKING:
    import pandas as pd


class Named(Protocol):
    """Something with a name: the scenario."""

    @property
    def name(self) -> str:
        """What the user calls it."""


class FinishedRun(Protocol):
    """What of a run its summary is made of (`sim.world.Run`)."""

    @property
    def scenario(self) -> Named:
        """The scenario that was run."""

    @property
    def seed(self) -> int:
        """Its root seed."""

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
    line and the sums of money), scenario, seed, run_dir.
    """
    days = daily_table(run.timeseries, run.ledger, run.calendar, run.phases_effective)
    streams = Streams(run.seed)
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
        entry |= _traffic(run.timeseries[run.timeseries["phase"] == name])
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


def _traffic(windows: "pd.DataFrame") -> dict[str, Any]:
    """Requests, peak rate over record windows (of all workloads together), and how requests ended."""
    count = {
        name: int(windows[name].sum()) for name in ("offered", "completed", "good", "rejected", "timed_out", "failed")
    }
    length = (windows["end_s"] - windows["start_s"]).groupby([windows["start_s"], windows["end_s"]]).first()
    offered = windows["offered"].groupby([windows["start_s"], windows["end_s"]]).sum()
    rates = (offered / length)[length > 0]
    ended = count["completed"] + count["rejected"] + count["timed_out"] + count["failed"]
    return {
        "requests": count["offered"],
        "peak_rate_per_s": _number(rates.max()) if len(rates) else None,
        "slo_attainment": _ratio(count["good"], ended),
        "shed_share": _ratio(count["rejected"], count["offered"]),
        "timed_out_share": _ratio(count["timed_out"], count["offered"]),
    }


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
