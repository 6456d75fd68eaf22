"""Log-bucketed histograms of latencies: 64 buckets an octave, so that any value is known to within 0.79 %.

A bucket is found by the exponent and the first six bits of the mantissa, without a logarithm; the value that a bucket
stands for is its middle.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.compiled import inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS = 64
BUCKETS = 64 * STEPS  # nanoseconds up to 2**63
RELATIVE_ERROR = 0.5 / STEPS
_REST = 52 - 6  # bits of a binary64's mantissa beyond the first six, which count 64 steps
_ZERO = 1023 * STEPS  # the exponent's bias


@inlined
def bucket_of(latency_ns: int) -> int:
    """Bucket index of a latency in integer nanoseconds (>= 0)."""
    if latency_ns <= 0:
        return 0
    # the upper bits of a binary64: its exponent, then those of the mantissa that count the steps
    return int(np.float64(latency_ns).view(np.int64) >> _REST) - _ZERO


def take_counts(counts: "NDArray[np.int64]") -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """Non-empty buckets of a histogram and their counts, which are set to zero in it. counts: [BUCKETS]."""
    buckets = np.flatnonzero(counts)
    taken = counts[buckets].copy()
    counts[buckets] = 0
    return buckets, taken


def narrowed(counts: "NDArray[np.int64]") -> "NDArray[Any]":
    """Counts in half the room where none of them needs it all."""
    return counts.astype(np.uint32) if counts.size == 0 or counts.max() < 2**32 else counts


def bucket_value_s(buckets: "NDArray[np.integer]") -> "NDArray[np.float64]":
    """Latency in seconds that each bucket stands for: the middle of its range."""
    octave, step = np.divmod(np.asarray(buckets, dtype=np.int64), STEPS)
    return np.ldexp(1.0 + (step + 0.5) / STEPS, octave.astype(np.int32)) * 1e-9


def quantiles_s(
    buckets: "NDArray[np.integer]", counts: "NDArray[np.integer]", qs: "tuple[float, ...]"
) -> "tuple[float, ...]":
    """Quantiles in seconds of a histogram given as sparse rows (repeated buckets are added); NaN when it is empty."""
    if len(buckets) == 0 or counts.sum() == 0:
        return (math.nan,) * len(qs)
    cumulative = np.cumsum(np.bincount(buckets, weights=counts, minlength=1))
    ranks = np.maximum(1.0, np.ceil(np.array(qs) * cumulative[-1] - 1e-9))
    return tuple(bucket_value_s(np.searchsorted(cumulative, ranks)).tolist())


def quantiles_of_rows(
    buckets: "NDArray[np.integer]", counts: "NDArray[np.integer]", lengths: "NDArray[np.int64]", qs: "tuple[float, ...]"
) -> "NDArray[np.float64]":
    """Quantiles in seconds of many histograms that lie one after the other: [len(qs), rows], NaN for an empty one.

    buckets, counts: their sparse entries, by row and then by bucket; lengths: entries of each row.
    """
    cumulative = np.cumsum(counts, dtype=np.int64)
    ends = np.cumsum(lengths)
    upto = np.where(ends > 0, cumulative[np.maximum(ends, 1) - 1], 0) if len(cumulative) else np.zeros_like(ends)
    before = np.concatenate([[0], upto[:-1]])
    totals = upto - before
    result = np.full((len(qs), len(lengths)), np.nan)
    filled = totals > 0
    for place, q in enumerate(qs):
        rank = np.maximum(1, np.ceil(q * totals - 1e-9).astype(np.int64))
        entries = np.searchsorted(cumulative, (before + rank)[filled])
        result[place, filled] = bucket_value_s(buckets[entries])
    return result
