"""What Ray Serve's controller knows of the load: totals over a look-back period, as they were last pushed.

Source: ray-project/ray 2.60, python/ray/serve/_private/{metrics_utils,autoscaling_state}.py: gauges are
right-continuous steps, series of several sources are added at every instant, and the sum is averaged by time (or its
largest or smallest value taken) over the look-back period. Replicas and handles push every `metrics_push_interval_s`;
in between the controller decides on what it was told last. Here scrapes show all replicas at the same instants, so
that their sum is the merged series; it is kept in one step a push, which gives the same mean, largest and smallest
value.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

Aggregation = Literal["mean", "max", "min"]
Steps = tuple[tuple[float, float], ...]
"""(from when on, value), oldest first: a right-continuous step function of time."""


class Load(NamedTuple):
    """What has been seen of the load.

    steps: of the pushes within the look-back period, times in nanoseconds; told: what the last push made of them;
    push_ns: when the next one is due; seen_ns: time of the newest sample (-1: none); since_ns, area, high, low: of the
    step that grows since the last push: its start, the time integral (value x ns), the largest and the smallest sample.
    """

    steps: Steps
    told: float
    push_ns: int
    seen_ns: int
    since_ns: int
    area: float
    high: float
    low: float


class LoadPlan(NamedTuple):
    """How the load is looked at: periods in nanoseconds."""

    look_back_ns: int
    push_ns: int
    aggregation: Aggregation


def merged(series: Sequence[Steps]) -> Steps:
    """The sum at every instant of several step functions; each counts from its first step on."""
    changes = sorted(
        (at, value - before)
        for steps in series
        for (at, value), before in zip(steps, (0.0, *(v for _, v in steps)), strict=False)
    )
    total: list[tuple[float, float]] = []
    for at, change in changes:
        value = change + (total[-1][1] if total else 0.0)
        if total and total[-1][0] == at:
            total.pop()
        total.append((at, value))
    return tuple(total)


def aggregated(steps: Steps, aggregation: Aggregation, last: float, start: float = -math.inf) -> float:
    """Time-weighted mean, or the largest or smallest value, of a step function from `start` on.

    last: how long the last step holds, in the unit of the times. 0 where there is nothing.
    """
    area = span = 0.0
    high, low = -math.inf, math.inf
    for i, (at, value) in enumerate(steps, start=1):
        end = steps[i][0] if i < len(steps) else at + last
        at = max(at, start)
        if end > at:
            area, span = area + value * (end - at), span + (end - at)
            high, low = max(high, value), min(low, value)
    if span == 0.0:
        return 0.0
    return area / span if aggregation == "mean" else high if aggregation == "max" else low


def begin(now_ns: int, plan: LoadPlan) -> Load:
    """Nothing seen yet."""
    return Load((), 0.0, now_ns + plan.push_ns, -1, now_ns, 0.0, -math.inf, math.inf)


def watched(load: Load, total: float, sampled_ns: int, now_ns: int, plan: LoadPlan) -> Load:
    """The load with one more look: `total` requests on average since the sample before the one of `sampled_ns`."""
    steps, told, push_ns, seen_ns, since_ns, area, high, low = load
    if sampled_ns > max(seen_ns, since_ns):
        area += total * (sampled_ns - max(seen_ns, since_ns))
        seen_ns = sampled_ns
        high, low = max(high, total), min(low, total)
    elif now_ns < push_ns:
        return load
    if now_ns >= push_ns:
        if seen_ns > since_ns:
            value = area / (seen_ns - since_ns) if plan.aggregation == "mean" else high
            steps = _recent((*steps, (since_ns, low if plan.aggregation == "min" else value)), now_ns, plan)
            told = aggregated(steps, plan.aggregation, seen_ns - since_ns, now_ns - plan.look_back_ns)
            since_ns, area, high, low = seen_ns, 0.0, -math.inf, math.inf
        push_ns = now_ns + plan.push_ns
    return Load(steps, told, push_ns, seen_ns, since_ns, area, high, low)


def _recent(steps: Steps, now_ns: int, plan: LoadPlan) -> Steps:
    """Without the steps that ended before the look-back period."""
    cutoff, first = now_ns - plan.look_back_ns, 0
    while first < len(steps) - 1 and steps[first + 1][0] <= cutoff:
        first += 1
    return steps[first:]
