"""The reference engine: the request path as plain SimPy, one process a request and one a replica.

Slow, readable, and the oracle: the compiled engine is right when every outcome and every time equals this one's. The
random factors alone are drawn by compiled functions here too, since Python's and the compiler's logarithms may differ
in the last bit.
"""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.record.scrape import BUSY_NS, COMPLETIONS, IN_FLIGHT_NS, QUEUED, SERVING
from sim.serving.discipline.batching import batch_due, has_room, is_dead
from sim.serving.discipline.routing import least_outstanding_key, round_robin_turn
from sim.serving.discipline.service import draw_exposed, draw_service_ns
from sim.serving.entities import Queue, Replica, Request
from sim.serving.kernels.state import (
    API,
    LEAST_OUTSTANDING,
    NO_KEY,
    ROUND_ROBIN,
    ROW,
    SHARED_QUEUE,
)
from sim.serving.plane import STEERED, Row, Steering, Traffic, check_entries, check_tenants
from sim.serving.reception import Reception
from sim.serving.tally import Tally
from sim.streams import Purpose

Process = Generator[simpy.Event, Any, None]


class ReferencePlane:
    """See `sim.serving.plane.Plane`; SimPy itself advances it, event by event."""

    def __init__(self, clock: Clock, rows: list[Row], traffic: list[Traffic], *, log: bool) -> None:
        self._clock, self._rows, self._traffic = clock, rows, traffic
        self._tally = Tally(clock, len(traffic), log)
        self.workloads = self._tally.workloads
        self.rows = np.zeros(len(rows), ROW)
        self.on_drained: Callable[[int], None] = lambda slot: None
        self._shared = [Queue() for _ in rows]
        self._reception = Reception(clock, self.workloads, traffic)
        self._replicas: list[list[Replica]] = []
        self._slots = sum(row.slots for row in rows)
        slot = 0
        for i, row in enumerate(rows):
            self.rows[i]["kind"], self.rows[i]["first"] = row.kind, slot
            self._replicas.append([Replica(slot + k, Queue()) for k in range(row.slots)])
            slot += row.slots
        self._row_of = [i for i, row in enumerate(rows) for _ in range(row.slots)]

    # --- what the control plane asks

    def offer(
        self, w: int, first_id: int, arrival_ns: NDArray[np.int64], prompt: NDArray[np.int32] | None,
        output: NDArray[np.int32] | None, key: NDArray[np.int64] | None = None,
        tenant: NDArray[np.int32] | None = None,
    ) -> None:  # fmt: skip
        """See Plane."""
        if tenant is not None:
            check_tenants(tenant, self._traffic[w])
        self.workloads[w]["has_tokens"] = prompt is not None
        self._clock.process(self._arrivals(w, first_id, arrival_ns, prompt, output, key, tenant))

    def advance(self, until_ns: int, through_rank: int) -> bool:
        """Nothing to do: every request event is an event of SimPy's own."""
        return True

    def ready(self, slot: int) -> None:
        """See Plane."""
        row = self._row_of[slot]
        first = int(self.rows[row]["first"])
        self._replicas[row][slot - first] = replica = Replica(slot, Queue(), taking=True)
        self._clock.process(self._serve(row, replica))
        replica.work = self._clock.event()
        self._look(row, replica, True)

    def drain(self, slot: int) -> bool:
        """See Plane."""
        row = self._row_of[slot]
        replica = self._replicas[row][slot - int(self.rows[row]["first"])]
        replica.taking, replica.draining = False, True
        self._look(row, replica, True)
        return self._retire_if_empty(replica)

    def look_ahead(self, row: int, first_ns: int, interval_ns: int, samples: NDArray[np.int64]) -> bool:
        """SimPy cannot go back, so it never looks ahead."""
        return False

    def go_back(self, t_ns: int) -> None:
        """Never asked, see `look_ahead`."""

    def open(self, row: int) -> None:
        """See Plane."""
        self.rows[row]["closing"] = 0

    def close(self, row: int) -> None:
        """See Plane."""
        self.rows[row]["closing"] = 1
        if self._rows[row].kind == SHARED_QUEUE:
            self._look_shared(row, True)

    def steer(self, w: int, steering: Steering) -> None:
        """See Plane."""
        check_entries(steering, self._traffic[w])
        for name in STEERED:
            self.workloads[w][name] = getattr(steering, name)
        self._reception.fit(w)

    def empty_cache(self, w: int) -> None:
        """See Plane."""
        self._reception.empty(w)

    def expire(self, row: int) -> None:
        """See Plane."""
        waiting, now = self._shared[row].waiting, self._clock.now
        while waiting and is_dead(waiting[0].deadline_ns, now, False):
            r = waiting.popleft()
            self._tally.count(r.workload, queued=-1, queue_flow=-now)
            self._tally.end_dropped(r)

    def scrape(self, row: int, sample: NDArray[np.int64]) -> None:
        """See Plane."""
        now = self._clock.now
        sample[-1, 0] = len(self._shared[row].waiting)
        for i, r in enumerate(self._replicas[row]):
            if r.taking or r.draining:
                busy = r.busy_ns + (now - r.started_ns if r.serving else 0)
                queued = len(r.queue.waiting)
                sample[i, BUSY_NS], sample[i, IN_FLIGHT_NS] = busy, now * r.outstanding - r.load_flow
                sample[i, COMPLETIONS], sample[i, QUEUED], sample[i, SERVING] = r.completions, queued, len(r.serving)

    def take_histogram(self, w: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """See Plane."""
        return self._tally.take_histogram(w)

    def take_log(self) -> NDArray[Any]:
        """See Plane."""
        return self._tally.take_log()

    def finish(self, end_ns: int) -> float:
        """See Plane."""
        return self._tally.finish(end_ns)

    # --- processes

    def _arrivals(
        self, w: int, first_id: int, arrival_ns: NDArray[np.int64], prompt: NDArray[np.int32] | None,
        output: NDArray[np.int32] | None, key: NDArray[np.int64] | None, tenant: NDArray[np.int32] | None,
    ) -> Process:  # fmt: skip
        for i, t_ns in enumerate(arrival_ns.tolist()):
            yield self._clock.at(t_ns, Rank.ARRIVAL, (w << 40) | (first_id + i))
            deadline_ns = t_ns + int(self.workloads[w]["timeout_ns"])
            content = NO_KEY if key is None else int(key[i])
            r = Request(first_id + i, w, t_ns, deadline_ns, self._clock.event(), content)
            tokens = None if prompt is None or output is None else (int(prompt[i]), int(output[i]))
            self._clock.process(self._request(r, 0 if tenant is None else int(tenant[i]), tokens))

    def _request(self, r: Request, tenant: int, tokens: tuple[int, int] | None) -> Process:
        """One request's life: let in, admitted, answered by the cache or sent to its row, and its end."""
        w, wl = r.workload, self.workloads[r.workload]
        self._tally.count(w, potential=1)
        if not draw_exposed(float(wl["exposure"]), self._traffic[w].exposure_key, r.request, int(Purpose.EXPOSURE)):
            return
        self._tally.count(w, offered=1)
        if not self._reception.admits(w, tenant):
            self._tally.throttle(r)
        elif self._reception.answers(r):
            self._tally.hit(r)
        elif self._rows[int(wl["row"])].kind == API:
            yield from self._call_api(r, self._rows[int(wl["row"])], tokens)
        elif self._queue_up(int(wl["row"]), r):
            yield r.ended
        else:
            self._tally.reject(r)

    def _call_api(self, r: Request, p: Row, tokens: tuple[int, int] | None) -> Process:
        """A request at the hosted API, which answers after a while."""
        w, now = r.workload, self._clock.now
        self._tally.enter(r)
        self._tally.count(w, api_calls=1)
        if tokens is not None:
            self._tally.count(w, api_prompt_tokens=tokens[0], api_output_tokens=tokens[1])
        key, purpose = self._traffic[w].service_key, int(Purpose.API_LATENCY)
        took = draw_service_ns(float(p.mean_ns[1]), p.distribution, p.sigma, key, r.request, purpose)
        r.start_ns, r.batch = now, 1
        yield self._clock.at(now + took, Rank.COMPLETION, (1 << 47) | (w << 40) | r.request)
        self._tally.end_served(r)
        self._reception.remember(r)

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
            first = batch[0]
            took = draw_service_ns(
                float(p.mean_ns[len(batch)]), p.distribution, p.sigma, self._traffic[first.workload].service_key,
                first.request, int(Purpose.SERVICE),
            )  # fmt: skip
            yield self._clock.at(self._clock.now + took, Rank.COMPLETION, replica.slot)
            for r in batch:
                self._tally.end_served(r)
                self._reception.remember(r)
                r.ended.succeed()
            now = self._clock.now
            replica.busy_ns += now - replica.started_ns
            self.rows[row]["busy_flow"] -= now
            self.rows[row]["busy"] -= 1
            replica.load_flow -= now * len(batch)
            replica.completions += len(batch)
            replica.serving = []
            replica.work = self._clock.event()
            self._look(row, replica, False)
            if self._retire_if_empty(replica):
                self._clock.call_at(now, Rank.SCALE_IN, lambda: self.on_drained(replica.slot), replica.slot)

    def _expiry(self, row: int, replica: Replica | None, queue: Queue) -> Process:
        """Wait until the queue's oldest request has waited max_queue_delay, then look again."""
        due_ns = queue.due_ns
        sub = self._slots + row if replica is None else replica.slot
        yield self._clock.at(due_ns, Rank.BATCH_EXPIRY, sub)
        if queue.due_ns == due_ns:
            queue.due_ns = -1
            if replica is None:
                self._look_shared(row, True)
            else:
                self._look(row, replica, True)

    # --- disciplines

    def _queue_up(self, row: int, r: Request) -> bool:
        """Route a request into a queue; False when there is no replica or no room."""
        p = self._rows[row]
        replica = None
        if p.kind == SHARED_QUEUE:
            queue, idle = self._shared[row], bool(self._idle(row))
        else:
            replica = self._route(row)
            if replica is None:
                return False
            queue, idle = replica.queue, not replica.serving
        if not has_room(len(queue.waiting), p.capacity, idle, p.max_batch, p.delay_ns):
            return False
        self._tally.enter(r)
        queue.waiting.append(r)
        self._tally.count(r.workload, queued=1, queue_flow=self._clock.now)
        if replica is None:
            self._look_shared(row, True)
        else:
            replica.load_flow += self._clock.now
            self._look(row, replica, True)
        return True

    def _route(self, row: int) -> Replica | None:
        ready = [r for r in self._replicas[row] if r.taking]
        if not ready:
            return None
        if self._rows[row].kind == ROUND_ROBIN:
            turn = int(self.rows[row]["turn"])
            self.rows[row]["turn"] += 1
            return ready[round_robin_turn(turn, len(ready))]
        assert self._rows[row].kind == LEAST_OUTSTANDING
        return min(ready, key=lambda r: least_outstanding_key(r.outstanding, r.slot))

    def _look(self, row: int, replica: Replica, after_timeouts: bool) -> None:
        """Start a batch on an idle replica if one is due, or note when one will be."""
        if self._rows[row].kind == SHARED_QUEUE:
            self._look_shared(row, after_timeouts)
            return
        queue = replica.queue
        while queue.waiting and not replica.serving:
            if not self._due(row, queue, replica.draining):
                self._await_due(row, replica, queue)
                return
            self._start(row, replica, queue, after_timeouts)
        queue.due_ns = -1

    def _look_shared(self, row: int, after_timeouts: bool) -> None:
        queue = self._shared[row]
        while queue.waiting and (idle := self._idle(row)):
            if not self._due(row, queue, bool(self.rows[row]["closing"])):
                self._await_due(row, None, queue)
                return
            self._start(row, idle[0], queue, after_timeouts)
        queue.due_ns = -1

    def _idle(self, row: int) -> list[Replica]:
        """Replicas free to take from the row's shared queue, lowest slot first."""
        closing = bool(self.rows[row]["closing"])
        return [r for r in self._replicas[row] if not r.serving and (r.taking or (r.draining and closing))]

    def _due(self, row: int, queue: Queue, flush: bool) -> bool:
        p, oldest = self._rows[row], queue.waiting[0].arrival_ns
        return batch_due(len(queue.waiting), p.max_batch, oldest, p.delay_ns, self._clock.now, flush)

    def _await_due(self, row: int, replica: Replica | None, queue: Queue) -> None:
        due_ns = queue.waiting[0].arrival_ns + self._rows[row].delay_ns
        if queue.due_ns != due_ns:
            queue.due_ns = due_ns
            self._clock.process(self._expiry(row, replica, queue))

    def _start(self, row: int, replica: Replica, queue: Queue, after_timeouts: bool) -> None:
        """Form a batch of the oldest living requests and hand it to the replica; the dead are dropped."""
        now = self._clock.now
        batch: list[Request] = []
        while queue.waiting and len(batch) < self._rows[row].max_batch:
            r = queue.waiting.popleft()
            self._tally.count(r.workload, queued=-1, queue_flow=-now)
            if is_dead(r.deadline_ns, now, after_timeouts):
                if self._rows[row].kind != SHARED_QUEUE:
                    replica.load_flow -= now
                self._tally.end_dropped(r)
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

    def _retire_if_empty(self, replica: Replica) -> bool:
        if not replica.draining or replica.outstanding:
            return False
        replica.draining = False
        if replica.work is not None and not replica.work.triggered:
            replica.work.succeed([])
        return True
