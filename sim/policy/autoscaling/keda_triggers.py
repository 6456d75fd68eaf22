"""What a KEDA ScaledObject scales on, and what it does when it cannot see it.

Source: kedacore/keda v2.17, apis/keda/v1alpha1/scaledobject_types.go, pkg/fallback/fallback.go,
pkg/scalers/cpu_memory_scaler.go and cron_scaler.go. A trigger's value is shared out among the replicas (metricType
AverageValue, the default; cpu: Utilization). Here a trigger sees what a scrape of the pool sees; one without a sample,
or within one of its outages, fails.
"""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_serializer, field_validator

from sim.clock.calendar import to_ns
from sim.config import Count, LongSeconds, Parameters, PositiveLongSeconds
from sim.config.units import PLAIN, SHARE, format_quantity, parse_quantity
from sim.policy.autoscaling import signals
from sim.policy.autoscaling.cron import Spell, schedule, spell
from sim.policy.autoscaling.hpa_metrics import share_target
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
    """One trigger that counts: what it measures, how much of it a replica is to have, and from when on it is active.

    type: `queue` (as a message queue's length), `arrivals` (as from Prometheus) or `in_flight`, see signals.py.
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
        if kind == "arrivals" and not (zero and value == 0):
            number = signals.arrival_rate(value, info)
        else:
            number = parse_quantity(value, PLAIN, "a number of requests", "4", bare=True)
        if not (0.0 if zero else 0.001) <= number <= _MOST:
            low, say = ("0", "0") if zero else ("0.001", '"2 req/s"' if kind == "arrivals" else "4")
            raise ValueError(f"out of range. It must be at least {low} and at most {_MOST:,}; type, say, {say}.")
        return number

    @field_serializer("target", "activation", when_used="json")
    def _amount_text(self, value: float) -> str | int | float:
        return signals.arrival_text(value) if self.type == "arrivals" else format_quantity(value, PLAIN, ("",))

    def value(self, observation: Observation, now_ns: int) -> float | None:
        """What the trigger measures now; None where it fails."""
        for outage in self.outages:
            if 0 <= now_ns - to_ns(outage.start_s) < to_ns(outage.duration_s):
                return None
        value = _SIGNALS[self.type](observation)
        return value if value == value else None


_SIGNALS = {"queue": signals.queue, "arrivals": signals.arrivals, "in_flight": signals.in_flight}


class CpuTrigger(Parameters):
    """Utilization of the CPU, for which a replica's share of time busy stands; target: that share, in whole per cent.

    It is a Resource metric of the HPA and nothing else: the operator never asks for it, so that it neither is active
    nor fails (getScalerState), and no fallback stands in for it. A ScaledObject of cpu alone is always active.
    """

    type: Literal["cpu"]
    target: float

    @field_validator("target", mode="before")
    @classmethod
    def _share(cls, value: object) -> float:
        return share_target(value)

    @field_serializer("target", when_used="json")
    def _share_text(self, value: float) -> str | int | float:
        return format_quantity(value, SHARE, ("%",))


class CronTrigger(Parameters):
    """From each `start` to the next `end`, both cron expressions (see cron.py), it asks for `desired_replicas`.

    In between it is active; outside it measures 1 (defaultDesiredReplicas). It is an AverageValue with a target of 1,
    so that the HPA's tolerance holds for it as for any other.
    """

    type: Literal["cron"]
    timezone: str
    start: str
    end: str
    desired_replicas: Replicas

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("not a time zone. Expected an IANA name such as Europe/Paris or UTC.") from None
        return value

    @field_validator("start", "end")
    @classmethod
    def _schedule(cls, value: str, info: ValidationInfo) -> str:
        schedule(value)
        if info.field_name == "end" and value.split() == info.data.get("start", "").split():
            raise ValueError("the same as start, and KEDA refuses that. Type a later time.")
        return value

    @field_validator("desired_replicas")
    @classmethod
    def _not_negative(cls, value: int) -> int:
        if value < 0:
            raise ValueError("less than nothing. It must be a whole number of at least 0, such as 10.")
        return value

    def spell(self, epoch_ns: int) -> Spell:
        """Whether it is active at a moment, and up to when that holds (ns since 1970, UTC)."""
        return spell(self.start, self.end, self.timezone, epoch_ns)


AnyTrigger = Annotated[Trigger | CpuTrigger | CronTrigger, Field(discriminator="type")]


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
