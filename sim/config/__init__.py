"""What every room's parameters are made of: units at the door, frozen parameter classes, one kind of error."""

from sim.config.errors import InputError, Problem, RunError
from sim.config.parameters import Parameters
from sim.config.units import (
    Bytes,
    Count,
    LongSeconds,
    NonNegative,
    Positive,
    PositiveBytes,
    PositiveLongSeconds,
    PositiveSeconds,
    Rate,
    Seconds,
    Share,
    Spread,
    Usd,
    UsdPerGb,
    UsdPerGbMonth,
    UsdPerHour,
    UsdPerMtok,
    UsdPerYear,
)

__all__ = [
    "Bytes",
    "Count",
    "InputError",
    "LongSeconds",
    "NonNegative",
    "Parameters",
    "Positive",
    "PositiveBytes",
    "PositiveLongSeconds",
    "PositiveSeconds",
    "Problem",
    "Rate",
    "RunError",
    "Seconds",
    "Share",
    "Spread",
    "Usd",
    "UsdPerGb",
    "UsdPerGbMonth",
    "UsdPerHour",
    "UsdPerMtok",
    "UsdPerYear",
]
