"""The first page: the scenario in a sentence, three conclusions in plain words, and what each phase costs."""

from typing import NamedTuple

from sim.clock.calendar import DAY_S
from sim.report import findings
from sim.report.facts import Facts, PhaseFacts, civil_date, civil_moment
from sim.report.nodes import served
from sim.report.numbers import NONE, between, duration, many, share, three, usd, whole
from sim.report.numbers import slope as told
from sim.report.tables_life import main_drivers
from sim.report.turning import crossing, no_crossing

_FELT = 0.02  # assumption: a driver that moves the slope by under two hundredths bends nothing that anybody sees


class PhaseCost(NamedTuple):
    """A row of the table on the first page; all cells are text, `missed` says which colour the last one has."""

    name: str
    dates: str
    served: str
    requests: str
    fixed: str
    variable: str
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
        per_thousand=usd(said["total_per_1k_usd"]),
        slo=slo_words(phase),
        missed=phase.missed,
    )


def slo_words(phase: PhaseFacts) -> str:
    """held, 99.6 %: of the workload that is furthest under its promise, or least above."""
    worst = phase.worst
    if worst is None:
        return NONE
    return f"{'missed' if phase.missed else 'held'}, {share(worst['slo_attainment'])}"


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
    interval = between(slope["lo"], slope["hi"])
    sloped = [p for p in facts.phases if p.said["elasticity"]["value"] is not None]
    both = "serving cost: variable cost and the commitment; " if findings.committed(facts) else ""
    if len(sloped) == 1:
        n = f"{both}elasticity {told(slope['value'])}, 95 %: {interval}; {three(phase.said['days'])} days"
        return f"{findings.bend(facts)} ({n}).", driver_words(facts)
    more = [f"{findings.more_words(p.said['elasticity']['value'])} in {p.name}" for p in sloped]
    n = f"{both}elasticity there {told(slope['value'])}, 95 %: {interval}"
    ask = "To serve 10 % more requests a day costs" if both else "10 % more requests a day cost"
    answer = f"{ask} {', '.join(more[:-1])}, and {more[-1]} ({n})."
    return answer, driver_words(facts, whole_life=True)


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
