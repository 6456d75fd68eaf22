"""AWS Application Auto Scaling's target tracking: capacity in proportion to a metric, set going by two alarms.

Sources, AWS documentation as read in November 2026: Application Auto Scaling User Guide, "How target tracking scaling
for Application Auto Scaling works" (proportion; scale-in only well below the target, "usually more than 10% lower");
API Reference, TargetTrackingScalingPolicyConfiguration (cooldowns, DisableScaleIn); the alarms that the service
makes, as users see them (repost.aws, "Sagemaker autoscaling delay": above the target for 3 datapoints within 3
minutes, below 0.9 of it for 15 datapoints within 15 minutes). What is shared with the other controllers of AWS is in
aws_alarms.py.

Capacity asked for is capacity x metric / target, rounded up, so that a scale-in never takes more than the formula
leaves.
Assumptions, as nothing is published: the metric is the newest datapoint; a scale-in goes all the way at once. A
replica that is asked for and not yet ready is capacity, and is not in the metric's mean.
"""

import math
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import ValidationInfo, field_serializer, field_validator

from sim.clock.calendar import to_ns
from sim.config import Seconds
from sim.config.units import PLAIN, SHARE, format_quantity, parse_quantity
from sim.policy.autoscaling.aws_alarms import MINUTE_S, Activity, Series, SeriesPlan, begin, in_alarm, measured, sampled
from sim.policy.autoscaling.controller import Bounded
from sim.policy.bounds import Period
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting

HIGH_POINTS = 3  # datapoints of a minute above the target
LOW_POINTS = 15  # datapoints of a minute below LOW_SHARE of the target
LOW_SHARE = 0.9
_MOST_REQUESTS = 1e9  # assumption: more than a replica ever serves in a minute


class TrackingState(NamedTuple):
    """What the controller remembers: the metric's datapoints, and what it has set going."""

    series: Series
    activity: Activity


class _Plan(NamedTuple):
    """The parameters' times in nanoseconds, and how datapoints are made."""

    series: SeriesPlan
    out_ns: int
    in_ns: int


def proportional(capacity: int, value: float, target: float) -> int:
    """Capacity that brings the metric from `value` to the target or just below it."""
    return math.ceil(round(capacity * value / target, 9))  # 3 x 0.6 / 0.3 is 6, whatever the last bit says


class Tracking(Bounded):
    """Parameters of a policy that tracks a target, and the controller itself as pure methods.

    metric, target: `utilisation` (a share) or `requests` (for each replica and minute); metric_delay_s: from the end
    of a minute to when its datapoint can be seen; sync_period_s: how often samples are taken for the minute's mean.
    """

    metric: Literal["utilisation", "requests"] = "utilisation"
    target: float
    scale_out_cooldown_s: Seconds = (
        300.0  # API Reference, ScaleOutCooldown: 300 for ECS services and SageMaker variants
    )
    scale_in_cooldown_s: Seconds = 300.0  # API Reference, ScaleInCooldown: likewise
    disable_scale_in: bool = False  # API Reference, DisableScaleIn
    metric_delay_s: Seconds = 0.0  # assumption: scrapes have a lag of their own (scrape.lag)
    sync_period_s: Period = 15.0  # assumption: as often as a pool is scraped by default; alarms change once a minute

    @field_validator("target", mode="before")
    @classmethod
    def _target(cls, value: object, info: ValidationInfo) -> float:
        if info.data.get("metric") == "requests":
            number = parse_quantity(value, PLAIN, "a number of requests per replica and minute", "70", bare=True)
            if not 0.001 <= number <= _MOST_REQUESTS:
                raise ValueError(
                    f"out of range. Requests per replica and minute must be at least 0.001 and at most "
                    f"{_MOST_REQUESTS:,.0f}; type, say, 70."
                )
            return number
        number = parse_quantity(value, SHARE, "a target utilisation", '"50 %"', bare=True)
        if "metric" in info.data and not 0.0 < number <= 1.0:
            raise ValueError('out of range. A utilisation must be more than 0 % and at most 100 %; type, say, "50 %".')
        return number

    @field_validator("sync_period_s")
    @classmethod
    def _within_a_minute(cls, value: float) -> float:
        if value > MINUTE_S:
            raise ValueError('longer than a datapoint. It must be at most "60 s".')
        return value

    @field_serializer("target", when_used="json")
    def _target_text(self, value: float) -> str | int | float:
        return format_quantity(value, *((SHARE, ("%",)) if self.metric == "utilisation" else (PLAIN, ("",))))

    @cached_property
    def _plan(self) -> _Plan:
        series = SeriesPlan(to_ns(MINUTE_S), to_ns(self.metric_delay_s), LOW_POINTS, "average")
        return _Plan(series, to_ns(self.scale_out_cooldown_s), to_ns(self.scale_in_cooldown_s))

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> TrackingState:
        """State at the start: no datapoint, nothing set going."""
        return TrackingState(begin(now_ns, self._plan.series), Activity())

    def decide(self, observation: Observation, state: TrackingState, now_ns: int) -> tuple[Decision, TrackingState]:
        """One sample; with a new datapoint, the alarms and what they ask for."""
        activity = state.activity.seen(observation, 0.0, now_ns)
        series, fresh = sampled(state.series, measured(self.metric, observation), now_ns, self._plan.series)
        decision = Decision(observation.target_replicas, "NoChange")
        if fresh:
            decision, activity = self.judge(observation.target_replicas, series.points, activity, now_ns)
        return decision, TrackingState(series, activity)

    def judge(
        self, current: int, points: tuple[float, ...], activity: Activity, now_ns: int
    ) -> tuple[Decision, Activity]:
        """What the two alarms ask for: current: capacity asked for; points: datapoints, newest last."""
        low, high, target, value = self.min_replicas, self.max_replicas, self.target, points[-1]
        if not low <= current <= high:
            return Decision(min(max(current, low), high), "NewLimits"), activity
        if in_alarm(points, lambda point: point > target, HIGH_POINTS, HIGH_POINTS):
            base = activity.capacity(current, self._plan.out_ns, now_ns)
            desired = min(proportional(base, value, target), high)
            if desired > current:
                return Decision(desired, "AlarmHigh"), activity.scaled_out(base)
            return Decision(current, "TooManyReplicas" if current == high else "ScaleOutCooldown"), activity
        if not self.disable_scale_in and in_alarm(points, lambda p: p < LOW_SHARE * target, LOW_POINTS, LOW_POINTS):
            desired = max(proportional(current, value, target), low)
            if desired >= current:
                return Decision(current, "TooFewReplicas" if current == low else "NoChange"), activity
            if activity.may_scale_in(self._plan.in_ns, now_ns):
                return Decision(desired, "AlarmLow"), activity.scaled_in(now_ns)
            return Decision(current, "ScaleInCooldown"), activity
        return Decision(current, "NoChange"), activity


class TargetTracking(Tracking):
    """Target tracking of any scalable target, such as an ECS service."""

    kind: Literal["target_tracking"] = "target_tracking"
