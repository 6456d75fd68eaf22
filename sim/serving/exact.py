"""The compiled engine: the request path in columns, advanced by one kernel call between two control events."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock.environment import Clock
from sim.clock.ranks import REQUEST_PATH, Rank
from sim.record.histogram import take_counts
from sim.serving.bookmark import Bookmark, coming
from sim.serving.discipline.service import CONSTANT
from sim.serving.kernels import advance as kernels
from sim.serving.kernels.ahead import service_uniforms
from sim.serving.kernels.cache import clear, fit
from sim.serving.kernels.calls import gather
from sim.serving.kernels.failure import fail
from sim.serving.kernels.log import thin
from sim.serving.kernels.state import (
    ACTIVE_CALL,
    API,
    ARMED,
    ASLEEP,
    CALLS_FULL,
    DONE,
    DRAINED,
    DRAINED_SLOT,
    DRAINING,
    FREE,
    FREE_CALL,
    FREE_NODES,
    FREE_TIMER,
    HEAP,
    IN_SYSTEM,
    LOG_FULL,
    LOG_LENGTH,
    LOG_ON,
    NEEDED,
    NO_KEY,
    NODES_FULL,
    NOW,
    OFF,
    READY,
    ROUSED,
    ROUSED_ROWS,
    TIMED_OUT,
    TIMERS,
    WOKEN,
    Calls,
    link_free,
)
from sim.serving.layout import lay_out, lay_path
from sim.serving.plane import (
    STEERED,
    Row,
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
        self._clock, self._traffic, self._log_share = clock, traffic, float(log)
        self._st = lay_out(rows, traffic, _LOG_ROWS if log else 0)
        self._logged: list[NDArray[Any]] = []
        self._done_ns, self._done_rank = 0, 0
        self._calls: Calls = None
        self._bookmark = Bookmark()
        self._advance = kernels.advance.compiled()
        self._scrape = kernels.scrape.compiled()
        self._service_uniforms = service_uniforms.compiled()
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
        wl = self._st.workloads[w]
        position, length = int(wl["position"]), int(wl["length"])
        rest, total = length - position, length - position + len(arrival_ns)
        self._widen(total)
        st = self._st
        for buffer, new in (
            (st.arrival_ns, arrival_ns), (st.prompt_tokens, prompt), (st.output_tokens, output),
            (st.keys, NO_KEY if key is None else key), (st.tenants, 0 if tenant is None else tenant),
        ):  # fmt: skip
            if new is not None:
                buffer[w, :rest] = buffer[w, position:length].copy()
                buffer[w, rest:total] = new
        self._draw_ahead(w, first_id, rest, total)
        wl["first_id"] = first_id - rest
        wl["position"], wl["length"] = 0, total
        wl["has_tokens"] = int(prompt is not None)

    def _draw_ahead(self, w: int, first_id: int, rest: int, total: int) -> None:
        """Uniforms of the service of new arrivals, where about each of them will need its own: it is the first of its
        batch, and no cache answers it. Where that changes later, a uniform is drawn when it is needed.
        """
        wl, uniforms = self._st.workloads[w], self._st.uniforms[w]
        uniforms[:rest] = uniforms[int(wl["position"]) : int(wl["length"])].copy()
        row = self._st.rows[wl["row"]]
        alone = row["kind"] != API and row["max_batch"] == 1 and row["distribution"] != CONSTANT
        if alone and wl["cache_entries"] == 0 and not wl["calls"]:
            self._service_uniforms(wl["service_key"], first_id, uniforms[rest:total])
        else:
            uniforms[rest:total] = 0.0

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
                self._grow()
            elif reason == CALLS_FULL:
                self._grow_calls()
            elif reason == LOG_FULL:
                self._make_room_in_log()
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
            self._grow_calls()
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
                self._grow_calls()
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
        if len(self._st.nodes) > _SMALL or not self._bookmark.holds(self._st, last_ns) or not self._log_holds(last_ns):
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
        self._store_log()
        taken = np.concatenate(self._logged) if self._logged else self._st.log[:0].copy()
        self._logged = []
        return taken

    def finish(self, end_ns: int) -> float:
        """See Plane."""
        self._room_for_log()
        ages_s = self._finish_calls(end_ns)
        for node, slot in self._inside():
            n = self._st.nodes[node]
            age_s = (end_ns - int(n["arrival_ns"])) * 1e-9
            leaves_ns = int(n["deadline_ns" if slot >= 0 else "gives_up_ns"])  # who is served stays to the deadline
            if leaves_ns <= end_ns:
                self._time_out(n["workload"], age_s, end_ns)
                self._note(n, TIMED_OUT, leaves_ns, slot)
            else:
                ages_s += age_s
                self._note(n, IN_SYSTEM, -1, slot)
        self._store_log()
        return ages_s

    def _finish_calls(self, end_ns: int) -> float:
        """As `finish`, of those who are calls: an attempt that has reached its deadline was the last one."""
        st, ages_s = self._st, 0.0
        for c in np.sort(st.calls[st.calls["next"] == ACTIVE_CALL], order=["workload", "request"]):
            age_s = (end_ns - int(c["arrival_ns"])) * 1e-9
            late = c["deadline_ns"] <= end_ns and c["waiting"] == 0
            if late:
                self._time_out(c["workload"], age_s, end_ns)
            else:
                ages_s += age_s
            outcome, ended_ns = (TIMED_OUT, c["deadline_ns"]) if late else (IN_SYSTEM, -1)
            self._write((c["request"], c["workload"], outcome, c["arrival_ns"], -1, ended_ns, -1, 0))
        return ages_s

    def _time_out(self, w: int, age_s: float, end_ns: int) -> None:
        """A request of workload w that is still inside at the horizon has timed out by now."""
        wl = self._st.workloads[w]
        wl["timed_out"] += 1
        wl["lost_sum_s"] += age_s
        wl["in_system"] -= 1
        with np.errstate(over="ignore"):  # flows wrap, see `kernels.state`
            wl["system_flow"] -= end_ns

    def _write(self, entry: tuple[Any, ...]) -> None:
        """One line of the log (dtype LOG), if one is kept."""
        st = self._st
        if st.scalars[LOG_ON]:
            st.log[st.scalars[LOG_LENGTH]] = entry
            st.scalars[LOG_LENGTH] += 1

    def _inside(self) -> list[tuple[int, int]]:
        """(node, slot or -1) of every request in the system, by workload and request."""
        st, found = self._st, []
        heads = [(int(s["batch"]), i) for i, s in enumerate(st.slots) if s["serving"]]
        heads += [(int(s["head"]), -1) for s in st.slots if s["queued"]]
        heads += [(int(p["head"]), -1) for p in st.rows if p["kind"] != API and p["queued"]]
        for head, slot in heads:
            node = head
            while node >= 0:
                found.append((node, slot))
                node = int(st.nodes[node]["next"])
        found += [(int(node), -1) for node in st.heap_node[: st.scalars[HEAP]]]
        found = [pair for pair in found if st.nodes[pair[0]]["call"] < 0]
        return sorted(found, key=lambda pair: (st.nodes[pair[0]]["workload"], st.nodes[pair[0]]["request"]))

    def _note(self, n: Any, outcome: int, end_ns: int, slot: int) -> None:
        st = self._st
        at_api = st.rows[n["row"]]["kind"] == API
        start = int(n["arrival_ns"]) if at_api else int(st.slots[slot]["started_ns"]) if slot >= 0 else -1
        batch = 1 if at_api else int(st.slots[slot]["serving"]) if slot >= 0 else 0
        self._write((n["request"], n["workload"], outcome, n["arrival_ns"], start, end_ns, slot, batch))

    def _widen(self, total: int) -> None:
        if total <= self._st.arrival_ns.shape[1]:
            return
        width = max(total, 2 * self._st.arrival_ns.shape[1])
        names = ("arrival_ns", "prompt_tokens", "output_tokens", "keys", "tenants", "uniforms")
        wider = {}
        for name in names:
            old = getattr(self._st, name)
            wider[name] = np.zeros((old.shape[0], width), old.dtype)
            wider[name][:, : old.shape[1]] = old
        self._st = self._st._replace(**wider)

    def _grow(self) -> None:
        """Twice the room for requests in the system."""
        st, n = self._st, len(self._st.nodes)
        nodes, st.scalars[FREE] = _twice(st.nodes, int(st.scalars[FREE]))
        st.scalars[FREE_NODES] += n
        shards = np.zeros(2 * n, st.shards.dtype)
        shards[:n] = st.shards
        heap_ns, heap_node = np.zeros(2 * n, np.int64), np.zeros(2 * n, np.int64)
        heap_ns[: len(st.heap_ns)], heap_node[: len(st.heap_ns)] = st.heap_ns, st.heap_node
        self._st = st._replace(nodes=nodes, shards=shards, heap_ns=heap_ns, heap_node=heap_node)

    def _grow_calls(self) -> None:
        """Twice the room for calls and their timers."""
        st = self._st
        (calls, free_call), (timers, free_timer) = (
            _twice(old, int(st.scalars[free])) for old, free in ((st.calls, FREE_CALL), (st.timers, FREE_TIMER))
        )
        st.scalars[FREE_CALL], st.scalars[FREE_TIMER] = free_call, free_timer
        heap = np.zeros(len(timers), np.int64)
        heap[: len(st.timer_heap)] = st.timer_heap
        self._st = st._replace(calls=calls, timers=timers, timer_heap=heap)

    def _room_for_log(self) -> None:
        if self._st.scalars[LOG_ON]:
            self._make_room_in_log()

    def _make_room_in_log(self) -> None:
        self._store_log()
        inside = int(self._st.workloads["in_system"].sum())
        if inside + 2 > len(self._st.log):
            self._st = self._st._replace(log=np.zeros(2 * (inside + 2), self._st.log.dtype))

    def _log_holds(self, until_ns: int) -> bool:
        """Whether the log has room for all that can end up to `until_ns`: what is stored cannot be gone back on."""
        st = self._st
        if not st.scalars[LOG_ON]:
            return True
        most = coming(st, until_ns) + int(st.workloads["in_system"].sum()) + 2
        if st.scalars[LOG_LENGTH] + most > len(st.log):
            self._store_log()
        return most <= len(st.log)

    def _store_log(self) -> None:
        length = int(self._st.scalars[LOG_LENGTH])
        if length:
            if self._log_share < 1.0:
                length = thin(self._st.log, length, self._st.workloads, self._log_share)
            self._logged.append(self._st.log[:length].copy())
            self._st.scalars[LOG_LENGTH] = 0


def _twice(old: NDArray[Any], free: int) -> tuple[NDArray[Any], int]:
    """Twice the room for the entries of a list that are chained when free, and its new head. free: its old one."""
    new = np.zeros(2 * len(old), old.dtype)
    new[: len(old)] = old
    head = link_free(new, len(old))
    new["next"][-1] = free
    return new, head
