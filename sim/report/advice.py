"""What to do next and when to look again: rules over the run's own numbers, each with what it is drawn from."""

import math
from dataclasses import dataclass

from sim.policy.autoscaling import HorizontalPodAutoscaler
from sim.report.facts import MONTH_DAYS, Facts, PhaseFacts, civil_date
from sim.report.numbers import duration, rate, share, three, usd
from sim.scenario.model import Pool

MUCH_IDLE = 0.5  # assumption: above half idle, a lower minimum or a higher target is worth a try
SMALL = 0.1  # assumption: a part of the cost under a tenth is no place to save first
MIN_DAYS = 28  # as for elasticity: growth over fewer days is mostly weekdays
LOOK_BACK_DAYS = 120.0  # assumption: growth of the last months says more than that of the first
HERE = "scenario=scenario.yaml"  # every run keeps its scenario beside its report
FAR_MONTHS = 24.0  # assumption: nobody plans capacity beyond two years


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
    worst = min(missed, key=lambda phase: phase.said["slo_attainment"] - phase.slo.share)
    attained, promised = share(worst.said["slo_attainment"]), share(worst.slo.share)
    gap = f"in {worst.name} {attained} of requests are answered in time, {promised} are promised"
    if worst.serving == "api":
        api = worst.scenario.api
        return Step(
            f"Choose a faster API or a longer SLO: {gap}, and {api.name} alone takes "
            f"{duration(api.latency.median_s)} at the median.",
            "poc2scale list api",
        )
    name, pool = _main_pool(worst)
    lost = worst.said["shed_share"] + worst.said["timed_out_share"]
    why = f"{gap}; {share(lost)} were shed or timed out" if lost else gap
    scaler = pool.autoscaler
    if not isinstance(scaler, HorizontalPodAutoscaler):
        more = max(scaler.replicas + 1, math.ceil(scaler.replicas * 1.5))
        return Step(f"Add replicas to pool {name}: {why}.", _run(facts, name, f"replicas={more}"))
    fastest = pool.service.mean_s(1)
    limit = worst.slo.latency_s
    if fastest > limit:
        return Step(
            f"Take a faster machine or model, or a longer SLO: one request alone takes {duration(fastest)} on average, "
            f"and the limit is {duration(limit)}.",
            "poc2scale list machine",
        )
    if _at_limit(facts, worst, name, scaler.max_replicas):
        typed = _run(facts, name, f"max_replicas={math.ceil(scaler.max_replicas * 1.5)}")
        return Step(f"Raise the limit of {scaler.max_replicas} replicas that pool {name} reached: {why}.", typed)
    typed = _run(facts, name, f"min_replicas={max(scaler.min_replicas + 1, math.ceil(scaler.min_replicas * 1.5))}")
    return Step(f"Keep more replicas ready in pool {name}, or lower its target: {why}.", typed)


def _idle(facts: Facts) -> Step | None:
    phase = _last_on_pool(facts)
    if phase is None or phase.said["idle_share"] is None or phase.said["idle_share"] < MUCH_IDLE or phase.missed:
        return None
    lines = facts.run.ledger
    idle = lines[(lines["phase"] == phase.name) & (lines["account"] == "serving.machine.idle")]
    cost = idle["amount_nano_usd"].sum() / 1e9 / phase.said["days"] * facts.told.days
    name, pool = _main_pool(phase)
    what = (
        f"{share(phase.said['idle_share'])} of serving cost in {phase.name} is idle machines, {usd(cost)} per "
        f"{facts.told.unit}"
    )
    if cost / phase.per(facts.told) < SMALL:
        return None
    scaler = pool.autoscaler
    if not isinstance(scaler, HorizontalPodAutoscaler):
        return Step(f"Try an autoscaler: {what}.", f"poc2scale run {HERE} autoscaler=hpa")
    if scaler.metric == "utilisation" and scaler.target < 0.8:
        typed = _run(facts, name, f'"target={100 * min(0.8, scaler.target + 0.15):.0f} %"')
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
    if factor <= 1.005 or not peak:
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
    return bool((ready > most - 0.5).any())


def _last_on_pool(facts: Facts) -> PhaseFacts | None:
    return next((phase for phase in reversed(facts.phases) if phase.serving == "pool"), None)


def _main_pool(phase: PhaseFacts) -> tuple[str, Pool]:
    """The pool that the first workload goes to."""
    name = next(iter(phase.scenario.workloads.values())).pool
    return name, phase.scenario.pools[name]


def _run(facts: Facts, pool: str, change: str) -> str:
    """A command that runs this scenario again with another autoscaler setting."""
    node = "autoscaler" if list(facts.scenario.pools) == ["main"] else f"pools.{pool}.autoscaler"
    quote = '"' if change.startswith('"') else ""
    return f"poc2scale run {HERE} {quote}{node}.{change.removeprefix(quote)}"


def _months(months: float) -> str:
    if months < 1.5:
        return f"{three(max(1.0, round(months * MONTH_DAYS)))} days"
    return f"{months:.0f} months"


def _moved(part: float) -> str:
    return f"grew by {share(part)}" if part >= 0 else f"fell by {share(-part)}"
