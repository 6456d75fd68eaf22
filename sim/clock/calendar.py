"""Civil time: the scenario's start with its time zone, and the days, months and hours of week that follow from it."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

NS_PER_S = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_S
HOUR_S, DAY_S = 3600.0, 86_400.0
MONTH_DAYS, YEAR_DAYS = 365.25 / 12, 365.25  # the mean civil month and year, so that twelve months are a year
MONTH_H = MONTH_DAYS * 24
MONTH_S, YEAR_S = MONTH_DAYS * DAY_S, YEAR_DAYS * DAY_S
# By which two times in seconds may miss each other and be the same: each is ns / 1e9, and the difference of two is good
# to 1e-7 s even after a hundred years.
SLACK_S = 1e-6
MAX_HORIZON_YEARS = 100  # int64 nanoseconds with one bit for the order of events hold 146 years
# Not from the C library's locale, so that every machine writes the same.
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN = re.compile(r"^\s*(\d+)\s*(month|months|year|years)\s*$")


def to_ns(seconds: float) -> int:
    """Seconds at the door -> nanoseconds inside, rounded to the nearest."""
    return round(seconds * NS_PER_S)


class Calendar:
    """Maps nanoseconds since the start to civil time and back, with daylight saving as the time zone has it."""

    def __init__(self, start: datetime, timezone: str, horizon_ns: int) -> None:
        """start: civil date-time (naive: in `timezone`; aware: any zone); horizon_ns: length of the scenario."""
        self.zone = ZoneInfo(timezone)
        self.start = start.replace(tzinfo=self.zone) if start.tzinfo is None else start.astimezone(self.zone)
        self.horizon_ns = horizon_ns
        self._start_utc = self.start.astimezone(UTC)
        self.start_epoch_ns = _epoch_ns(self._start_utc)

    def civil(self, t_ns: int) -> datetime:
        """Civil date-time (aware, microseconds) at `t_ns`."""
        return (self._start_utc + timedelta(microseconds=t_ns // 1000)).astimezone(self.zone)

    def ns(self, moment: datetime | date) -> int:
        """Nanoseconds since the start of a civil moment; a date means its first instant in the zone."""
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day)
        aware = moment.replace(tzinfo=self.zone) if moment.tzinfo is None else moment
        return _epoch_ns(aware.astimezone(UTC)) - self.start_epoch_ns

    def day_starts(self) -> list[int]:
        """Nanoseconds of every civil midnight in (0, horizon); days of 23 and 25 hours are what they are."""
        return self._boundaries(lambda day: day + timedelta(days=1), self.start.date())

    def month_starts(self) -> list[int]:
        """Nanoseconds of the first instant of every civil month in (0, horizon)."""
        return self._boundaries(_next_month, self.start.date().replace(day=1))

    def hour_of_week(self, t_ns: int) -> int:
        """Civil hour of the week, 0 = Monday 00:00-01:00 ... 167."""
        moment = self.civil(t_ns)
        return moment.weekday() * 24 + moment.hour

    def _boundaries(self, following: Callable[[date], date], first: date) -> list[int]:
        marks: list[int] = []
        day = first
        while True:
            day = following(day)
            t_ns = self.ns(day)
            if t_ns >= self.horizon_ns:
                return marks
            if t_ns > 0:
                marks.append(t_ns)


def span_ns(start: datetime, timezone: str, text: str) -> int | None:
    """Length in nanoseconds of civil months or years ("24 months") from `start`; None when it is not such a span."""
    match = _SPAN.match(text)
    if not match:
        return None
    months = int(match.group(1)) * (12 if match.group(2).startswith("year") else 1)
    zone = ZoneInfo(timezone)
    aware = start.replace(tzinfo=zone) if start.tzinfo is None else start.astimezone(zone)
    total = aware.year * 12 + aware.month - 1 + months
    if total // 12 > 9999:
        return 2**62
    year, month = divmod(total, 12)
    day = min(aware.day, _days_in(year, month + 1))
    end = aware.replace(year=year, month=month + 1, day=day)
    return _epoch_ns(end.astimezone(UTC)) - _epoch_ns(aware.astimezone(UTC))


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _days_in(year: int, month: int) -> int:
    return (_next_month(date(year, month, 1)) - timedelta(days=1)).day


def _epoch_ns(moment: datetime) -> int:
    delta = moment - _EPOCH
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1000
