"""What a KEDA ScaledObject scales on, and what it does when it cannot see it.

Source: kedacore/keda v2.17, apis/keda/v1alpha1/scaledobject_types.go, pkg/fallback/fallback.go. A trigger's value is
shared out among the replicas (metricType AverageValue, the default). Here a trigger sees what a scrape of the pool
sees; one without a sample, or within one of its outages, fails.
"""

from typing import Literal

from pydantic import ValidationInfo, field_serializer, field_validator

from sim.clock.calendar import to_ns
from sim.config import Count, LongSeconds, Parameters, PositiveLongSeconds
from sim.config.units import PLAIN, RATE, format_quantity, parse_quantity
from sim.policy.bounds import Replicas
from sim.policy.observation import Observation

_MOST = (
    10_000_000  # assumption: what the longest queue of a pool may hold, and more than a replica ever serves a second
)


class Outage(Parameters):
    """A time in which a trigger's source does not answer, counted from the scenario's start."""

    start_s: LongSeconds
    duration_s: PositiveLongSeconds


class Trigger(Parameters):
    """One trigger: what it measures, how much of it a replica is to have, and from when on it is active.

    type: `queue` (requests in the pool's shared queue, as a message queue's length), `arrivals` (requests per second
    that ask for the pool, as from Prometheus) or `in_flight` (queued at or served by replicas, and in the shared
    queue).
    target: of it for each replica; activation: active above it; outages: when its source is not to be reached.
    """

    type: Literal["queue", "arrivals", "in_flight"]
    target: float
    activation: float = 0.0  # every scaler's activation threshold
    outages: tuple[Outage, ...] = ()

    @field_validator("target", "activation", mode="before")
    @classmethod
    def _amount(cls, value: object, info: ValidationInfo) -> float:
        kind, zero = info.data.get("type"), info.field_name == "activation"
        if kind is None:
            return 1.0  # the type is wrong already, and says so
        if kind == "arrivals":
            number = parse_quantity(value, RATE, "a rate of requests", '"2 req/s"', bare=True)
        else:
            number = parse_quantity(value, PLAIN, "a number of requests", "4", bare=True)
        if not (0.0 if zero else 0.001) <= number <= _MOST:
            low, say = ("0", "0") if zero else ("0.001", '"2 req/s"' if kind == "arrivals" else "4")
            raise ValueError(f"out of range. It must be at least {low} and at most {_MOST:,}; type, say, {say}.")
        return number

    @field_serializer("target", "activation", when_used="json")
    def _amount_text(self, value: float) -> str | int | float:
        return format_quantity(value, *((RATE, ("req/s",)) if self.type == "arrivals" else (PLAIN, ("",))))

    def value(self, observation: Observation, now_ns: int) -> float | None:
        """What the trigger measures now; None where it fails."""
        for outage in self.outages:
            if 0 <= now_ns - to_ns(outage.start_s) < to_ns(outage.duration_s):
                return None
        if self.type == "arrivals":
            rate = observation.arrived_per_s
            return rate if rate == rate else None
        if observation.sample_age_s != observation.sample_age_s:
            return None
        if self.type == "queue":
            return float(observation.queued_shared)
        held = sum(observation.in_flight.tolist())
        if held != held:  # a replica that was not scraped since it became ready holds what nobody knows of
            held = sum(n for n in observation.in_flight.tolist() if n == n)
        return float(held + observation.queued_shared)


class Fallback(Parameters):
    """What stands in for a trigger that has failed more than `failure_threshold` times in a row.

    behaviour: `static` asks for `replicas`; the others keep the present count, always or if it is higher or lower.
    """

    failure_threshold: Count
    replicas: Replicas
    behaviour: Literal["static", "current", "current_if_higher", "current_if_lower"] = "static"  # fallback.behavior

    @field_validator("failure_threshold", "replicas")
    @classmethod
    def _not_negative(cls, value: int) -> int:
        if value < 0:
            raise ValueError("less than nothing. It must be a whole number of at least 0, such as 3.")
        return value

    def count(self, current: int) -> int:
        """Replicas to ask for while `current` are there."""
        if self.behaviour == "static":
            return self.replicas
        if self.behaviour == "current":
            return current
        return max(current, self.replicas) if self.behaviour == "current_if_higher" else min(current, self.replicas)
