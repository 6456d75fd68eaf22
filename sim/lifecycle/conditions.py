"""Conditions that a gate may ask for, and that a scenario may name as thresholds: one parameter class each.

A class says all that its kind needs, so that gates, tables and refusals tell it alike: `words`, its name in a sentence;
`units` to show numbers in; `compares`, whether it takes the phase's first window to measure against; `read`, what a
window showed. Its one field named at_least... or at_most... is its `limit` and says its `direction`. A new kind is a
class here and its place in `Condition`.
"""

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from sim.clock.calendar import DAY_S
from sim.config import Count, Parameters, PositiveSeconds, Rate, Share, Usd, UsdPerDay
from sim.lifecycle.measures import Measures, Reading, ratio, total, worst

MAX_WINDOW_REQUESTS = 2**53  # counts stay exact as floats

Direction = Literal["from", "at least", "at most"]
Units = tuple[tuple[float, str], ...]
"""Size of each unit in the base unit, and its name; the largest first."""
_SHARE: Units = ((0.01, "%"),)


def _moment(value: object) -> object:
    if isinstance(value, (datetime, str)):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    raise ValueError('not a date. Expected one such as "2026-04-01" or "2026-04-01 09:30".')


def _a_rate(rate: float) -> float:
    if rate == 0.0:
        raise ValueError('out of range. Every product has at least no traffic; type more than 0, such as "2 req/s".')
    return rate


def _a_price(usd: float) -> float:
    if usd == 0.0:
        raise ValueError('can never be met: no answer is free. Type more than 0, such as "0.001 USD".')
    return usd


def _part_of_the_cost(share: float) -> float:
    if share >= 1.0:
        raise ValueError('can never be met: something is always paid. Type less than 100 %, such as "20 %".')
    if share == 0.0:
        raise ValueError('no reduction at all. Type more than 0, such as "20 %".')
    return share


def _as_text(moment: datetime) -> str:
    return moment.isoformat(sep=" ")


CivilMoment = Annotated[datetime, BeforeValidator(_moment), PlainSerializer(_as_text, when_used="json")]


class DateCondition(Parameters):
    """It is this civil date or date-time, or later. from_ (typed `from`): in the scenario's zone if it names none."""

    kind: Literal["date"] = "date"
    from_: CivilMoment
    workload: ClassVar[None] = None  # a date is nobody's
    words: ClassVar[str] = "date"
    direction: ClassVar[Direction] = "from"
    compares: ClassVar[bool] = False

    @property
    def limit(self) -> datetime:
        """The moment."""
        return self.from_


class _NumberCondition(Parameters):
    """A condition on a number that a window shows; the limit is in the base unit."""

    units: ClassVar[Units]
    compares: ClassVar[bool] = False

    @property
    def direction(self) -> Direction:
        """How the limit is meant."""
        return "at least" if self._bound.startswith("at_least") else "at most"

    @property
    def limit(self) -> float:
        """What is asked for."""
        return float(getattr(self, self._bound))

    @property
    def _bound(self) -> str:
        return next(name for name in type(self).model_fields if name.startswith(("at_least", "at_most")))


class TrafficCondition(_NumberCondition):
    """Offered requests per second over the window, of one workload or (None) of all together."""

    kind: Literal["traffic"] = "traffic"
    at_least_per_s: Annotated[Rate, AfterValidator(_a_rate)]
    workload: str | None = None
    words: ClassVar[str] = "traffic"
    units: ClassVar[Units] = ((1.0, "req/s"), (1 / 60, "req/min"), (1 / 3600, "req/h"), (1 / DAY_S, "req/day"))

    def read(self, m: Measures) -> Reading:
        """What a window showed: requests per second."""
        return ratio(total(m.offered, self.workload), m.span_s), self.workload or ""


class RequestsCondition(_NumberCondition):
    """Offered requests in the window (a count), of one workload or (None) of all together."""

    kind: Literal["requests"] = "requests"
    at_least: Annotated[Count, Field(ge=1, le=MAX_WINDOW_REQUESTS)]
    workload: str | None = None
    words: ClassVar[str] = "requests"
    units: ClassVar[Units] = ((1.0, "req"),)

    def read(self, m: Measures) -> Reading:
        """What a window showed: requests."""
        return total(m.offered, self.workload), self.workload or ""


class QualityCondition(_NumberCondition):
    """Share of right answers as the monitor sees it, of one workload or (None) of the worst that has a monitor."""

    kind: Literal["quality"] = "quality"
    at_least: Share
    workload: str | None = None
    words: ClassVar[str] = "quality"
    units: ClassVar[Units] = _SHARE

    def read(self, m: Measures) -> Reading:
        """What a window showed: a share."""
        return worst(m.quality_seen, self.workload, min)


class SloAttainmentCondition(_NumberCondition):
    """Share of the requests that ended which were answered within the SLO's latency; throttled ones do not count.

    Of one workload or (None) of the worst.
    """

    kind: Literal["slo_attainment"] = "slo_attainment"
    at_least: Share
    workload: str | None = None
    words: ClassVar[str] = "SLO attainment"
    units: ClassVar[Units] = _SHARE

    def read(self, m: Measures) -> Reading:
        """What a window showed: a share."""
        attained = {name: ratio(m.good.get(name, 0), ended) for name, ended in m.ended.items()}
        return worst(attained, self.workload, min)


class LatencyP99Condition(_NumberCondition):
    """99th percentile of the latency of answered requests (s), of one workload or (None) of the worst."""

    kind: Literal["latency_p99"] = "latency_p99"
    at_most_s: PositiveSeconds
    workload: str | None = None
    words: ClassVar[str] = "p99 latency"
    units: ClassVar[Units] = ((1.0, "s"), (1e-3, "ms"))

    def read(self, m: Measures) -> Reading:
        """What a window showed: seconds."""
        return worst(m.p99_s, self.workload, max)


class FalsePositiveRateCondition(_NumberCondition):
    """Share of harmless cases that are taken for harmful, of one workload or (None) of the worst that decides."""

    kind: Literal["false_positive_rate"] = "false_positive_rate"
    at_most: Share
    workload: str | None = None
    words: ClassVar[str] = "false positive rate"
    units: ClassVar[Units] = _SHARE

    def read(self, m: Measures) -> Reading:
        """What a window showed: a share."""
        return worst(m.false_positive_rate, self.workload, max)


class UnitCostCondition(_NumberCondition):
    """Variable cost of an offered request (USD), of all workloads together: they share pools, and so their cost."""

    kind: Literal["unit_cost"] = "unit_cost"
    at_most_usd: Annotated[Usd, AfterValidator(_a_price)]
    workload: ClassVar[None] = None
    words: ClassVar[str] = "variable cost per request"
    units: ClassVar[Units] = ((1.0, "USD"),)

    def read(self, m: Measures) -> Reading:
        """What a window showed: USD per request."""
        return ratio(m.variable_usd, sum(m.offered.values())), ""


class CostReductionCondition(_NumberCondition):
    """Share by which total cost per request fell below that of the phase's first whole window."""

    kind: Literal["cost_reduction"] = "cost_reduction"
    at_least: Annotated[Share, AfterValidator(_part_of_the_cost)]
    workload: ClassVar[None] = None
    words: ClassVar[str] = "cost reduction"
    units: ClassVar[Units] = _SHARE
    compares: ClassVar[bool] = True

    def read(self, m: Measures) -> Reading:
        """What a window showed: a share."""
        remaining = ratio(m.unit_cost_usd, m.baseline_unit_cost_usd)
        return None if remaining is None else 1.0 - remaining, ""


class ValueCondition(_NumberCondition):
    """Value earned a day (USD), by one workload or (None) by all together."""

    kind: Literal["value"] = "value"
    at_least_usd_per_day: UsdPerDay
    workload: str | None = None
    words: ClassVar[str] = "value"
    units: ClassVar[Units] = ((1.0, "USD/day"),)

    def read(self, m: Measures) -> Reading:
        """What a window showed: USD per day."""
        earned = total(m.value_usd, self.workload) if m.value_usd else None
        return ratio(earned, m.span_s / DAY_S), self.workload or ""


Measured = (
    TrafficCondition
    | RequestsCondition
    | QualityCondition
    | SloAttainmentCondition
    | LatencyP99Condition
    | FalsePositiveRateCondition
    | UnitCostCondition
    | CostReductionCondition
    | ValueCondition
)
"""Conditions on a number that a window shows: all but dates."""
Condition = Annotated[DateCondition | Measured, Field(discriminator="kind")]
"""What may be asked for; a scenario's `gates` node is a mapping of names to these."""
