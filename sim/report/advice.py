"""What to do next: rules over the run's own numbers, each with what it is drawn from."""

import math

from sim.policy.autoscaling import Fixed
from sim.report.facts import Facts, PhaseFacts
from sim.report.levers import HERE, Step, levers, pool_key, pool_of, run_with
from sim.report.nodes import served
from sim.report.numbers import duration, share

SMALL = 0.1  # assumption: a part of the cost under a tenth is no place to save first
MORE = 1.5  # assumption: half as many again is a step that shows, and is no commitment
NEARLY = 0.5  # replicas: a mean over a window within half a replica of the limit was at it for half the window
MOST = 3  # three steps are remembered


def next_steps(facts: Facts) -> list[Step]:
    """At most three things to do: broken promises, a shut gate, the largest savings; one if none is due."""
    if not facts.requests:
        return [
            Step("Check the demand: no request was let in, so that only time was paid for.", f"poc2scale check {HERE}")
        ]
    steps = [step for step in (_slo(facts), _stuck(facts), *levers(facts), _people(facts)) if step is not None]
    return steps[:MOST] or [Step("Nothing in these numbers asks for a change.")]


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
    if not worst.on_machines:
        api = worst.scenario.api
        return Step(
            f"Choose a faster API or a longer SLO: {gap}, and {api.name} alone takes "
            f"{duration(api.latency.median_s)} at the median.",
            "poc2scale list api",
        )
    return _more_capacity(facts, worst, str(said["name"]), float(said["slo_latency_s"]), gap)


def _more_capacity(facts: Facts, phase: PhaseFacts, workload: str, limit_s: float, gap: str) -> Step:
    """What to try where a pool answers a workload too late; limit_s: of its SLO; gap: by how much."""
    name, pool = pool_of(phase, workload)
    lost = _lost(facts, phase, workload)
    why = f"{gap}; {share(lost)} were shed or timed out" if lost else gap
    scaler = pool.autoscaler

    def typed(key: str, value: int) -> str:
        return run_with(f"{pool_key(facts, name, f'autoscaler.{key}')}={value}")

    if isinstance(scaler, Fixed):
        more = max(scaler.replicas + 1, math.ceil(scaler.replicas * MORE))
        return Step(f"Add replicas to pool {name}: {why}.", typed("replicas", more))
    fastest = pool.service.mean_s(1)
    if fastest > limit_s:
        return Step(
            f"Take a faster machine or model, or a longer SLO: one request alone takes {duration(fastest)} on average, "
            f"and the limit is {duration(limit_s)}.",
            "poc2scale list machine",
        )
    if not {"min_replicas", "max_replicas"} <= type(scaler).model_fields.keys():  # a timetable, a policy of one's own
        return Step(f"Have more replicas in pool {name}: {why}.", "poc2scale list autoscaler")
    if _at_limit(facts, phase, name, scaler.max_replicas):
        more = math.ceil(scaler.max_replicas * MORE)
        return Step(
            f"Raise the limit of {scaler.max_replicas} replicas that pool {name} reached: {why}.",
            typed("max_replicas", more),
        )
    more = max(scaler.min_replicas + 1, math.ceil(scaler.min_replicas * MORE))
    return Step(f"Keep more replicas ready in pool {name}, or lower its target: {why}.", typed("min_replicas", more))


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


def _stuck(facts: Facts) -> Step | None:
    """A life that ended before its last phase: its gate has not opened."""
    names = list(facts.scenario.phases)
    lived = [phase.name for phase in facts.phases]
    missing = [name for name in names if name not in lived]
    if not missing or not lived:
        return None
    mode = served(str(facts.scenario.phases[missing[0]].serving))
    return Step(
        f"See what keeps {missing[0]} ({mode}) from beginning: its gate did not open within this run.",
        f"poc2scale check {HERE}",
    )


def _at_limit(facts: Facts, phase: PhaseFacts, pool: str, most: int) -> bool:
    windows = facts.run.timeseries
    ready = windows.loc[(windows["phase"] == phase.name) & (windows["pool"] == pool), "replicas_ready"]
    return bool((ready > most - NEARLY).any())


def _lost(facts: Facts, phase: PhaseFacts, workload: str) -> float:
    """Share of a workload's requests let in that were refused or given up in a phase."""
    windows = facts.run.timeseries
    own = windows[(windows["phase"] == phase.name) & (windows["workload"] == workload)]
    offered = int(own["offered"].sum())
    return int(own["rejected"].sum() + own["timed_out"].sum()) / offered if offered else 0.0
