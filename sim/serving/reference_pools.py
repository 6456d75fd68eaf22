"""The reference engine's pools: replicas, one process each, and the queues before them."""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.record.scrape import ARRIVED, BUSY_NS, COMPLETIONS, IN_FLIGHT_NS, QUEUED, SERVING, SHARED_QUEUED
from sim.serving.discipline.batching import has_room, next_limit
from sim.serving.discipline.queueing import draw_gives_up_ns
from sim.serving.entities import Queue, Replica, Request
from sim.serving.kernels.state import ARMED, ASLEEP, SHARED_QUEUE
from sim.serving.reception import Reception
from sim.serving.reference_batching import due, is_over, limit_of, take_next
from sim.serving.reference_own import Disciplines
from sim.serving.reference_routing import Routers
from sim.serving.reference_service import service_ns
from sim.serving.rows import Row
from sim.serving.steering import Traffic
from sim.serving.tally import Tally
from sim.streams import Purpose

Process = Generator[simpy.Event, Any, None]


class Pools:
    """Everything behind the routers. counters: of the rows (dtype ROW); end, end_visit: told of each request
    that was served; lost: of each at a replica that has died; reception: keeps the replicas' own caches; own: a user's
    own disciplines, where rows name any.
    """

    def __init__(
        self, clock: Clock, rows: list[Row], traffic: list[Traffic], counters: NDArray[Any], tally: Tally,
        end: Callable[[Request], None], end_visit: Callable[[int, Request], None], lost: Callable[[Request], None],
        reception: Reception, own: Disciplines | None = None,
    ) -> None:  # fmt: skip
        self._clock, self._rows, self._traffic, self._tally, self._end = clock, rows, traffic, tally, end
        self._reception, self._end_visit, self._lost, self._own = reception, end_visit, lost, own or Disciplines()
        self._routers = Routers(clock, rows, traffic, counters, tally, self._own)
        self._empty: set[int] = set()  # slots whose draining replica has run empty in this instant
        self.rows = counters
        self.on_drained: Callable[[int], None] = lambda slot: None
        self.on_woken: Callable[[int], None] = lambda row: None
        self._shared = [Queue() for _ in rows]
        self._replicas: list[list[Replica]] = []
        self._slots = sum(row.slots for row in rows)
        slot = 0
        for i, row in enumerate(rows):
            self.rows[i]["kind"], self.rows[i]["first"] = row.kind, slot
            self._replicas.append([Replica(slot + k, Queue()) for k in range(row.slots)])
            slot += row.slots
        self._row_of = [i for i, row in enumerate(rows) for _ in range(row.slots)]

    def ready(self, slot: int) -> None:
        """See `sim.serving.plane.Plane`."""
        row = self._row_of[slot]
        first = int(self.rows[row]["first"])
        self._replicas[row][slot - first] = replica = Replica(slot, Queue(), taking=True)
        self._clock.process(self._serve(row, replica))
        replica.work = self._clock.event()
        self._look(row, replica, True)

    def drain(self, slot: int) -> bool:
        """See `sim.serving.plane.Plane`."""
        row = self._row_of[slot]
        replica = self._replicas[row][slot - int(self.rows[row]["first"])]
        replica.taking, replica.draining = False, True
        self._look(row, replica, True)
        return self._retire_if_empty(replica)

    def fail(self, slot: int) -> None:
        """See `sim.serving.plane.Plane`."""
        row, now = self._row_of[slot], self._clock.now
        replica = self._replicas[row][slot - int(self.rows[row]["first"])]
        self._empty.discard(slot)
        if not (replica.taking or replica.draining):
            return
        replica.taking = replica.draining = False
        replica.failed = True
        if replica.serving:
            self.rows[row]["busy_flow"] -= now
            self.rows[row]["busy"] -= 1
        lost, replica.serving = replica.serving, []
        for r in lost:
            self._lost(r)
        while replica.queue.waiting:
            r = replica.queue.waiting.popleft()
            self._tally.count(r.workload, queued=-1, queue_flow=-now)
            self._lost(r)
        replica.queue.due_ns = -1
        if replica.work is not None and not replica.work.triggered:
            replica.work.succeed([])

    def open(self, row: int) -> None:
        """See `sim.serving.plane.Plane`."""
        self.rows[row]["closing"] = 0

    def close(self, row: int) -> None:
        """See `sim.serving.plane.Plane`."""
        self.rows[row]["closing"] = 1
        if self._rows[row].kind == SHARED_QUEUE:
            self._look_shared(row, True)

    def expire(self, row: int) -> None:
        """See `sim.serving.plane.Plane`."""
        waiting, now = self._shared[row].waiting, self._clock.now
        while waiting and is_over(waiting[0], now, False):
            r = waiting.popleft()
            self._tally.count(r.workload, queued=-1, queue_flow=-now)
            self._drop(r)

    def scrape(self, row: int, sample: NDArray[np.int64]) -> None:
        """See `sim.serving.plane.Plane`."""
        now = self._clock.now
        sample[-1, SHARED_QUEUED] = len(self._shared[row].waiting)
        sample[-1, ARRIVED] = self.rows[row]["arrived"]
        for i, r in enumerate(self._replicas[row]):
            if r.taking or r.draining:
                busy = r.busy_ns + (now - r.started_ns if r.serving else 0)
                queued = len(r.queue.waiting)
                sample[i, BUSY_NS], sample[i, IN_FLIGHT_NS] = busy, now * r.outstanding - r.load_flow
                sample[i, COMPLETIONS], sample[i, QUEUED], sample[i, SERVING] = r.completions, queued, len(r.serving)

    def _serve(self, row: int, replica: Replica) -> Process:
        """A replica's life while it is ready or draining: handed a batch, it serves it; then it looks for the next."""
        p = self._rows[row]
        while True:
            if replica.work is None:
                replica.work = self._clock.event()
            batch: list[Request] = yield replica.work
            replica.work = None
            if not batch:
                return
            took = service_ns(p, batch, replica.completions, self._traffic)
            yield self._clock.at(self._clock.now + took, Rank.COMPLETION, replica.slot)
            if replica.failed:
                return
            for r in batch:
                self._end_visit(row, r)
                if self._routers.crosses(row, r, replica):
                    self._tally.count(r.workload, crossed=1)
                    r.detour_ns = p.detour_ns
                self._end(r)
            now = self._clock.now
            replica.busy_ns += now - replica.started_ns
            self.rows[row]["busy_flow"] -= now
            self.rows[row]["busy"] -= 1
            replica.load_flow -= now * len(batch)
            replica.completions += len(batch)
            if p.step:
                took_ns = now - replica.started_ns
                replica.batch_limit = next_limit(
                    replica.batch_limit, len(batch), took_ns, p.target_ns, p.step, p.decrease, p.max_batch
                )
            replica.serving = []
            replica.work = self._clock.event()
            self._look(row, replica, False)
            if self._retire_if_empty(replica):
                self._empty.add(replica.slot)
                self._clock.call_at(now, Rank.SCALE_IN, lambda: self._gone(replica.slot), replica.slot)

    def _gone(self, slot: int) -> None:
        if slot in self._empty:
            self._empty.remove(slot)
            self.on_drained(slot)

    def _expiry(self, row: int, replica: Replica | None, queue: Queue, due_ns: int) -> Process:
        """Wait until the queue's oldest request has waited max_queue_delay, then look again."""
        sub = self._slots + row if replica is None else replica.slot
        yield self._clock.at(due_ns, Rank.BATCH_EXPIRY, sub)
        if queue.due_ns == due_ns:
            queue.due_ns = -1
            if replica is None:
                self._look_shared(row, True)
            else:
                self._look(row, replica, True)

    def take_in(self, row: int, r: Request) -> bool:
        """Route a request into a queue of its row, or of the one that it overflows to; False when none takes it."""
        overflow = self._rows[row].overflow
        return self.queue_up(row, r) or (overflow >= 0 and self.queue_up(overflow, r))

    def queue_up(self, row: int, r: Request) -> bool:
        """Route a request into a queue, unless its replica's own cache answers; False without replica or room."""
        p = self._rows[row]
        self.rows[row]["arrived"] += 1
        if self.rows[row]["armed"] == ARMED:
            self.rows[row]["armed"] = ASLEEP
            self._clock.call_at(self._clock.now, Rank.WAKE, lambda: self.on_woken(row), row)
        replica = None
        if p.kind == SHARED_QUEUE:
            queue, free = self._shared[row], self._idle(row)
            limit = limit_of(p, free[0]) if free else p.max_batch
        else:
            replica = self._routers.choose(row, r, self._replicas[row])
            if replica is None:
                return False
            if r.call is None and self._reception.replica_answers(r, replica.slot):
                self._tally.hit(r)
                r.ended.succeed()
                return True
            queue, free, limit = replica.queue, [replica] * (not replica.serving), limit_of(p, replica)
        if not has_room(len(queue.waiting), p.capacity, bool(free), limit, p.delay_ns):
            return False
        if r.call is None:
            self._tally.enter(r)
        self._queue(queue, r)
        if replica is None:
            self._look_shared(row, True)
        else:
            replica.load_flow += self._clock.now
            self._look(row, replica, True)
        return True

    def _queue(self, queue: Queue, r: Request) -> None:
        """A request joins a queue, with its priority and its patience."""
        wl, key = self._tally.workloads[r.workload], self._traffic[r.workload].service_key
        r.priority = int(wl["priority"])
        r.gives_up_ns = draw_gives_up_ns(
            r.deadline_ns, self._clock.now, float(wl["patience_mean_ns"]), int(wl["patience_distribution"]),
            float(wl["patience_sigma"]), key, r.request, int(Purpose.PATIENCE),
        )  # fmt: skip
        queue.join(r)
        self._tally.count(r.workload, queued=1, queue_flow=self._clock.now)

    def _look(self, row: int, replica: Replica, after_timeouts: bool) -> None:
        """Start a batch on an idle replica if one is due, or note when one will be."""
        if self._rows[row].kind == SHARED_QUEUE:
            self._look_shared(row, after_timeouts)
            return
        queue = replica.queue
        while queue.waiting and not replica.serving:
            size = due(self._rows[row], replica, queue, self._clock.now, replica.draining)
            if not size:
                self._await_due(row, replica, queue)
                return
            self._start(row, replica, queue, size, after_timeouts)
        queue.due_ns = -1

    def _look_shared(self, row: int, after_timeouts: bool) -> None:
        queue = self._shared[row]
        while queue.waiting and (idle := self._idle(row)):
            size = due(self._rows[row], idle[0], queue, self._clock.now, bool(self.rows[row]["closing"]))
            if not size:
                self._await_due(row, None, queue)
                return
            self._start(row, idle[0], queue, size, after_timeouts)
        queue.due_ns = -1

    def _idle(self, row: int) -> list[Replica]:
        """Replicas free to take from the row's shared queue, lowest slot first."""
        closing = bool(self.rows[row]["closing"])
        return [r for r in self._replicas[row] if not r.serving and (r.taking or (r.draining and closing))]

    def _await_due(self, row: int, replica: Replica | None, queue: Queue) -> None:
        due_ns = queue.oldest_ns + self._rows[row].delay_ns
        if queue.due_ns != due_ns:
            queue.due_ns = due_ns
            self._clock.process(self._expiry(row, replica, queue, due_ns))

    def _start(self, row: int, replica: Replica, queue: Queue, size: int, after_timeouts: bool) -> None:
        """Form a batch of the first living requests, at most `size`, for the replica; the dead are dropped."""
        now = self._clock.now
        batch: list[Request] = []
        while queue.waiting and len(batch) < size:
            r = take_next(self._rows[row], queue, self._own, now, after_timeouts)
            self._tally.count(r.workload, queued=-1, queue_flow=-now)
            if is_over(r, now, after_timeouts):
                if self._rows[row].kind != SHARED_QUEUE:
                    replica.load_flow -= now
                self._drop(r)
                continue
            batch.append(r)
            if now > r.arrival_ns:
                self._tally.count(r.workload, waited=1, wait_sum_s=(now - r.arrival_ns) * 1e-9)
        if not batch:
            return
        for r in batch:
            r.start_ns, r.slot, r.batch = now, replica.slot, len(batch)
        if self._rows[row].kind == SHARED_QUEUE:
            replica.load_flow += now * len(batch)
        replica.serving, replica.started_ns = batch, now
        self.rows[row]["busy_flow"] += now
        self.rows[row]["busy"] += 1
        assert replica.work is not None
        replica.work.succeed(batch)

    def _drop(self, r: Request) -> None:
        """Nobody waits any more for what has left its queue; a call has long ended, or will end without it."""
        if r.call is None:
            self._tally.end_dropped(r)

    def _retire_if_empty(self, replica: Replica) -> bool:
        if not replica.draining or replica.outstanding:
            return False
        replica.draining = False
        if replica.work is not None and not replica.work.triggered:
            replica.work.succeed([])
        return True
