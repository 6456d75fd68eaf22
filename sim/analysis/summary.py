"""The answer of a run: one entry per phase with what it cost and what its users felt, ready for JSON."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sim.analysis import phase_summary as of
from sim.analysis.cost_curve import cost_curve
from sim.analysis.crossover import crossover
from sim.analysis.daily import PhaseSpan, daily_table
from sim.analysis.drivers import drivers
from sim.analysis.elasticity import elasticity
from sim.clock.calendar import DAY_S, NS_PER_S, SLACK_S, Calendar
from sim.cost.ledger import lines_usd
from sim.scenario.load import phase_scenarios
from sim.scenario.model import Scenario
from sim.streams import Streams

if TYPE_CHECKING:
    import pandas as pd


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
        """Every amount of money that is spent."""

    @property
    def value(self) -> "pd.DataFrame":
        """A ledger of what answers earned and of what was lost; without rows where nothing has a value."""

    @property
    def events(self) -> "pd.DataFrame":
        """What happened and when: at_s, kind, subject, detail, before, after."""

    @property
    def gates_checked(self) -> Sequence[Mapping[str, Any]]:
        """What each promotion was decided on: phase (the new one), condition, value, passed."""

    @property
    def thresholds(self) -> Sequence[Mapping[str, Any]]:
        """The named thresholds at each phase's end: phase, name, measure, value, limit, passed, said."""

    @property
    def scale_check(self) -> Mapping[str, Any] | None:
        """What the life would cost at other traffic (`sim.analysis.scale_check`), where that was asked for."""

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
    line and the sums of money and of value), crossover, cost_curve, drivers (why it bends), scale_check (None unless
    one was asked for), scenario, seed, run_dir. A phase's peak_rate_per_s is a mean over a whole record
    window (see `busiest`), its slo_attainment is that of all workloads together; each workload is judged in
    `workloads`; where one of them has calls, retries, hedges and attempts_per_request say what clients did.
    """
    days = daily_table(run.timeseries, run.ledger, run.calendar, run.phases_effective)
    streams = Streams(run.seed, int(run.manifest["replication"]))
    lived_in = phase_scenarios(run.scenario)
    names = [name for name, _, _ in run.phases_effective]
    serving = {name: lived_in[name].phases[name].serving for name in names}
    fixed, variable = (lines_usd(run.ledger, run.ledger["nature"] == nature) for nature in ("fixed", "variable"))
    totals = {name: int(count) for name, count in run.totals.items()}
    sums = {"fixed_usd": fixed, "variable_usd": variable, "total_usd": lines_usd(run.ledger)}
    return {
        "phases": [_phase(run, span, days, lived_in[span[0]], streams) for span in run.phases_effective],
        "totals": totals | sums | of.worth(run.value, valued=len(run.value) > 0, lost=of.losses(run.value)),
        "crossover": crossover(days, streams.generator("crossover")),
        "cost_curve": cost_curve(days, serving, streams.generator("cost_curve")),
        "drivers": drivers(days, run.timeseries, run.ledger, run.calendar, names, streams),
        "scale_check": run.scale_check,
        "scenario": run.scenario.name,
        "seed": int(run.seed),
        "run_dir": None if run_dir is None else fspath(run_dir),
    }


def _phase(
    run: FinishedRun, span: PhaseSpan, days: "pd.DataFrame", scenario: Scenario, streams: Streams
) -> dict[str, Any]:  # fmt: skip
    """The entry of one phase; scenario: the one that it lived in."""
    name, start_s, end_s = span
    usable = days[(days["phase"] == name) & days["complete"]]
    windows = run.timeseries[run.timeseries["phase"] == name]
    requests = int(windows["offered"].sum())
    # one stream a phase, so that a phase's interval does not hang on which other phases there are
    slope = elasticity(usable["offered"], usable["serving_usd"], streams.generator(f"elasticity/{name}"))
    entry: dict[str, Any] = {
        "name": name,
        "start": _civil(run.calendar, start_s),
        "end": _civil(run.calendar, end_s),
        "days": (end_s - start_s) / DAY_S,
        "serving": scenario.phases[name].serving,
        "requests": requests,
        "peak_rate_per_s": busiest(windows, scenario.record.interval_s).per_s,
    }
    entry |= of.ends(windows) | of.tries(windows, scenario)
    entry["workloads"] = of.judged(windows, scenario)
    entry |= of.latency(run.latency_histogram, name)
    entry["quality"] = of.quality(windows)
    entry["retrainings"] = of.retrainings(run.events, start_s, end_s)
    entry |= of.money(run.ledger[run.ledger["phase"] == name], requests)
    own = run.value[run.value["phase"] == name]
    entry |= of.worth(own, valued=len(run.value) > 0, lost=of.losses(run.value))
    entry["elasticity"] = slope.as_json()
    entry["thresholds"] = of.of_phase(run.thresholds, name)
    entry["gate"] = of.of_phase(run.gates_checked, name)
    return entry


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
    whole = bool(((real - interval_s).abs() <= SLACK_S).any())
    window_s = float(interval_s if whole else round(real.max(), 6))
    chosen = (length - window_s).abs() <= SLACK_S
    offered = windows.loc[chosen, "offered"].groupby(windows.loc[chosen, "start_s"]).sum()
    return Peak(of.number(float(offered.max()) / window_s), window_s)


def _civil(calendar: Calendar, at_s: float) -> str:
    return calendar.civil(round(at_s * NS_PER_S)).isoformat()
