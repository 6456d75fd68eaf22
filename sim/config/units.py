"""Units at the door: text such as "90 s" or "2.5 USD/h" becomes a float in the base unit named by the field.

Inside the house numbers are plain floats: seconds, requests per second, bytes, USD, USD per hour, USD per GB, USD per
million tokens, USD per year, shares of one. Each annotated type below parses text, refuses a bare number that came
from a scenario file (which unit would it have?), checks its range and prints itself back as text a user could type.

Every range has an upper end, far beyond what a product meets (each is an assumption), so that no later product of two
of them leaves the range of a float, and times stay within 64-bit nanoseconds.
"""

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, ValidationInfo

SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0,
    "day": 86400.0, "days": 86400.0, "week": 604800.0, "weeks": 604800.0, "hours": 3600.0, "hour": 3600.0,
}  # fmt: skip
BYTES = {
    "B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
    "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
}  # fmt: skip
_PER = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0}
_REQUESTS = ("req", "reqs", "request", "requests")
RATE = {f"{r}/{t}": 1.0 / s for r in _REQUESTS for t, s in _PER.items()} | {f"1/{t}": 1.0 / s for t, s in _PER.items()}
USD_PER_HOUR = {"USD/h": 1.0, "USD/hour": 1.0, "USD/s": 3600.0, "USD/min": 60.0, "USD/d": 1 / 24, "USD/day": 1 / 24}
USD_PER_YEAR = {"USD/year": 1.0, "USD/yr": 1.0, "USD/month": 12.0, "USD/d": 365.25, "USD/day": 365.25}
USD_PER_GB = {"USD/GB": 1.0, "USD/TB": 1e-3, "USD/MB": 1e3}
USD_PER_GB_MONTH = {"USD/GB/month": 1.0, "USD/TB/month": 1e-3}
USD_PER_MTOK = {"USD/Mtok": 1.0, "USD/ktok": 1e3, "USD/tok": 1e6}
USD = {"USD": 1.0}
SHARE = {"%": 0.01, "": 1.0}
PLAIN = {"": 1.0}

# a comma or an underscore separates thousands, and nothing else: "1,5 s" is no number here
_NUMBER = re.compile(
    r"^\s*([-+]?(?:[0-9]{1,3}(?:[,_][0-9]{3})+|[0-9]+)?\.?[0-9]*(?:[eE][-+]?[0-9]+)?)(?![0-9,_.])\s*(.*?)\s*$"
)


def parse_quantity(value: object, units: dict[str, float], what: str, example: str, *, bare: bool) -> float:
    """Text or number -> float in the base unit.

    value: what the user typed; units: factor by unit name; what: the quantity's name for the message; example: what to
    type; bare: whether a number without a unit is accepted. Raises ValueError with the whole message.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"not {what}. Expected text such as {example}.")
    if isinstance(value, (int, float)):
        if not bare and "" not in units:
            raise ValueError(f"a number without a unit. Expected {what} such as {example}.")
        number, unit = float(value), ""
    else:
        match = _NUMBER.match(value)
        if not match or not re.search("[0-9]", match.group(1)):
            expected = "a number" if "" in units else "a number with a unit"
            raise ValueError(f"not {what}. Expected {expected}, such as {example}.")
        unit = match.group(2)
        number = float(match.group(1).replace("_", "").replace(",", ""))
        if unit == "" and "" not in units and not bare:
            raise ValueError(f"a number without a unit. Expected {what} such as {example}.")
    factor = 1.0 if unit == "" and "" not in units else units.get(unit)
    if factor is None:
        known = ", ".join(u for u in units if u)
        if not known:
            raise ValueError(f"not {what}. Expected one without a unit, such as {example}.")
        raise ValueError(f'"{unit}" is not a unit of {what}. Expected something such as {example}; units: {known}.')
    number = number / (1.0 / factor) if factor < 1.0 and (1.0 / factor).is_integer() else number * factor
    if not math.isfinite(number):
        raise ValueError(f"not a finite number. Expected {what} such as {example}.")
    return number


def _quantity(
    units: dict[str, float], what: str, example: str, show: tuple[str, ...], high: float, *, above_zero: bool = False
) -> tuple[Any, ...]:
    """Validators of a quantity from 0 (or more than 0) to `high`, in the base unit."""

    def parse(value: object, info: ValidationInfo) -> float:
        door = bool(info.context and info.context.get("door"))
        return parse_quantity(value, units, what, example, bare=not door)

    def check(number: float) -> float:
        if number < 0.0 or (above_zero and number == 0.0) or number > high:
            low = "more than 0" if above_zero else "at least 0"
            raise ValueError(f"out of range. It must be {low} and at most {_bound(high, units, show)}.")
        return number

    def text(number: float) -> str | int | float:
        return format_quantity(number, units, show)

    return BeforeValidator(parse), AfterValidator(check), PlainSerializer(text, when_used="json")


def _bound(number: float, units: dict[str, float], show: tuple[str, ...]) -> str:
    """A round number as a person writes it, in the largest of the units in which it is at least one."""
    unit = next(unit for unit in show if number >= units[unit])
    return f"{number / units[unit]:,.15g} {unit}".strip()


def format_quantity(number: float, units: dict[str, float], show: tuple[str, ...]) -> str | int | float:
    """Text that parses back to the same float, in the largest of the units `show` in which it is at least one."""
    if show == ("",):
        return int(number) if float(number).is_integer() else number
    best = show[-1]
    for unit in show:
        if abs(number) >= units[unit] * (1 - 1e-12):
            best = unit
            break
    for unit in (best, *reversed(show)):
        shown = number / units[unit]
        for digits in (6, 9, 12, 17):
            text = f"{shown:.{digits}g} {unit}".strip()
            if parse_quantity(text, units, "", "", bare=True) == number:
                return text
    base = next(unit for unit, factor in units.items() if factor == 1.0)
    return f"{number!r} {base}".strip()


_SPANS = ("d", "h", "min", "s", "ms", "us", "ns")


def span_text(seconds: float, *, exact: bool = False) -> str:
    """A duration for a message: in the largest unit in which four digits say all of it, else rounded to four.

    exact: for what somebody typed or is to type, with as many digits as it takes.
    """
    units = [unit for unit in _SPANS if seconds >= SECONDS[unit]] or ["s"]
    for digits in (4, 6, 9, 12) if exact else (4,):
        for unit in units:
            text = _rounded(seconds, unit, digits)
            off_s = abs(parse_quantity(text, SECONDS, "", "", bare=True) - seconds)
            if seconds < 10**digits * SECONDS[unit] and off_s <= (0.0 if exact else 1e-9 * seconds):
                return text
    return f"{seconds!r} s" if exact else _rounded(seconds, units[0], 4)


def _rounded(seconds: float, unit: str, digits: int) -> str:
    return f"{float(f'{seconds / SECONDS[unit]:.{digits}g}'):,.12g} {unit}"


YEAR_S = 365.25 * 86_400  # as in sim.clock.calendar, which stands above this room and cannot be asked
# Nanoseconds of a run are 62-bit integers, 146 years: the longest horizon, a century, leaves 46 for what begins in it.
MAX_SECONDS, MAX_LONG_SECONDS = YEAR_S, 100 * YEAR_S
_S = (SECONDS, "a duration", '"90 s", "15 min" or "24 h"', ("d", "h", "min", "s", "ms", "us"))
Seconds = Annotated[float, *_quantity(*_S, MAX_SECONDS)]
PositiveSeconds = Annotated[float, *_quantity(*_S, MAX_SECONDS, above_zero=True)]
LongSeconds = Annotated[float, *_quantity(*_S, MAX_LONG_SECONDS)]
PositiveLongSeconds = Annotated[float, *_quantity(*_S, MAX_LONG_SECONDS, above_zero=True)]
_R = (RATE, "a rate", '"12 req/s" or "40 req/min"', ("req/s", "req/min", "req/h", "req/day"))
Rate = Annotated[float, *_quantity(*_R, 1e9)]
_B = (BYTES, "a size", '"40 GB" or "2 kB"', ("TB", "GB", "MB", "kB", "B"))
Bytes = Annotated[float, *_quantity(*_B, 1e18)]
PositiveBytes = Annotated[float, *_quantity(*_B, 1e18, above_zero=True)]
Usd = Annotated[float, *_quantity(USD, "an amount", '"0.002 USD"', ("USD",), 1e6)]
UsdPerHour = Annotated[float, *_quantity(USD_PER_HOUR, "a price per time", '"2.5 USD/h"', ("USD/h",), 1e6)]
UsdPerYear = Annotated[float, *_quantity(USD_PER_YEAR, "a yearly cost", '"180000 USD/year"', ("USD/year",), 1e9)]
UsdPerGb = Annotated[float, *_quantity(USD_PER_GB, "a price per volume", '"0.09 USD/GB"', ("USD/GB",), 1e6)]
UsdPerGbMonth = Annotated[
    float, *_quantity(USD_PER_GB_MONTH, "a storage price", '"0.03 USD/GB/month"', ("USD/GB/month",), 1e6)
]
UsdPerMtok = Annotated[float, *_quantity(USD_PER_MTOK, "a token price", '"0.6 USD/Mtok"', ("USD/Mtok",), 1e6)]
Share = Annotated[float, *_quantity(SHARE, "a share", '"3 %" or 0.03', ("%",), 1.0)]
_N = (PLAIN, "a number", "1.5", ("",))
NonNegative = Annotated[float, *_quantity(*_N, 1e12)]
Positive = Annotated[float, *_quantity(*_N, 1e12, above_zero=True)]
# A coefficient of variation, standard deviation over mean. The ceiling is an assumption: beyond it a lognormal's mean
# rests on a handful of draws; measured ones lie below 3.
Spread = Annotated[float, *_quantity(*_N, 10.0)]


def _whole(value: object) -> int:
    number = parse_quantity(value, PLAIN, "a whole number", "8", bare=True)
    if not float(number).is_integer():
        raise ValueError("not a whole number. Expected one such as 8.")
    if abs(number) > 2**53:
        raise ValueError("too large for a whole number here.")
    return int(number)


Count = Annotated[int, BeforeValidator(_whole)]

# Money of a whole product's life: what is paid once (an amount) or month by month, and what answers earn a day.
USD_PER_DAY = {"USD/day": 1.0, "USD/d": 1.0, "USD/h": 24.0, "USD/month": 12 / 365.25, "USD/year": 1 / 365.25}
USD_PER_MONTH = {"USD/month": 1.0, "USD/year": 1 / 12, "USD/yr": 1 / 12}
LargeUsd = Annotated[float, *_quantity(USD, "an amount", '"5000 USD"', ("USD",), 1e9)]
UsdPerDay = Annotated[float, *_quantity(USD_PER_DAY, "an amount per day", '"200 USD/day"', ("USD/day",), 1e9)]
UsdPerMonth = Annotated[float, *_quantity(USD_PER_MONTH, "a monthly cost", '"500 USD/month"', ("USD/month",), 1e8)]

# How fast bytes come: networks are sold by the bit.
BYTES_PER_S = {f"{unit}/s": size for unit, size in BYTES.items()} | {"Mbit/s": 1.25e5, "Gbit/s": 1.25e8}
PositiveBytesPerSecond = Annotated[
    float,
    *_quantity(BYTES_PER_S, "a bandwidth", '"2 GB/s" or "10 Gbit/s"', ("GB/s", "MB/s", "B/s"), 1e15, above_zero=True),
]

# Memory that is rented by the hour, such as a cache's.
USD_PER_GB_HOUR = {"USD/GB/h": 1.0, "USD/GB/hour": 1.0, "USD/GB/month": 12 / 8766}
UsdPerGbHour = Annotated[
    float, *_quantity(USD_PER_GB_HOUR, "a price per GB and hour", '"0.125 USD/GB/h"', ("USD/GB/h",), 1e6)
]
