"""Averages over a window of time buckets, as the Knative autoscaler takes them.

Source: knative/serving pkg/autoscaler/aggregation/bucketing.go, commit 98e5ef9. Kept: the average of a window
that has just begun is over its part so far; buckets without a sample count as zero; where nothing has come for a while,
the buckets of that while are left out; results are rounded down to six digits. Different: values are whole millionths,
so that sums are exact; a second value in one bucket takes the place of the first (upstream adds them up, its buckets
being as long as the time between two of its scrapes).
"""

from typing import NamedTuple

MICRO = 1_000_000
_PRECISION = 0.9999  # bucketing.go weightPrecision: what the weights of a window sum to, at least
_LEAST_WEIGHT = 0.2  # bucketing.go minExponent


class Window(NamedTuple):
    """The last buckets of a series; buckets: whole millionths, newest last; total: their sum; first, last: numbers of
    the buckets written first and last (-1: none yet).
    """

    buckets: tuple[int, ...]
    total: int
    first: int
    last: int


def empty(buckets: int) -> Window:
    """A window of so many buckets with nothing in it."""
    return Window((0,) * buckets, 0, -1, -1)


def record(window: Window, bucket: int, value: float) -> Window:
    """The window with a value in the bucket of that number, which is none before the last."""
    buckets, total, first, last = window
    micro, size = round(value * MICRO), len(buckets)
    gap = bucket - last
    if gap == 1 and last >= 0:
        return Window((*buckets[1:], micro), total + micro - buckets[0], first, bucket)
    if last < 0 or gap >= size:
        return Window((*(0,) * (size - 1), micro), micro, bucket, bucket)
    if gap <= 0:
        return Window((*buckets[:-1], micro), total + micro - buckets[-1], first, last)
    kept = (*buckets[gap:], *(0,) * (gap - 1), micro)
    return Window(kept, sum(kept), first, bucket)


def is_empty(window: Window, bucket: int) -> bool:
    """Whether nothing has come for longer than the window, as seen in the bucket of that number."""
    return window.last < 0 or bucket - window.last > len(window.buckets)


def linear(window: Window, bucket: int) -> float:
    """Mean of the window as seen in the bucket of that number; 0 where nothing is left of it."""
    buckets, total, first, last = window
    gone = bucket - last
    if gone <= 0:
        return total // min(last - first + 1, len(buckets)) / MICRO
    if last < 0 or gone >= len(buckets):
        return 0.0
    return (total - sum(buckets[:gone])) // min(last - first + 1, len(buckets) - gone) / MICRO


def smoothing(buckets: int) -> float:
    """Weight of the newest bucket in an exponentially weighted average over so many."""
    newest: float = 1.0 - (1.0 - _PRECISION) ** (1.0 / buckets)
    return max(newest, _LEAST_WEIGHT)


def weighted(window: Window, bucket: int, weight: float) -> float:
    """Exponentially weighted average: `weight` for the newest bucket, each older one `1 - weight` of the next."""
    if is_empty(window, bucket):
        return 0.0
    gone, average = max(0, bucket - window.last), 0.0
    share = weight * (1.0 - weight) ** gone
    for value in window.buckets[: gone - 1 if gone else None : -1]:
        average += value * share
        share *= 1.0 - weight
    return average / MICRO
