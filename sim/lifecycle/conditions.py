"""Conditions that a gate may ask for, and that a scenario may name as thresholds: one parameter class each."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from sim.config import Count, Parameters, PositiveSeconds, Rate, Share, Usd, UsdPerDay

MAX_WINDOW_REQUESTS = 2**53  # counts stay exact as floats


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


class Date(Parameters):
    """It is this civil date or date-time, or later. from_ (typed `from`): in the scenario's zone if it names none."""

    kind: Literal["date"] = "date"
    from_: CivilMoment
    workload: ClassVar[None] = None  # a date is nobody's

    @property
    def limit(self) -> datetime:
        """The moment."""
        return self.from_


class Traffic(Parameters):
    """Offered requests per second over the window, of one workload or (None) of all together."""

    kind: Literal["traffic"] = "traffic"
    at_least_per_s: Annotated[Rate, AfterValidator(_a_rate)]
    workload: str | None = None

    @property
    def limit(self) -> float:
        """Requests per second."""
        return self.at_least_per_s


class Requests(Parameters):
    """Offered requests in the window (a count), of one workload or (None) of all together."""

    kind: Literal["requests"] = "requests"
    at_least: Annotated[Count, Field(ge=1, le=MAX_WINDOW_REQUESTS)]
    workload: str | None = None

    @property
    def limit(self) -> float:
        """Requests."""
        return float(self.at_least)


class Quality(Parameters):
    """Share of right answers as the monitor sees it, of one workload or (None) of the worst that has a monitor."""

    kind: Literal["quality"] = "quality"
    at_least: Share
    workload: str | None = None

    @property
    def limit(self) -> float:
        """A share."""
        return self.at_least


class SloAttainment(Parameters):
    """Share of the requests that ended which were answered within the SLO's latency; throttled ones do not count.

    Of one workload or (None) of the worst.
    """

    kind: Literal["slo_attainment"] = "slo_attainment"
    at_least: Share
    workload: str | None = None

    @property
    def limit(self) -> float:
        """A share."""
        return self.at_least


class LatencyP99(Parameters):
    """99th percentile of the latency of answered requests (s), of one workload or (None) of the worst."""

    kind: Literal["latency_p99"] = "latency_p99"
    at_most_s: PositiveSeconds
    workload: str | None = None

    @property
    def limit(self) -> float:
        """Seconds."""
        return self.at_most_s


class FalsePositiveRate(Parameters):
    """Share of harmless cases that are taken for harmful, of one workload or (None) of the worst that decides."""

    kind: Literal["false_positive_rate"] = "false_positive_rate"
    at_most: Share
    workload: str | None = None

    @property
    def limit(self) -> float:
        """A share."""
        return self.at_most


class UnitCost(Parameters):
    """Variable cost of an offered request (USD), of all workloads together: they share pools, and so their cost."""

    kind: Literal["unit_cost"] = "unit_cost"
    at_most_usd: Annotated[Usd, AfterValidator(_a_price)]
    workload: ClassVar[None] = None

    @property
    def limit(self) -> float:
        """USD per request."""
        return self.at_most_usd


class CostReduction(Parameters):
    """Share by which total cost per request fell below that of the phase's first whole window."""

    kind: Literal["cost_reduction"] = "cost_reduction"
    at_least: Annotated[Share, AfterValidator(_part_of_the_cost)]
    workload: ClassVar[None] = None

    @property
    def limit(self) -> float:
        """A share."""
        return self.at_least


class Value(Parameters):
    """Value earned a day (USD), by one workload or (None) by all together."""

    kind: Literal["value"] = "value"
    at_least_usd_per_day: UsdPerDay
    workload: str | None = None

    @property
    def limit(self) -> float:
        """USD per day."""
        return self.at_least_usd_per_day


Condition = Annotated[
    Date
    | Traffic
    | Requests
    | Quality
    | SloAttainment
    | LatencyP99
    | FalsePositiveRate
    | UnitCost
    | CostReduction
    | Value,
    Field(discriminator="kind"),
]
"""What may be asked for; a scenario's `gates` node is a mapping of names to these."""
