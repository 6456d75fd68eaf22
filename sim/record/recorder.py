"""Windows of a run: at each close, what has happened since the last one becomes a row for each workload."""

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.clock.calendar import NS_PER_S, Calendar
from sim.config import RunError
from sim.record.histogram import quantiles_of_rows

if TYPE_CHECKING:
    import pandas as pd

COUNTS = ("potential", "offered", "completed", "good", "rejected", "timed_out")
_QUANTILES = (("latency_p50_s", 0.5), ("latency_p95_s", 0.95), ("latency_p99_s", 0.99))


class PoolUse(NamedTuple):
    """A pool so far: replica-ns ready, billed and busy."""

    ready_ns: int
    billed_ns: int
    busy_ns: int


class Counted(Protocol):
    """What is recorded: a data plane's counters, and its latency histograms since they were last taken."""

    @property
    def workloads(self) -> NDArray[Any]:
        """Structured array, one entry a workload."""

    def take_histogram(self, w: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Buckets and counts."""


class Recorder:
    """Keeps rows as columns; memory grows with the number of windows, not with the number of requests."""

    def __init__(self, names: list[str], calendar: Calendar, counted: Counted) -> None:
        self._names, self._calendar, self._counted = names, calendar, counted
        self._last = counted.workloads.copy()
        self._last_area = [(0, 0)] * len(names)
        self._last_use: dict[str, PoolUse] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._histogram: list[tuple[int, NDArray[np.uint16], NDArray[Any]]] = []  # row, buckets, counts
        self._start_ns = 0

    def close(
        self, now_ns: int, phase: str, areas: list[tuple[int, int]], served: list[tuple[str, float]],
        pools: dict[str, PoolUse],
    ) -> None:  # fmt: skip
        """Close the window that began at the last close.

        areas: by workload, time integrals (count x ns) so far of requests in the system and queued; served: by
        workload, its pool and the best throughput of a replica there (requests/s; NaN while an API serves); pools: all
        of them by name. Raises RunError when a request has been lost or invented.
        """
        if now_ns == self._start_ns:
            return
        span_ns = now_ns - self._start_ns
        now = self._counted.workloads.copy()
        for w, name in enumerate(self._names):
            _check_conservation(now[w], name, now_ns)
            buckets, counts = self._counted.take_histogram(w)
            self._histogram.append((len(self._rows), buckets.astype(np.uint16), _narrow(counts)))
            pool, replica_per_s = served[w]
            before = self._last_use.get(pool, PoolUse(0, 0, 0))
            ready, billed, busy = (a - b for a, b in zip(pools[pool], before, strict=True))
            area, queue = (a - b for a, b in zip(areas[w], self._last_area[w], strict=True))
            self._rows.append((
                self._start_ns / NS_PER_S, now_ns / NS_PER_S, phase, name, pool,
                *(int(now[w][c]) - int(self._last[w][c]) for c in COUNTS), 0, int(now[w]["in_system"]),
                float(now[w]["latency_sum_s"] - self._last[w]["latency_sum_s"]),
                int(now[w]["waited"]) - int(self._last[w]["waited"]),
                float(now[w]["wait_sum_s"] - self._last[w]["wait_sum_s"]),
                area / span_ns, queue / span_ns, ready / span_ns, billed / NS_PER_S, busy / NS_PER_S,
                ready / span_ns * replica_per_s,
            ))  # fmt: skip
            self._last_area[w] = areas[w]
        self._last_use |= pools
        self._last, self._start_ns = now, now_ns

    def timeseries(self) -> "pd.DataFrame":
        """One row per window, phase and workload."""
        import pandas as pd

        names = (
            "start_s", "end_s", "phase", "workload", "pool", *COUNTS, "failed", "in_system",
            "latency_sum_s", "waited", "wait_sum_s", "in_system_mean",
            "queue_mean", "replicas_ready", "replica_s", "busy_s", "capacity_per_s",
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
            "phase": _repeated([row[2] for row in self._rows], rows),
            "workload": _repeated([row[3] for row in self._rows], rows),
            "bucket": buckets,
            "count": counts,
        })  # fmt: skip

    def _buckets_and_counts(self) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        """All rows' buckets and counts, one row after the other."""
        empty = np.zeros(0, np.int64)
        buckets = np.concatenate([b for _, b, _ in self._histogram] or [empty.astype(np.uint16)])
        return buckets, np.concatenate([c for _, _, c in self._histogram] or [empty])


def _narrow(counts: NDArray[np.int64]) -> NDArray[Any]:
    """Counts in half the room where none of them needs it all."""
    return counts.astype(np.uint32) if counts.size == 0 or counts.max() < 2**32 else counts


def _repeated(names: list[str], rows: NDArray[np.int32]) -> Any:
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
    ended = int(c["completed"]) + int(c["rejected"]) + int(c["timed_out"])
    if int(c["offered"]) != ended + int(c["in_system"]):
        raise RunError(
            f"law of conservation broken at {now_ns / NS_PER_S:g} s in workload {name}: {int(c['offered'])} offered, "
            f"{ended} ended, {int(c['in_system'])} in the system. This is a bug in poc2scale: please report it."
        )
