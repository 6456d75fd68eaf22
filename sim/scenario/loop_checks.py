"""Checks of a pool's scaling loop against what a replica serves, how it starts, and how long the scenario is."""

from collections.abc import Iterator, Mapping

from sim.config.units import span_text
from sim.fleet.nodes import SharedNodes
from sim.fleet.startup import FixedLoad
from sim.policy.autoscaling import HorizontalPodAutoscaler, Keda, Knative, QueueDelay, RayServe, StepScaling
from sim.policy.autoscaling.hpa_metrics import PodsMetric, PoolMetric
from sim.policy.autoscaling.keda_triggers import CronTrigger
from sim.policy.bounds import MAX_REPLICAS
from sim.scenario.errors import Refusal
from sim.scenario.model import Pool, Scenario

_IN_USE = 0.7  # of what a replica serves at once: Knative's container-concurrency-target-percentage


def loops(scenario: Scenario, phase: str) -> Iterator[Refusal]:
    """Loops that begin or restart after the end, starts that outlast the scenario, and targets that no pool can keep.

    scenario: effective in this phase.
    """
    if scenario.phases[phase].serving == "api":
        return
    for name, pool in scenario.pools.items():
        for refusal in (
            *_too_late(pool, scenario.horizon_s), *_endless_starts(pool, scenario.horizon_s), *_ticks(pool),
            *_waits(pool),
        ):  # fmt: skip
            yield Refusal(("pools", name, *refusal.path), refusal.value, refusal.message)


def remarks(phases: Mapping[str, Scenario]) -> Iterator[str]:
    """What is no error and may surprise, a sentence each. phases: effective scenarios."""
    for phase, effective in phases.items():
        if effective.phases[phase].serving == "api":
            continue
        for name in effective.feeders():
            pool = effective.pools[name]
            for said in (
                _full(pool), _impatient(pool), _crossed(pool), _beyond_the_limit(pool), _long_tick(pool),
                _never_ready(pool, effective.horizon_s), _no_spot(pool, effective.phases[phase].serving),
            ):  # fmt: skip
                if said:
                    yield f"pool {name}: {said}"


def _too_late(pool: Pool, horizon_s: float) -> Iterator[Refusal]:
    end = f"not before the scenario's end, {span_text(horizon_s)} after its start"
    if pool.control.offset_s >= horizon_s:
        yield Refusal(
            ("control", "offset"), span_text(pool.control.offset_s, exact=True),
            f'{end}: the controller might never be asked. Type a shorter one, such as "15 s".',
        )  # fmt: skip
    for i, at_s in enumerate(pool.control.restart_at_s):
        if at_s >= horizon_s:
            shown = span_text(at_s, exact=True)
            yield Refusal(("control", "restart_at", str(i)), shown, f"{end}. Type an earlier time.")


def _endless_starts(pool: Pool, horizon_s: float) -> Iterator[Refusal]:
    """Each part of a start that alone outlasts the scenario."""
    image, load, node = pool.startup.image, pool.startup.load, ("startup",)
    spans = pool.startup.spans(pool.model.load_s, pool.model.memory_bytes, pulled=False)

    def longer(what: str, part_s: float, instead: str) -> str:
        return (
            f"{what} takes {span_text(part_s)}, and the scenario lasts {span_text(horizon_s)}: no replica that is "
            f"started would ever be ready. Type {instead}."
        )

    if image is not None and spans.pull_s >= horizon_s:
        shown = image.model_dump(mode="json", by_alias=True)["size"]
        yield Refusal((*node, "image", "size"), shown, longer("pulling the image", spans.pull_s, "a smaller one"))
    if not isinstance(load, FixedLoad) and spans.load_s >= horizon_s:
        key = "overhead" if load.overhead_s >= horizon_s else "bandwidth" if load.size_bytes is None else "size"
        shown = load.model_dump(mode="json", by_alias=True)[key]
        instead = {"overhead": "a shorter one", "bandwidth": "a higher one", "size": 'one such as "16 GB"'}[key]
        yield Refusal((*node, "load", key), shown, longer("loading the model", spans.load_s, instead))
    if spans.warm_up_s >= horizon_s:
        said = longer("warming up", spans.warm_up_s, "a shorter one")
        yield Refusal((*node, "warm_up"), span_text(spans.warm_up_s, exact=True), said)


def _ticks(pool: Pool) -> Iterator[Refusal]:
    scaler = pool.autoscaler
    if isinstance(scaler, Knative) and scaler.sync_period_s > scaler.stable_window_s:
        yield Refusal(
            ("autoscaler", "sync_period"), span_text(scaler.sync_period_s, exact=True),
            f"longer than stable_window ({span_text(scaler.stable_window_s, exact=True)}), over which it averages. "
            'Type at most that, such as Knative\'s own "2 s".',
        )  # fmt: skip


def _asked_by_one(pool: Pool) -> float:
    """Replicas that a controller of the queue's wait asks for when a single request waits; 0 without a typed target."""
    scaler, most = pool.autoscaler, pool.batching.max_batch_size
    if not isinstance(scaler, QueueDelay) or scaler.target_s is None:
        return 0.0
    return min(pool.service.mean_s(1), pool.service.mean_s(most) / most) / scaler.target_s


def _waits(pool: Pool) -> Iterator[Refusal]:
    scaler, asked = pool.autoscaler, _asked_by_one(pool)
    if isinstance(scaler, QueueDelay) and scaler.target_s is not None and asked > MAX_REPLICAS:
        yield Refusal(
            ("autoscaler", "target"), span_text(scaler.target_s, exact=True),
            f"a single request that waits would ask for {asked:,.0f} replicas, and a pool has at most "
            f"{MAX_REPLICAS:,}. {_longer_wait(asked * scaler.target_s / scaler.max_replicas)}",
        )  # fmt: skip


def _longer_wait(least_s: float) -> str:
    """least_s: the wait at which one who waits asks for max_replicas."""
    return f'Type a target such as "{2 * least_s:.2g} s", or null for half of the SLO.'


def _impatient(pool: Pool) -> str:
    scaler, asked = pool.autoscaler, _asked_by_one(pool)
    if not isinstance(scaler, QueueDelay) or scaler.target_s is None or asked <= scaler.max_replicas:
        return ""
    return (
        f"a single request that waits asks its autoscaler for {asked:,.0f} replicas, more than max_replicas "
        f"({scaler.max_replicas:,}), so that the count jumps between few and all. "
        f"{_longer_wait(asked * scaler.target_s / scaler.max_replicas)}"
    )


def _full(pool: Pool) -> str:
    """A target of requests in flight at which every replica is full, so that the next request waits.

    As in experiment X-PANIC-EXIT: below it the count says nothing about who waits, and swings.
    """
    most = pool.batching.max_batch_size
    aims = _aims(pool) if pool.autoscaler.min_replicas < pool.autoscaler.max_replicas else None
    if aims is None or aims[0] < most:
        return ""
    of_them = f"{_IN_USE * most:.3g}"
    return (
        f"its autoscaler aims at {aims[0]:.4g} requests in flight per replica, and a replica serves {most:,} at once "
        "(batching.max_batch_size), so that replicas are added only once requests queue, and the count swings between "
        f"few and many. Aim below that: type {aims[1].format(of_them)}."
    )


def _aims(pool: Pool) -> tuple[float, str] | None:
    """Requests in flight for each replica that its autoscaler aims at, and what to type instead, with {} for a lower
    number; None where it follows something else, too.
    """
    scaler = pool.autoscaler
    if isinstance(scaler, Knative) and scaler.metric == "concurrency":
        share = scaler.target_utilisation
        lower = f"{_IN_USE * pool.batching.max_batch_size / share:.3g}"
        return scaler.target * share, f"autoscaler.target={lower}, of which target_utilisation is {100 * share:.3g} %"
    if isinstance(scaler, RayServe):
        return scaler.target_ongoing_requests, "autoscaler.target_ongoing_requests={}"
    if isinstance(scaler, Keda):
        targets = [trigger.target if trigger.type == "in_flight" else 0.0 for trigger in scaler.triggers]
        return min(targets), '"autoscaler.triggers=[{{type: in_flight, target: {}}}]"'
    if isinstance(scaler, HorizontalPodAutoscaler) and scaler.metrics:
        return min(_in_flight(metric) for metric in scaler.metrics), "a target of {} in autoscaler.metrics"
    if isinstance(scaler, HorizontalPodAutoscaler) and scaler.metric == "in_flight":
        return scaler.target, "autoscaler.target={}"
    return None


def _in_flight(metric: object) -> float:
    """Target of requests in flight for each replica; 0 of a metric of something else."""
    if isinstance(metric, PodsMetric):
        return metric.target
    of_all = isinstance(metric, PoolMetric) and (metric.name, metric.type) == ("in_flight_total", "average_value")
    return metric.target if of_all and isinstance(metric, PoolMetric) else 0.0


def _crossed(pool: Pool) -> str:
    scaler = pool.autoscaler
    if not isinstance(scaler, StepScaling) or scaler.scale_in is None:
        return ""
    out, back = scaler.scale_out, scaler.scale_in
    if out.metric != back.metric or back.threshold < out.threshold:
        return ""
    high, low = (
        f"{100 * t:.4g} %" if out.metric == "utilisation" else f"{t:.6g}" for t in (back.threshold, out.threshold)
    )
    return (
        f"its autoscaler takes replicas away at {out.metric} of {high} and less, and adds some from {low} on: at all "
        "times one of the two alarms goes off. Type a scale_in.threshold well below scale_out.threshold."
    )


def _beyond_the_limit(pool: Pool) -> str:
    scaler = pool.autoscaler
    if not isinstance(scaler, Keda):
        return ""
    asked = [(t.desired_replicas, "cron trigger") for t in scaler.triggers if isinstance(t, CronTrigger)]
    asked += [(scaler.fallback.replicas, "fallback")] if scaler.fallback is not None else []
    most, who = max(asked, default=(0, ""))
    if most <= scaler.max_replicas:
        return ""
    return (
        f"its {who} asks for {most:,} replicas, and the HPA stops at max_replicas ({scaler.max_replicas:,}). Type "
        f"autoscaler.max_replicas={most}, or fewer in the {who}."
    )


def _long_tick(pool: Pool) -> str:
    scaler = pool.autoscaler
    if not isinstance(scaler, Knative) or scaler.sync_period_s <= (
        panic_s := scaler.stable_window_s * scaler.panic_window
    ):
        return ""
    return (
        f"its autoscaler decides every {span_text(scaler.sync_period_s)}, and its panic window is "
        f"{span_text(panic_s)}: a burst is seen as the average of a whole tick. Type "
        '"autoscaler.sync_period=2 s", Knative\'s own.'
    )


def _never_ready(pool: Pool, horizon_s: float) -> str:
    scaler, nodes = pool.autoscaler, pool.nodes
    if scaler.min_replicas >= scaler.max_replicas:
        return ""
    kinds = nodes.choice(pool.machine) if isinstance(nodes, SharedNodes) else (pool.machine,)
    start_s = min(kind.provisioning_s for kind in kinds)
    start_s += sum(pool.startup.spans(pool.model.load_s, pool.model.memory_bytes, pulled=False))
    if start_s < horizon_s:
        return ""
    return (
        f"a replica is ready {span_text(start_s)} after it was asked for, and the scenario lasts "
        f"{span_text(horizon_s)}: none but those that it begins with ever serve. Type a longer horizon, or a "
        "faster machine, model and startup."
    )


def _no_spot(pool: Pool, serving: str) -> str:
    spot, most = pool.spot, pool.autoscaler.max_replicas
    if spot is None or serving == "managed" or spot.share * most >= 1.0 - 1e-9:
        return ""
    unused = "spot.waves and all else of pool.spot count" if spot.waves is not None else "all of pool.spot counts"
    return (
        f"a spot.share of {100 * spot.share:.3g} % is less than one of {most:,} machines, so that none is on spot "
        f'terms and {unused} for nothing. Type "pool.spot.share=50 %", or pool.spot=null.'
    )
