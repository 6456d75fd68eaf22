"""The Kubernetes HorizontalPodAutoscaler, autoscaling/v2.

Source: kubernetes/kubernetes pkg/controller/podautoscaler (horizontal.go, replica_calculator.go), the form since 1.33.
Quirks kept: utilisation is truncated to a whole per cent before it is compared; the count grows from the pods that have
samples, not from the count asked for; a replica within the CPU initialisation period without a full window of samples
since it became ready counts as unready; without any sample nothing changes. A replica's request is taken as one busy
replica, so that utilisation is its share of time busy. Of several metrics the one that asks for most counts; one that
cannot be read lets the others scale up and not down. The rules of `behavior` apply, with their defaults where the user
gives none; `behaviour: legacy` is an autoscaler without `behavior`, with an older limit of the larger of double and 4.
"""

from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, ValidationInfo, field_serializer, field_validator

from sim.clock.calendar import to_ns
from sim.config import Count, Parameters, Seconds
from sim.config.units import PLAIN, SHARE, format_quantity
from sim.policy.autoscaling.controller import Ranged
from sim.policy.autoscaling.hpa_behaviour import (
    Changes,
    Log,
    Rates,
    Windows,
    legacy_limit,
    legacy_stabilise,
    limit_down,
    limit_up,
    remember,
    stabilise,
    store_event,
)
from sim.policy.autoscaling.hpa_metrics import (
    CpuPeriods,
    Metric,
    PodsMetric,
    PoolMetric,
    ResourceMetric,
    Wanted,
    count_target,
    highest,
    proposal,
    share_target,
    wanted,
)
from sim.policy.autoscaling.hpa_replicas import Tolerance
from sim.policy.autoscaling.hpa_rules import ScaleDownRules, ScaleUpRules
from sim.policy.bounds import Tolerated
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting

_DEFAULT_TARGET = 0.8
_MOST_METRICS = 100  # assumption: more than anybody writes


class HpaState(NamedTuple):
    """What the controller remembers: raw recommendations, and the changes that it made up and down."""

    recommendations: Log
    scale_up_events: Log
    scale_down_events: Log


class _Plan(NamedTuple):
    """The parameters as the arithmetic wants them."""

    metrics: tuple[Wanted, ...]
    legacy: bool
    tolerance: Tolerance
    periods: CpuPeriods
    windows: Windows
    up: Rates
    down: Rates


class _Measured(Parameters):
    """What is measured; a class of its own as it stands before the limits: whether they may be zero depends on it."""

    metrics: Annotated[tuple[Metric, ...], Field(max_length=_MOST_METRICS)] = ()


class HorizontalPodAutoscaler(Ranged, _Measured):
    """Parameters of one HorizontalPodAutoscaler, and the controller itself as pure methods.

    metric: `utilisation` (share of time busy, a CPU resource metric upstream) or `in_flight` (requests per replica, a
    pods metric upstream; those in the pool's shared queue are counted too). target: a share in whole per cent, or a
    number of requests. metrics: several, or others; where they are given, they take the place of metric and target.
    min_replicas: 0 only with a metric that can be read without replicas (upstream's feature gate HPAScaleToZero).
    behaviour: `rules` (scale_up and scale_down) or `legacy` (none of them but scale_down's stabilisation window).
    """

    kind: Literal["hpa"] = "hpa"
    min_replicas: Count = 1  # autoscaling/v2 defaults.go
    metric: Literal["utilisation", "in_flight"] = "utilisation"
    target: float = Field(default=None, validate_default=True)  # 80 %, DefaultCPUUtilization in autoscaling/types.go
    tolerance: Tolerated = 0.1  # --horizontal-pod-autoscaler-tolerance
    cpu_initialisation_period_s: Seconds = 300.0  # --horizontal-pod-autoscaler-cpu-initialization-period
    initial_readiness_delay_s: Seconds = 30.0  # --horizontal-pod-autoscaler-initial-readiness-delay
    scale_up: ScaleUpRules = Field(default_factory=ScaleUpRules)
    scale_down: ScaleDownRules = Field(default_factory=ScaleDownRules)
    behaviour: Literal["rules", "legacy"] = "rules"

    @field_validator("min_replicas")
    @classmethod
    def _not_below(cls, value: int, info: ValidationInfo) -> int:
        lasting = any(isinstance(metric, PoolMetric) for metric in info.data.get("metrics", ()))
        if value < 0 or (value == 0 and not lasting):
            raise ValueError(
                "this controller never scales to zero on what it measures at replicas. It must be at least 1; for 0, "
                "add a metric of the pool, such as {kind: external, name: queue, type: average_value, target: 10}."
            )
        return value

    @field_validator("target", mode="before")
    @classmethod
    def _target(cls, value: object, info: ValidationInfo) -> float:
        if value is None:
            if info.data.get("metric") == "in_flight" and not info.data.get("metrics"):
                raise ValueError("missing. Requests in flight per replica have no default; type, say, 4.")
            return _DEFAULT_TARGET
        # which of the two it is cannot be told where the metric itself is refused
        return count_target(value) if info.data.get("metric") == "in_flight" else share_target(value)

    @field_validator("behaviour")
    @classmethod
    def _nothing_in_vain(cls, value: str, info: ValidationInfo) -> str:
        up, down = info.data.get("scale_up", ScaleUpRules()), info.data.get("scale_down", ScaleDownRules())
        if value == "legacy" and (up != ScaleUpRules() or down.beyond_windows()):
            raise ValueError(
                "without `behavior` there are no policies, and no window but scale_down.stabilisation. Leave the other "
                "keys of scale_up and scale_down as they are, or type behaviour: rules."
            )
        return value

    @field_serializer("target", when_used="json")
    def _target_text(self, value: float) -> str | int | float:
        return (
            format_quantity(value, SHARE, ("%",))
            if self.metric == "utilisation"
            else format_quantity(value, PLAIN, ("",))
        )

    @cached_property
    def _plan(self) -> _Plan:
        only = ResourceMetric if self.metric == "utilisation" else PodsMetric
        up, down = (self.tolerance if t is None else t for t in (self.scale_up.tolerance, self.scale_down.tolerance))
        return _Plan(
            metrics=tuple(wanted(metric) for metric in self.metrics or (only(target=self.target),)),
            legacy=self.behaviour == "legacy",
            tolerance=Tolerance(1.0 - down, 1.0 + up),
            periods=CpuPeriods(self.cpu_initialisation_period_s, self.initial_readiness_delay_s),
            windows=Windows(to_ns(self.scale_up.stabilisation_s), to_ns(self.scale_down.stabilisation_s)),
            up=self.scale_up.rates(),
            down=self.scale_down.rates(),
        )

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> HpaState:
        """State at the start: nothing remembered; the first decision records the count it finds, as upstream."""
        return HpaState((), (), ())

    def decide(self, observation: Observation, state: HpaState, now_ns: int) -> tuple[Decision, HpaState]:
        """One sync: the count to ask for, and what to remember."""
        plan = self._plan
        if len(plan.metrics) == 1:
            desired = proposal(plan.metrics[0], observation, plan.tolerance, plan.periods)
        else:
            asked = [proposal(metric, observation, plan.tolerance, plan.periods) for metric in plan.metrics]
            desired = highest(observation.target_replicas, asked)
        return self.settle(observation.target_replicas, desired, state, now_ns)

    def settle(self, current: int, desired: int | None, state: HpaState, now_ns: int) -> tuple[Decision, HpaState]:
        """One sync from what the metrics ask for (None: they cannot say), held to bounds, windows and rates."""
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
        if desired is None:
            return Decision(current, "NoMetrics"), state
        if plan.legacy:
            return self._settle_legacy(current, desired, state, now_ns)
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

    def _settle_legacy(self, current: int, desired: int, state: HpaState, now_ns: int) -> tuple[Decision, HpaState]:
        windows = Windows(0, self._plan.windows.down_ns)
        stable = legacy_stabilise(desired, state.recommendations, windows.down_ns, now_ns)
        replicas, reason = legacy_limit(current, stable, self.min_replicas, self.max_replicas)
        if replicas == stable != desired:
            reason = "ScaleDownStabilised"
        recommendations = remember(state.recommendations, desired, windows, now_ns)
        return Decision(replicas, reason), state._replace(recommendations=recommendations)

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
