"""The first page: the scenario in a sentence, three conclusions in plain words, and what each phase costs."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sim.clock.calendar import DAY_S
from sim.report import findings
from sim.report.facts import MONTHLY_TOLD_DAYS, Facts, PhaseFacts, civil_date, civil_moment
from sim.report.nodes import served
from sim.report.numbers import NONE, duration, many, share, three, usd, whole
from sim.report.tables_life import main_drivers
from sim.report.turning import crossing, no_crossing

_FELT = 0.02  # assumption: a driver that moves the slope by under two hundredths bends nothing that anybody sees

_NEARLY_ALL = 0.9999  # assumption: that one in ten thousand was late is as near to all as a first page tells


class PhaseCost(NamedTuple):
    """A row of the table on the first page; all cells are text, `missed` says which colour the last one has."""

    name: str
    dates: str
    served: str
    requests: str
    fixed: str
    variable: str
    a_month: str
    per_thousand: str
    slo: str
    missed: bool


class Conclusion(NamedTuple):
    """One of the three points: the question it answers, the answer, and what qualifies it (may be empty)."""

    question: str
    answer: str
    detail: str


def scenario_sentence(facts: Facts) -> str:
    """The scenario in a sentence: what it is, from when to when, how much of it was simulated."""
    start, end = (civil_moment(facts.calendar, at_s) for at_s in (0.0, facts.horizon_s))
    through = f" through {len(facts.phases)} phases" if len(facts.phases) > 1 else ""
    what = facts.scenario.description.strip() or f"Scenario {facts.scenario.name}."
    noun = "request" if facts.requests == 1 else "requests"
    return f"{what} From {start} to {end}{through}: {many(facts.requests)} {noun}, simulated one by one."


def conclusions(facts: Facts) -> list[Conclusion]:
    """What it costs, where variable cost takes over, and why that bends; each with a range or why there is none."""
    return [
        Conclusion("What does it cost?", findings.headline(facts), ""),
        Conclusion("Where does variable cost take over?", *_takes_over(facts)),
        Conclusion("Why does the cost bend?", *_why(facts)),
    ]


def phase_costs(facts: Facts) -> list[PhaseCost]:
    """What each phase costs, a row a phase."""
    return [_phase_cost(facts, phase) for phase in facts.phases]


def _phase_cost(facts: Facts, phase: PhaseFacts) -> PhaseCost:
    said = phase.said
    return PhaseCost(
        name=phase.name,
        dates=_dates(facts, phase),
        served=served(phase.serving),
        requests=whole(said["requests"]) if said["requests"] < 100_000 else many(said["requests"]),
        fixed=usd(said["fixed_usd"]),
        variable=usd(said["variable_usd"]),
        a_month=_a_month(phase),
        per_thousand=usd(said["total_per_1k_usd"]),
        slo=slo_words(phase),
        missed=phase.missed,
    )


def _a_month(phase: PhaseFacts) -> str:
    """What a month of a phase cost; of one shorter than a month its total, told apart by that word: $27k total."""
    if phase.said["days"] < MONTHLY_TOLD_DAYS:
        return f"{usd(phase.total_usd)} total"
    return usd(phase.a_month(phase.total_usd))


def slo_words(phase: PhaseFacts) -> str:
    """held, 99.6 %: of the workload that is furthest under its promise, or least above; the table of phases has every
    digit.
    """
    worst = phase.worst
    if worst is None:
        return NONE
    attained = float(worst["slo_attainment"])
    said = "> 99.99 %" if _NEARLY_ALL < attained < 1 and not phase.missed else share(attained)
    return f"{'missed' if phase.missed else 'held'}, {said}"


def promise_words(facts: Facts) -> str:
    """What is promised to users, where every workload and phase promises the same; else where to find it."""
    promises = {(float(w["slo_share"]), float(w["slo_latency_s"])) for p in facts.phases for w in p.workloads}
    if len(promises) != 1:
        return "SLO: what users are promised, which differs here by workload or phase."
    ((part, limit),) = promises
    return f"SLO: what users are promised, {share(part)} of requests answered within {duration(limit)}."


def _dates(facts: Facts, phase: PhaseFacts) -> str:
    if phase.end_s - phase.start_s < 2 * DAY_S:
        return f"{civil_moment(facts.calendar, phase.start_s)}, {duration(phase.end_s - phase.start_s)}"
    begin, end = (civil_date(facts.calendar, at_s) for at_s in (phase.start_s, phase.end_s))
    (day, month, year), (last, until, last_year) = (date.split() for date in (begin, end))
    return f"{day} {month[:3]}{f' {year}' if year != last_year else ''} – {last} {until[:3]} {last_year}"


def _takes_over(facts: Facts) -> tuple[str, str]:
    """The month in which variable cost overtakes fixed, or why it does not."""
    totals = facts.summary["totals"]
    part = f"Variable cost is {share(totals['variable_usd'] / facts.total_usd)} of all cost." if facts.total_usd else ""
    there = crossing(facts)
    if there is None:
        reason = no_crossing(facts)
        if not reason or facts.told.unit != "month":
            return f"{findings.balance(facts)}.", ""
        return f"In no month of this run. {reason[:1].upper()}{reason[1:]}.", part
    interval = f" ({there.interval})" if there.interval else ""
    # a commitment serves, too, and is paid whatever the traffic
    leads = "variable cost exceeds the commitment," if findings.committed(facts) else "serving costs more than"
    answer = (
        f"In month {there.month}, {there.label}{interval}: from then on {leads} people and all else "
        "that is paid whatever the traffic."
    )
    return answer, part


def _why(facts: Facts) -> tuple[str, str]:
    """How cost follows traffic, and the largest driver in plain words."""
    phase = findings.bent(facts)
    if phase is None:
        return f"{findings.bend(facts)}.", driver_words(facts)
    slope = phase.said["elasticity"]
    sloped = [p for p in facts.phases if p.said["elasticity"]["value"] is not None]
    both = ["serving cost: variable cost and the commitment"] if findings.committed(facts) else []
    if len(sloped) == 1:
        beside = [*_sure(slope), *both, f"{three(phase.said['days'])} days"]
        return f"{findings.bend(facts)} ({'; '.join(beside)}).", driver_words(facts)
    more = [f"{findings.more_words(p.said['elasticity']['value'])} in {p.name}" for p in sloped]
    beside = [*_sure(slope), *both]
    qualified = f" ({'; '.join(beside)})" if beside else ""
    ask = "To serve 10 % more requests a day costs" if both else "10 % more requests a day cost"
    answer = f"{ask} {', '.join(more[:-1])}, and {more[-1]}{qualified}."
    return answer, driver_words(facts, whole_life=True)


def _sure(slope: Mapping[str, Any]) -> list[str]:
    """The interval of what 10 % more requests cost, in plain words: 95 % sure: 9.9 to 10.3 %; or that it is rounded
    away. Empty where all of it is next to nothing.
    """
    ends = [findings.more_words(float(slope[end])) for end in ("lo", "hi")]
    if all(end == findings.more_words(0.0) for end in ends):
        return []
    if ends[0] == ends[1]:
        return ["95 % sure"]
    (low, low_way), (high, high_way) = (end.rsplit(" ", 1) for end in ends)
    if low_way != high_way:
        return [f"95 % sure: {' to '.join(ends)}"]
    if high_way == "less":
        low, high = high, low
    return [f"95 % sure: {low.removesuffix(' %')} to {high}"]


def scale_words(facts: Facts) -> str:
    """What the scale check found of the whole life, in a sentence; empty where none was made or it has no answer."""
    check = facts.summary["scale_check"]
    step = None if check is None else check["total"]["steps"][-1]
    if check is None or step is None or step["elasticity"] is None:
        return ""
    counts = check["total"]["requests"]
    asked = counts[-1] / counts[check["factors"].index(step["from"])]
    costs, *ends = (three(asked ** step[key]) for key in ("elasticity", "lo", "hi") if step[key] is not None)
    sure = f" (95 % sure: {' to '.join(ends)})" if ends and ends[0] != ends[1] else ""
    return f"Played again with {three(asked)} times the requests, serving costs {costs} times as much{sure}."


def driver_words(facts: Facts, *, whole_life: bool = False) -> str:
    """What bends the cost most, in a sentence, in the last phase or over the whole life; empty where nothing does."""
    rows = [row for row in facts.summary["drivers"] if row["scope"] == "life"] if whole_life else main_drivers(facts)
    drivers = [row for row in rows if abs(float(row["bend"])) >= _FELT]
    if not drivers:
        return ""
    where = f" in {drivers[0]['phase']}" if drivers[0]["phase"] and len(facts.phases) > 1 else ""
    where = " over the whole life" if whole_life else where
    what, _, how = str(drivers[0]["said"]).partition(": ")
    return f"What bends it most{where}: {what} ({how})."
