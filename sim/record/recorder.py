"""Windows of a run: at each close, what has happened since the last one becomes a row for each workload."""

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.clock.calendar import NS_PER_S, Calendar
from sim.config import RunError
from sim.record.histogram import narrowed, quantiles_of_rows, quantiles_s

if TYPE_CHECKING:
    import pandas as pd

COUNTS = (
    "potential", "offered", "hit", "completed", "good", "throttled", "rejected", "timed_out", "retries", "hedges",
    "failed",
)  # fmt: skip
_ENDS = ("hit", "completed", "throttled", "rejected", "timed_out", "failed")
_NAME = 3  # place of the workload in a row; its pool and then COUNTS follow
_QUANTILES = (("latency_p50_s", 0.5), ("latency_p95_s", 0.95), ("latency_p99_s", 0.99))


class PoolUse(NamedTuple):
    """A pool so far: replica-ns ready, billed (of places on machines, used or not) and busy."""

    ready_ns: int
    billed_ns: int
    busy_ns: int


class Outlook(NamedTuple):
    """What a window's row holds beside a workload's counters, at its close.

    in_system_ns, queued_ns: time integrals (count x ns) so far; pool: who serves it; capacity_per_s: best throughput of
    the replicas ready there to serve it (time mean, requests/s; NaN while an API serves); quality: time mean over the
    window of the share of right answers, and quality_seen, what a monitor makes of it (NaN: none).
    """

    in_system_ns: int
    queued_ns: int
    pool: str
    capacity_per_s: float
    quality: float
    quality_seen: float


class Seen(NamedTuple):
    """What a workload showed over some windows: counts by name (COUNTS), 99th percentile of latency (s, NaN: none)."""

    counts: dict[str, int]
    latency_p99_s: float


class Counted(Protocol):
    """What is recorded: a data plane's counters, and its latency histograms since they were last taken."""

    @property
    def workloads(self) -> NDArray[Any]:
        """Structured array, one entry a workload."""

    def take_histogram(self, w: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Buckets and counts."""


class Recorder:
    """Keeps rows as columns; memory grows with the number of windows, not with the number of requests."""

    def __init__(
        self, names: list[str], calendar: Calendar, counted: Counted, more: tuple[str, ...] = ()
    ) -> None:  # fmt: skip
        """more: counters to record beside COUNTS."""
        self._names, self._calendar, self._counted, self.more = names, calendar, counted, more
        self._last = counted.workloads.copy()
        self._last_area = [(0, 0)] * len(names)
        self._last_use: dict[str, PoolUse] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._histogram: list[tuple[int, NDArray[np.uint16], NDArray[Any]]] = []  # row, buckets, counts
        self._start_ns = 0

    def close(self, now_ns: int, phase: str, outlooks: list[Outlook], pools: dict[str, PoolUse]) -> None:
        """Close the window that began at the last close.

        outlooks: by workload; pools: all of them by name. Raises RunError when a request has been lost or invented.
        """
        if now_ns == self._start_ns:
            return
        span_ns = now_ns - self._start_ns
        now = self._counted.workloads.copy()
        for w, (name, out) in enumerate(zip(self._names, outlooks, strict=True)):
            _check_conservation(now[w], name, now_ns)
            buckets, counts = self._counted.take_histogram(w)
            self._histogram.append((len(self._rows), buckets.astype(np.uint16), narrowed(counts)))
            before = self._last_use.get(out.pool, PoolUse(0, 0, 0))
            ready, billed, busy = (a - b for a, b in zip(pools[out.pool], before, strict=True))
            areas = (out.in_system_ns, out.queued_ns)
            area, queue = (a - b for a, b in zip(areas, self._last_area[w], strict=True))
            self._rows.append((
                self._start_ns / NS_PER_S, now_ns / NS_PER_S, phase, name, out.pool,
                *(int(now[w][c]) - int(self._last[w][c]) for c in COUNTS), int(now[w]["in_system"]),
                float(now[w]["latency_sum_s"] - self._last[w]["latency_sum_s"]),
                int(now[w]["waited"]) - int(self._last[w]["waited"]),
                float(now[w]["wait_sum_s"] - self._last[w]["wait_sum_s"]),
                area / span_ns, queue / span_ns, ready / span_ns, billed / NS_PER_S, busy / NS_PER_S,
                out.capacity_per_s, out.quality, out.quality_seen,
                *(int(now[w][c]) - int(self._last[w][c]) for c in self.more),
            ))  # fmt: skip
            self._last_area[w] = areas
        self._last_use |= pools
        self._last, self._start_ns = now, now_ns

    def between(self, from_ns: int, to_ns: int) -> dict[str, Seen]:
        """What each workload showed from `from_ns` to `to_ns`, both edges of windows."""
        counts = {name: dict.fromkeys(COUNTS, 0) for name in self._names}
        histograms: dict[str, list[tuple[NDArray[np.uint16], NDArray[Any]]]] = {name: [] for name in self._names}
        for row, (_, buckets, entries) in zip(reversed(self._rows), reversed(self._histogram), strict=True):
            if round(row[1] * NS_PER_S) <= from_ns:
                break
            if round(row[1] * NS_PER_S) > to_ns:
                continue
            name = row[_NAME]
            histograms[name].append((buckets, entries))
            for place, count in enumerate(COUNTS, _NAME + 2):
                counts[name][count] += row[place]
        return {name: Seen(counts[name], _p99(histograms[name])) for name in self._names}

    def timeseries(self) -> "pd.DataFrame":
        """One row per window, phase and workload."""
        import pandas as pd

        names = (
            "start_s", "end_s", "phase", "workload", "pool", *COUNTS, "in_system",
            "latency_sum_s", "waited", "wait_sum_s", "in_system_mean",
            "queue_mean", "replicas_ready", "replica_s", "busy_s", "capacity_per_s", "quality", "quality_seen",
            *self.more,
        )  # fmt: skip
        frame = pd.DataFrame(self._rows, columns=list(names))
        frame.insert(2, "time", civil_index(self._calendar, frame["start_s"].to_numpy()))
        lengths = np.array([len(buckets) for _, buckets, _ in self._histogram], np.int64)
        quantiles = quantiles_of_rows(*self._buckets_and_counts(), lengths, tuple(q for _, q in _QUANTILES))
        for place, (name, _) in enumerate(_QUANTILES):
            frame.insert(list(frame.columns).index("latency_sum_s"), name, quantiles[place])
        return frame.astype({"phase": "str", "workload": "str", "pool": "str"})

    def latency_histogram(self) -> "pd.DataFrame":
        """Sparse rows: start_s, phase, workload, bucket, count."""
        import pandas as pd

        lengths = [len(buckets) for _, buckets, _ in self._histogram]
        rows = np.repeat(np.array([row for row, *_ in self._histogram], np.int32), lengths)
        starts = np.array([row[0] for row in self._rows], np.float64)
        buckets, counts = self._buckets_and_counts()
        return pd.DataFrame({
            "start_s": starts[rows],
            "phase": repeated([row[2] for row in self._rows], rows),
            "workload": repeated([row[3] for row in self._rows], rows),
            "bucket": buckets,
            "count": counts,
        })  # fmt: skip

    def _buckets_and_counts(self) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        """All rows' buckets and counts, one row after the other."""
        empty = np.zeros(0, np.int64)
        buckets = np.concatenate([b for _, b, _ in self._histogram] or [empty.astype(np.uint16)])
        return buckets, np.concatenate([c for _, _, c in self._histogram] or [empty])


def _p99(histograms: list[tuple[NDArray[np.uint16], NDArray[Any]]]) -> float:
    if not histograms:
        return float("nan")
    buckets, counts = (np.concatenate(parts) for parts in zip(*histograms, strict=True))
    return quantiles_s(buckets.astype(np.int64), counts, (0.99,))[0]


def repeated(names: list[str], rows: NDArray[np.int32]) -> Any:
    """names[rows] as a categorical: millions of rows hold few names."""
    import pandas as pd

    known = list(dict.fromkeys(names))
    codes = np.array([known.index(name) for name in names], np.int8)[rows]
    categorical: Any = pd.Categorical.from_codes(codes, categories=pd.Index(known, dtype="str"))
    return categorical


def civil_index(calendar: Calendar, seconds: NDArray[np.float64]) -> "pd.DatetimeIndex":
    """Civil time stamps (nanoseconds, aware) of seconds since the scenario's start."""
    import pandas as pd

    epoch = np.rint(np.asarray(seconds, np.float64) * NS_PER_S).astype(np.int64) + calendar.start_epoch_ns
    return pd.DatetimeIndex(epoch.astype("datetime64[ns]")).tz_localize("UTC").tz_convert(calendar.zone)


def _check_conservation(c: Any, name: str, now_ns: int) -> None:
    ended = sum(int(c[name]) for name in _ENDS)
    if int(c["offered"]) != ended + int(c["in_system"]):
        raise RunError(
            f"law of conservation broken at {now_ns / NS_PER_S:g} s in workload {name}: {int(c['offered'])} offered, "
            f"{ended} ended, {int(c['in_system'])} in the system. This is a bug in poc2scale: please report it."
        )
