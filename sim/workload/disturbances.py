"""Parameters of storms of demand: what multiplies a workload's arrivals for a while, and jobs that add to them."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from math import prod
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from sim.clock.calendar import Calendar, to_ns
from sim.config import Count, LongSeconds, NonNegative, Parameters, PositiveLongSeconds, PositiveSeconds, Seconds, Share
from sim.config.units import span_text
from sim.workload.block import Int64

MAX_FACTOR = 1000.0  # assumption: beyond, each single request of the base would stand for a crowd
MAX_BATCH = 1_000_000_000  # assumption: as many requests in one job as the heaviest scenario has in three months
MAX_OCCASIONS = 100_000  # assumption: one an hour for eleven years; each is two rows in the log of events
_SPREAD_S = 5.0  # assumption: a few seconds, in which those of a crowd do as the first of them
_HOUR_S = 3600.0
_SHORTEST_DAY_S, _SHORTEST_WEEK_S = 23 * _HOUR_S, 167 * _HOUR_S  # those with the clock change in spring

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Surge(Parameters):
    """Demand is multiplied: it rises linearly to `factor` times the usual, stays there, and falls back linearly.

    start_s: since the scenario's start; start_share: after this share of the scenario's length, where there is no
    start_s; start_hour: then, at the first such hour of a day in the scenario's time zone (None, or no such hour before
    the end: at once); every_s: from one to the next (None: it comes once); factor: below 1 for a fade, 0 for silence;
    rise_s, hold_s, fall_s: of the ramp up, the plateau and the ramp down; spread_s: time after a request of the base
    within which its copies come; workloads: whose demand (None: everybody's).

    Requests of the base are thinned where the factor is below 1, and copied with all that they carry where it is above.
    Several surges multiply.
    """

    kind: Literal["surge"] = "surge"
    workloads: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    start_s: LongSeconds | None = None
    start_share: Share = 0.5  # assumption: half-way, in any scenario
    start_hour: Annotated[Count, Field(ge=0, le=23)] | None = None
    every_s: PositiveLongSeconds | None = None
    factor: Annotated[NonNegative, Field(le=MAX_FACTOR)]
    rise_s: LongSeconds
    hold_s: LongSeconds
    fall_s: LongSeconds
    spread_s: Seconds = _SPREAD_S

    @property
    def length_s(self) -> float:
        """From its begin to its end, seconds."""
        return self.rise_s + self.hold_s + self.fall_s

    @model_validator(mode="after")
    def _something_happens(self) -> Self:
        if self.factor == 1.0:
            raise ValueError(
                "a factor of 1, with which demand stays as it is. Type factor: 10 for ten times as much, 0 for none."
            )
        if self.length_s == 0.0:
            raise ValueError('no time at all. Give it a rise, a hold or a fall, such as hold: "10 min".')
        if self.every_s is not None and self.every_s < self.length_s:
            raise ValueError(
                f"it lasts {span_text(self.length_s)} (rise, hold and fall) and would come again every "
                f"{span_text(self.every_s)}, before it is over. Type a longer every, or a shorter hold."
            )
        return self

    def begins_ns(self, calendar: Calendar) -> Int64:
        """int64[n]: when it begins, ascending, inside the scenario."""
        step = calendar.horizon_ns if self.every_s is None else to_ns(self.every_s)
        return np.arange(self._first_ns(calendar), calendar.horizon_ns, step, dtype=np.int64)

    def occasions(self, calendar: Calendar) -> int:
        """How often it begins inside the scenario."""
        left_s = (calendar.horizon_ns - self._first_ns(calendar)) / 1e9
        return 0 if left_s <= 0 else 1 if self.every_s is None else 1 + int(left_s / self.every_s)

    def _first_ns(self, calendar: Calendar) -> int:
        if self.start_s is not None:
            return to_ns(self.start_s)
        share_ns = round(self.start_share * calendar.horizon_ns)
        if self.start_hour is None:
            return share_ns
        day = calendar.civil(share_ns).date()
        hours = (calendar.ns(_at(day + timedelta(days=k), self.start_hour)) for k in range(3))
        return next((ns for ns in hours if share_ns <= ns < calendar.horizon_ns), share_ns)


class Batch(Parameters):
    """A job that adds requests at a civil hour, spread evenly over its duration: so many to each of its workloads.

    requests: of each occasion; weekday: None for every day; hour: in the scenario's time zone; duration_s: from its
    first to its last request; workloads: whose requests (None: everybody's, as many each).

    A request of the job carries what one of the latest requests of the base carried (content, tokens, tenant). Surges
    do not multiply it.
    """

    kind: Literal["batch"] = "batch"
    workloads: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    requests: Annotated[Count, Field(ge=1, le=MAX_BATCH)]
    weekday: Weekday | None = None
    hour: Annotated[Count, Field(ge=0, le=23)] = 2  # assumption: at night, when there is room
    duration_s: PositiveSeconds

    @property
    def length_s(self) -> float:
        """From its begin to its end, seconds."""
        return self.duration_s

    @model_validator(mode="after")
    def _over_in_time(self) -> Self:
        most_s, period = (_SHORTEST_DAY_S, "day") if self.weekday is None else (_SHORTEST_WEEK_S, "week")
        if self.duration_s > most_s:
            raise ValueError(
                f"it lasts {span_text(self.duration_s)} and comes again every {period}, of which one a year has "
                f"{most_s / _HOUR_S:g} h. Type a duration of at most {most_s / _HOUR_S:g} h."
            )
        return self

    def begins_ns(self, calendar: Calendar) -> Int64:
        """int64[n]: when it begins, ascending, inside the scenario."""
        begins, day, last = [], calendar.start.date(), calendar.civil(calendar.horizon_ns).date()
        while day <= last:
            if self.weekday is None or day.weekday() == WEEKDAYS.index(self.weekday):
                begins.append(calendar.ns(_at(day, self.hour)))
            day += timedelta(days=1)
        found = np.unique(np.array(begins, dtype=np.int64))
        return found[(found >= 0) & (found < calendar.horizon_ns)]


DemandStorm = Annotated[Surge | Batch, Field(discriminator="kind")]


def concerns(storm: Surge | Batch, workload: str) -> bool:
    """Whether a storm is about this workload's demand."""
    return storm.workloads is None or workload in storm.workloads


def most_with(rate_per_s: float, storms: Iterable[Surge | Batch]) -> float:
    """A bound of demand with storms over it, where `rate_per_s` is one without, requests/s."""
    storms = list(storms)
    added = sum(storm.requests / storm.duration_s for storm in storms if isinstance(storm, Batch))
    return rate_per_s * prod(max(1.0, storm.factor) for storm in storms if isinstance(storm, Surge)) + added


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour))
