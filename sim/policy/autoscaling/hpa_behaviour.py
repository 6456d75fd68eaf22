"""The scaling behaviour of the Kubernetes HorizontalPodAutoscaler: stabilisation windows and rate limits.

Source: kubernetes/kubernetes pkg/controller/podautoscaler/horizontal.go (stabilizeRecommendationWithBehaviors,
convertDesiredReplicasWithBehaviorRate, storeScaleEvent), the form that counts the changes of both directions; for an
autoscaler without `behavior`, stabilizeRecommendation and convertDesiredReplicasWithRules. Upstream overwrites obsolete
recommendations where they lie; here the log is in order of time and loses what no window can read any more, which
decides the same.
"""

import math
from typing import Literal, NamedTuple

Log = tuple[tuple[int, int], ...]
"""(replicas, at_ns): raw recommendations, oldest first; or sizes of changes in one direction, in order of slots."""


class Rate(NamedTuple):
    """At most `value` pods, or per cent of the replicas that the period began with, in any period."""

    percent: bool
    value: int
    period_ns: int


class Rates(NamedTuple):
    """Limits of one direction; `select` says which counts: the one that allows most, least, or no change at all."""

    select: Literal["max", "min", "disabled"]
    policies: tuple[Rate, ...]

    @property
    def longest_ns(self) -> int:
        """Longest period of any policy; 0 when there is none."""
        return max((p.period_ns for p in self.policies), default=0)


class Changes(NamedTuple):
    """Events of both directions: replicas added, replicas removed (positive)."""

    up: Log
    down: Log


class Windows(NamedTuple):
    """Stabilisation windows: up (the smallest recommendation in it counts) and down (the largest), nanoseconds."""

    up_ns: int
    down_ns: int


def stabilise(current: int, desired: int, recommendations: Log, windows: Windows, now_ns: int) -> int:
    """Present count, moved no further than every recommendation in the window agrees.

    current: count last asked for; desired: newest raw recommendation; recommendations: the earlier ones.
    """
    if desired == current:
        return current
    if desired > current:
        cutoff = now_ns - windows.up_ns
        for replicas, at_ns in recommendations:
            if at_ns > cutoff and replicas < desired:
                desired = replicas
        return max(current, desired)
    cutoff = now_ns - windows.down_ns
    for replicas, at_ns in recommendations:
        if at_ns > cutoff and replicas > desired:
            desired = replicas
    return min(current, desired)


def remember(recommendations: Log, desired: int, windows: Windows, now_ns: int) -> Log:
    """The log with the newest raw recommendation, without those older than both windows.

    Of equal recommendations in a row only the newest is kept: whatever window reads one of them reads that one.
    """
    if len(recommendations) == 1 and recommendations[0][0] == desired:
        return ((desired, now_ns),)
    cutoff = now_ns - max(windows)
    first, last = 0, len(recommendations)
    if last and recommendations[-1][0] == desired:
        last -= 1
    while first < last and recommendations[first][1] < cutoff:
        first += 1
    return (*recommendations[first:last], (desired, now_ns))


def change_in_period(events: Log, period_ns: int, now_ns: int) -> int:
    """Replicas added (or removed) by the events younger than the period."""
    cutoff = now_ns - period_ns
    total = 0
    for change, at_ns in events:
        if at_ns > cutoff:
            total += change
    return total


def store_event(events: Log, change: int, rates: Rates, now_ns: int) -> Log:
    """The log of one direction with a change of `change` replicas; `rates` are that direction's.

    As upstream, the change takes the place of the last event older than all of that direction's periods, if there is
    one. This is more than housekeeping: the other direction, whose periods may be longer, no longer reads that event.
    """
    if not rates.policies:
        return events
    cutoff = now_ns - rates.longest_ns
    for i in range(len(events) - 1, -1, -1):
        if events[i][1] < cutoff:
            return (*events[:i], (change, now_ns), *events[i + 1 :])
    return (*events, (change, now_ns))


def scale_up_limit(current: int, changes: Changes, rates: Rates, now_ns: int) -> int:
    """Largest count that the policies allow now; below `current` when the past changes have used them up."""
    if rates.select == "disabled":
        return current
    proposals = []
    for percent, value, period_ns in rates.policies:
        start = _period_start(current, changes, period_ns, now_ns)
        # rounded up: from 1 replica, 1 % must be able to add one
        proposals.append(math.ceil(start * (1 + value / 100)) if percent else start + value)
    return min(proposals) if rates.select == "min" else max(proposals)


def scale_down_limit(current: int, changes: Changes, rates: Rates, now_ns: int) -> int:
    """Smallest count that the policies allow now; above `current` when the past changes have used them up."""
    if rates.select == "disabled":
        return current
    proposals = []
    for percent, value, period_ns in rates.policies:
        start = _period_start(current, changes, period_ns, now_ns)
        proposals.append(int(start * (1 - value / 100)) if percent else start - value)
    # the least change is the largest count
    return max(proposals) if rates.select == "min" else min(proposals)


def _period_start(current: int, changes: Changes, period_ns: int, now_ns: int) -> int:
    """Count at the start of the period, as far as this controller changed it."""
    added = change_in_period(changes.up, period_ns, now_ns)
    return current - added + change_in_period(changes.down, period_ns, now_ns)


def limit_up(
    current: int, desired: int, max_replicas: int, changes: Changes, rates: Rates, now_ns: int
) -> tuple[int, str]:
    """`desired` (more than `current`) held to the rate and to the maximum; the count and the reason."""
    limit = max(current, scale_up_limit(current, changes, rates, now_ns))
    allowed, reason = (limit, "ScaleUpLimit") if max_replicas > limit else (max_replicas, "TooManyReplicas")
    return (allowed, reason) if desired > allowed else (desired, "DesiredWithinRange")


def limit_down(
    current: int, desired: int, min_replicas: int, changes: Changes, rates: Rates, now_ns: int
) -> tuple[int, str]:
    """`desired` (less than `current`) held to the rate and to the minimum; the count and the reason."""
    limit = min(current, scale_down_limit(current, changes, rates, now_ns))
    allowed, reason = (limit, "ScaleDownLimit") if min_replicas < limit else (min_replicas, "TooFewReplicas")
    return (allowed, reason) if desired < allowed else (desired, "DesiredWithinRange")


_LEGACY_FACTOR, _LEGACY_LEAST = 2.0, 4.0  # horizontal.go: scaleUpLimitFactor, scaleUpLimitMinimum


def legacy_stabilise(desired: int, recommendations: Log, window_ns: int, now_ns: int) -> int:
    """Without `behavior`: the largest of the recommendations no older than the window, whichever way it leads."""
    cutoff = now_ns - window_ns
    return max([desired, *(replicas for replicas, at_ns in recommendations if at_ns >= cutoff)])


def legacy_limit(
    current: int, desired: int, min_replicas: int, max_replicas: int, factor: float = _LEGACY_FACTOR
) -> tuple[int, str]:
    """Without `behavior`: `desired` held to the bounds, and to `factor` times `current` or 4; and the reason."""
    limit = int(max(factor * current, _LEGACY_LEAST))
    most, reason = (limit, "ScaleUpLimit") if max_replicas > limit else (max_replicas, "TooManyReplicas")
    if desired < min_replicas:
        return min_replicas, "TooFewReplicas"
    return (most, reason) if desired > most else (desired, "DesiredWithinRange")
