"""The demand curve: growth, week, year, holidays, launches and spikes, multiplied interval by interval."""

import math
from datetime import datetime

import numpy as np

from sim.clock.calendar import NS_PER_S, Calendar
from sim.workload.block import Float64, Int64
from sim.workload.bursts import bursts_of
from sim.workload.growth import (
    ExponentialGrowth,
    FlatSeasonality,
    Growth,
    HourOfWeekSeasonality,
    LogisticGrowth,
    PiecewiseGrowth,
    Seasonality,
)
from sim.workload.parameters import RatedWorkload

_WINDOW = 4096  # intervals whose rates are held at a time, so that memory does not grow with the horizon
_WINDOWS_HELD = 8  # for the clients of a mix, who do not all stand at the same interval
_QUARTER_NS = 900 * NS_PER_S
_LOG_LARGEST = 700.0  # e ** 700 is still a float; a rate that large is refused before it is used


def growth_factor(growth: Growth, t_s: Float64) -> Float64:
    """Multiple of the start rate at `t_s` seconds since the start (float64[n] -> float64[n])."""
    if isinstance(growth, ExponentialGrowth):
        log = t_s * (math.log(2.0) / growth.doubling_s)
    elif isinstance(growth, LogisticGrowth):
        c = growth.ceiling
        fading = np.minimum(math.log(c - 1.0) * (1.0 - t_s / growth.midpoint_s), _LOG_LARGEST)
        return np.asarray(c / (1.0 + np.exp(fading)), dtype=np.float64)
    elif isinstance(growth, PiecewiseGrowth):
        after = [0.0, *(p.after_s for p in growth.points)]
        log = np.interp(t_s, after, [0.0, *(math.log(p.factor) for p in growth.points)])
    else:
        log = np.zeros_like(t_s)
    return np.asarray(np.exp(np.minimum(log, _LOG_LARGEST)), dtype=np.float64)


def season_weights(seasonality: Seasonality) -> Float64:
    """float64[168] with mean 1: weight of each civil hour of the week, Monday 00:00-01:00 first."""
    if isinstance(seasonality, HourOfWeekSeasonality):
        weights = np.array(seasonality.weights, dtype=np.float64)
        return np.asarray(weights / weights.mean(), dtype=np.float64)
    return np.ones(168)


class DemandCurve:
    """The rate of a workload over a whole scenario, constant within each interval of its resolution.

    length_ns: length of an interval; intervals: how many begin before the horizon.
    """

    def __init__(self, workload: RatedWorkload, calendar: Calendar, spikes: np.uint64) -> None:
        """spikes: key of the stream that viral spikes are drawn from, which is read where the workload has any."""
        self.length_ns = round(workload.resolution_s * NS_PER_S)
        self.intervals = -(-calendar.horizon_ns // self.length_ns)
        self._workload, self._calendar = workload, calendar
        self._bursts = bursts_of(workload, calendar, spikes)
        self._held: dict[int, Float64] = {}

    def rates(self, first: int, n: int) -> Float64:
        """Rate (per second) of intervals first ... first + n - 1.

        Growth, and the civil hour, month and day, are taken at each interval's middle; the clock changes of the
        calendar's time zone are real. Launches and spikes count with their mean over the interval.
        """
        workload = self._workload
        middle_ns: Int64 = (np.arange(first, first + n, dtype=np.int64) * 2 + 1) * self.length_ns // 2
        factor = growth_factor(workload.growth, middle_ns / NS_PER_S)
        by_calendar = CivilFactor(workload)
        if by_calendar.varies:
            factor = factor * by_calendar.at(middle_ns, self._calendar)
        if self._bursts.at_ns.size:
            factor = factor * self._bursts.means(first, n, self.length_ns)
        return workload.rate_per_s * factor

    def ahead(self, interval: int) -> Float64:
        """Rates per nanosecond of `interval` and of as many that follow as are at hand (float64, at least one)."""
        window, offset = divmod(interval, _WINDOW)
        if window not in self._held:
            if len(self._held) == _WINDOWS_HELD:
                del self._held[min(self._held)]
            first = window * _WINDOW
            self._held[window] = self.rates(first, min(_WINDOW, self.intervals - first)) * 1e-9
        return self._held[window][offset:]

    def peak(self) -> float:
        """Upper bound of the rate (per second) over the horizon, without going through its intervals."""
        workload = self._workload
        marks = [0.0, self._calendar.horizon_ns / NS_PER_S + workload.resolution_s]
        if isinstance(workload.growth, PiecewiseGrowth):
            marks += [p.after_s for p in workload.growth.points]
        growth = float(growth_factor(workload.growth, np.array(marks)).max())
        return workload.rate_per_s * growth * CivilFactor(workload).largest * self._bursts.peak()


class CivilFactor:
    """What hour of the week, month and holidays together make of demand: 1 on an ordinary hour of an ordinary day."""

    def __init__(self, workload: RatedWorkload) -> None:
        self.varies = not (
            isinstance(workload.seasonality, FlatSeasonality) and workload.yearly is None and workload.holidays is None
        )
        self._weeks = season_weights(workload.seasonality)
        self._months = np.ones(12) if workload.yearly is None else np.array(workload.yearly) / np.mean(workload.yearly)
        self._days = frozenset() if workload.holidays is None else frozenset(workload.holidays.dates)
        self._holiday = 1.0 if workload.holidays is None else workload.holidays.factor

    @property
    def largest(self) -> float:
        """Upper bound of the factor."""
        return float(self._weeks.max() * self._months.max()) * max(1.0, self._holiday)

    def at(self, t_ns: Int64, calendar: Calendar) -> Float64:
        """float64[n]: the factor at each of `t_ns`, nanoseconds since the start."""
        # civil time is looked up once a quarter hour: since 1972 every zone's offset is a whole number of those
        quarters, inverse = np.unique((t_ns + calendar.start_epoch_ns) // _QUARTER_NS, return_inverse=True)
        factors = [self._of(calendar.civil(int(q) * _QUARTER_NS - calendar.start_epoch_ns)) for q in quarters]
        return np.array(factors, dtype=np.float64)[inverse.reshape(-1)]

    def _of(self, moment: datetime) -> float:
        factor = float(self._weeks[moment.weekday() * 24 + moment.hour]) * float(self._months[moment.month - 1])
        if self._days and not self._days.isdisjoint((f"{moment:%m-%d}", moment.date().isoformat())):
            factor *= self._holiday
        return factor
