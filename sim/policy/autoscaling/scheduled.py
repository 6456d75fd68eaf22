"""Replicas by the clock on the wall: so many on these days between these hours, and so many otherwise.

After KEDA's cron scaler (kedacore/keda 2.17, pkg/scalers/cron_scaler.go): a time zone, a start, an end and a count, and
of several that hold at once the largest. Days and hours stand in for cron expressions. A time that daylight saving
leaves out begins as much later as clocks are put forward; of one that it repeats the first counts. Windows hold from
the first decision after their start on: with machines that take time to boot, begin them earlier.
"""

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from sim.config import Parameters
from sim.policy.autoscaling.controller import Controller
from sim.policy.bounds import FixedReplicas, Period
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORDS = {"daily": DAYS, "weekdays": DAYS[:5], "weekends": DAYS[5:]}
_DAY_MIN = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK_NS = 7 * 86_400 * 10**9


def _days(value: object) -> object:
    """A word, one day, a span such as mon-fri, or a list of them -> days in the week's order."""
    if value is None or (isinstance(value, (list, tuple)) and not value):
        raise ValueError("no day. Type days such as mon-fri, [mon, wed], daily, weekdays or weekends.")
    found: set[str] = set()
    for part in value if isinstance(value, (list, tuple)) else [value]:
        word = str(part).strip().lower()
        first, dash, last = (word.partition("-")[i].strip() for i in range(3))
        if word in _WORDS:
            found.update(_WORDS[word])
        elif first in DAYS and not dash:
            found.add(first)
        elif first in DAYS and last in DAYS:
            i, j = DAYS.index(first), DAYS.index(last)
            found.update(DAYS[i : j + 1] if i <= j else (*DAYS[i:], *DAYS[: j + 1]))
        else:
            raise ValueError(f"{word!r} is no day. Type days such as mon-fri, [mon, wed], daily, weekdays or weekends.")
    return tuple(day for day in DAYS if day in found)


def _time(value: object) -> object:
    """HH:MM, to 24:00, as text; YAML 1.1 reads an unquoted 8:30 as a number to the base of 60."""
    if isinstance(value, int) and not isinstance(value, bool) and 60 <= value <= _DAY_MIN:
        value = f"{value // 60:02}:{value % 60:02}"
    hours, colon, minutes = str(value).partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2 and int(minutes) < 60):
        raise ValueError('not a time of day. Type one such as "08:30", in quotes.')
    if int(hours) * 60 + int(minutes) > _DAY_MIN:
        raise ValueError('beyond the day\'s end. Type a time from "00:00" to "24:00", in quotes.')
    return f"{int(hours):02}:{minutes}"


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


Days = Annotated[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], BeforeValidator(_days)]
TimeOfDay = Annotated[str, BeforeValidator(_time)]


class Window(Parameters):
    """On these days from one time to another there are `replicas`; one that ends before it begins ends the next day."""

    days: Days = DAYS  # type: ignore[assignment]
    from_: TimeOfDay
    to: TimeOfDay
    replicas: FixedReplicas

    @field_validator("to")
    @classmethod
    def _lasts(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("from_"):
            raise ValueError('no time at all. For a whole day type from: "00:00" and to: "24:00".')
        return value

    @property
    def span_min(self) -> tuple[int, int]:
        """Minutes of the day at which it begins, and at which it ends, past 24 h for one over midnight."""
        begin, end = _minutes(self.from_), _minutes(self.to)
        return begin, end if end > begin else end + _DAY_MIN


class ScheduledState(NamedTuple):
    """start_epoch_ns, timezone: where the clock on the wall stands; replicas: what holds until `until_ns`."""

    start_epoch_ns: int
    timezone: str
    replicas: int = 0
    until_ns: int = -1


class Scheduled(Controller):
    """Parameters of a timetable, and the controller itself as pure methods. replicas: outside of every window."""

    kind: Literal["scheduled"] = "scheduled"
    replicas: FixedReplicas
    windows: Annotated[tuple[Window, ...], Field(min_length=1, max_length=100)]
    sync_period_s: Period = 30.0  # KEDA's pollingInterval

    @property
    def min_replicas(self) -> int:
        """Smallest count it asks for."""
        return min(self.replicas, *(window.replicas for window in self.windows))

    @property
    def max_replicas(self) -> int:
        """Largest count it asks for."""
        return max(self.replicas, *(window.replicas for window in self.windows))

    @property
    def initial_replicas(self) -> int:
        """Count at the start, until the first decision."""
        return self.replicas

    @property
    def informed(self) -> bool:
        """It takes the scenario's start and time zone from its setting."""
        return True

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> ScheduledState:
        """State at the start."""
        return ScheduledState(setting.start_epoch_ns, setting.timezone)

    def decide(self, observation: Observation, state: ScheduledState, now_ns: int) -> tuple[Decision, ScheduledState]:
        """What the timetable says."""
        if now_ns >= state.until_ns:
            replicas, until_ns = self.planned(state.start_epoch_ns + now_ns, state.timezone)
            state = state._replace(replicas=replicas, until_ns=until_ns - state.start_epoch_ns)
        return Decision(state.replicas, "Schedule"), state

    def planned(self, epoch_ns: int, timezone: str) -> tuple[int, int]:
        """The count at a moment, and the moment (both ns since 1970, UTC) up to which it surely holds."""
        zone = ZoneInfo(timezone)
        today = (_EPOCH + timedelta(microseconds=epoch_ns // 1000)).astimezone(zone).date()
        replicas, until_ns, inside = self.replicas, epoch_ns + _WEEK_NS, False
        for ahead in range(-1, 8):
            day = today + timedelta(days=ahead)
            midnight = datetime(day.year, day.month, day.day)
            for begin, end, count in self._timetable[day.weekday()]:
                edges = [_epoch_ns(midnight + timedelta(minutes=m), zone) for m in (begin, end)]
                until_ns = min([until_ns, *(edge for edge in edges if edge > epoch_ns)])
                if edges[0] <= epoch_ns < edges[1]:
                    replicas, inside = max(replicas, count) if inside else count, True
        return replicas, until_ns

    @cached_property
    def _timetable(self) -> list[list[tuple[int, int, int]]]:
        """(begin, end in minutes of the day, replicas) of the windows of each day of the week."""
        return [[(*w.span_min, w.replicas) for w in self.windows if day in w.days] for day in DAYS]


def _epoch_ns(civil: datetime, zone: Any) -> int:
    delta = civil.replace(tzinfo=zone).astimezone(UTC) - _EPOCH
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1000
