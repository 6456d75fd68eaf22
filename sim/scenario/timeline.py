"""When a scenario starts and ends: civil dates, spans such as "24 months", and the ends of the recorded traffic."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sim.clock.calendar import MAX_HORIZON_YEARS, YEAR_S, span_ns
from sim.config import Problem
from sim.config.units import SECONDS, parse_quantity
from sim.scenario.patches import Tree

if TYPE_CHECKING:
    from sim.workload.ends import TraceEnds

_EXAMPLE = '"24 months", "88 d" or "12 h"'
# Time stamps of a run are 64-bit nanoseconds since 1970, which end in 2262: with the longest horizon, start by 2150.
_FIRST_YEAR, _LAST_YEAR = 1900, 2150


@dataclass
class Timeline:
    """Start (civil, None when wrong), zone name and horizon in seconds (None when wrong), with the problems found."""

    start: datetime | None = None
    timezone: str | None = None
    horizon_s: float | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone; UTC when the one typed does not exist."""
        return ZoneInfo(self.timezone or "UTC")

    def aware(self, moment: datetime) -> datetime:
        """The moment in UTC, taken in the scenario's zone when it names none."""
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)

    @property
    def end(self) -> datetime | None:
        """End of the scenario in UTC; None when it is not known."""
        if self.start is None or self.horizon_s is None:
            return None
        return self.aware(self.start) + timedelta(seconds=self.horizon_s)


def civil(value: object) -> datetime:
    """A civil date or date-time as typed or read from YAML. Raises ValueError with the message."""
    expected = 'Expected one such as "2026-01-01" or "2026-01-01 09:30".'
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, date):
            moment = datetime(value.year, value.month, value.day)
        elif isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
        else:
            raise ValueError
    except ValueError:
        raise ValueError(f"not a date. {expected}") from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"out of range. Expected a year from {_FIRST_YEAR} to {_LAST_YEAR}.")
    return moment


def read(tree: Tree, ends: "Sequence[TraceEnds]", *, known: bool = True) -> Timeline:
    """Start, zone and horizon of a tree; null ones come from `ends`, the spans of the recorded traffic's files.

    known: False where a file could not be read, so that a missing end is no problem of its own.
    """
    line = Timeline()
    _read_zone(tree.get("timezone"), line)
    _read_start(tree.get("start"), ends, known, line)
    _read_horizon(tree.get("horizon"), ends, known, line)
    return line


def _read_zone(value: Any, line: Timeline) -> None:
    try:
        line.timezone = ZoneInfo(value).key if isinstance(value, str) and value else None
    except (KeyError, ValueError, OSError):
        line.timezone = None
    if line.timezone is None:
        given = f"{_nearest_zone(value)}Expected an IANA name such as Europe/Paris or UTC."
        line.problems.append(Problem("timezone", value, f"not a time zone. {given}"))


def _nearest_zone(value: Any) -> str:
    from zoneinfo import available_timezones

    from sim.scenario.errors import nearest

    return nearest(value, sorted(available_timezones())) if isinstance(value, str) else ""


def _read_start(value: Any, ends: "Sequence[TraceEnds]", known: bool, line: Timeline) -> None:
    if value is not None:
        try:
            line.start = civil(value)
        except ValueError as e:
            line.problems.append(Problem("start", value, str(e)))
        return
    starts = [start for e in ends if (start := e.start())]
    if starts:
        first = min(starts)
        line.start = first.astimezone(line.zone).replace(tzinfo=None)
        if line.aware(line.start) != first:  # the second of two hours that share a name, when clocks go back
            line.start = first
    elif known:
        message = 'missing. No recorded traffic says when this scenario starts; type one such as start="2026-01-01".'
        line.problems.append(Problem("start", None, message))


def _read_horizon(value: Any, ends: "Sequence[TraceEnds]", known: bool, line: Timeline) -> None:
    if value is not None:
        try:
            line.horizon_s = _horizon_s(value, line)
        except ValueError as e:
            line.problems.append(Problem("horizon", value, str(e)))
    elif not ends:
        message = f"missing. No recorded traffic says when this scenario ends; type one such as {_EXAMPLE}."
        line.problems += [Problem("horizon", None, message)] if known else []
    elif line.start is not None:
        start = line.aware(line.start)
        if all(e.last is not None and e.last <= start for e in ends):
            message = "not before the end of the recorded traffic. Type an earlier start, or start=null for its own."
            line.problems.append(Problem("start", str(line.start), message))
        else:
            line.horizon_s = max(e.horizon_ns(start) for e in ends) / 1e9
    if line.horizon_s is not None and line.horizon_s > MAX_HORIZON_YEARS * YEAR_S:
        line.problems.append(Problem("horizon", value, f"too long. It must be at most {MAX_HORIZON_YEARS} years."))
        line.horizon_s = None


def _horizon_s(value: Any, line: Timeline) -> float:
    if isinstance(value, str):
        ns = span_ns(line.start or datetime(2026, 1, 1), line.timezone or "UTC", value)
        if ns is not None:
            if ns <= 0:
                raise ValueError(f"out of range. It must be more than 0, such as {_EXAMPLE}.")
            return ns / 1e9
    seconds = parse_quantity(value, SECONDS, "a span of time", _EXAMPLE, bare=False)
    if seconds < 1.0:
        raise ValueError(f"out of range. It must be at least 1 s, such as {_EXAMPLE}.")
    return seconds
