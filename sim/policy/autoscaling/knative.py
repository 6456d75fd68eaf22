"""The Knative Pod Autoscaler (KPA): scales on concurrency or request rate, panics in bursts, and goes to zero.

Source: knative/serving, commit 98e5ef9: pkg/autoscaler/scaling (the decider, see knative_scale), pkg/autoscaler/metrics
(what is averaged), pkg/reconciler/autoscaling/kpa (bounds, initial scale, the way to zero); defaults from
config/core/configmaps/autoscaler.yaml and config-deployment's progress-deadline.

Quirks kept: to go to zero, a pool must have been active for a stable window, and then inactive, behind the activator,
for the grace period; where the activator stood in requests' way already (excess burst capacity below zero), that time
counts, so that with the defaults a small pool goes at once. A pool that starts up is not taken back before it is
ready or has failed to become so.

Different here: a bucket of the averages is as long as a tick (upstream 1 s), and holds what the newest scrape says:
requests in flight at replicas, averaged since the scrape before, times what is ready, and those in the pool's shared
queue (upstream: those that the activator holds). So scrape.interval should be no longer than the tick. At zero replicas
`wakes` asks to be called at the first request. Whether the activator stands in the way costs requests nothing.
"""

from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field, ValidationInfo, field_serializer, field_validator

from sim.clock.calendar import to_ns
from sim.config import Count, Positive, Seconds, Share
from sim.config.units import PLAIN, SHARE, format_quantity, parse_quantity
from sim.policy.autoscaling import signals
from sim.policy.autoscaling.controller import Bounded
from sim.policy.autoscaling.knative_life import Life, Terms, applied, born
from sim.policy.autoscaling.knative_scale import Mode, Spec, scale, started
from sim.policy.autoscaling.knative_windows import Window, empty, is_empty, linear, record, smoothing, weighted
from sim.policy.bounds import Period
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting

_DEFAULT_TARGETS = {"concurrency": 100.0, "rps": 200.0}  # container-concurrency-, requests-per-second-target-default
_LEAST_TARGET = 0.01  # pkg/apis/autoscaling/register.go: TargetMin
_MOST_TARGET = 10_000_000  # assumption: what the longest queue of a pool may hold
_LONGEST_S = 3600.0  # register.go: WindowMax, of windows, delays and retention


class KnativeState(NamedTuple):
    """What it remembers; mode: None before the first decision; excess_burst_capacity: requests, see `scale`: below zero
    the activator stands in requests' way (`life.proxied_ns`).
    """

    stable: Window
    panic: Window
    mode: Mode | None
    life: Life
    excess_burst_capacity: int


class _Plan(NamedTuple):
    spec: Spec
    stable_weight: float
    panic_weight: float
    buckets: tuple[int, int]
    terms: Terms


class Knative(Bounded):
    """Parameters of one Knative revision's autoscaler, and the controller itself as pure methods.

    metric: `concurrency` (requests in flight) or `rps` (requests per second); target: of it for a replica, of which
    target_utilisation is aimed at. panic_window: share of the stable one; panic_threshold: in panic from so many times
    what is ready on; max_scale_up_rate, max_scale_down_rate: times what is ready, per tick; target_burst_capacity:
    requests (-1: any number) for which the activator stays in requests' way; activation_replicas: at least so many
    where there are any; reachable: whether a route leads to it.
    """

    lowest: ClassVar[int] = 0

    kind: Literal["knative"] = "knative"
    min_replicas: Count = 0  # min-scale
    start_replicas: Count | None = Field(default=None, alias="initial_replicas")  # None: initial-scale 1, or the least
    metric: Literal["concurrency", "rps"] = "concurrency"
    target: float = Field(default=None, validate_default=True)  # see _DEFAULT_TARGETS
    target_utilisation: Share = 0.7  # container-concurrency-target-percentage
    sync_period_s: Period = 2.0  # multiscaler.go: tickInterval
    aggregation: Literal["linear", "weighted"] = "linear"  # metric-aggregation-algorithm
    stable_window_s: Seconds = 60.0  # stable-window
    panic_window: Share = 0.1  # panic-window-percentage
    panic_threshold: float = 2.0  # panic-threshold-percentage
    max_scale_up_rate: Positive = 1000.0  # max-scale-up-rate
    max_scale_down_rate: Positive = 2.0  # max-scale-down-rate
    scale_down_delay_s: Seconds = 0.0  # scale-down-delay
    activation_replicas: Count = 1  # activation-scale
    scale_to_zero_grace_s: Seconds = 30.0  # scale-to-zero-grace-period
    scale_to_zero_retention_s: Seconds = 0.0  # scale-to-zero-pod-retention-period
    target_burst_capacity: float = 211.0  # target-burst-capacity
    reachable: bool = True  # assumption: a pool that is simulated has a route

    @field_validator("activation_replicas")
    @classmethod
    def _activation(cls, value: int, info: ValidationInfo) -> int:
        high = info.data.get("max_replicas")
        if value < 1 or (high is not None and value > high):
            span = "of at least 1" if high is None else f"from 1 to {high}"
            raise ValueError(f"outside the bounds of replicas. Expected a whole number {span}.")
        return value

    @field_validator("target", mode="before")
    @classmethod
    def _target(cls, value: object, info: ValidationInfo) -> float:
        metric = info.data.get("metric", "concurrency")
        if value is None:
            return _DEFAULT_TARGETS[metric]
        if metric == "rps":
            number, unit = signals.arrival_rate(value, info), " req/s"
        else:
            number = parse_quantity(value, PLAIN, "a number of requests in flight per replica", "4", bare=True)
            unit = ""
        if not _LEAST_TARGET <= number <= _MOST_TARGET:
            raise ValueError(f"out of range. It must be {_LEAST_TARGET:g}{unit} to {_MOST_TARGET:,}{unit}.")
        return number

    @field_validator("target_utilisation")
    @classmethod
    def _some_use(cls, value: float) -> float:
        if value <= 0.0:
            raise ValueError('out of range. It must be more than 0 % and at most 100 %; type, say, "70 %".')
        return value

    @field_validator("stable_window_s", "scale_down_delay_s", "scale_to_zero_retention_s")
    @classmethod
    def _within_an_hour(cls, value: float, info: ValidationInfo) -> float:
        if info.field_name == "stable_window_s" and value < 6.0:  # register.go: WindowMin
            raise ValueError('shorter than Knative allows. Expected "6 s" to "1 h", such as "60 s".')
        if value > _LONGEST_S:
            raise ValueError('longer than Knative allows. Expected at most "1 h".')
        return value

    @field_validator("panic_window")
    @classmethod
    def _panic_window(cls, value: float) -> float:
        if value < 0.01:  # register.go: PanicWindowPercentageMin
            raise ValueError('out of range. It must be at least 1 % and at most 100 % of stable_window; type "10 %".')
        return value

    @field_validator("panic_threshold", mode="before")
    @classmethod
    def _panic_threshold(cls, value: object) -> float:
        number = parse_quantity(value, SHARE, "a share of what is ready", '"200 %"', bare=True)
        if not 1.1 <= number <= 10.0:  # register.go: PanicThresholdPercentageMin and Max
            raise ValueError('out of range. It must be at least 110 % and at most 1,000 %; type, say, "200 %".')
        return number

    @field_validator("max_scale_up_rate", "max_scale_down_rate")
    @classmethod
    def _some_change(cls, value: float) -> float:
        if value <= 1.0:
            raise ValueError("nothing would ever change. It must be more than 1, such as 2.")
        return value

    @field_validator("scale_to_zero_grace_s")
    @classmethod
    def _some_grace(cls, value: float) -> float:
        if value <= 0.0:
            raise ValueError('Knative needs some time to change routes. It must be more than 0 s, such as "30 s".')
        return value

    @field_validator("target_burst_capacity")
    @classmethod
    def _burst(cls, value: float) -> float:
        if value < 0.0 and value != -1.0:
            raise ValueError("out of range. It must be -1 (any number), 0 (none) or a number of requests such as 200.")
        return value

    @field_serializer("target", "panic_threshold", when_used="json")
    def _text(self, value: float, info: Any) -> str | int | float:
        if info.field_name == "panic_threshold":
            return format_quantity(value, SHARE, ("%",))
        if self.metric == "rps":
            return signals.arrival_text(value)
        return format_quantity(value, PLAIN, ("",))

    @property
    def initial_replicas(self) -> int:
        """Count at the start."""
        return max(1, self.min_replicas) if self.start_replicas is None else self.start_replicas

    @property
    def wakes(self) -> bool:
        """Asks to be called at the first request that comes at zero replicas."""
        return True

    @cached_property
    def _plan(self) -> _Plan:
        tick_ns, stable_ns = to_ns(self.sync_period_s), to_ns(self.stable_window_s)
        buckets = -(-stable_ns // tick_ns), -(-to_ns(self.stable_window_s * self.panic_window) // tick_ns)
        spec = Spec(
            target=max(_LEAST_TARGET, self.target * self.target_utilisation),
            total=self.target,
            burst=self.target_burst_capacity,
            panic_threshold=self.panic_threshold,
            up_rate=self.max_scale_up_rate,
            down_rate=self.max_scale_down_rate,
            stable_ns=stable_ns,
            delay_ticks=-(-to_ns(self.scale_down_delay_s) // tick_ns),
            tick_ns=tick_ns,
            activation=self.activation_replicas,
            reachable=self.reachable,
        )
        terms = Terms(
            low=self.min_replicas if self.reachable else 0,
            high=self.max_replicas,
            initial=self.initial_replicas,
            stable_ns=stable_ns,
            grace_ns=to_ns(self.scale_to_zero_grace_s),
            retention_ns=to_ns(self.scale_to_zero_retention_s),
        )
        return _Plan(spec, smoothing(buckets[0]), smoothing(buckets[1]), buckets, terms)

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> KnativeState:
        """State at the start: nothing averaged, and not yet active."""
        stable, panic = self._plan.buckets
        life = born(self.initial_replicas, now_ns)
        return KnativeState(empty(stable), empty(panic), None, life, 0)

    def decide(self, observation: Observation, state: KnativeState, now_ns: int) -> tuple[Decision, KnativeState]:
        """One tick: the count to ask for, and what to remember."""
        plan = self._plan
        spec, current = plan.spec, observation.target_replicas
        ready = observation.ready.tolist().count(True)
        stable, panic, mode, life, _ = state
        if mode is None:
            mode = started(ready, now_ns)
        bucket, value = now_ns // spec.tick_ns, self._measured(observation, ready)
        if value is not None:
            if bucket - stable.last == 2:  # a tick that comes late leaves no hole
                stable, panic = record(stable, bucket - 1, value), record(panic, bucket - 1, value)
            stable, panic = record(stable, bucket, value), record(panic, bucket, value)
        woken = current == 0 and (observation.queued_shared > 0 or observation.arrived_per_s > 0)
        if is_empty(stable, bucket) and not woken:
            return Decision(current, "NoMetrics"), KnativeState(stable, panic, mode, life, state.excess_burst_capacity)
        if self.aggregation == "linear":
            averages = linear(stable, bucket), linear(panic, bucket)
        else:
            averages = weighted(stable, bucket, plan.stable_weight), weighted(panic, bucket, plan.panic_weight)
        wanted, excess, mode = scale(spec, ready, *averages, mode, now_ns)
        if woken:
            wanted = max(wanted, spec.activation)
        why = "Woken" if woken else "Stable" if mode.panic_since_ns is None else "Panic"
        decision, life = applied(plan.terms, wanted, why, current, ready, excess, life, now_ns)
        return decision, KnativeState(stable, panic, mode, life, excess)

    def _measured(self, observation: Observation, ready: int) -> float | None:
        """The metric of the whole pool as the newest scrapes show it; None where they do not."""
        queued, arrived_per_s = observation.queued_shared, observation.arrived_per_s
        if observation.sample_age_s != observation.sample_age_s:
            return None
        if ready == 0 and queued == 0 and not arrived_per_s > 0:
            return None  # as upstream: nobody to be asked, and nothing that the activator would tell of
        if self.metric == "rps":
            return arrived_per_s if arrived_per_s == arrived_per_s else None
        each: list[float] = observation.mean_in_flight.tolist()
        total, count = sum(each), len(each)
        if total != total:
            each = [value for value in each if value == value]
            total, count = sum(each), len(each)
        # what has no samples yet is taken to be as busy as the others, as upstream, which asks some for all
        return total / count * ready + queued if count else float(queued)
