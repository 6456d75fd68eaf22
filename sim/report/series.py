"""Long series made short enough to draw: windows into at most 800 bins, histograms into percentiles of each bin."""

from itertools import pairwise
from typing import TYPE_CHECKING

from sim.analysis.daily import day_edges
from sim.clock.calendar import NS_PER_S, SLACK_S, Calendar

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MAX_BINS = 800  # assumption: about one a CSS pixel of the figure; more would be drawn over each other
DAILY_FROM = 28  # days; assumption: from four weeks on daily waves hide the growth
_STEPS_UP_TO = 120  # bins; assumption: more steps than this are finer than the eye tells apart
PERCENTILES = (50, 95, 99)
_LENGTHS_S = (60.0, 300.0, 900.0, 3600.0, 3 * 3600.0, 6 * 3600.0)


def bin_edges(calendar: Calendar, timeseries: "pd.DataFrame") -> "NDArray[np.float64]":
    """Edges in seconds: the record windows themselves if at most 800, else longer bins; from four weeks on days.

    A day's mean shows how traffic grows, where 28 daily waves would hide it.
    """
    import numpy as np

    horizon_s = calendar.horizon_ns / NS_PER_S
    starts = np.unique(timeseries["start_s"].to_numpy(dtype=np.float64))
    days = day_edges(calendar)
    if len(starts) <= min(MAX_BINS, len(days) - 1) or (len(days) <= DAILY_FROM and len(starts) <= MAX_BINS):
        inner = starts[(starts > SLACK_S) & (starts < horizon_s - SLACK_S)]
        return np.concatenate([[0.0], inner, [horizon_s]])
    for length_s in _LENGTHS_S:
        if len(days) <= DAILY_FROM and horizon_s / length_s <= MAX_BINS:
            inner = np.arange(1, int(np.ceil(horizon_s / length_s - SLACK_S))) * length_s
            return np.concatenate([[0.0], inner, [horizon_s]])
    together = -(-(len(days) - 1) // MAX_BINS)
    return np.append(days[:-1:together], days[-1])


def grain_s(edges: "NDArray[np.float64]") -> float:
    """Length of most bins in seconds; a first or last one that the run cuts, or a day of 23 hours, does not count."""
    import numpy as np

    lengths, counts = np.unique(np.round(np.diff(edges), 6), return_counts=True)
    return float(max(zip(counts.tolist(), lengths.tolist(), strict=True))[1])


def demand(timeseries: "pd.DataFrame", edges: "NDArray[np.float64]") -> "pd.DataFrame":
    """Traffic, capacity and queue of each bin, all workloads and pools together.

    Columns: start_s, end_s; offered_per_s, potential_per_s, capacity_per_s, queue (means over time); offered_lo_per_s,
    offered_hi_per_s, capacity_hi_per_s, queue_hi (of the bin's record windows). NaN: no window, or an API serves.
    """
    import numpy as np
    import pandas as pd

    windows = by_window(timeseries)
    length = windows["length_s"].to_numpy()
    group = _group(windows["start_s"].to_numpy(), edges)
    bins = len(edges) - 1
    rate = windows["offered"].to_numpy() / length
    frame = pd.DataFrame({"start_s": edges[:-1], "end_s": edges[1:]})
    frame["offered_per_s"] = _mean(rate, length, group, bins)
    grouped = pd.Series(rate).groupby(group)
    frame["offered_lo_per_s"] = grouped.min().reindex(range(bins)).to_numpy()
    frame["offered_hi_per_s"] = grouped.max().reindex(range(bins)).to_numpy()
    frame["potential_per_s"] = _mean(windows["potential"].to_numpy() / length, length, group, bins)
    frame["capacity_per_s"] = _mean(windows["capacity_per_s"].to_numpy(), length, group, bins)
    capacity = windows["capacity_per_s"].groupby(group).max()
    frame["capacity_hi_per_s"] = capacity.reindex(range(bins)).to_numpy(dtype=np.float64)
    frame["queue"] = _mean(windows["queue_mean"].to_numpy(), length, group, bins)
    frame["queue_hi"] = windows["queue_mean"].groupby(group).max().reindex(range(bins)).to_numpy(dtype=np.float64)
    return frame


def by_window(timeseries: "pd.DataFrame") -> "pd.DataFrame":
    """One row per record window: start_s, end_s, length_s, sums over workloads, capacity over pools (NaN: an API)."""
    ends = ["start_s", "end_s"]
    real = timeseries[timeseries["end_s"] > timeseries["start_s"]]
    sums = real.groupby(ends)[["offered", "potential", "queue_mean"]].sum()
    # workloads of one pool each tell that pool's capacity
    pools = real.groupby([*ends, "pool"])["capacity_per_s"].max()
    sums["capacity_per_s"] = pools.groupby(ends).sum(min_count=1)
    windows = sums.reset_index()
    windows["length_s"] = windows["end_s"] - windows["start_s"]
    return windows


def qualities(timeseries: "pd.DataFrame", edges: "NDArray[np.float64]") -> "pd.DataFrame":
    """Quality of each bin and workload whose model has one.

    Columns: workload, start_s, end_s, quality (mean over time of the truth), quality_seen (the monitor's estimate at
    the end of the bin's last window). NaN: no window, or nothing known.
    """
    import numpy as np
    import pandas as pd

    real = timeseries[(timeseries["end_s"] > timeseries["start_s"])]
    frames = []
    for workload, rows in real[real["quality"].notna()].groupby("workload"):
        part = rows.sort_values("start_s", kind="stable")
        group = _group(part["start_s"].to_numpy(), edges)
        frame = pd.DataFrame({"workload": str(workload), "start_s": edges[:-1], "end_s": edges[1:]})
        length = (part["end_s"] - part["start_s"]).to_numpy()
        frame["quality"] = _mean(part["quality"].to_numpy(), length, group, len(frame))
        newest = pd.Series(part["quality_seen"].to_numpy()).groupby(group).last()
        frame["quality_seen"] = newest.reindex(range(len(frame))).to_numpy(dtype=np.float64)
        frames.append(frame)
    columns = ["workload", "start_s", "end_s", "quality", "quality_seen"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def kept_off(timeseries: "pd.DataFrame", edges: "NDArray[np.float64]") -> "pd.DataFrame":
    """Share of requests that the cache answers (of those admitted) and that a rate limit refuses (of all let in).

    Columns: start_s, end_s, hit_ratio, throttled_share; NaN in bins without such requests. All workloads together.
    """
    import numpy as np
    import pandas as pd

    group = _group(timeseries["start_s"].to_numpy(), edges)
    bins = len(edges) - 1
    offered, hit, throttled = (
        np.bincount(group, weights=timeseries[name].to_numpy(), minlength=bins)
        for name in ("offered", "hit", "throttled")
    )
    frame = pd.DataFrame({"start_s": edges[:-1], "end_s": edges[1:]})
    admitted = offered - throttled
    frame["hit_ratio"] = np.divide(hit, admitted, out=np.full(bins, np.nan), where=admitted > 0)
    frame["throttled_share"] = np.divide(throttled, offered, out=np.full(bins, np.nan), where=offered > 0)
    return frame


def percentiles(histogram: "pd.DataFrame", edges: "NDArray[np.float64]") -> "pd.DataFrame":
    """Latency percentiles of each bin and workload that completed anything.

    Columns: workload, start_s, end_s, p50_s, p95_s, p99_s. From the merged histograms, so that a bin's percentile is
    that of all its requests; NaN in bins where nothing was completed.
    """
    import numpy as np
    import pandas as pd

    from sim.record.histogram import quantiles_s

    names, several = histogram["workload"].unique(), histogram["workload"].nunique() > 1
    shares = tuple(p / 100 for p in PERCENTILES)
    frames = []
    for workload in names:
        rows = histogram[histogram["workload"] == workload] if several else histogram
        start_s, buckets, counts = (rows[name].to_numpy() for name in ("start_s", "bucket", "count"))
        cuts = np.searchsorted(start_s, edges - SLACK_S)  # rows lie in order of time
        cuts[0], cuts[-1] = 0, len(rows)
        table = np.array([quantiles_s(buckets[a:b], counts[a:b], shares) for a, b in pairwise(cuts)])
        frame = pd.DataFrame({"workload": str(workload), "start_s": edges[:-1], "end_s": edges[1:]})
        for column, p in enumerate(PERCENTILES):
            frame[f"p{p}_s"] = table[:, column]
        frames.append(frame)
    columns = ["workload", "start_s", "end_s", *(f"p{p}_s" for p in PERCENTILES)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def stepped(
    start_s: "NDArray[np.float64]", end_s: "NDArray[np.float64]", *values: "NDArray[np.float64]"
) -> "tuple[NDArray[np.float64], ...]":
    """Times and values to draw: steps as wide as their bins where bins are few, else the middle of each."""
    import numpy as np

    if len(start_s) > _STEPS_UP_TO:
        return ((start_s + end_s) / 2, *values)
    return (np.column_stack([start_s, end_s]).ravel(), *(np.repeat(value, 2) for value in values))


def _group(start_s: "NDArray[np.float64]", edges: "NDArray[np.float64]") -> "NDArray[np.int64]":
    import numpy as np

    return np.clip(np.searchsorted(edges, start_s + SLACK_S, side="right") - 1, 0, len(edges) - 2).astype(np.int64)


def _mean(
    value: "NDArray[np.float64]", weight: "NDArray[np.float64]", group: "NDArray[np.int64]", bins: int
) -> "NDArray[np.float64]":
    """Means weighted with time, of the values that are there; NaN where none is."""
    import numpy as np

    there = ~np.isnan(value)
    sums = np.bincount(group[there], weights=(value * weight)[there], minlength=bins)
    weights = np.bincount(group[there], weights=weight[there], minlength=bins)
    result: NDArray[np.float64] = np.divide(sums, weights, out=np.full(bins, np.nan), where=weights > 0)
    return result
