"""The tables of the report: phases, accounts, promotions. Cells are text, made from the same numbers as the JSON."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sim.analysis.summary import busiest
from sim.report.facts import Facts, PhaseFacts, civil_moment
from sim.report.numbers import NONE, between, duration, rate, share, step, three, usd, whole
from sim.report.numbers import slope as told


class Table(NamedTuple):
    """Heads of the columns, and rows of as many cells; the first column names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Measure(NamedTuple):
    """A row of the phase table: its name, its key in summary.json, and how its value is told."""

    name: str
    key: str
    tell: Callable[[Any], str]


MEASURES = (
    Measure("days", "days", three),
    Measure("requests let in", "requests", whole),
    Measure("peak rate", "peak_rate_per_s", rate),
    Measure("latency, median", "latency_p50_s", duration),
    Measure("latency, 95th percentile", "latency_p95_s", duration),
    Measure("latency, 99th percentile", "latency_p99_s", duration),
    Measure("within the SLO, of requests that ended", "slo_attainment", share),
    Measure("shed", "shed_share", share),
    Measure("timed out", "timed_out_share", share),
    Measure("fixed cost", "fixed_usd", usd),
    Measure("variable cost", "variable_usd", usd),
    Measure("idle share of serving cost", "idle_share", share),
    Measure("variable cost per 1,000 requests", "variable_per_1k_usd", usd),
    Measure("total cost per 1,000 requests", "total_per_1k_usd", usd),
)


class PhaseRow(NamedTuple):
    """One measure over all phases: name, key, and cells of value and small print."""

    name: str
    key: str
    cells: tuple[tuple[str, str], ...]


def phase_rows(facts: Facts) -> list[PhaseRow]:
    """Rows of the phase table, every key of a phase in summary.json."""
    rows = [PhaseRow("from", "start", tuple((civil_moment(facts.calendar, p.start_s), "") for p in facts.phases))]
    rows.append(PhaseRow("to", "end", tuple((civil_moment(facts.calendar, p.end_s), "") for p in facts.phases)))
    for measure in MEASURES:
        cells = tuple((measure.tell(p.said[measure.key]), _beside(facts, p, measure.key)) for p in facts.phases)
        rows.append(PhaseRow(measure.name, measure.key, cells))
    slopes = tuple(elasticity(phase) for phase in facts.phases)
    rows.append(PhaseRow("elasticity of variable cost", "elasticity", slopes))
    return rows


def elasticity(phase: PhaseFacts) -> tuple[str, str]:
    """The elasticity of a phase, with its interval and note or the reason why there is none."""
    slope = phase.said["elasticity"]
    if slope["value"] is None:
        return NONE, str(slope.get("reason", ""))
    note = f"; {slope['note']}" if slope.get("note") else ""
    return told(slope["value"]), f"95 %: {between(slope['lo'], slope['hi'])}{note}"


def accounts(facts: Facts) -> Table:
    """The ledger by account: USD of each phase, all of it, and its share; the last row is the sum."""
    lines = facts.run.ledger
    nano: dict[tuple[str, str], dict[str, int]] = {}
    for account, nature, phase, amount in zip(
        lines["account"], lines["nature"], lines["phase"], lines["amount_nano_usd"].tolist()
    ):
        of = nano.setdefault((nature, account), {})
        of[phase] = of.get(phase, 0) + amount
    names = [phase.name for phase in facts.phases]
    whole_sum = sum(sum(of.values()) for of in nano.values())
    rows = []
    for (nature, account), of in sorted(nano.items()):
        total = sum(of.values())
        cells = [usd(of[name] / 1e9) if of.get(name) else NONE for name in names]
        rows.append((account, nature, *cells, usd(total / 1e9), share(total / whole_sum) if whole_sum else NONE))
    sums = [usd(sum(of.get(name, 0) for of in nano.values()) / 1e9) for name in names]
    rows.append(("all accounts", "", *sums, usd(whole_sum / 1e9), share(1.0) if whole_sum else NONE))
    return Table(("account", "nature", *names, "all phases", "share"), tuple(rows))


def outcomes(facts: Facts) -> Table:
    """How all requests ended: the conservation line of the run."""
    said = {
        "potential": "asked for by everybody", "offered": "let in by the phases", "hit": "answered from a cache",
        "completed": "answered", "throttled": "refused by a rate limit", "rejected": "refused, the queue being full",
        "timed_out": "given up after the timeout", "failed": "lost to a failure",
        "in_system": "still under way at the end",
    }  # fmt: skip
    totals = facts.summary["totals"]
    offered = totals.get("offered", 0)
    rows = []
    for key, meaning in said.items():
        if key in totals and (totals[key] or key in ("potential", "offered", "completed")):
            part = share(totals[key] / offered) if offered and key != "potential" else NONE
            rows.append((key.replace("_", " "), meaning, whole(totals[key]), part))
    return Table(("outcome", "meaning", "requests", "share of let in"), tuple(rows))


def promotions(facts: Facts) -> Table:
    """Changes of phase, numbered as the marks in the figures: when each was decided and took effect."""
    events = facts.run.events
    rows = []
    decided = {str(row.subject): float(row.at_s) for row in _kind(facts, "phase_decided")}
    for number, phase in enumerate(facts.phases[1:], 2):
        asked = decided.get(phase.name)
        waited = duration(phase.start_s - asked) if asked is not None else NONE
        begun = civil_moment(facts.calendar, asked) if asked is not None else NONE
        rows.append((str(number), phase.name, begun, civil_moment(facts.calendar, phase.start_s), waited))
    head = ("number", "phase", "decided", "in effect", "time between")
    return Table(head, tuple(rows) if len(events) or rows else ())


def _kind(facts: Facts, kind: str) -> list[Any]:
    events = facts.run.events
    return list(events[events["kind"] == kind].itertuples()) if len(events) else []


def _beside(facts: Facts, phase: PhaseFacts, key: str) -> str:
    """The small print beside a value: over which time a peak is a mean, and what was promised."""
    if key == "peak_rate_per_s":
        windows = facts.run.timeseries
        peak = busiest(windows[windows["phase"] == phase.name], facts.scenario.record.interval_s)
        return "" if peak.window_s is None else f"mean of the busiest {step(peak.window_s)}"
    if key != "slo_attainment":
        return ""
    several = len(phase.workloads) > 1
    return "; ".join(_promise(workload, several) for workload in phase.workloads)


def _promise(workload: Mapping[str, Any], named: bool) -> str:
    """missed, promised 99 % within 5 s; named, where the value beside is that of several: chat 97 %, missed, ..."""
    own = f"{workload['name']} {share(workload['slo_attainment'])}, " if named else ""
    verdict = "missed, " if workload["slo_held"] is False else ""
    return f"{own}{verdict}promised {share(workload['slo_share'])} within {duration(workload['slo_latency_s'])}"
