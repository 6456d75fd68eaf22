"""Cron expressions as KEDA reads them (minute, hour, day of the month, month, day of the week), and when each comes.

Source: robfig/cron v3, parser.go and spec.go, with the parser that kedacore/keda 2.17 makes of it in
pkg/scalers/cron_scaler.go (five fields, no descriptors such as @daily). Quirks kept: `N/s` is `N-max/s`; Sunday is 0
and never 7; where both days are restricted one of them is enough, else both must hold, and a star with a step above 1
restricts. A time that daylight saving leaves out does not come that day, one that it repeats comes twice. Left out: a
time zone within the expression (TZ=).
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

_MINUTE_NS = 60 * 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of each month


class _Field(NamedTuple):
    """What a field counts, its bounds, and names for its values (the first for `low`)."""

    what: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 6, _DAYS),
)


class Schedule(NamedTuple):
    """An expression taken apart: the values of each field; either_day: one of the two days is enough."""

    minutes: tuple[int, ...]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def on(self, day: datetime) -> bool:
        """Whether it comes on a day."""
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (of_month or of_week if self.either_day else of_month and of_week)

    def after(self, epoch_ns: int, zone: ZoneInfo) -> int:
        """The first moment after another at which it comes (both ns since 1970, UTC)."""
        minute = epoch_ns // _MINUTE_NS + 1
        while True:
            local = (_EPOCH + timedelta(minutes=minute)).astimezone(zone)
            if local.month not in self.months:
                following = datetime(local.year + local.month // 12, local.month % 12 + 1, 1)
                minute = max(minute + 1, _epoch_min(following, zone))
            elif not self.on(local):
                following = datetime(local.year, local.month, local.day) + timedelta(days=1)
                minute = max(minute + 1, _epoch_min(following, zone))
            elif local.hour not in self.hours:
                minute += 60 - local.minute
            elif local.minute in self.minutes:
                return minute * _MINUTE_NS
            else:
                later = next((m for m in self.minutes if m > local.minute), 60)
                minute += later - local.minute


def _epoch_min(civil: datetime, zone: ZoneInfo) -> int:
    return int((civil.replace(tzinfo=zone) - _EPOCH) // timedelta(minutes=1))


@lru_cache(maxsize=256)
def schedule(text: str) -> Schedule:
    """An expression such as "30 8 * * mon-fri". Raises ValueError with what is wrong and what to type."""
    parts = text.split()
    if parts and parts[0].startswith(("TZ=", "CRON_TZ=")):
        zone, rest = parts[0].partition("=")[2] or "UTC", " ".join(parts[1:]) or "0 6 * * mon-fri"
        raise ValueError(
            f'a time zone within a cron expression, which timezone beside is for. Type timezone: {zone}, and "{rest}".'
        )
    if len(parts) != len(_FIELDS):
        raise ValueError(
            f"{len(parts)} fields of a cron expression, not 5: minute, hour, day of the month, month, day of the week. "
            'Type, say, "0 6 * * mon-fri".'
        )
    minutes, hours, days, months, weekdays = (_values(part, field) for part, field in zip(parts, _FIELDS, strict=True))
    either = not (_any_day(parts[2]) or _any_day(parts[4]))
    if not either and not any(day <= _LONGEST[month - 1] for day in days for month in months):
        raise ValueError("a day that no such month has, so that it would never come. Type another day, or *.")
    sets = frozenset(hours), frozenset(days), frozenset(months), frozenset(weekdays)
    return Schedule(tuple(sorted(minutes)), *sets, either)


def _any_day(part: str) -> bool:
    """Whether a field of days restricts nothing by itself: it has a star without a step above 1."""
    for entry in part.split(","):
        first, _, step = entry.partition("/")
        if first in ("*", "?") and step in ("", "1"):
            return True
    return False


def _values(part: str, field: _Field) -> set[int]:
    found: set[int] = set()
    for entry in part.split(","):
        span, slash, step = entry.partition("/")
        first, dash, last = span.partition("-")
        if first in ("*", "?") and not dash:
            low, high = field.low, field.high
        else:
            low = _number(first, field, part)
            high = _number(last, field, part) if dash else field.high if slash else low
        by = _number(step, None, part) if slash else 1
        if not field.low <= low <= high <= field.high or by < 1:
            raise ValueError(_wrong(part, field))
        found.update(range(low, high + 1, by))
    return found


def _number(text: str, field: _Field | None, part: str) -> int:
    names = field.names if field is not None else ()
    if field is not None and text.lower() in names:
        return names.index(text.lower()) + field.low
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise ValueError(_wrong(part, field))
    return int(text)


def _wrong(part: str, field: _Field | None) -> str:
    if field is None:
        return f'"{part}" has a step that is no whole number of at least 1. Type, say, "*/15".'
    named = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    return (
        f'"{part}" is no {field.what} of a cron expression. It takes {field.low} to {field.high}{named}, *, spans such '
        f"as {field.low}-{field.low + 3}, steps such as */2, and lists of them by commas."
    )


class Spell(NamedTuple):
    """Whether it is between a start and an end, and up to when that surely holds (ns since 1970, UTC)."""

    active: bool
    until_ns: int


def spell(start: str, end: str, timezone: str, epoch_ns: int) -> Spell:
    """The spell at a moment: between a start and an end where the end comes before (or with) the next start."""
    zone = ZoneInfo(timezone)
    start_ns, end_ns = schedule(start).after(epoch_ns, zone), schedule(end).after(epoch_ns, zone)
    return Spell(end_ns <= start_ns, min(start_ns, end_ns))
