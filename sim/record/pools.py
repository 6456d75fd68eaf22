"""Where time goes: how long requests were with each pool and API, and how much of that they waited, by window."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.clock.calendar import NS_PER_S, Calendar
from sim.record.histogram import narrowed, quantiles_of_rows
from sim.record.recorder import civil_index, repeated

if TYPE_CHECKING:
    import pandas as pd

_SUMS = ("visits", "visit_ns", "service_ns")
_WORD = (1 << 64) - 1
_PART = 256  # lines: some hundred thousand rows of a histogram, so that none of what is made of them is large
_QUANTILES = (("time_p50_s", 0.5), ("time_p95_s", 0.95), ("time_p99_s", 0.99))


Sparse = tuple[NDArray[np.uint16], NDArray[Any]]
"""Non-empty buckets of one histogram, and their counts."""


class Served(NamedTuple):
    """Who serves in a row of the data plane. name: of the pool or API; how: own, managed or api."""

    name: str
    how: str


class Visited(Protocol):
    """What is recorded: a data plane's counters by row, and its histograms since they were last taken."""

    @property
    def rows(self) -> NDArray[Any]:
        """Structured array, one entry a row."""

    def take_row_histogram(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Buckets and counts."""


class PoolTimes:
    """A line for each window and each row that served somebody in it; memory does not grow with requests."""

    def __init__(self, served: list[Served], calendar: Calendar) -> None:
        """served: of each row."""
        self._served, self._calendar = served, calendar
        self._visits = [0] * len(served)
        self._last = [[0] * len(_SUMS) for _ in served]
        self._lines: list[tuple[Any, ...]] = []
        self._histogram: list[Sparse] = []

    def close(self, visited: Visited, start_ns: int, now_ns: int, phase: str) -> None:
        """A window from `start_ns` to `now_ns` of a phase closes. visited: always the same."""
        before, self._visits = self._visits, visited.rows["visits"].tolist()
        for row in (row for row, pair in enumerate(zip(before, self._visits, strict=True)) if pair[0] != pair[1]):
            counters = visited.rows[row]
            now = [int(counters[name]) for name in _SUMS]
            # sums wrap at 2**64 ns, and a window's own are less
            visits, visit_ns, service_ns = ((a - b) & _WORD for a, b in zip(now, self._last[row], strict=True))
            self._last[row] = now
            self._lines.append((
                start_ns / NS_PER_S, now_ns / NS_PER_S, phase, *self._served[row], visits,
                (visit_ns - service_ns) / NS_PER_S, service_ns / NS_PER_S,
            ))  # fmt: skip
            buckets, counts = visited.take_row_histogram(row)
            self._histogram.append((buckets.astype(np.uint16), narrowed(counts)))

    def pools(self) -> "pd.DataFrame":
        """One row per window, phase and pool or API that served in it.

        Columns: start_s, end_s, time (civil), phase, pool, how, visits (requests served, whether or not their client
        still waited), wait_sum_s, service_sum_s (over the visits), time_p50_s, time_p95_s, time_p99_s of both together.
        """
        import pandas as pd

        names = ("start_s", "end_s", "phase", "pool", "how", "visits", "wait_sum_s", "service_sum_s")
        frame = pd.DataFrame(self._lines, columns=list(names))
        text = dict.fromkeys(("phase", "pool", "how"), "str")
        numbers = dict.fromkeys(("start_s", "end_s", "wait_sum_s", "service_sum_s"), "float64")
        frame = frame.astype(text | numbers | {"visits": "int64"})
        frame.insert(2, "time", civil_index(self._calendar, frame["start_s"].to_numpy()))
        lengths = np.array([len(buckets) for buckets, _ in self._histogram], np.int64)
        asked = tuple(q for _, q in _QUANTILES)
        parts = [
            quantiles_of_rows(*_flat(self._histogram[at : at + _PART]), lengths[at : at + _PART], asked)
            for at in range(0, max(len(lengths), 1), _PART)
        ]
        quantiles = np.concatenate(parts, axis=1)
        for (name, _), values in zip(_QUANTILES, quantiles, strict=True):
            frame[name] = values
        return frame

    def histogram(self) -> "pd.DataFrame":
        """Sparse rows of the times of visits: start_s, phase, pool, how, bucket, count."""
        return self._rows(self._lines, self._histogram)

    def histogram_in_parts(self) -> "Iterator[pd.DataFrame]":
        """`histogram` by some hundred lines at a time, as a whole it may be large; at least one part."""
        for at in range(0, max(len(self._lines), 1), _PART):
            yield self._rows(self._lines[at : at + _PART], self._histogram[at : at + _PART])

    def _rows(self, lines: list[tuple[Any, ...]], histogram: list[Sparse]) -> "pd.DataFrame":
        import pandas as pd

        places = np.repeat(np.arange(len(lines), dtype=np.int32), [len(buckets) for buckets, _ in histogram])
        buckets, counts = _flat(histogram)
        columns: dict[str, Any] = {"start_s": np.array([line[0] for line in lines], np.float64)[places]}
        for place, name in enumerate(("phase", "pool", "how"), 2):
            columns[name] = repeated([line[place] for line in lines], places)
        return pd.DataFrame(columns | {"bucket": buckets, "count": counts.astype(np.int64)})


def _flat(histogram: list[Sparse]) -> tuple[NDArray[np.uint16], NDArray[Any]]:
    """All lines' buckets and counts, one line after the other."""
    buckets, counts = [buckets for buckets, _ in histogram], [counts for _, counts in histogram]
    empty = np.zeros(0, np.int64)
    return np.concatenate(buckets or [empty.astype(np.uint16)]), np.concatenate(counts or [empty])
