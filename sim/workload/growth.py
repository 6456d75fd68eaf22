"""Parameters of how demand moves over years and over the week: growth from the start on, and hours of the week."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sim.config import NonNegative, Parameters, Positive, PositiveLongSeconds

HOURS_OF_WEEK = 168


def _some_weight(weights: tuple[float, ...]) -> tuple[float, ...]:
    if len(weights) != HOURS_OF_WEEK:
        raise ValueError(
            f"{len(weights)} weights. Expected {HOURS_OF_WEEK}, one for each hour of the week, "
            "Monday 00:00-01:00 first."
        )
    if sum(weights) <= 0.0:
        raise ValueError("every weight is 0. At least one hour of the week needs a weight above 0.")
    return weights


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
