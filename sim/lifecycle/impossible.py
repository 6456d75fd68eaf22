"""Gates that can never fire, found before a run: each problem as (path, value, message) in plain values.

This room knows nothing of the others, so the caller says in numbers what a phase has: who is monitored, how fast the
fastest service is, which qualities a fresh model reaches.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from sim.clock.calendar import DAY_S
from sim.lifecycle.checks import value_text
from sim.lifecycle.conditions import (
    Condition,
    DateCondition,
    FalsePositiveRateCondition,
    LatencyP99Condition,
    QualityCondition,
    TrafficCondition,
    ValueCondition,
)
from sim.lifecycle.gates import Gate
from sim.lifecycle.parameters import Phase

GateProblem = tuple[tuple[str, ...], object, str]
"""Key path in the scenario, the value as typed (None for a whole node), what is wrong with what to type."""


@dataclass(frozen=True)
class LifeFacts:
    """What holds all along. workloads: names; end: of the scenario (aware); horizon_s: its length, s."""

    workloads: tuple[str, ...]
    end: datetime
    horizon_s: float


@dataclass(frozen=True)
class PhaseFacts:
    """What holds while a phase lasts, by workload.

    fastest_s: the shortest latency that can occur (0 where a cache answers); quality: of a freshly trained model, where
    a monitor watches it; false_positive_rate: of a freshly trained model, where a monitor watches and answers are
    decisions; valued: workloads whose answers have a value; most_per_s: a bound of the requests let in.
    """

    fastest_s: Mapping[str, float] = field(default_factory=dict)
    quality: Mapping[str, float] = field(default_factory=dict)
    false_positive_rate: Mapping[str, float] = field(default_factory=dict)
    valued: frozenset[str] = frozenset()
    most_per_s: Mapping[str, float] = field(default_factory=dict)


def gate_problems(
    phases: Mapping[str, Phase], named: Mapping[str, Condition], life: LifeFacts, facts: Mapping[str, PhaseFacts]
) -> Iterator[GateProblem]:
    """Everything that keeps a gate from ever firing. named: the scenario's `gates`; facts: by phase.

    A gate looks at the phase before its own; where that one's facts are missing, only what holds all along is judged.
    """
    for name, condition in named.items():
        yield from _workload(("gates", name, "workload"), condition, life)
    first = next(iter(phases), None)
    if first is not None and phases[first].gate is not None:
        message = "the first phase begins with the scenario and waits for nothing. Leave its gate out."
        yield ("phases", first, "gate"), None, message
    for before, name in pairwise(phases):
        gate = phases[name].gate
        if gate is not None:
            path = ("phases", name, "gate")
            yield from _spans(path, gate, named, life)
            for group, place, asked in gate.asked():
                where = (*path, group, str(place))
                yield from _asked(where, asked, before, phases[before], named, life, facts.get(before))


def _spans(path: tuple[str, ...], gate: Gate, named: Mapping[str, Condition], life: LifeFacts) -> Iterator[GateProblem]:
    for key, seconds in (("window", gate.window_s), ("every", gate.every_s)):
        if seconds > life.horizon_s:
            days = life.horizon_s / DAY_S
            yield (
                (*path, key),
                f"{seconds / DAY_S:g} d",
                f"longer than the scenario ({days:g} d), so that the gate never fires. Type a shorter one.",
            )
    conditions = (named.get(asked) if isinstance(asked, str) else asked for _, _, asked in gate.asked())
    compares = any(condition is not None and condition.compares for condition in conditions)
    if compares and gate.window_s <= life.horizon_s < 2 * gate.window_s:
        message = "a cost reduction compares two windows, and they do not fit into the scenario. Type a shorter one."
        yield (*path, "window"), f"{gate.window_s / DAY_S:g} d", message


def _asked(
    where: tuple[str, ...], asked: str | Condition, before: str, watched: Phase, named: Mapping[str, Condition],
    life: LifeFacts, facts: PhaseFacts | None,
) -> Iterator[GateProblem]:  # fmt: skip
    """Problems of one condition; watched: the phase before, in which it would have to be met."""
    if isinstance(asked, str):
        if asked not in named:
            yield where, asked, f"no such gate. {_nearest(asked, named)}Gates: {_listed(named)}."
            return
        condition = named[asked]
    else:
        condition = asked
        wrong = list(_workload((*where, "workload"), condition, life))
        yield from wrong
        if wrong:
            return
    message = _never(condition, before, watched, life, facts)
    if message is None:
        return
    if isinstance(asked, str):
        yield where, asked, message
    else:
        typed = asked.model_dump(mode="json", by_alias=True)
        key = condition.direction.replace(" ", "_")
        yield (*where, key), typed[key], message


def _workload(path: tuple[str, ...], condition: Condition, life: LifeFacts) -> Iterator[GateProblem]:
    name = condition.workload
    if name is not None and name not in life.workloads:
        yield path, name, f"no such workload. {_nearest(name, life.workloads)}Workloads: {_listed(life.workloads)}."


def _never(condition: Condition, before: str, watched: Phase, life: LifeFacts, facts: PhaseFacts | None) -> str | None:
    """Why a condition can never be met in the phase before; None where it can, for all that is known."""
    if isinstance(condition, DateCondition):
        moment = condition.from_ if condition.from_.tzinfo else condition.from_.replace(tzinfo=life.end.tzinfo)
        if moment >= life.end:
            end = life.end.strftime("%Y-%m-%d %H:%M")
            return f"not before the scenario's end, {end}, so that it is never met. Type an earlier date."
        return None
    if watched.exposure == 0.0:
        return f"phase {before} lets nobody in (exposure 0 %), so that nothing is measured there. Type a date instead."
    return None if facts is None else _never_measured(condition, before, life, facts)


def _never_measured(condition: Condition, before: str, life: LifeFacts, facts: PhaseFacts) -> str | None:
    """Of conditions that some phases measure, and some cannot meet."""
    who = (condition.workload,) if condition.workload is not None else life.workloads
    if isinstance(condition, QualityCondition):
        fresh = {name: facts.quality[name] for name in who if name in facts.quality}
        if not fresh:
            return f"nobody monitors the quality{_of(condition)} in phase {before}. {_MONITOR}"
        worst = min(fresh, key=fresh.__getitem__)
        if condition.at_least > fresh[worst]:
            best = value_text(condition, fresh[worst])
            return f"above the quality of a freshly trained model of {worst}, {best}. Type less."
    elif isinstance(condition, FalsePositiveRateCondition):
        rates = {name: facts.false_positive_rate[name] for name in who if name in facts.false_positive_rate}
        if not rates:
            return (
                f"no false positives{_of(condition)} are counted in phase {before}: that takes a value of kind "
                f"decisions and a monitor. {_MONITOR}"
            )
        worst = max(rates, key=rates.__getitem__)
        if condition.at_most < rates[worst]:
            least = value_text(condition, rates[worst])
            return f"below the rate of a freshly trained model of {worst}, {least}. Type more."
    elif isinstance(condition, LatencyP99Condition):
        times = {name: facts.fastest_s[name] for name in who if name in facts.fastest_s}
        slowest = max(times, key=times.__getitem__, default=None)
        if slowest is not None and condition.at_most_s < times[slowest]:
            least = value_text(condition, times[slowest])
            return f"below the fastest answer that {slowest} gets in phase {before}, {least}. Type a longer time."
    elif isinstance(condition, TrafficCondition) and all(name in facts.most_per_s for name in who):
        most = sum(facts.most_per_s[name] for name in who)
        if condition.at_least_per_s > _BY_CHANCE * most:
            return f"beyond all demand that phase {before} lets in, {value_text(condition, most)} at most. Type less."
    elif isinstance(condition, ValueCondition) and condition.at_least_usd_per_day > 0 and not facts.valued & set(who):
        return f"answers{_of(condition)} have no value in phase {before}. Choose a value, such as value=per_request."
    return None


_BY_CHANCE = 2.0  # assumption: over a whole day, arrivals come at no more than twice their rate
_MONITOR = "Choose a learning with a monitor, such as learning=threshold, or leave the condition out."


def _of(condition: Condition) -> str:
    return f" of {condition.workload}" if condition.workload is not None else ""


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]}? " if close else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
