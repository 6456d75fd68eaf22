"""What is wrong with demand once the scenario's start and end are known."""

from datetime import UTC, timedelta

from sim.clock.calendar import Calendar
from sim.config import Problem
from sim.workload.parameters import RatedWorkload, Requests


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
