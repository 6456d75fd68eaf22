"""The Kubernetes HorizontalPodAutoscaler, autoscaling/v2, with one metric.

Source: kubernetes/kubernetes pkg/controller/podautoscaler (horizontal.go, replica_calculator.go), the form since 1.33.
Quirks kept: utilisation is truncated to a whole per cent before it is compared; the count grows from the pods that have
samples, not from the count asked for; a replica within the CPU initialisation period without a full window of samples
since it became ready counts as unready; without any sample nothing changes. A replica's request is taken as one busy
replica, so that utilisation is its share of time busy. The rules of `behavior` always apply, with their defaults where
the user gives none (upstream without `behavior` uses an older pair of limits, at most the larger of double and 4).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, ValidationInfo, field_serializer, field_validator

from sim.clock.calendar import to_ns
from sim.config import Count, Seconds, Share
from sim.config.units import PLAIN, SHARE, format_quantity, parse_quantity
from sim.policy.autoscaling.controller import Controller
from sim.policy.autoscaling.hpa_behaviour import (
    Changes,
    Log,
    Rates,
    Windows,
    limit_down,
    limit_up,
    remember,
    stabilise,
    store_event,
)
from sim.policy.autoscaling.hpa_replicas import Tally, Tolerance, pod_metric_replicas, resource_replicas
from sim.policy.autoscaling.hpa_rules import ScaleDownRules, ScaleUpRules
from sim.policy.autoscaling.hpa_tally import tally_in_flight, tally_utilisation
from sim.policy.bounds import Period, Replicas
from sim.policy.observation import Decision, Observation

_MOST_IN_FLIGHT = 10_000_000  # assumption: what the longest queue of a pool may hold


class HpaState(NamedTuple):
    """What the controller remembers: raw recommendations, and the changes that it made up and down."""

    recommendations: Log
    scale_up_events: Log
    scale_down_events: Log


class _Plan(NamedTuple):
    """The parameters as the arithmetic wants them: whole per cent or milli-units."""

    target: int
    tolerance: Tolerance
    windows: Windows
    up: Rates
    down: Rates


class HorizontalPodAutoscaler(Controller):
    """Parameters of one HorizontalPodAutoscaler, and the controller itself as pure methods.

    metric: `utilisation` (share of time busy, a CPU resource metric upstream) or `in_flight` (requests per replica, a
    pods metric upstream; those in the pool's shared queue are counted too). target: a share in whole per cent, or a
    number of requests.
    """

    kind: Literal["hpa"] = "hpa"
    min_replicas: Count = 1  # autoscaling/v2 defaults.go
    max_replicas: Replicas
    start_replicas: Count | None = Field(default=None, alias="initial_replicas")  # None: min_replicas
    metric: Literal["utilisation", "in_flight"] = "utilisation"
    target: float
    sync_period_s: Period = 15.0  # kube-controller-manager --horizontal-pod-autoscaler-sync-period
    tolerance: Share = 0.1  # --horizontal-pod-autoscaler-tolerance
    cpu_initialisation_period_s: Seconds = 300.0  # --horizontal-pod-autoscaler-cpu-initialization-period
    initial_readiness_delay_s: Seconds = 30.0  # --horizontal-pod-autoscaler-initial-readiness-delay
    scale_up: ScaleUpRules = Field(default_factory=ScaleUpRules)
    scale_down: ScaleDownRules = Field(default_factory=ScaleDownRules)

    @field_validator("min_replicas")
    @classmethod
    def _at_least_one(cls, value: int) -> int:
        if value < 1:
            raise ValueError("this controller never scales to zero: it measures replicas. It must be at least 1.")
        return value

    @field_validator("max_replicas")
    @classmethod
    def _max_above_min(cls, value: int, info: ValidationInfo) -> int:
        low = info.data.get("min_replicas", 1)
        if value < low:
            raise ValueError(
                f"less than min_replicas ({low}). Raise max_replicas to at least {low} or lower min_replicas."
            )
        return value

    @field_validator("start_replicas")
    @classmethod
    def _start_within(cls, value: int | None, info: ValidationInfo) -> int | None:
        low, high = info.data.get("min_replicas"), info.data.get("max_replicas")
        if value is not None and low is not None and high is not None and not low <= value <= high:
            raise ValueError(f"outside min_replicas to max_replicas. Expected a whole number from {low} to {high}.")
        return value

    @field_validator("target", mode="before")
    @classmethod
    def _target(cls, value: object, info: ValidationInfo) -> float:
        metric = info.data.get("metric")
        if metric == "in_flight":
            number = parse_quantity(value, PLAIN, "a number of requests in flight per replica", "4", bare=True)
            if not 0.001 <= number <= _MOST_IN_FLIGHT:
                raise ValueError(
                    f"out of range. Requests in flight per replica must be at least 0.001 and at most "
                    f"{_MOST_IN_FLIGHT:,}; type, say, 4."
                )
            return number
        number = parse_quantity(value, SHARE, "a target utilisation", '"70 %"', bare=True)
        if metric == "utilisation":
            if not 0.0 < number <= 1.0:
                raise ValueError(
                    'out of range. A utilisation must be more than 0 % and at most 100 %; type, say, "70 %".'
                )
            if round(number * 100) < 1 or abs(number * 100 - round(number * 100)) > 1e-9:
                raise ValueError('not a whole per cent, and Kubernetes takes no other. Type, say, "70 %".')
        return number

    @field_validator("tolerance")
    @classmethod
    def _tolerance(cls, value: float) -> float:
        if value >= 1.0:
            raise ValueError('nothing would ever scale down. It must be less than 100 %; type, say, "10 %".')
        return value

    @field_serializer("target", when_used="json")
    def _target_text(self, value: float) -> str | int | float:
        return (
            format_quantity(value, SHARE, ("%",))
            if self.metric == "utilisation"
            else format_quantity(value, PLAIN, ("",))
        )

    @property
    def initial_replicas(self) -> int:
        """Count at the start."""
        return self.min_replicas if self.start_replicas is None else self.start_replicas

    @cached_property
    def _plan(self) -> _Plan:
        return _Plan(
            target=round(self.target * (100 if self.metric == "utilisation" else 1000)),
            tolerance=Tolerance(1.0 - self.tolerance, 1.0 + self.tolerance),
            windows=Windows(to_ns(self.scale_up.stabilisation_s), to_ns(self.scale_down.stabilisation_s)),
            up=self.scale_up.rates(),
            down=self.scale_down.rates(),
        )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values (see pydantic); what was computed from the old ones does not go with it."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("_plan", None)
        return copy

    def begin(self, now_ns: int) -> HpaState:
        """State at the start: nothing remembered; the first decision records the count it finds, as upstream."""
        return HpaState((), (), ())

    def decide(self, observation: Observation, state: HpaState, now_ns: int) -> tuple[Decision, HpaState]:
        """One sync: the count to ask for, and what to remember."""
        return self.reconcile(observation.target_replicas, self.tally(observation), state, now_ns)

    def tally(self, observation: Observation) -> Tally:
        """The observation's samples of the chosen metric, summed by class."""
        if self.metric == "in_flight":
            return tally_in_flight(observation)
        return tally_utilisation(observation, self.cpu_initialisation_period_s, self.initial_readiness_delay_s)

    def reconcile(self, current: int, tally: Tally, state: HpaState, now_ns: int) -> tuple[Decision, HpaState]:
        """One sync from summed samples: `current` is the count last asked for."""
        recommendations, up_events, down_events = state
        if not recommendations:
            recommendations = ((current, now_ns),)
            state = HpaState(recommendations, up_events, down_events)
        if current == 0 and self.min_replicas > 0:
            return Decision(0, "ScalingDisabled"), state
        if current > self.max_replicas:
            return Decision(self.max_replicas, "TooManyReplicas"), self._stored(
                current, self.max_replicas, state, now_ns
            )
        if current < self.min_replicas:
            return Decision(self.min_replicas, "TooFewReplicas"), self._stored(
                current, self.min_replicas, state, now_ns
            )
        plan = self._plan
        calculate = resource_replicas if self.metric == "utilisation" else pod_metric_replicas
        desired = calculate(current, plan.target, tally, plan.tolerance)
        if desired is None:
            return Decision(current, "NoMetrics"), state
        stable = stabilise(current, desired, recommendations, plan.windows, now_ns)
        recommendations = remember(recommendations, desired, plan.windows, now_ns)
        state = HpaState(recommendations, up_events, down_events)
        if stable == current:
            return Decision(current, _unlimited(current, desired, stable)), state
        if current == (self.max_replicas if stable > current else self.min_replicas):
            # what the limits below would say, and the state in which a controller spends most of its time
            return Decision(current, "TooManyReplicas" if stable > current else "TooFewReplicas"), state
        changes = Changes(up_events, down_events)
        if stable > current:
            replicas, reason = limit_up(current, stable, self.max_replicas, changes, plan.up, now_ns)
        else:
            replicas, reason = limit_down(current, stable, self.min_replicas, changes, plan.down, now_ns)
        if replicas == stable:
            reason = _unlimited(current, desired, stable)
        return Decision(replicas, reason), self._stored(current, replicas, state, now_ns)

    def _stored(self, current: int, replicas: int, state: HpaState, now_ns: int) -> HpaState:
        """State with the change from `current` to `replicas` in the log of its direction."""
        if replicas > current:
            events = store_event(state.scale_up_events, replicas - current, self._plan.up, now_ns)
            return state._replace(scale_up_events=events)
        if replicas < current:
            events = store_event(state.scale_down_events, current - replicas, self._plan.down, now_ns)
            return state._replace(scale_down_events=events)
        return state


def _unlimited(current: int, desired: int, stable: int) -> str:
    """Reason of a count that no rate and no bound has cut."""
    if stable == desired:
        return "DesiredWithinRange"
    return "ScaleUpStabilised" if desired > current else "ScaleDownStabilised"
