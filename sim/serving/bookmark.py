"""A place in time to come back to: what the compiled plane keeps before it looks ahead."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.serving.kernels.memory import LIKELY_WRITES, MOST_WRITES, undo
from sim.serving.kernels.state import JOURNAL_LENGTH, JOURNAL_ON, State

_CHANGED = (
    "scalars", "slots", "rows", "workloads", "nodes", "calendar_key", "calendar_win", "route_key", "route_win",
    "heap_ns", "heap_node", "histogram", "shards", "calls", "timers", "timer_heap", "users", "calendar_due", "idle",
    "lanes", "caches",
)  # fmt: skip
"""Buffers that `advance` writes to, but for the rows' histograms, and the journalled memory of buckets and caches."""
JOURNAL = 1 << 19  # writes: 8 MiB, about 30,000 requests through a cache


class Bookmark:
    """Copies of the small buffers of a state, and the journal of its large one."""

    def __init__(self) -> None:
        self._kept: dict[str, NDArray[Any]] = {}
        self._visits = np.zeros(0, np.int64)
        self._row_histogram = np.zeros((0, 0), np.int64)

    def keep(self, st: State) -> State:
        """Remember the state as it is; from now on it is journalled. Returns it, with a journal if it needs one."""
        if len(self._kept) != len(_CHANGED) or any(
            len(copy) != len(getattr(st, name)) for name, copy in self._kept.items()
        ):
            self._kept = {name: np.empty_like(getattr(st, name)) for name in _CHANGED}
        self._keep_visits(st)
        st.scalars[JOURNAL_LENGTH] = 0
        for name, copy in self._kept.items():
            np.copyto(copy, getattr(st, name))
        if _writes(st):
            if len(st.journal) < JOURNAL:
                st = st._replace(journal=np.empty((JOURNAL, 2), np.int64))
            st.scalars[JOURNAL_ON] = 1
        return st

    def _keep_visits(self, st: State) -> None:
        """A copy of the rows' histograms; those of rows that nobody has visited since the last one are as they were."""
        if self._row_histogram.shape != st.row_histogram.shape:
            self._row_histogram, self._visits = np.zeros_like(st.row_histogram), np.full(len(st.rows), -1)
        visits = st.rows["visits"].copy()
        for row in np.flatnonzero(visits != self._visits):
            self._row_histogram[row] = st.row_histogram[row]
        self._visits = visits

    def forget(self, row: int) -> None:
        """A row's histogram has been taken out, so that a copy of it is out of date, whoever has visited it since."""
        if len(self._visits):
            self._visits[row] = -1

    def stay(self, st: State) -> bool:
        """What was played since `keep` stands, unless `restore` follows at once; False where it has to, as the journal
        was too short.
        """
        whole = not st.scalars[JOURNAL_ON] or len(st.journal) - st.scalars[JOURNAL_LENGTH] >= MOST_WRITES
        st.scalars[JOURNAL_ON] = 0
        return bool(whole)

    def restore(self, st: State) -> None:
        """The state as it was at the last `keep`."""
        if st.scalars[JOURNAL_LENGTH]:
            undo(st)
        for row in np.flatnonzero(st.rows["visits"] != self._visits):
            st.row_histogram[row] = self._row_histogram[row]
        for name, copy in self._kept.items():
            np.copyto(getattr(st, name), copy)

    @staticmethod
    def holds(st: State, until_ns: int) -> bool:
        """Whether the journal is likely to hold what happens up to `until_ns`: to try in vain would cost twice."""
        expected = 0.0
        for w in np.flatnonzero((st.workloads["token_ns"] > 0) | (st.workloads["cache_entries"] > 0)):
            wl = st.workloads[w]
            come = np.searchsorted(st.arrival_ns[w, wl["position"] : wl["length"]], until_ns, side="right")
            expected += int(come) * float(wl["exposure"])
            if wl["cache_entries"]:
                expected += (int(come) * float(wl["exposure"]) + int(wl["in_system"])) * LIKELY_WRITES
        return expected < JOURNAL


def _writes(st: State) -> bool:
    """Whether the state's memory is written to at all: somebody has a token bucket or a cache."""
    return bool(st.workloads["token_ns"].any() or st.workloads["cache_entries"].any())
