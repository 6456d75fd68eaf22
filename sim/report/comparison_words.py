"""A comparison in sentences: who wins, and whether the difference is real."""

from sim.analysis.paired import ConfidenceInterval
from sim.report.numbers import NONE, duration, share, three, usd
from sim.scenario import remarks
from sim.study.comparison import Comparison, Row
from sim.study.figures import MEASURES

COSTS = {"serving_usd": "serving cost", "total_usd": "total cost"}
_ROUNDING = 1e-6  # of a mean: a thousandth of the third digit, which is the last that is shown
_COARSE_S = 600.0  # assumption: a controller that needs longer to answer a spike is no controller


def verdict(comparison: Comparison) -> list[str]:
    """The winner and how sure that is, or that none holds the SLO and the best reached."""
    if comparison.best is None:
        said = _none_holds(comparison)
    else:
        said = [_winner(comparison, comparison.best), *_lead(comparison), *_cheaper(comparison)]
    return [*said, *_idle(comparison), *_grain(comparison), *_notes(comparison)]


def told(key: str, value: float | None) -> str:
    """A figure with its unit."""
    tell = {"usd": usd, "share": share, "s": duration, "count": three}[MEASURES[key].kind]
    return tell(value)


def half(key: str, of: ConfidenceInterval) -> str:
    """± $0.50, half of the interval; empty where there is none, or none but the rounding of sums."""
    if not of.half or of.half <= _ROUNDING * abs(of.mean or 0.0):
        return ""
    return f"± {told(key, of.half)}"


def interval(key: str, of: ConfidenceInterval) -> str:
    """95 %: $1 to $2."""
    return NONE if of.lo is None else f"95 %: {_bound(key, of.lo)} to {_bound(key, of.hi)}"


def _bound(key: str, value: float | None) -> str:
    if MEASURES[key].kind == "share" and value is not None:
        return share(min(max(value, 0.0), 1.0))
    return told(key, value)


def _winner(comparison: Comparison, best: Row) -> str:
    cost, attained = best.intervals[comparison.cost], best.intervals["slo_attainment"]
    only = "the only one that holds" if comparison.runner_up is None else "the cheapest that holds"
    barely = ""
    if best.margin.lo is not None and best.margin.lo < 0:
        barely = f" It does so by less than {comparison.replications} replications can tell."
    return (
        f"{best.name} is {only} the SLO: {usd(cost.mean)} of {COSTS[comparison.cost]} "
        f"({interval(comparison.cost, cost)}), {share(attained.mean)} within the SLO.{barely}"
    )


def _lead(comparison: Comparison) -> list[str]:
    """How far the next one is behind."""
    other = comparison.runner_up
    if other is None:
        return []
    behind = other.differences[comparison.cost]
    if behind.mean is None:
        return []
    of = comparison.best.intervals[comparison.cost].mean if comparison.best is not None else None
    part = f", {share(behind.mean / of)}" if of else ""
    if behind.lo == behind.hi == 0:
        return [f"{other.name} holds it too and costs the same in every replication."]
    if behind.excludes_zero:
        sure = f"the difference is real ({interval(comparison.cost, behind)})"
    else:
        sure = (
            f"but {comparison.replications} replications do not tell them apart ({interval(comparison.cost, behind)})"
        )
    return [f"{other.name}, the next that holds it, costs {usd(behind.mean)} more{part}: {sure}."]


def _cheaper(comparison: Comparison) -> list[str]:
    """Those that would be cheaper and miss the SLO."""
    best = comparison.best
    assert best is not None
    names = [
        f"{row.name} ({share(row.intervals['slo_attainment'].mean)})"
        for row in comparison.rows
        if row.held is False and (row.differences[comparison.cost].mean or 0.0) < 0
    ]
    return [f"Cheaper, but below the promise: {', '.join(names)}."] if names else []


def _none_holds(comparison: Comparison) -> list[str]:
    nearest = comparison.nearest
    if nearest.margin.mean is None:
        return ["No request ended with any candidate, so that there is nothing to compare."]
    missing = 100 * -nearest.margin.mean
    promised = comparison.promised
    of = "" if promised is None else f" of {share(promised)}"
    return [
        f"No candidate holds the SLO. The best reached is {nearest.name}: {three(missing)} points below the "
        f"promise{of}, at {usd(nearest.intervals[comparison.cost].mean)} of {COSTS[comparison.cost]}."
    ]


def _idle(comparison: Comparison) -> list[str]:
    """That no controller had anything to do, where one could have."""
    scalers = [pool.autoscaler for row in comparison.rows for pool in row.candidate.scenario.pools.values()]
    could = any(scaler.min_replicas < scaler.max_replicas for scaler in scalers)
    if not could or any(row.intervals["scaling_actions"].mean for row in comparison.rows):
        return []
    return ["No controller ever changed a count here: what differs is what they begin with, and none has been tried."]


def _grain(comparison: Comparison) -> list[str]:
    """How coarse the time below the promise is."""
    interval_s = max(row.candidate.scenario.record.interval_s for row in comparison.rows)
    if interval_s < _COARSE_S or not any(row.intervals["absorb_s"].mean for row in comparison.rows):
        return []
    return [
        f"Times below the promise are known in steps of {duration(interval_s)}, the record's interval; "
        "type record.interval='1 min' for finer ones."
    ]


def _notes(comparison: Comparison) -> list[str]:
    """What a run of each candidate would remark upon, each sentence once, with the candidates that it is about."""
    about: dict[str, list[str]] = {}
    for row in comparison.rows:
        for remark in remarks(row.candidate.scenario):
            about.setdefault(remark, []).append(row.name)
    return [f"Note{_on(names, len(comparison.rows))}: {remark}" for remark, names in about.items()]


def _on(names: list[str], count: int) -> str:
    if len(names) == count:
        return ""
    return f" on {names[0]}" if len(names) == 1 else f" on {names[0]} and {len(names) - 1} more"
