"""The demand curve: growth times seasonality, interval by interval."""

import math

import numpy as np

from sim.clock.calendar import NS_PER_S, Calendar
from sim.workload.block import Float64, Int64
from sim.workload.parameters import (
    ExponentialGrowth,
    Growth,
    HourOfWeekSeasonality,
    LogisticGrowth,
    PiecewiseGrowth,
    PoissonWorkload,
    Seasonality,
)

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


def interval_rates(workload: PoissonWorkload, calendar: Calendar, first: int, n: int) -> Float64:
    """Rate (per second) of intervals first ... first + n - 1 of the workload's resolution since the start.

    Growth and the civil hour of the week are taken at each interval's middle; the clock changes of the calendar's time
    zone are real.
    """
    length_ns = resolution_ns(workload)
    middle_ns: Int64 = (np.arange(first, first + n, dtype=np.int64) * 2 + 1) * length_ns // 2
    factor = growth_factor(workload.growth, middle_ns / NS_PER_S)
    if isinstance(workload.seasonality, HourOfWeekSeasonality):
        hours = [calendar.hour_of_week(int(t)) for t in middle_ns]
        factor = factor * season_weights(workload.seasonality)[hours]
    return workload.rate_per_s * factor


def largest_rate(workload: PoissonWorkload, horizon_ns: int) -> float:
    """Upper bound of the rate (per second) over the horizon, without going through its intervals."""
    marks = [0.0, horizon_ns / NS_PER_S + workload.resolution_s]
    if isinstance(workload.growth, PiecewiseGrowth):
        marks += [p.after_s for p in workload.growth.points]
    peak = float(growth_factor(workload.growth, np.array(marks)).max())
    return workload.rate_per_s * peak * float(season_weights(workload.seasonality).max())


def resolution_ns(workload: PoissonWorkload) -> int:
    """Length of the intervals within which the rate is constant, in nanoseconds."""
    return round(workload.resolution_s * NS_PER_S)
