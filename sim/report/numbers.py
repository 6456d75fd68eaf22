"""Numbers as people read them: three significant digits, thousands separated, with their unit.

What is not there (None, NaN, infinity) is a dash, never "nan". A count is exact in a table and rounded in a sentence.
"""

import math
from decimal import Decimal

from sim.clock.calendar import DAY_S, HOUR_S

NONE = "–"
_MINUTE_S = 60.0


def three(value: float | None, unit: str = "") -> str:
    """Three significant digits: 1,230,000, 12.4, 0.00123; trailing zeros only where digits were rounded away.

    Beyond 10^15 and below 10^-6 in powers of ten (1.23e+18). unit: appended after a space.
    """
    if _absent(value):
        return NONE
    assert value is not None
    rounded = float(f"{value:.3g}")
    size = abs(rounded)
    if size == 0:
        text = "0"
    elif size >= 1e15 or size < 1e-6:
        text = f"{rounded:.2e}" if math.isfinite(rounded) else f"{Decimal(value):.2e}"
    else:
        decimals = max(0, 2 - math.floor(math.log10(size)))
        text = f"{rounded:,.{decimals}f}"
        if decimals and rounded == value:
            text = text.rstrip("0").rstrip(".")
    return f"{text} {unit}" if unit else text


def whole(value: int | None) -> str:
    """A count, exact: 1,352,804,107."""
    return NONE if value is None else f"{value:,}"


def many(value: float | None) -> str:
    """A count in a sentence: 8,819 exact below a hundred thousand, then 49.8 million, 1.35 billion."""
    if _absent(value):
        return NONE
    assert value is not None
    if abs(value) < 100_000:
        return f"{value:,.0f}"
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(float(f"{value:.3g}")) >= size:
            return three(value / size, word)
    return three(value)


def usd(value: float | None) -> str:
    """Money: $0.00031, $0.50, $182, $12.4k, $1.02M, $1.35B."""
    if _absent(value):
        return NONE
    assert value is not None
    sign, size = ("-" if value < 0 else ""), abs(value)
    rounded = float(f"{size:.3g}")
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if rounded >= unit:
            return f"{sign}${three(size / unit)}{letter}"
    text = three(size)
    cents = len(text.partition(".")[2]) == 1 and rounded < 10
    return f"{sign}${text}{'0' if cents else ''}"


def duration(value_s: float | None) -> str:
    """A time: 182 ms, 1.24 s, 12 min, 3.5 h, 24 d."""
    if _absent(value_s):
        return NONE
    assert value_s is not None
    size = abs(value_s)
    if size == 0:
        return "0 s"
    if size < 0.9995e-3:
        return three(value_s * 1e6, "µs")
    if size < 0.9995:
        return three(value_s * 1e3, "ms")
    for below, length, unit in ((120.0, 1.0, "s"), (HOUR_S, _MINUTE_S, "min"), (2 * DAY_S, HOUR_S, "h")):
        if size < below:
            return three(value_s / length, unit)
    return three(value_s / DAY_S, "d")


def step(length_s: float) -> str:
    """A length of time as the grain of a series: second, minute, hour, day, or 6 h."""
    words = {1.0: "second", _MINUTE_S: "minute", HOUR_S: "hour", DAY_S: "day", 7 * DAY_S: "week"}
    return words.get(length_s) or duration(length_s)


def share(value: float | None) -> str:
    """A share in per cent: 0.31 %, 12.4 %, 99.994 %; near the whole as many digits as tell it from 100 %."""
    if _absent(value):
        return NONE
    assert value is not None
    missing = 1.0 - value
    if 0 < missing < 0.1:
        digits = min(12, max(1, 1 - math.floor(math.log10(missing * 100))))
        text = f"{100 * value:.{digits}f}"
        return f"{text.rstrip('0').rstrip('.')} %"
    return three(100 * value, "%")


def rate(per_s: float | None) -> str:
    """Requests per time: 4.2 req/s, 12.3 req/min, 3 req/h, whichever has a digit before the point."""
    if _absent(per_s):
        return NONE
    assert per_s is not None
    length, name = rate_unit(per_s)
    return three(per_s * length, f"req/{name}")


def rate_unit(per_s: float) -> tuple[float, str]:
    """Seconds and name of the unit of time in which a rate is best read; 0 counts per second."""
    for length, name in ((1.0, "s"), (_MINUTE_S, "min"), (HOUR_S, "h")):
        if abs(per_s) * length >= 0.9995 or per_s == 0:
            return length, name
    return DAY_S, "d"


def slope(value: float | None) -> str:
    """A slope or elasticity: 0.627, 0.001, 1.05; three decimals under one, so that small ones stay small."""
    if _absent(value):
        return NONE
    assert value is not None
    if abs(value) >= 0.9995:
        return three(value)
    text = f"{value:.3f}"
    return "0" if text in ("0.000", "-0.000") else text


def between(lo: float | None, hi: float | None) -> str:
    """An interval of slopes: 0.330 to 0.490."""
    return f"{slope(lo)} to {slope(hi)}"


def _absent(value: float | None) -> bool:
    return value is None or not math.isfinite(value)
