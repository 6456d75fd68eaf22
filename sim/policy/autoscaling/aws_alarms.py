"""What the controllers of AWS share: datapoints, alarms over them, and cooldowns after what an alarm has set going.

Sources, AWS documentation as read in November 2026:
- Amazon CloudWatch User Guide, "Using Amazon CloudWatch alarms" (M of the last N datapoints) and "Alarm actions" (an
  Auto Scaling action is taken again every period while the alarm lasts, others only when it begins);
- Application Auto Scaling API Reference, TargetTrackingScalingPolicyConfiguration and StepScalingPolicyConfiguration
  (cooldowns): after a scale-out has completed, capacity grows again before the cooldown ends only by what a larger
  scale-out exceeds it; a scale-in blocks the next one until its cooldown ends, but never a scale-out, which ends it.

Not published and so an assumption: a period without any sample is a missing datapoint, which breaches nothing; a
scale-out has completed when all replicas asked for are ready (and warm); what larger scale-outs within one cooldown
exceed is the capacity before the first of them.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from sim.policy.autoscaling import signals
from sim.policy.observation import Observation

Metric = Literal["utilisation", "requests", "queue", "arrivals"]
"""utilisation, queue, arrivals (per second): see signals.py; requests: that ask for the pool, per replica in service
and minute, as AWS defines RequestCountPerTarget."""
PER_REPLICA: tuple[Metric, ...] = ("utilisation", "requests")
Statistic = Literal["average", "maximum", "minimum"]

MINUTE_S = 60.0
DIGITS = 9  # of a datapoint, behind the point


class SeriesPlan(NamedTuple):
    """How samples become datapoints: their period and how late they come (ns), how many are kept, and the statistic."""

    period_ns: int
    delay_ns: int
    kept: int
    statistic: Statistic


class Series(NamedTuple):
    """Datapoints of one metric.

    end_ns: when the period under way ends; total, samples, high, low: their sum, number and extremes; coming: (when
    to be seen, value) of those that are on their way; points: that can be seen, newest last; NaN where a period had
    no sample.
    """

    end_ns: int
    total: float
    samples: int
    high: float
    low: float
    coming: tuple[tuple[int, float], ...]
    points: tuple[float, ...]


def begin(now_ns: int, plan: SeriesPlan) -> Series:
    """No datapoint yet; periods end at whole multiples of their length."""
    return Series(_next_end(now_ns, plan), 0.0, 0, -math.inf, math.inf, (), ())


def sampled(series: Series, value: float, now_ns: int, plan: SeriesPlan) -> tuple[Series, bool]:
    """The series with one more sample (NaN: none), and whether a new datapoint can be seen."""
    end_ns, total, samples, high, low, coming, points = series
    if value == value:
        total, samples, high, low = total + value, samples + 1, max(high, value), min(low, value)
    if now_ns >= end_ns:
        point = total / samples if samples else math.nan
        if samples and plan.statistic != "average":
            point = high if plan.statistic == "maximum" else low
        # a mean of ten times 0.6 is a threshold of 60 %, whatever its last bit says
        coming = (*coming, (end_ns + plan.delay_ns, round(point, DIGITS)))
        end_ns, total, samples, high, low = _next_end(now_ns, plan), 0.0, 0, -math.inf, math.inf
    seen = 0
    while seen < len(coming) and coming[seen][0] <= now_ns:
        seen += 1
    if seen:
        points = (*points, *(value for _, value in coming[:seen]))[-plan.kept :]
        coming = coming[seen:]
    return Series(end_ns, total, samples, high, low, coming, points), seen > 0


def in_alarm(points: tuple[float, ...], breaches: Callable[[float], bool], needed: int, of: int) -> bool:
    """Whether at least `needed` of the last `of` datapoints breach; a missing one does not."""
    return sum(1 for point in points[-of:] if point == point and breaches(point)) >= needed


def _next_end(now_ns: int, plan: SeriesPlan) -> int:
    return (now_ns // plan.period_ns + 1) * plan.period_ns


class Activity(NamedTuple):
    """The scale-out that was begun last and the scale-in that was made last.

    base: capacity before the scale-out; growing: whether it is still under way; out_ns, in_ns: when it was completed,
    and when the scale-in was made (-1: there is none that matters).
    """

    base: int = 0
    growing: bool = False
    out_ns: int = -1
    in_ns: int = -1

    def seen(self, observation: Observation, warm_up_s: float, now_ns: int) -> "Activity":
        """With a scale-out that has completed by now taken as completed."""
        if not self.growing or in_service(observation, warm_up_s) < observation.target_replicas:
            return self
        return self._replace(growing=False, out_ns=now_ns)

    def capacity(self, current: int, cooldown_ns: int, now_ns: int) -> int:
        """What a scale-out is to be reckoned from: what was there before one that is under way or cools down."""
        cooling = self.growing or (self.out_ns >= 0 and now_ns - self.out_ns < cooldown_ns)
        return min(self.base, current) if cooling else current

    def may_scale_in(self, cooldown_ns: int, now_ns: int) -> bool:
        """Whether no scale-in cools down."""
        return self.in_ns < 0 or now_ns - self.in_ns >= cooldown_ns

    def scaled_out(self, base: int) -> "Activity":
        """A scale-out reckoned from `base` has begun; a scale-in cools down no more."""
        return Activity(base, growing=True)

    def scaled_in(self, now_ns: int) -> "Activity":
        """A scale-in has been made."""
        return self._replace(growing=False, out_ns=-1, in_ns=now_ns)


def in_service(observation: Observation, warm_up_s: float) -> int:
    """Replicas that are ready, and have been for the time that they need to warm up."""
    if warm_up_s <= 0.0:
        ready: list[bool] = observation.ready.tolist()
        return ready.count(True)
    return sum(1 for ready_for_s in observation.ready_for_s.tolist() if ready_for_s >= warm_up_s)


def measured(metric: Metric, observation: Observation, warm_up_s: float = 0.0) -> float:
    """A sample of the metric; NaN where there is none. Replicas that warm up do not count."""
    if metric == "utilisation":
        return signals.utilisation(observation, warm_up_s)
    if metric == "queue":
        return signals.queue(observation)
    if metric == "arrivals":
        return signals.arrivals(observation)
    serving = in_service(observation, warm_up_s)
    return signals.arrivals(observation) * MINUTE_S / serving if serving else math.nan
