"""What a run found, as sentences with numbers: the titles of its figures and the three conclusions of its report."""

from sim.analysis.serving_cost import has_commitment, words
from sim.clock.calendar import DAY_S, SLACK_S
from sim.report.facts import Facts, PhaseFacts
from sim.report.numbers import between, duration, many, rate, share, step, three, usd
from sim.report.numbers import slope as told
from sim.report.series import by_window
from sim.report.turning import crossing

FEW = 1000  # assumption: of fewer requests one alone moves a share by over 0.1 %, so their number is told
FLAT = 0.1  # assumption: a slope that is surely nearer to 0 than this moves no decision, and is called flat
NOTHING = 0.0005  # assumption: a twentieth of a per cent is nothing on a bill


def headline(facts: Facts) -> str:
    """The answer in one sentence: what it cost in all, from the first phase to the last."""
    if facts.total_usd == 0:
        return f"Nothing was spent: no machine, API call or person was billed for {many(facts.requests)} requests."
    whole = f"{usd(facts.total_usd)} for {many(facts.requests)} requests over {span(facts)}"
    asked = facts.asked
    if not asked:
        return f"{usd(facts.total_usd)} over {span(facts)}, and nobody asked anything."
    first, last = asked[0], asked[-1]
    unit_cost = f"{usd(last.said['total_per_1k_usd'])} per 1,000 requests."
    if len(facts.phases) == 1:
        pace = f"{usd(last.per(facts.told))} per {facts.told.unit}, " if last.lasts(facts.told) else ""
        return f"{whole}: {pace}{unit_cost}"
    if first is last:
        return f"{whole}: {paced(facts, last)}, {unit_cost}"
    alike = first.lasts(facts.told) and last.lasts(facts.told)  # then the unit need not be said twice
    late = f"{usd(last.per(facts.told))} in {last.name}" if alike else paced(facts, last)
    return (
        f"{whole}: from {paced(facts, first)} to {late}, and from {usd(first.said['total_per_1k_usd'])} to {unit_cost}"
    )


def paced(facts: Facts, phase: PhaseFacts, per: str = "per") -> str:
    """What a phase cost: $99.1k per month in scale; of one that is shorter than that unit its total, since what is paid
    once would be told many times over: $27k in the 4 days of poc.
    """
    if phase.lasts(facts.told):
        return f"{usd(phase.per(facts.told))} {per} {facts.told.unit} in {phase.name}"
    return f"{usd(phase.total_usd)} in the {length(phase.end_s - phase.start_s)} of {phase.name}"


def balance(facts: Facts) -> str:
    """Where variable cost overtakes fixed, or by how far it does not (the cost figure's title)."""
    rows = facts.periods
    variable, fixed = rows["variable_usd"].to_numpy(), rows["fixed_usd"].to_numpy()
    if facts.total_usd == 0:
        return "Nothing was spent"
    there = crossing(facts)
    if there is not None and there.month > 1:
        return f"Variable cost overtakes fixed in month {there.month} ({there.label})"
    of_all = share(float(facts.summary["totals"]["variable_usd"]) / facts.total_usd)
    above = (variable > fixed).tolist()
    unit = "month" if facts.drawn.unit == "month" else "day"
    if len(above) == 1 or all(above) or not any(above):
        side = "Variable cost leads" if above[0] else "Fixed cost leads"
        if above[0] and not fixed.sum():
            return "All cost is variable"
        if not variable.sum():
            return "All cost is fixed"
        throughout = "" if len(above) == 1 else " throughout"
        return f"{side}{throughout}: variable is {of_all} of {usd(facts.total_usd)}"
    return f"Variable cost is above fixed in {sum(above)} of {len(above)} {unit}s, and {of_all} of all"


def bend(facts: Facts) -> str:
    """How serving cost follows traffic in the last phase where that can be stated (title of the log-log figure)."""
    phase = bent(facts)
    if phase is None:
        return f"How cost follows traffic cannot be stated: {why_no_slope(facts)}"
    slope = phase.said["elasticity"]
    whole = judged(facts).capitalize()
    value = f"10 % more requests cost {more_words(slope['value'])} in {phase.name}"
    if slope["lo"] > -FLAT and slope["hi"] < FLAT:
        return f"{whole} hardly follows traffic: {value}"
    if slope["hi"] < 1:
        return f"{whole} grows more slowly than traffic: {value}"
    if slope["lo"] > 1:
        return f"{whole} grows faster than traffic: {value}"
    return f"{whole} grows about in proportion to traffic: {value}"


def judged(facts: Facts) -> str:
    """The cost whose bend is told: variable cost, or serving cost where there are commitments to add to it."""
    return words(facts.run.ledger)


def committed(facts: Facts) -> bool:
    """Whether anything was paid for a commitment."""
    return has_commitment(facts.run.ledger)


def more_words(slope: float) -> str:
    """What 10 % more requests do to cost at an elasticity: 9.5 % more, 0.3 % less."""
    change = 1.1**slope - 1
    if abs(change) < NOTHING:
        return "next to nothing more"
    return f"{share(abs(change))} {'more' if change >= 0 else 'less'}"


def bend_interval(facts: Facts) -> str:
    """The interval of `bend`, or why there is none, in a sentence."""
    phase = bent(facts)
    if phase is None:
        return ""
    slope = phase.said["elasticity"]
    return (
        f"The slope in {phase.name} is {told(slope['value'])} (95 %: {between(slope['lo'], slope['hi'])}; "
        f"{three(phase.said['days'])} days)."
    )


def bent(facts: Facts) -> PhaseFacts | None:
    """The last phase with an elasticity."""
    return next((p for p in reversed(facts.phases) if p.said["elasticity"]["value"] is not None), None)


def why_no_slope(facts: Facts) -> str:
    """The reason the last phase gives."""
    return str(facts.phases[-1].said["elasticity"].get("reason", "too little traffic")) if facts.phases else "no phase"


def felt(facts: Facts) -> str:
    """Whether users got what they were promised (title of the latency figure)."""
    asked = facts.asked
    if not asked:
        return "Nobody asked anything, so no latency was felt"
    missed = [phase for phase in asked if phase.missed]
    if missed:
        worst = min(missed, key=lambda phase: phase.margin)
        where = "in every phase" if len(missed) == len(asked) > 1 else f"in {_listed([p.name for p in missed])}"
        return f"The SLO is missed {where}: {worst_words(worst, len(missed) > 1)}"
    if all(phase.worst is None for phase in asked):
        return "No request had ended when the run did, so the SLO cannot be judged"
    worst = min(asked, key=lambda phase: phase.margin)
    return f"The SLO is held{' in every phase' if len(asked) > 1 else ''}: {worst_words(worst, len(asked) > 1)}"


def worst_words(phase: PhaseFacts, several: bool) -> str:
    """97.1 % of requests that ended were answered within 5 s in production, the worst; promised 99 %."""
    worst = phase.worst
    if worst is None:
        return "no request had ended"
    whose = f" to {worst['name']}" if len(phase.workloads) > 1 else ""
    within = f"of requests{whose} that ended were answered within {duration(worst['slo_latency_s'])}"
    where = f" in {phase.name}, the worst" if several else ""
    few = f", n = {worst['requests']}" if worst["requests"] < FEW else ""
    return f"{share(worst['slo_attainment'])} {within}{where}{few}; promised {share(worst['slo_share'])}"


def load(facts: Facts) -> str:
    """How much of what was ready the busiest time took (title of the demand figure)."""
    windows = by_window(facts.run.timeseries)
    peak = max((p.said["peak_rate_per_s"] or 0.0 for p in facts.phases), default=0.0)
    if peak == 0:
        return "Nobody asked anything"
    # as for the peak: a window that a phase's edge or midnight cuts says little
    longest = min(facts.scenario.record.interval_s, float(windows["length_s"].max()))
    owned = windows[(windows["capacity_per_s"] > 0) & (windows["length_s"] > longest - SLACK_S)]
    if owned.empty:
        return f"Demand peaks at {rate(peak)}, and a rented API takes all of it"
    used = owned["offered"] / owned["length_s"] / owned["capacity_per_s"]
    over = int((used > 1).sum())
    window = step(round(longest, 6))
    if over:
        some = f"{many(over)} of {many(len(owned))} record windows (one each {window})"
        return f"Demand peaks at {rate(peak)} and passes the ready capacity in {some}"
    most = share(float(used.max()))
    return f"Demand peaks at {rate(peak)}; in no {window} is the pool asked for more than {most} of what is ready"


def slowest(facts: Facts) -> str:
    """How long answers took where that was longest, in a sentence; empty where nothing was answered."""
    latency = [p for p in facts.asked if p.said["latency_p99_s"] is not None]
    if not latency:
        return ""
    slow = max(latency, key=lambda p: p.said["latency_p99_s"])
    where = f"In {slow.name}, the slowest phase, half" if len(latency) > 1 else "Half"
    return (
        f"{where} of the answers took at most {duration(slow.said['latency_p50_s'])}, and one in a hundred took over "
        f"{duration(slow.said['latency_p99_s'])}."
    )


def span(facts: Facts) -> str:
    """The length of the run: 24 months, 88 days, 3.2 h, 5 s."""
    calendar = facts.calendar
    begin, end = calendar.civil(0), calendar.civil(calendar.horizon_ns)
    months = (end.year - begin.year) * 12 + end.month - begin.month
    if months >= 2 and (begin.day, begin.time()) == (end.day, end.time()):
        return f"{months} months"
    return length(facts.horizon_s)


def length(seconds: float) -> str:
    """A length of time in words: 88 days, 26 h, 5 s."""
    return f"{three(seconds / DAY_S)} days" if seconds >= 2 * DAY_S else duration(seconds)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
