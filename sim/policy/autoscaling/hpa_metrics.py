"""The metrics of a HorizontalPodAutoscaler, autoscaling/v2: what each reads, and what several together ask for.

Source: kubernetes/kubernetes pkg/controller/podautoscaler/horizontal.go (computeReplicasForMetrics) and
replica_calculator.go, 1.33; the kinds, pkg/apis/autoscaling/types.go. An object metric and an external one differ in
where they are read, not in what is made of them. ContainerResource is a resource where a pod holds one container, as
here; a resource's AverageValue is a pods metric of what it uses.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, ValidationInfo, field_serializer, field_validator

from sim.config import Parameters
from sim.config.units import PLAIN, SHARE, format_quantity, parse_quantity
from sim.policy.autoscaling import signals
from sim.policy.autoscaling.hpa_replicas import (
    Tolerance,
    average_value_replicas,
    pod_metric_replicas,
    resource_replicas,
    value_replicas,
)
from sim.policy.autoscaling.hpa_tally import tally_in_flight, tally_utilisation
from sim.policy.observation import Observation

_LEAST, _MOST = 0.001, 10_000_000  # a milli-unit is Kubernetes's resolution; assumption: what a pool's queue may hold


def share_target(value: object) -> float:
    """A utilisation as typed; a ValueError says what is wrong with it."""
    number = parse_quantity(value, SHARE, "a target utilisation", '"70 %"', bare=True)
    if not 0.0 < number <= 1.0:
        raise ValueError('out of range. A utilisation must be more than 0 % and at most 100 %; type, say, "70 %".')
    if round(number * 100) < 1 or abs(number * 100 - round(number * 100)) > 1e-9:
        raise ValueError('not a whole per cent, and Kubernetes takes no other. Type, say, "70 %".')
    return number


def count_target(value: object, what: str = "requests in flight per replica") -> float:
    """A number of requests as typed; a ValueError says what is wrong with it."""
    number = parse_quantity(value, PLAIN, f"a number of {what}", "4", bare=True)
    if not _LEAST <= number <= _MOST:
        raise ValueError(
            f"out of range. {what[0].upper()}{what[1:]} must be at least {_LEAST:g} and at most {_MOST:,}; type, say, "
            "4."
        )
    return number


class ResourceMetric(Parameters):
    """Share of time that replicas are busy, against a target in whole per cent; it stands for the CPU of a pod."""

    kind: Literal["resource"] = "resource"
    name: Literal["utilisation"] = "utilisation"
    target: float

    @field_validator("target", mode="before")
    @classmethod
    def _target(cls, value: object) -> float:
        return share_target(value)

    @field_serializer("target", when_used="json")
    def _text(self, value: float) -> str | int | float:
        return format_quantity(value, SHARE, ("%",))


class PodsMetric(Parameters):
    """Requests in flight (those in the pool's shared queue too), against a number for each replica."""

    kind: Literal["pods"] = "pods"
    name: Literal["in_flight"] = "in_flight"
    target: float

    @field_validator("target", mode="before")
    @classmethod
    def _target(cls, value: object) -> float:
        return count_target(value)

    @field_serializer("target", when_used="json")
    def _text(self, value: float) -> str | int | float:
        return format_quantity(value, PLAIN, ("",))


class PoolMetric(Parameters):
    """One number of the whole pool, against a target for all (`value`) or for each replica (`average_value`).

    name: `queue`, `arrivals` or `in_flight_total`, see signals.py. It can be read where no replica is.
    """

    kind: Literal["object", "external"]
    name: Literal["queue", "arrivals", "in_flight_total"]
    type: Literal["value", "average_value"]
    target: float

    @field_validator("target", mode="before")
    @classmethod
    def _target(cls, value: object, info: ValidationInfo) -> float:
        if info.data.get("name") != "arrivals":
            return count_target(value, "requests")
        number = signals.arrival_rate(value, info)
        if not _LEAST <= number <= _MOST:
            raise ValueError(f'out of range. It must be {_LEAST:g} to {_MOST:,} requests per second; type "12 req/s".')
        return number

    @field_serializer("target", when_used="json")
    def _text(self, value: float) -> str | int | float:
        if self.name == "arrivals":
            return signals.arrival_text(value)
        return format_quantity(value, PLAIN, ("",))


Metric = Annotated[ResourceMetric | PodsMetric | PoolMetric, Field(discriminator="kind")]


class Wanted(NamedTuple):
    """A metric as the arithmetic wants it; target: whole per cent (resource) or milli-units."""

    kind: str
    name: str
    of_each: bool
    target: int


def wanted(metric: Metric) -> Wanted:
    """The metric in plain numbers."""
    of_each = isinstance(metric, PodsMetric) or (isinstance(metric, PoolMetric) and metric.type == "average_value")
    factor = 100 if isinstance(metric, ResourceMetric) else 1000
    return Wanted(metric.kind, metric.name, of_each, round(metric.target * factor))


class CpuPeriods(NamedTuple):
    """What decides whether a young replica counts as ready for a resource metric; see `pod_class`."""

    initialisation_s: float
    readiness_delay_s: float


_POOL = {"queue": signals.queue, "arrivals": signals.arrivals, "in_flight_total": signals.in_flight}


def pool_value(name: str, observation: Observation) -> float | None:
    """A metric of the whole pool; None before the first scrape (for arrivals: the second)."""
    value = _POOL[name](observation)
    return value if value == value else None


def proposal(metric: Wanted, observation: Observation, tolerance: Tolerance, periods: CpuPeriods) -> int | None:
    """Replicas that one metric asks for; None where it cannot be read."""
    kind, name, of_each, target = metric
    current = observation.target_replicas
    if kind == "resource":
        return resource_replicas(current, target, tally_utilisation(observation, *periods), tolerance)
    if kind == "pods":
        return pod_metric_replicas(current, target, tally_in_flight(observation), tolerance)
    value = pool_value(name, observation)
    if value is None:
        return None
    milli, there = round(value * 1000.0), observation.ready.tolist()
    if of_each:
        return average_value_replicas(len(there), milli, target, tolerance)
    return value_replicas(current, there.count(True) if there else None, milli, target, tolerance)


def highest(current: int, proposals: Iterable[int | None]) -> int | None:
    """What several metrics together ask for: the most. None: they say nothing, or less than `current` while one of them
    cannot be read, which might have held it up.
    """
    asked = list(proposals)
    read = [replicas for replicas in asked if replicas is not None]
    if not read or (len(read) < len(asked) and max(read) < current):
        return None
    return max(read)
