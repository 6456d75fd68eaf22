"""A condition held against what a window showed: met, missed or not known, and the words and numbers that say so."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sim.lifecycle.conditions import Condition, DateCondition, Units
from sim.lifecycle.measures import Measures

_DIGITS = (3, 5, 8, 12, 17)
_SAME = 1e-12  # a limit is what was typed, so that all that a float adds in its 13th digit is rounding


@dataclass(frozen=True)
class Check:
    """A condition against what was measured.

    measure: its kind; what: its words, and whose (of the worst, that one's name); text: a true sentence with value and
    limit; value, limit: in the base unit (a date as ISO text, value None where not known); passed: None where not
    known.
    """

    measure: str
    what: str
    text: str
    value: float | str | None
    limit: float | str
    passed: bool | None


def check(condition: Condition, measures: Measures, *, known: bool = True) -> Check:
    """What the measures say about a condition. known: False where they do not stand for a whole window yet."""
    if isinstance(condition, DateCondition):
        return _date_check(condition, measures.now)
    low = condition.direction == "at most"
    value, whose = condition.read(measures)
    what = f"{condition.words} of {whose}" if whose else condition.words
    if value is None or not known:
        text = f"{what} not known yet, needs {'<=' if low else '>='} {_limit_text(condition.limit, condition.units)}"
        return Check(condition.kind, what, text, None, condition.limit, None)
    passed = value <= condition.limit if low else value >= condition.limit
    sign = ("<=" if passed else ">") if low else (">=" if passed else "<")
    text = f"{what} {value_text(condition, value)} {sign} {_limit_text(condition.limit, condition.units)}"
    return Check(condition.kind, what, text, value, condition.limit, passed)


def subject(condition: Condition) -> str:
    """What a condition is about: "traffic of chat", "date"."""
    return f"{condition.words} of {condition.workload}" if condition.workload is not None else condition.words


def wanted(condition: Condition) -> str:
    """What a condition asks for: "at least 2 req/s", "at most 200 ms", "from 2026-04-01"."""
    if isinstance(condition, DateCondition):
        return f"{condition.direction} {_moment_text(condition.limit)}"
    return f"{condition.direction} {_limit_text(condition.limit, condition.units)}"


def value_text(condition: Condition, value: float | str) -> str:
    """A value of `Check` in the unit that suits the limit, with as many digits as it takes to be on its side of it."""
    if isinstance(condition, DateCondition) or isinstance(value, str):
        return _moment_text(datetime.fromisoformat(str(value)))
    factor, unit = _unit(condition.limit, condition.units)
    limit = float(_digits(condition.limit / factor))
    side, text = _side(value, condition.limit), ""
    for digits in _DIGITS:
        text = f"{value / factor:.{digits}g}"
        if _side(float(text), limit) == side:
            break
    return f"{_plain(text)} {unit}"


def _limit_text(limit: float, units: Units) -> str:
    """A limit as it was typed, in the unit that suits it."""
    factor, unit = _unit(limit, units)
    return f"{_plain(_digits(limit / factor))} {unit}"


def _unit(limit: float, units: Units) -> tuple[float, str]:
    return next((u for u in units if limit >= u[0]), units[-1])


def _digits(number: float) -> str:
    """The fewest digits that say a number, to rounding."""
    texts = (f"{number:.{digits}g}" for digits in range(1, 18))
    return next(text for text in texts if abs(float(text) - number) <= _SAME * abs(number))


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)


def _plain(digits: str) -> str:
    """Thousands separated, and no power of ten."""
    return f"{Decimal(digits):,f}"


def _date_check(condition: DateCondition, now: datetime) -> Check:
    limit = condition.from_ if condition.from_.tzinfo else condition.from_.replace(tzinfo=now.tzinfo)
    limit = limit.astimezone(now.tzinfo)
    passed = now >= limit
    whole = _at_midnight(now) and _at_midnight(limit)
    shown = [moment.strftime("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M:%S") for moment in (now, limit)]
    text = f"date {shown[0]} {'>=' if passed else '<'} {shown[1]}"
    return Check("date", "date", text, now.isoformat(sep=" "), limit.isoformat(sep=" "), passed)


def _moment_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d" if _at_midnight(moment) else "%Y-%m-%d %H:%M:%S")


def _at_midnight(moment: datetime) -> bool:
    return moment.time() == moment.min.time()
