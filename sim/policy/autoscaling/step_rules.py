"""A step scaling policy as a user states it: an alarm, and steps by how far the metric is beyond its threshold.

Source: AWS documentation as read in November 2026, Application Auto Scaling API Reference
(StepScalingPolicyConfiguration, StepAdjustment: bounds, their rules, at most 20 steps) and Amazon EC2 Auto Scaling
User Guide, "Scaling adjustment types" (rounding of per cents: toward zero, but never to no change).
"""

from abc import abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_serializer,
    field_validator,
)
from pydantic_core import PydanticCustomError

from sim.config import Count, Parameters, PositiveSeconds, Seconds
from sim.config.units import PLAIN, SHARE, format_quantity, parse_quantity
from sim.policy.autoscaling import signals
from sim.policy.autoscaling.aws_alarms import DIGITS, Metric, Statistic

Adjustment = Literal["change", "percent", "exact"]
_MOST_STEPS = 20  # API Reference: step adjustments of a policy
_MOST_POINTS = 1440  # assumption: a day of minutes; CloudWatch evaluates a week at most, at longer periods
_MOST = 1e9  # assumption: beyond any load of a pool


def _amount(value: object, info: ValidationInfo) -> float:
    if info.data.get("metric") == "arrivals":
        return signals.arrival_rate(value, info)
    return parse_quantity(value, SHARE, "an amount of the metric", '"10 %" of utilisation, or 100', bare=True)


def _not_endless(value: float) -> float:
    if abs(value) > _MOST:
        raise ValueError(f"out of range. It must be at most {_MOST:,.0f}, up or down.")
    return value


Amount = Annotated[
    float,
    BeforeValidator(_amount),
    AfterValidator(_not_endless),
    PlainSerializer(lambda value: format_quantity(value, PLAIN, ("",)), when_used="json"),
]
"""An amount of the policy's metric: "70 %" (or 0.7) of utilisation, "120 req/min" of arrivals, a number of requests."""


class Step(Parameters):
    """From `lower` to `upper` beyond the threshold (metric less threshold; null: without end), what to do."""

    lower: Amount | None = None
    upper: Amount | None = None
    adjustment: Count

    @field_validator("upper")
    @classmethod
    def _above_lower(cls, value: float | None, info: ValidationInfo) -> float | None:
        low = info.data.get("lower")
        if value is not None and low is not None and value <= low:
            raise ValueError(f"not above lower ({low:g}). Type a larger upper, or a smaller lower.")
        return value


def adjusted(capacity: int, amount: int, kind: Adjustment, least: int) -> int:
    """The capacity after a step: kind: how `amount` is meant; least: the smallest change by a per cent."""
    if kind == "exact":
        return amount
    if kind == "change":
        return capacity + amount
    sign = (amount > 0) - (amount < 0)
    change = abs(capacity * amount) // 100
    if capacity and amount:
        change = max(change, 1, least)
    return capacity + sign * change


class StepPolicy(Parameters):
    """One policy and its alarm.

    metric, threshold: what the alarm watches; period_s, statistic: of a datapoint; evaluation_periods,
    datapoints_to_alarm: so many of the last so many must breach (null: all); metric_delay_s: from the end of a period
    to when it can be seen; adjustment: how a step's is meant; min_adjustment_magnitude: smallest change by a per
    cent.
    """

    metric: Metric = "utilisation"
    threshold: Amount
    period_s: PositiveSeconds = Field(default=60.0, ge=1.0)  # CloudWatch's standard resolution
    statistic: Statistic = "average"  # API Reference, MetricAggregationType
    evaluation_periods: Count = 3  # assumption: as target tracking's alarm
    datapoints_to_alarm: Count | None = None  # CloudWatch: as evaluation_periods
    metric_delay_s: Seconds = 0.0  # assumption: scrapes have a lag of their own (scrape.lag)
    adjustment: Adjustment = "change"
    min_adjustment_magnitude: Count = 0  # API Reference, MinAdjustmentMagnitude: optional
    cooldown_s: Seconds = 300.0  # API Reference, Cooldown
    steps: tuple[Step, ...]

    @field_validator("threshold")
    @classmethod
    def _of_the_metric(cls, value: float, info: ValidationInfo) -> float:
        if value < 0.0 or (info.data.get("metric") == "utilisation" and value > 1.0):
            raise ValueError('out of range. Type a share such as "70 %" of utilisation, or at least 0 requests.')
        return value

    @field_validator("evaluation_periods")
    @classmethod
    def _some_periods(cls, value: int) -> int:
        if not 1 <= value <= _MOST_POINTS:
            raise ValueError(f"out of range. It must be a whole number from 1 to {_MOST_POINTS}.")
        return value

    @field_validator("datapoints_to_alarm")
    @classmethod
    def _among_them(cls, value: int | None, info: ValidationInfo) -> int | None:
        periods = info.data.get("evaluation_periods")
        if value is not None and periods is not None and not 1 <= value <= periods:
            raise ValueError(f"not among evaluation_periods. It must be a whole number from 1 to {periods}.")
        return value

    @field_validator("min_adjustment_magnitude")
    @classmethod
    def _of_a_percent(cls, value: int, info: ValidationInfo) -> int:
        if value < 0 or (value > 0 and info.data.get("adjustment") != "percent"):
            raise ValueError("only a per cent has a smallest change. Type adjustment: percent, or 0.")
        return value

    @field_validator("steps", mode="before")
    @classmethod
    def _as_rates(cls, value: object, info: ValidationInfo) -> object:
        """Bounds of arrivals are rates, which a step by itself cannot know."""
        if info.data.get("metric") != "arrivals" or not isinstance(value, (list, tuple)):
            return value
        return [_rated(step, i, info) if isinstance(step, Mapping) else step for i, step in enumerate(value)]

    @field_validator("steps")
    @classmethod
    def _without_gaps(cls, value: tuple[Step, ...], info: ValidationInfo) -> tuple[Step, ...]:
        problem = _gap(value, utilisation=info.data.get("metric") == "utilisation")
        if problem:
            raise ValueError(problem)
        cls._one_way(value, info.data.get("adjustment"))
        return value

    @field_serializer("threshold", when_used="json")
    def _threshold_text(self, value: float) -> str | int | float:
        return signals.arrival_text(value) if self.metric == "arrivals" else format_quantity(value, PLAIN, ("",))

    @field_serializer("steps", when_used="json")
    def _steps_text(self, value: tuple[Step, ...]) -> list[dict[str, Any]]:
        written = [step.model_dump(mode="json") for step in value]
        if self.metric == "arrivals":
            for step, text in zip(value, written, strict=True):
                bounds = {"lower": step.lower, "upper": step.upper}
                text |= {key: signals.arrival_text(bound) for key, bound in bounds.items() if bound is not None}
        return written

    @classmethod
    def _one_way(cls, steps: tuple[Step, ...], kind: Adjustment | None) -> None:
        if kind == "exact" and any(step.adjustment < 0 for step in steps):
            raise ValueError("an exact capacity below nothing. Type an adjustment of at least 0.")

    @property
    def needed(self) -> int:
        """How many datapoints must breach."""
        return self.evaluation_periods if self.datapoints_to_alarm is None else self.datapoints_to_alarm

    def _at(self, bound: float) -> float:
        return round(self.threshold + bound, DIGITS)

    @abstractmethod
    def breaches(self, point: float) -> bool:
        """Whether a datapoint is beyond the threshold."""

    @abstractmethod
    def step(self, point: float) -> Step | None:
        """The step for a datapoint; None where no step has it."""


class ScaleOut(StepPolicy):
    """An alarm at or above its threshold, and steps that add: a step's lower bound belongs to it."""

    @classmethod
    def _one_way(cls, steps: tuple[Step, ...], kind: Adjustment | None) -> None:
        super()._one_way(steps, kind)
        if kind != "exact" and any(step.adjustment < 0 for step in steps):
            raise ValueError("a step of scale_out that takes replicas away. Type an adjustment of at least 0.")

    def breaches(self, point: float) -> bool:
        """At or above the threshold."""
        return point >= self._at(0.0)

    def step(self, point: float) -> Step | None:
        """The step whose lower bound the datapoint has reached."""
        for step in self.steps:
            low, high = step.lower, step.upper
            if (low is None or point >= self._at(low)) and (high is None or point < self._at(high)):
                return step
        return None


class ScaleIn(StepPolicy):
    """An alarm at or below its threshold, and steps that take away: a step's upper bound belongs to it."""

    @classmethod
    def _one_way(cls, steps: tuple[Step, ...], kind: Adjustment | None) -> None:
        super()._one_way(steps, kind)
        if kind != "exact" and any(step.adjustment > 0 for step in steps):
            raise ValueError("a step of scale_in that adds replicas. Type an adjustment of at most 0, such as -1.")

    def breaches(self, point: float) -> bool:
        """At or below the threshold."""
        return point <= self._at(0.0)

    def step(self, point: float) -> Step | None:
        """The step whose upper bound the datapoint has reached."""
        for step in self.steps:
            low, high = step.lower, step.upper
            if (low is None or point > self._at(low)) and (high is None or point <= self._at(high)):
                return step
        return None


def _rated(step: Mapping[Any, Any], i: int, info: ValidationInfo) -> dict[Any, Any]:
    """A step with its bounds in requests per second. Zero is zero in any unit."""
    found = dict(step)
    for key in ("lower", "upper"):
        bound = found.get(key)
        if bound is None or (isinstance(bound, (int, float)) and bound == 0):
            continue
        try:
            found[key] = signals.arrival_rate(bound, info)
        except ValueError as e:
            said = {"where": (str(i), key), "message": f"{e} Bounds of arrivals are rates."}
            raise PydanticCustomError("inside", "{message}", said) from None
    return found


def _gap(steps: tuple[Step, ...], *, utilisation: bool) -> str:
    """What is wrong with the bounds of some steps; "" where nothing is."""
    if not 1 <= len(steps) <= _MOST_STEPS:
        return f"{len(steps)} steps. Expected 1 to {_MOST_STEPS}, such as {{lower: 0, adjustment: 2}}."
    if any(step.lower is None and step.upper is None for step in steps):
        return "a step without bounds. Type lower, upper or both, such as {lower: 0, adjustment: 2}."
    bounds = [b for step in steps for b in (step.lower, step.upper) if b is not None]
    if utilisation and max(abs(b) for b in bounds) > 1.0:
        return 'bounds beyond 100 % of utilisation. Type shares beyond the threshold, such as {lower: "10 %"}.'
    ordered = sorted(steps, key=lambda s: (s.lower is not None, s.lower or 0.0))
    for before, after in pairwise(ordered):
        if before.upper is None or after.lower is None or before.upper != after.lower:
            return "steps with a gap, or one over another. Each step's lower must be the upper of the one before."
    if min(bounds) < 0 and ordered[0].lower is not None:
        return "no step for what is still lower. Leave the lower bound of the lowest step out."
    if max(bounds) > 0 and ordered[-1].upper is not None:
        return "no step for what is still higher. Leave the upper bound of the highest step out."
    return ""
