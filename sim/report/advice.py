"""What to do next and when to look again: rules over the run's own numbers, each with what it is drawn from."""

import math
from dataclasses import dataclass

from sim.analysis.elasticity import MIN_DAYS  # growth over fewer days, too, is mostly weekdays
from sim.policy.autoscaling import HorizontalPodAutoscaler
from sim.report.facts import MONTH_DAYS, Facts, PhaseFacts, civil_date
from sim.report.numbers import duration, rate, share, three, usd
from sim.scenario.model import Pool

MUCH_IDLE = 0.5  # assumption: above half idle, a lower minimum or a higher target is worth a try
SMALL = 0.1  # assumption: a part of the cost under a tenth is no place to save first
LOOK_BACK_DAYS = 120.0  # assumption: growth of the last months says more than that of the first
HERE = "scenario=scenario.yaml"  # every run keeps its scenario beside its report
FAR_MONTHS = 24.0  # assumption: nobody plans capacity beyond two years
NO_GROWTH = 1.005  # assumption: half a per cent a month doubles traffic in 12 years, which dates no decision
MORE = 1.5  # assumption: half as many again is a step that shows, and is no commitment
HIGH_TARGET = 0.8  # assumption: a target of utilisation above 80 % leaves no room while replicas start
HIGHER = 0.15  # assumption: a step of the target that shows
NEARLY = 0.5  # replicas: a mean over a window within half a replica of the limit was at it for half the window
DAYS_UNDER_MONTHS = 1.5  # assumption: a time shorter than this is told in days


@dataclass(frozen=True)
class Step:
    """Something to do: what and why, and what to type to see its effect (empty: nothing to type)."""

    text: str
    typed: str = ""


def next_steps(facts: Facts) -> list[Step]:
    """At most three things to do, the most pressing first; one that says so when nothing presses."""
    if not facts.requests:
        return [
            Step("Check the demand: no request was let in, so that only time was paid for.", f"poc2scale check {HERE}")
        ]
    steps = [step for step in (_slo(facts), _idle(facts), _people(facts), _sourcing(facts)) if step is not None]
    return steps[:3] or [Step("Nothing in these numbers asks for a change.")]


def _slo(facts: Facts) -> Step | None:
    missed = [phase for phase in facts.asked if phase.missed]
    if not missed:
        return None
    worst = min(missed, key=lambda phase: phase.margin)
    said = worst.worst
    assert said is not None  # as one of its workloads was judged
    whose = f" to {said['name']}" if len(worst.workloads) > 1 else ""
    gap = (
        f"in {worst.name} {share(said['slo_attainment'])} of requests{whose} that ended were answered in time, "
        f"{share(said['slo_share'])} are promised"
    )
    if worst.serving == "api":
        api = worst.scenario.api
        return Step(
            f"Choose a faster API or a longer SLO: {gap}, and {api.name} alone takes "
            f"{duration(api.latency.median_s)} at the median.",
            "poc2scale list api",
        )
    return _more_capacity(facts, worst, str(said["name"]), float(said["slo_latency_s"]), gap)


def _more_capacity(facts: Facts, phase: PhaseFacts, workload: str, limit_s: float, gap: str) -> Step:
    """What to try where a pool answers a workload too late; limit_s: of its SLO; gap: by how much."""
    name, pool = _pool_of(phase, workload)
    lost = _lost(facts, phase, workload)
    why = f"{gap}; {share(lost)} were shed or timed out" if lost else gap
    scaler = pool.autoscaler
    if not isinstance(scaler, HorizontalPodAutoscaler):
        more = max(scaler.replicas + 1, math.ceil(scaler.replicas * MORE))
        return Step(f"Add replicas to pool {name}: {why}.", _run(facts, name, f"replicas={more}"))
    fastest = pool.service.mean_s(1)
    if fastest > limit_s:
        return Step(
            f"Take a faster machine or model, or a longer SLO: one request alone takes {duration(fastest)} on average, "
            f"and the limit is {duration(limit_s)}.",
            "poc2scale list machine",
        )
    if _at_limit(facts, phase, name, scaler.max_replicas):
        typed = _run(facts, name, f"max_replicas={math.ceil(scaler.max_replicas * MORE)}")
        return Step(f"Raise the limit of {scaler.max_replicas} replicas that pool {name} reached: {why}.", typed)
    typed = _run(facts, name, f"min_replicas={max(scaler.min_replicas + 1, math.ceil(scaler.min_replicas * MORE))}")
    return Step(f"Keep more replicas ready in pool {name}, or lower its target: {why}.", typed)


def _idle(facts: Facts) -> Step | None:
    phase = _last_on_pool(facts)
    if phase is None or phase.said["idle_share"] is None or phase.said["idle_share"] < MUCH_IDLE or phase.missed:
        return None
    lines = facts.run.ledger
    idle = lines[(lines["phase"] == phase.name) & (lines["account"] == "serving.machine.idle")]
    cost = idle["amount_nano_usd"].sum() / 1e9 / phase.said["days"] * facts.told.days
    name, pool = _pool_of(phase, next(iter(phase.scenario.workloads)))
    what = (
        f"{share(phase.said['idle_share'])} of serving cost in {phase.name} is idle machines, {usd(cost)} per "
        f"{facts.told.unit}"
    )
    if cost / phase.per(facts.told) < SMALL:
        return None
    scaler = pool.autoscaler
    if not isinstance(scaler, HorizontalPodAutoscaler):
        return Step(f"Try an autoscaler: {what}.", f"poc2scale run {HERE} autoscaler=hpa")
    if scaler.metric == "utilisation" and scaler.target < HIGH_TARGET:
        typed = _run(facts, name, f'"target={100 * min(HIGH_TARGET, scaler.target + HIGHER):.0f} %"')
        return Step(f"Try a higher target of utilisation: {what}.", typed)
    if scaler.min_replicas == 1:
        return None
    fewer = _run(facts, name, f"min_replicas={scaler.min_replicas - 1}")
    return Step(f"Try a lower least number of replicas: {what}.", fewer)


def _people(facts: Facts) -> Step | None:
    if not facts.phases or not facts.total_usd:
        return None
    last = facts.phases[-1]
    if not last.total_usd or last.said["variable_usd"] / last.total_usd >= SMALL:
        return None
    part = share(last.said["fixed_usd"] / last.total_usd)
    return Step(
        f"Look at people before machines: {part} of the cost of {last.name} is fixed, so neither tuning nor traffic "
        "moves the bill much."
    )


def _sourcing(facts: Facts) -> Step | None:
    """Where a phase on the API and one on a pool can be compared, the cheaper one for a request is said."""
    rented = [p for p in facts.asked if p.serving == "api" and p.said["variable_per_1k_usd"]]
    owned = [p for p in facts.asked if p.serving == "pool" and p.said["variable_per_1k_usd"]]
    if not rented or not owned:
        return None
    api, pool = rented[-1], owned[-1]
    ask, give = api.said["variable_per_1k_usd"], pool.said["variable_per_1k_usd"]
    if give <= ask:
        return None
    return Step(
        f"Ask whether the pool should come later: in {pool.name} a thousand requests cost {usd(give)} of machines, "
        f"network and logs, and {usd(ask)} by the API in {api.name}.",
        f"poc2scale run {HERE} phases.{pool.name}.serving=api",
    )


def look_again(facts: Facts) -> str:
    """When these conclusions grow old: when demand at its present growth meets what the pool may grow to."""
    growth = monthly_growth(facts)
    if growth is None:
        return (
            f"Look again with a longer run: growth cannot be told from less than {MIN_DAYS} whole days of one phase. "
            "Until then, when traffic has doubled or a price has changed."
        )
    factor, days = growth
    pace = f"over the last {days:.0f} days traffic {_moved(factor - 1)} a month"
    phase = facts.phases[-1]
    ceiling = most_per_s(facts, phase)
    peak = phase.said["peak_rate_per_s"]
    if factor <= NO_GROWTH or not peak:
        return f"Look again when traffic has doubled or a price has changed: {pace}."
    doubled = math.log(2) / math.log(factor)
    if ceiling is None:
        return f"Look again in {_months(doubled)}, when traffic has doubled, or when a price changes: {pace}."
    what = f"{pace}, the peak is {rate(peak)}, and all replicas that the autoscaler may ask for give {rate(ceiling)}"
    if peak >= ceiling:
        return f"Look again now: {what}."
    months = math.log(ceiling / peak) / math.log(factor)
    if months > FAR_MONTHS:
        return f"Look again in {_months(min(12.0, doubled))}, or when a price changes: {what}, which lasts for years."
    when = civil_date(facts.calendar, facts.horizon_s + months * MONTH_DAYS * 86_400)
    return f"Look again before {when}, {_months(months)} after this run: {what}, which this growth meets by then."


def monthly_growth(facts: Facts) -> tuple[float, float] | None:
    """Factor by which requests grow in a month, and over how many days it was seen; None under 28 whole days.

    The mean of the later half of the last phase's days against the earlier half, at most 120 days back.
    """
    if not facts.phases:
        return None
    days = facts.days[(facts.days["phase"] == facts.phases[-1].name) & facts.days["complete"]]
    offered = days["offered"].to_numpy()[-int(LOOK_BACK_DAYS) :]
    half = len(offered) // 14 * 7  # whole weeks, so that weekdays do not pass for growth
    if len(offered) < MIN_DAYS:
        return None
    before, after = float(offered[-2 * half : -half].mean()), float(offered[-half:].mean())
    return ((after / before) ** (MONTH_DAYS / half), 2.0 * half) if before > 0 and after > 0 else None


def most_per_s(facts: Facts, phase: PhaseFacts) -> float | None:
    """Requests per second of all pools at their largest; None where an API serves or nothing was ever ready."""
    if phase.serving == "api":
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


def _at_limit(facts: Facts, phase: PhaseFacts, pool: str, most: int) -> bool:
    windows = facts.run.timeseries
    ready = windows.loc[(windows["phase"] == phase.name) & (windows["pool"] == pool), "replicas_ready"]
    return bool((ready > most - NEARLY).any())


def _last_on_pool(facts: Facts) -> PhaseFacts | None:
    return next((phase for phase in reversed(facts.phases) if phase.serving == "pool"), None)


def _lost(facts: Facts, phase: PhaseFacts, workload: str) -> float:
    """Share of a workload's requests let in that were refused or given up in a phase."""
    windows = facts.run.timeseries
    own = windows[(windows["phase"] == phase.name) & (windows["workload"] == workload)]
    offered = int(own["offered"].sum())
    return int(own["rejected"].sum() + own["timed_out"].sum()) / offered if offered else 0.0


def _pool_of(phase: PhaseFacts, workload: str) -> tuple[str, Pool]:
    """The pool that a workload goes to."""
    name = phase.scenario.workloads[workload].pool
    return name, phase.scenario.pools[name]


def _run(facts: Facts, pool: str, change: str) -> str:
    """A command that runs this scenario again with another autoscaler setting."""
    node = "autoscaler" if list(facts.scenario.pools) == ["main"] else f"pools.{pool}.autoscaler"
    quote = '"' if change.startswith('"') else ""
    return f"poc2scale run {HERE} {quote}{node}.{change.removeprefix(quote)}"


def _months(months: float) -> str:
    if months < DAYS_UNDER_MONTHS:
        return f"{three(max(1.0, round(months * MONTH_DAYS)))} days"
    return f"{months:.0f} months"


def _moved(part: float) -> str:
    return f"grew by {share(part)}" if part >= 0 else f"fell by {share(-part)}"
