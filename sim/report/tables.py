"""The tables of the report: phases, accounts, outcomes. Cells are text, made from the same numbers as the JSON."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sim.analysis.summary import busiest
from sim.report.facts import Facts, PhaseFacts, civil_moment
from sim.report.findings import judged
from sim.report.numbers import NONE, between, duration, rate, share, step, three, usd, whole
from sim.report.numbers import slope as told


class Table(NamedTuple):
    """Heads of the columns, and rows of as many cells; the first column names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Measure(NamedTuple):
    """A row of the phase table: its name, its key in summary.json, and how its value is told.

    key: with a dot where the value lies in an object; optional: left out where no phase has anything to tell.
    """

    name: str
    key: str
    tell: Callable[[Any], str]
    optional: bool = False


MEASURES = (
    Measure("days", "days", three),
    Measure("requests let in", "requests", whole),
    Measure("peak rate", "peak_rate_per_s", rate),
    Measure("latency, median", "latency_p50_s", duration),
    Measure("latency, 95th percentile", "latency_p95_s", duration),
    Measure("latency, 99th percentile", "latency_p99_s", duration),
    Measure("within the SLO, of requests that ended", "slo_attainment", share),
    Measure("answered by the cache", "hit_share", share, optional=True),
    Measure("answered wrongly by the cache", "wrong_hit_share", share, optional=True),
    Measure("turned away by the rate limit", "throttled_share", share, optional=True),
    Measure("shed", "shed_share", share),
    Measure("timed out", "timed_out_share", share),
    Measure("retries by clients", "retries", whole, optional=True),
    Measure("hedges, second copies sent", "hedges", whole, optional=True),
    Measure("right answers, mean", "quality.mean", share, optional=True),
    Measure("right answers, at the end", "quality.end", share, optional=True),
    Measure("as the monitor saw it, at the end", "quality.seen_end", share, optional=True),
    Measure("new models", "retrainings", whole, optional=True),
    Measure("fixed cost", "fixed_usd", usd),
    Measure("variable cost", "variable_usd", usd),
    Measure("machine hours that were idle", "idle_share", share),
    Measure("variable cost per 1,000 requests", "variable_per_1k_usd", usd),
    Measure("total cost per 1,000 requests", "total_per_1k_usd", usd),
    Measure("value of the answers", "value_usd", usd, optional=True),
    Measure("value lost to the rate limit", "value_lost_usd.throttled", usd, optional=True),
    Measure("value lost to full queues and lateness", "value_lost_usd.shed", usd, optional=True),
    Measure("value lost to stale models", "value_lost_usd.staleness", usd, optional=True),
    Measure("value lost to wrong hits", "value_lost_usd.wrong_hits", usd, optional=True),
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
        values = [value_of(p.said, measure.key) for p in facts.phases]
        if measure.optional and not any(values):
            continue
        cells = tuple(
            (measure.tell(value), _beside(facts, p, measure.key)) for value, p in zip(values, facts.phases, strict=True)
        )
        rows.append(PhaseRow(measure.name, measure.key, cells))
    slopes = tuple(elasticity(phase) for phase in facts.phases)
    rows.append(PhaseRow(f"elasticity of {judged(facts)}", "elasticity", slopes))
    return rows


def value_of(said: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key; None where the object around it is null, or the key is there in some runs alone."""
    value: Any = said
    for part in key.split("."):
        if value is None:
            return None
        value = value.get(part)
    return value


def elasticity(phase: PhaseFacts) -> tuple[str, str]:
    """The elasticity of a phase, with its interval and note or the reason why there is none."""
    slope = phase.said["elasticity"]
    if slope["value"] is None:
        return NONE, str(slope.get("reason", ""))
    note = f"; {slope['note']}" if slope.get("note") else ""
    return told(slope["value"]), f"95 %: {between(slope['lo'], slope['hi'])}{note}"


def accounts(facts: Facts) -> Table:
    """The ledger by account, fixed above variable: USD of each phase, all of it, and its share; with a sum of each."""
    lines = facts.run.ledger
    nano: dict[tuple[str, str], dict[str, int]] = {}
    for account, nature, phase, amount in zip(
        lines["account"], lines["nature"], lines["phase"], lines["amount_nano_usd"].tolist()
    ):
        of = nano.setdefault((nature, account), {})
        of[phase] = of.get(phase, 0) + amount
    names = [phase.name for phase in facts.phases]
    everything = sum(sum(of.values()) for of in nano.values())

    def row(name: str, nature: str, parts: list[dict[str, int]]) -> tuple[str, ...]:
        sums = [sum(of.get(phase, 0) for of in parts) for phase in names]
        total = sum(sum(of.values()) for of in parts)
        cells = [usd(amount / 1e9) if amount else NONE for amount in sums]
        return (name, nature, *cells, usd(total / 1e9), share(total / everything) if everything else NONE)

    rows = []
    for nature in ("fixed", "variable"):
        own = {account: of for (kind, account), of in sorted(nano.items()) if kind == nature}
        rows += [row(account, nature, [of]) for account, of in own.items()]
        if len(own) > 1:
            rows.append(row(f"all {nature} cost", nature, list(own.values())))
    rows.append(row("all accounts", "", list(nano.values())))
    return Table(("account", "nature", *names, "all phases", "share"), tuple(rows))


def outcomes(facts: Facts) -> Table:
    """How all requests ended: the conservation line of the run; and below it, how often more was asked for them."""
    said = {
        "potential": "asked for by everybody", "offered": "let in by the phases", "hit": "answered from a cache",
        "completed": "answered", "throttled": "refused by a rate limit", "rejected": "refused, the queue being full",
        "timed_out": "given up after the timeout", "failed": "lost to a failure",
        "in_system": "still under way at the end", "retries": "asked again after a failure, of the same requests",
        "hedges": "second copies sent to a pool, of the same requests",
    }  # fmt: skip
    totals = facts.summary["totals"]
    offered = totals.get("offered", 0)
    rows = []
    for key, meaning in said.items():
        if key in totals and (totals[key] or key in ("potential", "offered", "completed")):
            part = share(totals[key] / offered) if offered and key != "potential" else NONE
            rows.append((key.replace("_", " "), meaning, whole(totals[key]), part))
    return Table(("outcome", "meaning", "requests", "share of let in"), tuple(rows))


def _beside(facts: Facts, phase: PhaseFacts, key: str) -> str:
    """The small print beside a value: over which time a peak is a mean, and what was promised; how often clients
    ask.
    """
    if key == "peak_rate_per_s":
        windows = facts.run.timeseries
        peak = busiest(windows[windows["phase"] == phase.name], facts.scenario.record.interval_s)
        return "" if peak.window_s is None else f"mean of the busiest {step(peak.window_s)}"
    if key == "retries":
        attempts = phase.said.get("attempts_per_request")
        return "" if attempts is None else f"{three(attempts)} attempts per request"
    if key != "slo_attainment":
        return ""
    several = len(phase.workloads) > 1
    return "; ".join(_promise(workload, several) for workload in phase.workloads)


def _promise(workload: Mapping[str, Any], named: bool) -> str:
    """missed, promised 99 % within 5 s; named, where the value beside is that of several: chat 97 %, missed, ..."""
    own = f"{workload['name']} {share(workload['slo_attainment'])}, " if named else ""
    verdict = "missed, " if workload["slo_held"] is False else ""
    return f"{own}{verdict}promised {share(workload['slo_share'])} within {duration(workload['slo_latency_s'])}"
