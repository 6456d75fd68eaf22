"""AWS step scaling: alarms that a user sets, and steps of capacity by how far the metric is beyond the threshold.

Sources, AWS documentation as read in November 2026: Application Auto Scaling User Guide, "Step scaling policies" and
API Reference, StepScalingPolicyConfiguration; Amazon EC2 Auto Scaling User Guide, "Step and simple scaling policies"
(the worked example from 10 over 11, 14 and 13 back to 10 replicas; instance warm-up). Datapoints, alarms, cooldowns:
aws_alarms.py. A scale-out goes before a scale-in. A warm-up is EC2's, a cooldown Application Auto Scaling's; both
together are the user's to choose. While a scale-out is under way or warms up, no scale-in begins (EC2).
"""

from functools import cached_property
from typing import ClassVar, Literal, NamedTuple

from pydantic import ValidationInfo, field_validator

from sim.clock.calendar import to_ns
from sim.config import Seconds
from sim.policy.autoscaling.aws_alarms import (
    PER_REPLICA,
    Activity,
    Series,
    SeriesPlan,
    begin,
    in_alarm,
    measured,
    sampled,
)
from sim.policy.autoscaling.controller import Bounded
from sim.policy.autoscaling.step_rules import ScaleIn, ScaleOut, StepPolicy, adjusted
from sim.policy.bounds import Period
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting


class StepState(NamedTuple):
    """What the controller remembers: the datapoints of both alarms, and what it has set going."""

    out_series: Series
    in_series: Series | None
    activity: Activity


class _Alarm(NamedTuple):
    """A policy, how its datapoints are made, and its cooldown in nanoseconds."""

    policy: StepPolicy
    plan: SeriesPlan
    cooldown_ns: int


class StepScaling(Bounded):
    """Parameters of a policy out and perhaps a policy in, and the controller itself as pure methods.

    warm_up_s: a replica that has been ready for less is not in the metrics; sync_period_s: how often samples are taken.
    """

    lowest: ClassVar[int] = 0

    kind: Literal["step_scaling"] = "step_scaling"
    scale_out: ScaleOut
    scale_in: ScaleIn | None = None
    warm_up_s: Seconds = 0.0  # EC2: the group's default instance warmup, none unless it is set
    sync_period_s: Period = 15.0  # assumption: as often as a pool is scraped by default

    @field_validator("scale_out")
    @classmethod
    def _leaves_zero(cls, value: ScaleOut, info: ValidationInfo) -> ScaleOut:
        if info.data.get("min_replicas") != 0:
            return value
        if value.metric in PER_REPLICA or value.adjustment == "percent":
            raise ValueError(
                "nothing would ever lead back from zero replicas: a metric of each replica has no value there, and a "
                "per cent of none is none. Type metric: queue or arrivals and adjustment: change, or min_replicas: 1."
            )
        return value

    @field_validator("sync_period_s")
    @classmethod
    def _within_a_datapoint(cls, value: float, info: ValidationInfo) -> float:
        policies: list[StepPolicy] = [
            p for p in (info.data.get("scale_out"), info.data.get("scale_in")) if p is not None
        ]
        shortest = min((policy.period_s for policy in policies), default=value)
        if value > shortest:
            raise ValueError(f'longer than a datapoint. It must be at most the shortest period, "{shortest:g} s".')
        return value

    @cached_property
    def _alarms(self) -> tuple[_Alarm, _Alarm | None]:
        return _alarm(self.scale_out), None if self.scale_in is None else _alarm(self.scale_in)

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> StepState:
        """State at the start: no datapoint, nothing set going."""
        out, back = self._alarms
        return StepState(begin(now_ns, out.plan), None if back is None else begin(now_ns, back.plan), Activity())

    def decide(self, observation: Observation, state: StepState, now_ns: int) -> tuple[Decision, StepState]:
        """One sample for each alarm; with a new datapoint, the alarm and what it asks for."""
        current, (out, back) = observation.target_replicas, self._alarms
        decision, activity = Decision(current, "NoChange"), state.activity.seen(observation, self.warm_up_s, now_ns)
        value = measured(out.policy.metric, observation, self.warm_up_s)
        outward, fresh = sampled(state.out_series, value, now_ns, out.plan)
        if fresh:
            base = activity.capacity(current, out.cooldown_ns, now_ns)
            desired = min(asked(out.policy, outward.points, base, current), self.max_replicas)
            if desired > current:
                decision, activity = Decision(desired, "StepOut"), activity.scaled_out(base)
        inward = state.in_series
        if back is None or inward is None:
            return decision, StepState(outward, inward, activity)
        value = measured(back.policy.metric, observation, self.warm_up_s)
        inward, fresh = sampled(inward, value, now_ns, back.plan)
        if fresh and decision.replicas == current and not activity.growing:
            desired = max(asked(back.policy, inward.points, current, current), self.min_replicas)
            if desired < current and activity.may_scale_in(back.cooldown_ns, now_ns):
                decision, activity = Decision(desired, "StepIn"), activity.scaled_in(now_ns)
            elif desired < current:
                decision = Decision(current, "ScaleInCooldown")
        return decision, StepState(outward, inward, activity)


def asked(policy: StepPolicy, points: tuple[float, ...], capacity: int, current: int) -> int:
    """The count that a policy's alarm and step ask for, reckoned from `capacity`; `current` where it is silent."""
    if not in_alarm(points, policy.breaches, policy.needed, policy.evaluation_periods):
        return current
    step = policy.step(points[-1])
    if step is None:
        return current
    return adjusted(capacity, step.adjustment, policy.adjustment, policy.min_adjustment_magnitude)


def _alarm(policy: StepPolicy) -> _Alarm:
    kept = policy.evaluation_periods
    plan = SeriesPlan(to_ns(policy.period_s), to_ns(policy.metric_delay_s), kept, policy.statistic)
    return _Alarm(policy, plan, to_ns(policy.cooldown_s))
