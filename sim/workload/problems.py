"""What can be said of demand once the scenario's start and end are known, without playing it and without NumPy."""

import math
from datetime import UTC, timedelta

from sim.clock.calendar import Calendar
from sim.config import Problem
from sim.workload.growth import ExponentialGrowth, HourOfWeekSeasonality, LogisticGrowth, PiecewiseGrowth
from sim.workload.parameters import ClosedLoopWorkload, RatedWorkload, Requests


def demand_problems(workload: Requests, where: str, calendar: Calendar) -> list[Problem]:
    """Launches outside the scenario. where: key path of the workload ("workload" or "workloads.NAME")."""
    if not isinstance(workload, RatedWorkload):
        return []
    start = calendar.start.replace(tzinfo=None)
    length = timedelta(microseconds=calendar.horizon_ns // 1000)
    end = (calendar.start.astimezone(UTC) + length).astimezone(calendar.zone).replace(tzinfo=None)
    return [
        Problem(
            f"{where}.launches.{i}.at",
            launch.model_dump(mode="json")["at"],
            f"not inside the scenario, which goes from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} "
            f"({calendar.zone.key}). Type a date in between, or leave the launch out.",
        )
        for i, launch in enumerate(workload.launches)
        if not 0 <= calendar.ns(launch.at) < calendar.horizon_ns
    ]


def most_per_s(workload: Requests, horizon_s: float) -> float | None:
    """A bound of the demand curve over the whole scenario, requests/s; None where none is known: recorded traffic, and
    spikes, which may be as high as chance makes them. Of a closed loop: as if every user were answered at once.
    """
    if isinstance(workload, ClosedLoopWorkload):
        return workload.users / workload.think.mean_s if workload.think.mean_s > 0 else None
    if not isinstance(workload, RatedWorkload) or workload.spikes is not None:
        return None
    season = workload.seasonality
    weights = season.weights if isinstance(season, HourOfWeekSeasonality) else (1.0,)
    months = workload.yearly or (1.0,)
    calendar = _largest_over_mean(weights) * _largest_over_mean(months)
    calendar *= max(1.0, workload.holidays.factor) if workload.holidays is not None else 1.0
    launches = math.prod(max(1.0, launch.factor) for launch in workload.launches)
    return workload.rate_per_s * _most_growth(workload, horizon_s) * calendar * launches


def _largest_over_mean(weights: tuple[float, ...]) -> float:
    return max(weights) * len(weights) / sum(weights)


def _most_growth(workload: RatedWorkload, horizon_s: float) -> float:
    growth = workload.growth
    if isinstance(growth, ExponentialGrowth):
        return math.exp2(min(horizon_s / growth.doubling_s, 1000.0))
    if isinstance(growth, LogisticGrowth):
        return growth.ceiling
    return max(1.0, *(point.factor for point in growth.points)) if isinstance(growth, PiecewiseGrowth) else 1.0
