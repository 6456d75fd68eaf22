"""Checks of storms against the scenario that they are over: workloads that exist and can be moved, times inside it."""

from collections.abc import Iterator, Mapping

from sim.config.units import span_text
from sim.scenario.errors import Refusal, listed, nearest
from sim.scenario.model import Disturbance, Scenario
from sim.workload.disturbances import MAX_OCCASIONS, Batch, Surge


def disturbances(scenario: Scenario) -> Iterator[Refusal]:
    """Storms over workloads that are not there or that answer for themselves; storms that never come, or too often."""
    for name, storm in scenario.disturbances.items():
        where = ("disturbances", name)
        yield from _workloads(scenario, storm, where)
        if isinstance(storm, Surge):
            yield from _surge_times(scenario, storm, where)
        else:
            yield from _job_times(scenario, storm, where)


def remarks(phases: Mapping[str, Scenario]) -> Iterator[str]:
    """What is no error and may surprise, a sentence each: storms that are not over once when the scenario ends.

    phases: effective scenarios, all of the same length and with the same storms.
    """
    scenario = next(iter(phases.values()))
    calendar = scenario.calendar()
    for name, storm in scenario.disturbances.items():
        begin_s = float(storm.begins_ns(calendar)[0]) / 1e9
        if begin_s + storm.length_s <= scenario.horizon_s:
            continue
        least_s = begin_s + storm.length_s
        if isinstance(storm, Surge) and storm.start_s is None:
            least_s = storm.length_s / (1.0 - storm.start_share)  # a longer scenario has it begin later
        earlier = " or an earlier start," if isinstance(storm, Surge) else ""
        yield (
            f"disturbances.{name}: it lasts {span_text(storm.length_s)} from {span_text(begin_s)} after the scenario's "
            f"start, and the scenario ends after {span_text(scenario.horizon_s)}, before it is over. Type a horizon of "
            f"at least {span_text(least_s)},{earlier} to see its end."
        )


def _workloads(scenario: Scenario, storm: Disturbance, where: tuple[str, ...]) -> Iterator[Refusal]:
    there_are = scenario.workloads
    for place, name in enumerate(storm.workloads or ()):
        if name not in there_are:
            yield Refusal(
                (*where, "workloads", str(place)), name,
                f"no such workload. {nearest(name, there_are)}Workloads: {listed(there_are)}.",
            )  # fmt: skip
    wanted = storm.workloads or tuple(there_are)
    closed = [name for name in wanted if name in there_are and there_are[name].kind == "closed_loop"]
    if closed:
        open_ones = [name for name in there_are if there_are[name].kind != "closed_loop"]
        instead = f"{'.'.join(where)}.workloads=[{', '.join(open_ones)}]" if open_ones else "disturbance=none"
        yield Refusal(
            (*where, "workloads"), list(storm.workloads) if storm.workloads else None,
            f"{listed(closed)}: users of a closed loop ask when they have been answered, so that there are no arrivals "
            f"to multiply or add to. Type {instead}, or change the number of its users.",
        )  # fmt: skip


def _surge_times(scenario: Scenario, storm: Surge, where: tuple[str, ...]) -> Iterator[Refusal]:
    typed = storm.model_dump(mode="json", by_alias=True)
    key = "start" if storm.start_s is not None else "start_share"
    count = storm.occasions(scenario.calendar())
    if count == 0:
        yield Refusal(
            (*where, key), typed[key],
            f"not before the scenario's end, {scenario.horizon_s / 86_400:.6g} d after its start. Type an earlier one.",
        )  # fmt: skip
    elif count > MAX_OCCASIONS:
        yield Refusal(
            (*where, "every"), typed["every"],
            f"it would come {count:,} times, and a run has room for {MAX_OCCASIONS:,}. Type a longer every.",
        )  # fmt: skip


def _job_times(scenario: Scenario, storm: Batch, where: tuple[str, ...]) -> Iterator[Refusal]:
    if storm.begins_ns(scenario.calendar()).size == 0:
        when = f"{storm.weekday or 'day'}, {storm.hour}:00 ({scenario.timezone})"
        yield Refusal(
            (*where, "weekday" if storm.weekday else "hour"), storm.weekday or storm.hour,
            f"no {when} lies inside the scenario. Type another weekday or hour, or a longer horizon.",
        )  # fmt: skip
