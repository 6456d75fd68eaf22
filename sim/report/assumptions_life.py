"""What a run takes as given of limits, caches, models, hosting, gates, incidents and the costs of phases."""

from collections.abc import Iterator

from sim.cost.hosting import CommittedHosting, ManagedHosting
from sim.lifecycle.checks import subject, wanted
from sim.lifecycle.conditions import Condition
from sim.lifecycle.gates import Asked, Gate
from sim.model.parameters import (
    Drift,
    ExponentialDrift,
    LabelMonitor,
    LinearDrift,
    ModelLearning,
    NoLearning,
    StepDrift,
)
from sim.model.value import Decisions, NoValue, ValuePerRequest
from sim.operations.costs import PhaseCosts
from sim.operations.incidents import NoIncidents
from sim.policy.retraining import Periodic, Retraining, Threshold
from sim.report.assumptions_calls import call_rows
from sim.report.facts import Facts
from sim.report.nodes import served
from sim.report.numbers import duration, rate, share, three, usd, whole
from sim.report.storms import storm_rows
from sim.scenario.model import Pool, Workload
from sim.serving.admission import AnswerCache, NoAdmission, SemanticCache
from sim.serving.waiting import EndlessPatience

Row = tuple[str, str]
"""What is assumed, and its value."""
_EVICTIONS = {"lfu": "the least frequently used leave first", "s3fifo": "S3-FIFO decides which leave first"}


def workload_rows(name: str, workload: Workload) -> Iterator[Row]:
    """The priority, patience, retries, stages, rate limit, cache, model's life and value of one workload, where it has
    them.
    """
    limit, cache, patience = workload.admission, workload.cache, workload.patience
    if workload.priority:
        yield f"priority of {name}", f"{workload.priority} of 0 to 7, the highest served first"
    if not isinstance(patience, EndlessPatience):
        law = "for everybody" if patience.kind == "constant" else f"on average, {patience.kind}"
        yield f"patience of {name}", f"leaves a queue after {duration(patience.mean_s)} {law}"
    yield from call_rows(name, workload)
    if not isinstance(limit, NoAdmission):
        yield (
            f"rate limit of {name}",
            f"{rate(limit.rate_per_s)} for each customer, bursts of up to {whole(limit.burst)}",
        )
    if isinstance(cache, SemanticCache):
        yield (
            f"cache of {name}",
            f"answers {share(cache.hit)} of requests by their meaning, {share(cache.wrong)} wrongly; a hit takes "
            f"{duration(cache.hit_latency_s)}; {usd(cache.price_usd_per_gb_h)} per GB and hour",
        )
    if isinstance(cache, AnswerCache):
        size = f"{whole(cache.capacity)} answers" if cache.capacity else f"{three(cache.provisioned_gb)} GB of answers"
        size += " in each replica" if cache.scope == "replica" else ""
        size += "" if cache.kind == "lru" else f", {_EVICTIONS[cache.kind]}"
        ttl = "kept until room is needed" if cache.ttl_s is None else f"kept for {duration(cache.ttl_s)}"
        deploy = "emptied by a new model" if cache.on_deploy == "empty" else "kept when a new model comes"
        yield (
            f"cache of {name}",
            f"{size}, {ttl}, {deploy}; a hit takes {duration(cache.hit_latency_s)}; "
            f"{usd(cache.price_usd_per_gb_h)} per GB and hour",
        )
    if not isinstance(workload.learning, NoLearning):
        yield from _learning(name, workload.learning)
    if not isinstance(workload.value, NoValue):
        yield f"value of an answer of {name}", _value(workload.value)


def _learning(name: str, learning: ModelLearning) -> Iterator[Row]:
    yield f"quality of {name}", f"{share(learning.quality)} of answers right when fresh; {_drift(learning.drift)}"
    monitor, training = learning.monitor, learning.training
    if isinstance(monitor, LabelMonitor):
        seen = f"{share(monitor.share)} of answers labelled, known {duration(monitor.delay_s)} later, "
        seen += f"{usd(monitor.price_usd)} a label, estimate from the newest {whole(monitor.window)}"
    else:
        seen = "nobody checks answers"
    yield f"monitor of {name}", seen
    job = f"{duration(training.duration_s)} on {_count(training.machines, 'machine')} at "
    job += f"{usd(training.price_usd_per_h)} per hour, then {duration(training.approval_s)} until it serves"
    extra = training.data_usd + training.labels_usd
    yield f"retraining of {name}", f"{_policy(learning.retraining)}; {job}{f'; {usd(extra)} of data' if extra else ''}"


def _drift(drift: Drift) -> str:
    if isinstance(drift, LinearDrift):
        return f"falls by {share(drift.loss)} every {duration(drift.over_s)}"
    if isinstance(drift, ExponentialDrift):
        return f"falls towards {share(drift.floor)} with a time constant of {duration(drift.time_constant_s)}"
    if isinstance(drift, StepDrift):
        return f"falls by {share(drift.loss)} at a time, every {duration(drift.every_s)} on average"
    return "the world stands still"


def _policy(retraining: Retraining) -> str:
    if isinstance(retraining, Periodic):
        return f"every {duration(retraining.period_s)}"
    if isinstance(retraining, Threshold):
        return f"when labels show under {share(retraining.below)}, at most every {duration(retraining.cooldown_s)}"
    return "never"


def _value(value: ValuePerRequest | Decisions) -> str:
    if isinstance(value, ValuePerRequest):
        return f"{usd(value.usd)} if right, {usd(-value.wrong_usd) if value.wrong_usd else 'nothing'} if wrong"
    return (
        f"{share(value.prevalence)} of cases are real; {share(value.recall)} of them found, "
        f"{share(value.false_positive_rate)} false alarms; found {usd(value.true_positive_usd)}, missed "
        f"{usd(-value.false_negative_usd)}, false alarm {usd(-value.false_positive_usd)}"
    )


def pool_rows(facts: Facts, name: str, pool: Pool) -> Iterator[Row]:
    """The terms of the ways of hosting that the phases use."""
    for mode in dict.fromkeys(phase.serving for phase in facts.phases):
        terms = pool.hosting.move_to(mode)
        said = [f"{usd(terms.switching_usd)} to move there", f"{duration(terms.overlap_s)} of both bills"]
        if isinstance(terms, ManagedHosting):
            said.insert(0, f"{share(terms.premium)} on the machines' price")
        if isinstance(terms, CommittedHosting):
            said.insert(0, f"{_count(terms.base_replicas, 'replica')} for {duration(terms.term_s)} at a discount of "
                           f"{share(terms.discount)}")  # fmt: skip
        yield f"hosting of pool {name}: {served(mode)}", "; ".join(said)


def life_rows(facts: Facts) -> Iterator[Row]:
    """Storms, gates, thresholds, incidents, and what each phase costs beside people and machines."""
    yield from storm_rows(facts)
    for name in [phase.name for phase in facts.phases]:
        phase = facts.scenario.phases[name]
        if phase.gate is not None:
            yield f"gate of {name}", _gate(phase.gate)
        if said := _costs(phase.costs):
            yield f"other costs of {name}", said
    gates = facts.scenario.gates
    if gates:
        yield "thresholds", "; ".join(f"{name.replace('_', ' ')} {wanted(gate)}" for name, gate in gates.items())
    incidents = facts.scenario.incidents
    if not isinstance(incidents, NoIncidents):
        yield (
            "incidents",
            f"{three(incidents.per_month)} a month, {three(incidents.hours)} h of work each on average, "
            f"{_count(incidents.engineers, 'engineer')} at {usd(incidents.rate_usd_per_h)} per hour",
        )


def _gate(gate: Gate) -> str:
    def told(conditions: tuple[Asked, ...], word: str) -> str:
        return f" {word} ".join(c.replace("_", " ") if isinstance(c, str) else _condition(c) for c in conditions)

    parts = [told(gate.all, "and"), told(gate.any, "or")]
    asked = f"asked every {duration(gate.every_s)} about the last {duration(gate.window_s)}"
    return f"{'; and one of: '.join(part for part in parts if part)} ({asked})"


def _condition(condition: Condition) -> str:
    return f"{subject(condition)} {wanted(condition)}"


def _costs(costs: PhaseCosts) -> str:
    said = []
    for name, item in costs:
        parts = [f"{usd(item.one_off_usd)} once"] if item.one_off_usd else []
        parts += [f"{usd(item.monthly_usd_per_month)} a month"] if item.monthly_usd_per_month else []
        if parts:
            said.append(f"{name} {' and '.join(parts)}")
    return "; ".join(said)


def _count(count: int, noun: str) -> str:
    return f"{whole(count)} {noun}{'' if count == 1 else 's'}"
