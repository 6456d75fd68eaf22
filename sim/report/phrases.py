"""Sentences for a meeting, filled with the run's numbers: each can be said as it is, and each is true of this run."""

from sim.report import findings
from sim.report.facts import Facts
from sim.report.figure_quality import deploys
from sim.report.figure_value import earned_usd, lost_usd
from sim.report.levers import levers
from sim.report.nodes import served
from sim.report.numbers import many, share, usd
from sim.report.turning import crossing

MOST = 5


def phrases(facts: Facts) -> list[str]:
    """Three to five sentences, the most telling first; none where nobody asked anything or nothing was spent."""
    if not facts.asked or not facts.total_usd:
        return []
    told = (_phase(facts), _balance(facts), _unit(facts), _quality(facts), _lever(facts), _users(facts), _value(facts))
    return [said for said in told if said][:MOST]


def _phase(facts: Facts) -> str:
    """First prove the value, then move: who serves in which phase, and what that costs."""
    stages: list[tuple[str, str]] = []
    for phase in facts.asked:
        if not stages or stages[-1][0] != served(phase.serving):
            stages.append((served(phase.serving), findings.paced(facts, phase, "a")))
    if len(stages) < 2:
        return ""
    (first, cheap), (last, dear) = stages[0], stages[-1]
    return f"“We prove the value on a {first} first, at {cheap}, and move on to {last} once it pays: {dear}.”"


def _balance(facts: Facts) -> str:
    totals = facts.summary["totals"]
    there = crossing(facts)
    if there is None or there.month == 1:
        part = share(totals["fixed_usd"] / facts.total_usd)
        return f"“{part} of what we spend is fixed, whatever the traffic: that is where we look first.”"
    leads = "variable cost exceeds" if findings.committed(facts) else "serving costs us more than"
    return (
        f"“From {there.label} on {leads} everything that is fixed; measures against variable cost "
        "must be in place before then.”"
    )


def _unit(facts: Facts) -> str:
    first, last = facts.asked[0], facts.asked[-1]
    ask, give = first.said["total_per_1k_usd"], last.said["total_per_1k_usd"]
    phase = findings.bent(facts)
    if first is last or not ask or not give:
        return ""
    bent = ""
    if phase is not None:
        bent = f"; 10 % more traffic there costs {findings.more_words(phase.said['elasticity']['value'])} to serve"
    way = "falls" if give < ask else "rises"
    there = f"{usd(ask)} in {first.name} and {usd(give)} in {last.name}"
    return f"“A thousand requests cost {there}: the unit cost {way}{bent}.”"


def _quality(facts: Facts) -> str:
    marks = deploys(facts)
    lost = lost_usd(facts)["staleness"]
    if not marks:
        return ""
    worth = f", and stale answers still cost us {usd(lost)} of value" if lost > 0 else ""
    models = "one new model" if len(marks) == 1 else f"{many(len(marks))} new models"
    lowest = min(mark.before for mark in marks)
    return (
        f"“Without retraining quality decays: it took {models} to bring it back from as low as {share(lowest)}{worth}.”"
    )


def _lever(facts: Facts) -> str:
    found = levers(facts)
    if not found:
        return ""
    text = found[0].text.rstrip(".")
    return f"“The cheapest lever now: {text[:1].lower()}{text[1:]}.”"


def _users(facts: Facts) -> str:
    return f"“{findings.felt(facts)}.”"


def _value(facts: Facts) -> str:
    earned = earned_usd(facts)
    return f"“Our answers were worth {usd(earned)} against {usd(facts.total_usd)} of cost.”" if earned > 0 else ""
