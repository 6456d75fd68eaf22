"""Checks of calls: requests whose clients try again or think and ask, or whose way is more than one visit to a pool."""

from collections.abc import Iterator, Mapping

from sim.config.units import span_text
from sim.scenario.errors import Refusal
from sim.scenario.model import Scenario, Workload, is_call, pools_of
from sim.serving.admission import AnswerCache, NoAdmission
from sim.serving.cascade import Below, Confidence
from sim.serving.clients import ExponentialRetry, Stage
from sim.serving.waiting import REJECT, EndlessPatience
from sim.workload.parameters import ClosedLoopWorkload

# assumption: below this, a user who is turned away asks so often that a simulated second takes hours
SHORTEST_THINK_S = 1e-3


def calls(scenario: Scenario, phase: str) -> Iterator[Refusal]:
    """What the data plane does not do for calls, and what of them would never happen. scenario: effective in this
    phase; pools that are not there are judged elsewhere.
    """
    by_api = scenario.phases[phase].serving == "api"
    for name, workload in scenario.workloads.items():
        yield from _retry(scenario, name, workload)
        if not is_call(workload):
            continue
        yield from _not_for_calls(name, workload)
        yield from _hedges(name, workload)
        passed = [] if by_api else [pool for pool in _passed(scenario, workload) if pool in scenario.pools]
        for pool in passed:
            if scenario.pools[pool].zones is not None:
                yield Refusal(
                    ("pools", pool, "zones"), None,
                    f"requests of {name} pass this pool with {_why(workload)}, for which no time or price of crossing "
                    "zones is counted. Type pool.zones=null.",
                )  # fmt: skip
        if isinstance(workload, ClosedLoopWorkload) and workload.think.mean_s < SHORTEST_THINK_S:
            yield from _asking_at_once(scenario, name, workload, passed)


def _passed(scenario: Scenario, workload: Workload) -> list[str]:
    """Pools on a workload's way, and those that they overflow to."""
    passed = pools_of(workload)
    overflows = [scenario.pools[pool].queue.overflow for pool in passed if pool in scenario.pools]
    return list(dict.fromkeys([*passed, *(pool for pool in overflows if pool != REJECT)]))


def _why(workload: Workload) -> str:
    """What makes a workload's requests calls, as a user types it."""
    parts = ["stages"] if workload.stages else []
    parts += ["retry"] if workload.retry.kind != "none" else []
    parts += ["kind: closed_loop"] if isinstance(workload, ClosedLoopWorkload) else []
    return " and ".join(parts)


def _not_for_calls(name: str, workload: Workload) -> Iterator[Refusal]:
    where = ("workloads", name)
    if not isinstance(workload.patience, EndlessPatience):
        yield Refusal(
            (*where, "patience", "kind"), workload.patience.kind,
            f"requests with {_why(workload)} have no patience but their timeout. Type {{kind: none}}, and a shorter "
            "timeout perhaps.",
        )  # fmt: skip
    if isinstance(workload.cache, AnswerCache) and workload.cache.scope == "replica":
        yield Refusal(
            (*where, "cache", "scope"), "replica",
            f"requests with {_why(workload)} ask one cache before they go anywhere. Type scope: shared.",
        )  # fmt: skip


def _retry(scenario: Scenario, name: str, workload: Workload) -> Iterator[Refusal]:
    retry, where = workload.retry, ("workloads", name, "retry")
    if not isinstance(retry, ExponentialRetry):
        return
    if retry.max_delay_s < retry.base_delay_s:
        yield Refusal(
            (*where, "max_delay"), span_text(retry.max_delay_s, exact=True),
            f"shorter than base_delay, {span_text(retry.base_delay_s, exact=True)}, the wait after the first failure. "
            "Type that or longer.",
        )  # fmt: skip
    elif retry.base_delay_s >= scenario.horizon_s:
        yield Refusal(
            (*where, "base_delay"), span_text(retry.base_delay_s, exact=True),
            f"not shorter than the scenario, {span_text(scenario.horizon_s)}, so that nobody tries again. Type a "
            "shorter one.",
        )  # fmt: skip
    if retry.after == ("throttled",) and isinstance(workload.admission, NoAdmission):
        yield Refusal(
            (*where, "after"), None,
            "only throttled, and no rate limit throttles anybody. Type after: [rejected, timed_out], or "
            "admission=token_bucket.",
        )  # fmt: skip


def _hedges(name: str, workload: Workload) -> Iterator[Refusal]:
    for stage, it in workload.stages.items():
        if it.hedge is not None and it.hedge.after_s >= workload.timeout_s:
            yield Refusal(
                ("workloads", name, "stages", stage, "hedge", "after"),
                span_text(it.hedge.after_s, exact=True),
                f"not before the timeout of {span_text(workload.timeout_s)}, so that no second copy is ever sent. "
                "Type a shorter time, such as the 95th percentile of the stage's latency, or leave hedge out.",
            )  # fmt: skip


def _asking_at_once(
    scenario: Scenario, name: str, workload: ClosedLoopWorkload, passed: list[str]
) -> Iterator[Refusal]:  # fmt: skip
    """Users who hardly think and may be turned away, and so ask again without end before any time has passed."""
    where = ("workloads", name, "think", "mean")
    shown = span_text(workload.think.mean_s, exact=True)
    if scenario.workloads[name].admission.kind != "none":
        yield Refusal(
            where, shown, "a user whom the rate limit turns away would ask again at once, without end. Type at least "
            "1 ms, or admission=none.",
        )  # fmt: skip
    full = [pool for pool in passed if scenario.pools[pool].queue.capacity < workload.users]
    if full:
        yield Refusal(
            where, shown,
            f"a user whom the full queue of pool {full[0]} turns away would ask again at once, without end. Type at "
            f"least 1 ms, or room for all users: pools.{full[0]}.queue.capacity={workload.users}.",
        )  # fmt: skip


def remarks(phases: Mapping[str, Scenario]) -> Iterator[str]:
    """What is no error and may surprise, a sentence each. phases: effective scenarios."""
    for phase, effective in phases.items():
        for name, workload in effective.workloads.items():
            if isinstance(workload, ClosedLoopWorkload):
                yield from _users(effective, phase, name, workload)
            if effective.phases[phase].serving != "api":
                yield from _stages(effective, name, workload)


def _users(effective: Scenario, phase: str, name: str, workload: ClosedLoopWorkload) -> Iterator[str]:
    exposure = effective.phases[phase].exposure
    count = round(exposure * workload.users)
    if exposure > 0 and count == 0:
        yield (
            f"phase {phase}: an exposure of {100 * exposure:.3g} % lets in none of the {workload.users} users of "
            f"workload {name}. Type more users, or a higher exposure."
        )
    limit = effective.workloads[name].admission
    if limit.kind == "none":
        return
    if count > limit.rate_per_s * workload.think.mean_s:
        yield (
            f"phase {phase}: the users of workload {name} are one customer to its rate limit, and {count} of them, "
            f"each after {span_text(workload.think.mean_s)}, may ask more often than the {limit.rate_per_s:g} req/s "
            "that it lets in. Type admission=none, or a higher rate."
        )


def _stages(effective: Scenario, name: str, workload: Workload) -> Iterator[str]:
    for stage, it in workload.stages.items():
        pool = it.pool or workload.pool
        most = effective.pools[pool].autoscaler.max_replicas
        if it.fan_out > most:
            yield (
                f"workload {name}: stage {stage} splits a request into {it.fan_out} parts, and pool {pool} has at most "
                f"{most} replica{'' if most == 1 else 's'}: parts of one request wait for each other."
            )
        if it.hedge is not None and most == 1 and effective.pools[pool].queue.overflow == REJECT:
            yield (
                f"workload {name}: a hedge of stage {stage} goes to the one replica that pool {pool} has, where the "
                "first copy already is. Raise its max_replicas, or leave hedge out."
            )
        if it.confidence is not None:
            yield from _cascade(name, stage, it, it.confidence)


def _cascade(name: str, stage: str, it: Stage, confidence: Confidence) -> Iterator[str]:
    """What share of a stage's requests its thresholds come to, from the lowest one up."""
    between = "below"
    for other, share in it.shares.items():
        onward = it.next[other]
        assert isinstance(onward, Below)
        yield (
            f"workload {name}: stage {stage} passes {100 * share:.3g} % of its requests on to {other}, those of "
            f"confidence {between} {onward.confidence_below:g} ({confidence.said()})."
        )
        between = f"from {onward.confidence_below:g} to"
