"""The compiled engine: the request path in columns, advanced by one kernel call between two control events."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock.environment import Clock
from sim.clock.ranks import REQUEST_PATH, Rank
from sim.record.histogram import take_counts
from sim.serving import room
from sim.serving.arrivals import append
from sim.serving.bookmark import Bookmark
from sim.serving.horizon import finish
from sim.serving.kernels import advance as kernels
from sim.serving.kernels.cache import clear, fit
from sim.serving.kernels.calls import gather
from sim.serving.kernels.failure import fail
from sim.serving.kernels.state import (
    ARMED,
    ASLEEP,
    CALLS_FULL,
    DONE,
    DRAINED,
    DRAINED_SLOT,
    DRAINING,
    LOG_FULL,
    NEEDED,
    NODES_FULL,
    NOW,
    OFF,
    READY,
    ROUSED,
    ROUSED_ROWS,
    TIMERS,
    WOKEN,
    Calls,
)
from sim.serving.layout import lay_out, lay_path
from sim.serving.log import Log
from sim.serving.rows import Row
from sim.serving.steering import (
    STEERED,
    Steering,
    Step,
    Traffic,
    check_entries,
    check_priority,
    check_tenants,
    forgets,
    steer_calls,
)

_LAST_REQUEST_RANK = [max((int(q) for q in REQUEST_PATH if q <= r), default=0) for r in range(max(Rank) + 1)]
_LOG_ROWS = 1 << 16
_SMALL = 1 << 14  # nodes up to which a copy of the state costs less than the kernel calls that it saves
_NO_SAMPLES = np.zeros((0, 0, 0), np.int64)


class ExactPlane:
    """See `sim.serving.plane.Plane`."""

    def __init__(self, clock: Clock, rows: list[Row], traffic: list[Traffic], *, log: float) -> None:
        self._clock, self._traffic, self._log = clock, traffic, Log(float(log))
        self._st = lay_out(rows, traffic, _LOG_ROWS if log else 0)
        self._done_ns, self._done_rank = 0, 0
        self._calls: Calls = None
        self._bookmark = Bookmark()
        self._advance = kernels.advance.compiled()
        self._scrape = kernels.scrape.compiled()
        self.on_drained: Callable[[int], None] = lambda slot: None
        self.on_woken: Callable[[int], None] = lambda row: None
        self._empty: set[int] = set()  # slots whose draining replica has run empty in this instant
        self._woken_ns = -1  # when a look ahead was last cut short by a wake-up

    @property
    def workloads(self) -> NDArray[Any]:
        """Counters by workload."""
        return self._st.workloads

    @property
    def rows(self) -> NDArray[Any]:
        """Counters by row."""
        return self._st.rows

    def offer(
        self, w: int, first_id: int, arrival_ns: NDArray[np.int64], prompt: NDArray[np.int32] | None,
        output: NDArray[np.int32] | None, key: NDArray[np.int64] | None = None,
        tenant: NDArray[np.int32] | None = None,
    ) -> None:  # fmt: skip
        """Append to what is left of the arrivals handed over before."""
        if tenant is not None:
            check_tenants(tenant, self._traffic[w])
        self._st = append(self._st, w, first_id, arrival_ns, prompt, output, key, tenant)

    def advance(self, until_ns: int, through_rank: int) -> bool:
        """One kernel call, or more where a buffer was full; none where no request event can lie between."""
        rank = _LAST_REQUEST_RANK[through_rank]
        if until_ns == self._done_ns and rank <= self._done_rank:
            return True
        while True:
            reason = self._advance(self._st, until_ns, rank, 0, 0, _NO_SAMPLES, self._calls)
            if reason == DONE:
                self._done_ns, self._done_rank = until_ns, rank
                return True
            if reason == NODES_FULL:
                self._st = room.for_requests(self._st)
            elif reason == CALLS_FULL:
                self._st = room.for_calls(self._st)
            elif reason == LOG_FULL:
                self._room_for_log()
            elif reason == DRAINED:
                self._wake(int(self._st.scalars[DRAINED_SLOT]), int(self._st.scalars[NOW]))
                return False
            elif reason == WOKEN:
                self._rouse(int(self._st.scalars[NOW]))
                return False

    def _rouse(self, t_ns: int) -> None:
        """The first request has asked armed rows: who armed them hears of it once all arrivals have come."""
        self._done_ns, self._done_rank = t_ns, 0
        self._st.scalars[ROUSED_ROWS] = 0
        for row in np.flatnonzero(self._st.rows["armed"] == ROUSED).tolist():
            self._st.rows[row]["armed"] = ASLEEP
            self._clock.call_at(t_ns, Rank.WAKE, partial(self._tell_of, row), row)

    def _tell_of(self, row: int) -> None:
        self.on_woken(row)

    def _wake(self, slot: int, t_ns: int) -> None:
        """A draining replica has run empty: its fleet hears of it at that instant."""
        self._done_ns, self._done_rank = t_ns, 0
        self._empty.add(slot)
        self._clock.call_at(t_ns, Rank.SCALE_IN, partial(self._gone, slot), slot)

    def _gone(self, slot: int) -> None:
        if slot in self._empty:
            self._empty.remove(slot)
            self.on_drained(slot)

    def ready(self, slot: int) -> None:
        """See Plane."""
        self._touch(slot, READY)

    def drain(self, slot: int) -> bool:
        """See Plane."""
        return self._touch(slot, DRAINING)

    def _touch(self, slot: int, mode: int) -> bool:
        self._room_for_log()
        return bool(kernels.set_mode(self._st, slot, mode, self._clock.now))

    def fail(self, slot: int) -> None:
        """See Plane: a call that fails needs a timer at most, for its next attempt or for its user's thoughts."""
        self._empty.discard(slot)
        s = self._st.slots[slot]
        if s["mode"] == OFF:
            return
        self._room_for_log()
        while self._calls is not None and len(self._st.timers) - self._st.scalars[TIMERS] < s["serving"] + s["queued"]:
            self._st = room.for_calls(self._st)
        fail(self._st, slot, self._clock.now, self._calls)

    def open(self, row: int) -> None:
        """See Plane."""
        self._st.rows[row]["closing"] = 0

    def close(self, row: int) -> None:
        """See Plane."""
        self._room_for_log()
        kernels.close_row(self._st, row, self._clock.now)

    def arm(self, row: int, on: bool) -> None:
        """See Plane."""
        self._st.rows[row]["armed"] = ARMED if on else ASLEEP

    def expire(self, row: int) -> None:
        """See Plane."""
        self._room_for_log()
        kernels.expire(self._st, row, self._clock.now)

    def steer(self, w: int, steering: Steering) -> None:
        """See Plane."""
        check_entries(steering, self._traffic[w])
        check_priority(steering, self._traffic[w])
        wl = self._st.workloads[w]
        if forgets(wl, steering) and self._kept(w):
            clear(self._st, w)
        for name in STEERED:
            wl[name] = getattr(steering, name)
        if self._kept(w):
            fit(self._st, w)
        if steering.calls or wl["attempts"]:
            self._steer_calls(w, steering)

    def _steer_calls(self, w: int, steering: Steering) -> None:
        st, wl = self._st, self._st.workloads[w]
        self._calls = 1
        steer_calls(wl, steering)
        path = steering.path or (Step(steering.row),)
        lay_path(st, w, self._traffic[w].steps, path)
        most = int(st.rows["max_batch"].max()) * max(step.fan_out for step in path)
        st.scalars[NEEDED] = max(int(st.scalars[NEEDED]), most)
        if steering.users is not None:
            while len(st.timers) - st.scalars[TIMERS] < self._traffic[w].users:
                self._st = room.for_calls(self._st)
                st = self._st
            gather(st, w, steering.users.count, self._clock.now)

    def empty_cache(self, w: int) -> None:
        """See Plane."""
        if self._kept(w):
            clear(self._st, w)

    def _kept(self, w: int) -> bool:
        """Whether a workload's caches hold anything: answers, or ghosts of some."""
        first, count = (int(self._st.workloads[w][name]) for name in ("cache", "caches"))
        stretch = self._st.caches[first : first + count]
        return bool(stretch["live"].any() or stretch["ghosts"].any())

    def scrape(self, row: int, sample: NDArray[np.int64]) -> None:
        """See Plane."""
        self._scrape(self._st.slots, self._st.rows, row, self._clock.now, sample)

    def look_ahead(self, row: int, first_ns: int, interval_ns: int, samples: NDArray[np.int64]) -> bool:
        """See Plane: one kernel call for many scrapes, after keeping a copy of what it changes.

        A wake-up on the way is a control event: until it has passed, it would be in vain to try again.
        """
        last_ns = first_ns + (len(samples) - 1) * interval_ns
        if self._clock.now <= self._woken_ns <= last_ns:
            return False
        if (
            len(self._st.nodes) > _SMALL
            or not self._bookmark.holds(self._st, last_ns)
            or not self._log.holds(self._st, last_ns)
        ):
            return False
        self._st = st = self._bookmark.keep(self._st)
        rank = _LAST_REQUEST_RANK[Rank.SCRAPE - 1]
        reason = self._advance(st, first_ns, rank, row, interval_ns, samples, self._calls)
        if not self._bookmark.stay(st) or reason != DONE:
            self._woken_ns = int(st.scalars[NOW]) if reason == WOKEN else -1
            self._restore()
            return False
        self._done_ns, self._done_rank = last_ns, rank
        return True

    def go_back(self, t_ns: int) -> None:
        """See Plane."""
        self._restore()
        self.advance(t_ns, Rank.SCRAPE - 1)

    def _restore(self) -> None:
        self._bookmark.restore(self._st)
        self._done_ns, self._done_rank = int(self._st.scalars[NOW]), 0

    def take_histogram(self, w: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """See Plane."""
        return take_counts(self._st.histogram[w])

    def take_row_histogram(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """See Plane."""
        self._bookmark.forget(row)
        return take_counts(self._st.row_histogram[row])

    def take_log(self) -> NDArray[Any]:
        """See Plane."""
        return self._log.take(self._st)

    def finish(self, end_ns: int) -> float:
        """See Plane."""
        self._room_for_log()
        return finish(self._st, end_ns)

    def _room_for_log(self) -> None:
        self._st = self._log.make_room(self._st)
