"""The arithmetic of the Knative Pod Autoscaler: from two averages to a number of replicas.

Source: knative/serving pkg/autoscaler/scaling/autoscaler.go (Scale) and pkg/autoscaler/aggregation/max/window.go,
commit 98e5ef9. Quirks kept: panic is judged and rated by what is ready, of which none counts as one; it begins again at
every tick that is over the threshold, and ends only strictly after a stable window; while it lasts nothing scales down;
an autoscaler that starts over several replicas starts in panic, as it has no history. What cannot be reached by
requests is neither delayed nor rated on its way down.
"""

import math
from typing import NamedTuple

Maxima = tuple[tuple[int, int], ...]
"""(tick, replicas): what may still be the most of the delay, oldest and largest first."""


class Spec(NamedTuple):
    """What decides. target, total: of the metric for a replica, aimed at and possible; burst: requests more that the
    pool should hold at once (-1: any number, 0: none); panic_threshold: times what is ready; rates: per tick;
    delay_ticks: before scaling down; activation: replicas where there are any.
    """

    target: float
    total: float
    burst: float
    panic_threshold: float
    up_rate: float
    down_rate: float
    stable_ns: int
    delay_ticks: int
    tick_ns: int
    activation: int
    reachable: bool


class Mode(NamedTuple):
    """What it remembers: since when it panics (None: it does not), the most asked for in that time, and the delay's."""

    panic_since_ns: int | None
    most: int
    maxima: Maxima


def started(ready: int, now_ns: int) -> Mode:
    """How it starts over so many ready replicas."""
    return Mode(now_ns if ready > 1 else None, ready, ())


def scale(spec: Spec, ready: int, stable: float, panic: float, mode: Mode, now_ns: int) -> tuple[int, int, Mode]:
    """Replicas wanted, before any bounds; the excess burst capacity, negative where the activator must stand in
    requests' way; and what to remember. stable, panic: the metric, averaged over each window.
    """
    base = max(1, ready)
    most = math.ceil(spec.up_rate * base)
    least = math.floor(base / spec.down_rate) if spec.reachable else 0
    by_stable, by_panic = math.ceil(stable / spec.target), math.ceil(panic / spec.target)
    wanted = _held(by_stable, least, most, spec.activation)
    since_ns, highest = mode.panic_since_ns, mode.most
    if by_panic / base >= spec.panic_threshold:
        since_ns = now_ns
    elif since_ns is not None and since_ns + spec.stable_ns < now_ns:
        since_ns, highest = None, 0
    if since_ns is not None:
        wanted = highest = max(wanted, _held(by_panic, least, most, spec.activation), highest)
    maxima = mode.maxima
    if spec.delay_ticks and spec.reachable:
        maxima = _most_recent(maxima, now_ns // spec.tick_ns, wanted, spec.delay_ticks)
        wanted = maxima[0][1]
    return wanted, excess_burst_capacity(spec, ready, panic), Mode(since_ns, highest, maxima)


def excess_burst_capacity(spec: Spec, ready: int, panic: float) -> int:
    """Requests that the ready replicas could take beyond those they have and the burst to be held."""
    if spec.burst < 0:
        return -1
    return math.floor(ready * spec.total - spec.burst - panic) if spec.burst > 0 else 0


def _held(wanted: int, least: int, most: int, activation: int) -> int:
    held = min(max(wanted, least), most)
    return max(held, activation) if wanted > 0 and activation > 1 else held


def _most_recent(maxima: Maxima, tick: int, replicas: int, ticks: int) -> Maxima:
    """The candidates for the most of so many ticks, with a new count at `tick`."""
    kept = [(at, most) for at, most in maxima if most > replicas and tick - at < ticks]
    # of two in one tick the larger stays
    return tuple(kept) if kept and kept[-1][0] == tick else (*kept, (tick, replicas))
