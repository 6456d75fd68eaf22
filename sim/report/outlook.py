"""When to look again: a date at which the conclusions of a run have grown old, and what makes them so."""

import math
from datetime import datetime

from sim.analysis.elasticity import MIN_DAYS  # growth over fewer days, too, is mostly weekdays
from sim.analysis.summary import busiest
from sim.clock.calendar import DAY_S, MONTH_DAYS, MONTHS, NS_PER_S
from sim.report.facts import Facts, PhaseFacts
from sim.report.numbers import rate, share
from sim.scenario.model import pools_of

LOOK_BACK_DAYS = 120.0  # assumption: growth of the last months says more than that of the first
NO_GROWTH = 1.005  # assumption: half a per cent a month doubles traffic in 12 years, which dates no decision
# A quarterly review, as a guide to AI cost optimisation, balancing accuracy, compute and ROI (Japanese, undated) asks
# for.
REVIEW_MONTHS = 3


def look_again(facts: Facts) -> str:
    """When these conclusions grow old, with the date: the next quarter, or what comes before it at present growth."""
    growth = monthly_growth(facts)
    quarter = _date_after(facts, REVIEW_MONTHS)
    if growth is None:
        return (
            f"Look again by {quarter}, with a longer run: growth cannot be told from less than {MIN_DAYS} whole days "
            "of one phase. Sooner when traffic has doubled or a price has changed."
        )
    factor, days = growth
    pace = f"over the last {days:.0f} days traffic {_moved(factor - 1)} a month{_aside(facts)}"
    phase = facts.phases[-1]
    ceiling, peak = most_per_s(facts, phase), _peak_per_s(facts, phase)
    if factor <= NO_GROWTH or not peak:
        return f"Look again by {quarter}, as every quarter, or when a price changes: {pace}."
    meets = None if ceiling is None else math.log(max(ceiling / peak, 1.0)) / math.log(factor)
    if meets == 0.0:
        return (
            f"Look again now, before {_date_after(facts, 1.0)}: {pace}, machines get {rate(peak)} at the peak, "
            f"and all replicas that the autoscaler may ask for give {rate(ceiling)}."
        )
    if meets is not None and meets < REVIEW_MONTHS:
        when = _date_after(facts, meets)
        return (
            f"Look again before {when}: {pace}, and by then its peak meets the {rate(ceiling)} that all replicas "
            "give that the autoscaler may ask for."
        )
    doubled = math.log(2) / math.log(factor)
    if doubled < REVIEW_MONTHS:
        return (
            f"Look again by {_date_after(facts, doubled)}, when traffic has doubled: {pace}. Sooner if prices change."
        )
    room = ""
    if meets is not None and meets <= 24:  # assumption: nobody plans capacity beyond two years
        room = f" At this pace the autoscaler's limit, {rate(ceiling)}, is met in {_month_after(facts, meets)}."
    return f"Look again by {quarter}, as every quarter, or when a price changes: {pace}.{room}"


def monthly_growth(facts: Facts) -> tuple[float, float] | None:
    """Factor by which requests grow in a month, and over how many days it was seen; None under 28 whole days.

    Over the last phase's days, at most 120 back. Where every workload has a growth curve, that of the curves, by their
    rates, so that a season or a launch does not pass for growth; closed loops alone have none; else, as where traffic
    is recorded, the mean of the later half of the days against the earlier one, seasons and all.
    """
    if not facts.phases:
        return None
    days = facts.days[(facts.days["phase"] == facts.phases[-1].name) & facts.days["complete"]]
    offered = days["offered"].to_numpy()[-int(LOOK_BACK_DAYS) :]
    half = len(offered) // 14 * 7  # whole weeks, so that weekdays do not pass for growth
    if len(offered) < MIN_DAYS:
        return None
    known = _growth_of_curves(facts, 2.0 * half)
    if known is not None:
        return known ** (MONTH_DAYS / (2.0 * half)), 2.0 * half
    before, after = float(offered[-2 * half : -half].mean()), float(offered[-half:].mean())
    return ((after / before) ** (MONTH_DAYS / half), 2.0 * half) if before > 0 and after > 0 else None


def _growth_of_curves(facts: Facts, days: float) -> float | None:
    """Factor by which growth alone has raised demand in the last `days`; None where some traffic is recorded, or only
    some of it a closed loop's.
    """
    import numpy as np

    from sim.workload.parameters import ClosedLoopWorkload, RatedWorkload
    from sim.workload.rate import growth_factor

    if all(isinstance(workload, ClosedLoopWorkload) for workload in facts.scenario.workloads.values()):
        return 1.0
    moments = np.array([facts.horizon_s - days * DAY_S, facts.horizon_s])
    demand = np.zeros(2)
    for workload in facts.scenario.workloads.values():
        if not isinstance(workload, RatedWorkload):
            return None
        demand += workload.rate_per_s * growth_factor(workload.growth, moments)
    return float(demand[1] / demand[0])


def most_per_s(facts: Facts, phase: PhaseFacts) -> float | None:
    """Requests per second of all pools at their largest; None where an API serves, nothing was ever ready, or a request
    passes several pools.
    """
    if not phase.on_machines or any(len(pools_of(w)) > 1 for w in phase.scenario.workloads.values()):
        return None
    windows = facts.run.timeseries
    there = windows[(windows["phase"] == phase.name) & (windows["replicas_ready"] > 0)]
    if there.empty:
        return None
    total = 0.0
    for name, rows in there.groupby("pool"):
        one = (rows["capacity_per_s"] / rows["replicas_ready"]).median()
        total += float(one) * phase.scenario.pools[str(name)].autoscaler.max_replicas
    return total if total > 0 else None


def _peak_per_s(facts: Facts, phase: PhaseFacts) -> float | None:
    """Requests per second that reach machines in the busiest window: neither answered from a cache nor turned away."""
    windows = facts.run.timeseries
    own = windows[windows["phase"] == phase.name]
    reach = own.assign(offered=own["offered"] - own["hit"] - own["throttled"])
    return busiest(reach, facts.scenario.record.interval_s).per_s


def _after(facts: Facts, months: float) -> datetime:
    return facts.calendar.civil(round((facts.horizon_s + months * MONTH_DAYS * DAY_S) * NS_PER_S))


def _date_after(facts: Facts, months: float) -> str:
    """The civil date so many months after the run's end: 1 April 2028."""
    moment = _after(facts, months)
    if months == REVIEW_MONTHS:
        end = _after(facts, 0.0)
        year, month = divmod(end.year * 12 + end.month - 1 + REVIEW_MONTHS, 12)
        return f"{min(end.day, 28)} {MONTHS[month]} {year}"
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def _month_after(facts: Facts, months: float) -> str:
    moment = _after(facts, months)
    return f"{MONTHS[moment.month - 1]} {moment.year}"


def _aside(facts: Facts) -> str:
    """Says that seasons are left out, where there is one and it is known; of recorded traffic, that they are in it."""
    from sim.workload.parameters import ClosedLoopWorkload, RatedWorkload

    if all(isinstance(workload, ClosedLoopWorkload) for workload in facts.scenario.workloads.values()):
        return ", as a closed loop has as many users throughout"
    rated = [w for w in facts.scenario.workloads.values() if isinstance(w, RatedWorkload)]
    if len(rated) < len(facts.scenario.workloads):
        return ", seasons and all"
    seasons = any(w.yearly or w.holidays or w.launches or w.spikes for w in rated)
    return ", seasons and launches aside" if seasons else ""


def _moved(part: float) -> str:
    return f"grew by {share(part)}" if part >= 0 else f"fell by {share(-part)}"
