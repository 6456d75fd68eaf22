"""Parameters of demand: what a request is like, and when requests arrive."""

from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from sim.config import Bytes, NonNegative, Parameters, Positive, PositiveLongSeconds, PositiveSeconds, Rate, Share
from sim.config.parameters import key_of

HOURS_OF_WEEK = 168
MAX_TOKENS = 1e8  # assumption: a hundred times the longest context window sold in 2026


def _more_than_zero(rate: float) -> float:
    if rate == 0.0:
        raise ValueError('out of range. It must be more than 0, such as "12 req/s".')
    return rate


def _a_second_or_more(seconds: float) -> float:
    if seconds < 1.0:
        raise ValueError('out of range. It must be at least 1 s, such as "1 h".')
    return seconds


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError('not a time zone. Expected an IANA name such as "UTC" or "Europe/Paris".') from None
    return name


def _some_weight(weights: tuple[float, ...]) -> tuple[float, ...]:
    if len(weights) != HOURS_OF_WEEK:
        raise ValueError(
            f"{len(weights)} weights. Expected {HOURS_OF_WEEK}, one for each hour of the week, "
            "Monday 00:00-01:00 first."
        )
    if sum(weights) <= 0.0:
        raise ValueError("every weight is 0. At least one hour of the week needs a weight above 0.")
    return weights


def _as_several(names: object) -> object:
    return (names,) if isinstance(names, str) else names


def _as_typed(names: tuple[str, ...]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


PositiveRate = Annotated[Rate, AfterValidator(_more_than_zero)]
Resolution = Annotated[PositiveSeconds, AfterValidator(_a_second_or_more)]
TimeZone = Annotated[str, AfterValidator(_known_timezone)]
Tokens = Annotated[NonNegative, Field(le=MAX_TOKENS)]
FilePath = Annotated[str, Field(min_length=1)]
Columns = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    Field(min_length=1, max_length=10),
    BeforeValidator(_as_several),
    PlainSerializer(_as_typed, when_used="json"),
]
"""Names of one column, of which a file has at least one; a single name may be typed as text."""


class Slo(Parameters):
    """What users are promised: of requests that ended, at least `share` were completed within `latency_s`."""

    latency_s: PositiveSeconds
    share: Share


class NoGrowth(Parameters):
    """The rate stays what it is at the start."""

    kind: Literal["none"] = "none"


class ExponentialGrowth(Parameters):
    """The rate doubles every `doubling_s`: factor 2 ** (t / doubling)."""

    kind: Literal["exponential"] = "exponential"
    doubling_s: PositiveLongSeconds


class LogisticGrowth(Parameters):
    """S-shaped adoption: factor C / (1 + (C - 1) ** (1 - t / midpoint)).

    The factor is 1 at the start, C / 2 at `midpoint_s` and tends to the ceiling C, a multiple of the start rate above
    2; the steepness ln(C - 1) / midpoint follows from these two (Verhulst 1838).
    """

    kind: Literal["logistic"] = "logistic"
    ceiling: Annotated[Positive, Field(gt=2.0)]
    midpoint_s: PositiveLongSeconds


class GrowthPoint(Parameters):
    """`after_s` from the start the rate is `factor` times the start rate."""

    after_s: PositiveLongSeconds
    factor: Positive


class PiecewiseGrowth(Parameters):
    """The factor through the given points, from 1 at the start.

    Interpolated on the logarithm of the factor, so that growth per day is constant between two points; after the last
    point the factor stays.
    """

    kind: Literal["piecewise"] = "piecewise"
    points: Annotated[tuple[GrowthPoint, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> "PiecewiseGrowth":
        times = [p.after_s for p in self.points]
        if any(a >= b for a, b in pairwise(times)):
            raise ValueError("points out of order. Each point's `after` must be later than the one before it.")
        return self


Growth = Annotated[NoGrowth | ExponentialGrowth | LogisticGrowth | PiecewiseGrowth, Field(discriminator="kind")]


class FlatSeasonality(Parameters):
    """Every hour of the week is like every other."""

    kind: Literal["flat"] = "flat"


class HourOfWeekSeasonality(Parameters):
    """The rate follows the civil hour of the week.

    weights: 168 numbers, Monday 00:00-01:00 civil time first; only their ratios matter, they are divided by their mean.
    """

    kind: Literal["hour_of_week"] = "hour_of_week"
    weights: Annotated[tuple[NonNegative, ...], AfterValidator(_some_weight)]


Seasonality = Annotated[FlatSeasonality | HourOfWeekSeasonality, Field(discriminator="kind")]


class Demand(Parameters):
    """What every workload has, however its requests arrive.

    pool: pool that serves it; timeout_s: patience of the caller; slo: what users are promised; prompt_tokens,
    output_tokens: means per request (a replayed trace's own tokens win); response_bytes: sent to the user per
    completed request; log_bytes: written to the log per request.
    """

    pool: str = "main"
    timeout_s: PositiveSeconds
    slo: Slo
    prompt_tokens: Tokens
    output_tokens: Tokens
    response_bytes: Bytes
    log_bytes: Bytes


class PoissonWorkload(Demand):
    """Poisson arrivals with a time-varying rate, constant within each `resolution_s`.

    rate_per_s: mean rate at the scenario's start, before growth and seasonality. Growth is taken at the middle of each
    interval, seasonality at the civil hour of that middle.
    """

    kind: Literal["poisson"] = "poisson"
    rate_per_s: PositiveRate
    resolution_s: Resolution = 3600.0  # assumption: an hour, the grain of the seasonality
    growth: Growth = Field(default_factory=NoGrowth)
    seasonality: Seasonality = Field(default_factory=FlatSeasonality)


class CountsWorkload(Demand):
    """As many arrivals in each interval as a file says, in uniform order within the interval.

    path: CSV or parquet file; time_column, count_column: its columns, of several names the first that it has;
    interval_s: length of each interval; timezone: zone of time stamps without an offset.
    """

    kind: Literal["counts"] = "counts"
    path: FilePath | None = None
    time_column: Columns = ("interval_start",)
    count_column: Columns = ("count",)
    interval_s: Annotated[PositiveSeconds, AfterValidator(_a_second_or_more)]
    timezone: TimeZone = "UTC"  # assumption: logs are kept in UTC


class ReplayWorkload(Demand):
    """The arrivals of a request trace, each at its recorded nanosecond.

    path: the Azure LLM inference CSV as published, or our own CSV or parquet format (docs/data.md); timezone: zone of
    time stamps without an offset.
    """

    kind: Literal["replay"] = "replay"
    path: FilePath | None = None
    timezone: TimeZone = "UTC"  # assumption: the Azure trace does not name its zone


FileWorkload = CountsWorkload | ReplayWorkload
Workload = Annotated[PoissonWorkload | CountsWorkload | ReplayWorkload, Field(discriminator="kind")]

_DEMAND_FIELDS = (
    "kind", "rate_per_s", "resolution_s", "growth", "seasonality", "path", "time_column", "count_column", "interval_s",
    "timezone",
)  # fmt: skip
DEMAND_KEYS: frozenset[str] = frozenset(_DEMAND_FIELDS) | frozenset(key_of(f) for f in _DEMAND_FIELDS)
"""Keys of a workload that a phase may not override, since potential demand does not react to the product's phases."""
