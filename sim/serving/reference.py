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
from sim.record.histogram import BUCKETS, bucket_of, take_counts
from sim.serving.discipline.calls import key_of_visit
from sim.serving.discipline.service import draw_exposed, draw_service_ns
from sim.serving.entities import Call, Request
from sim.serving.kernels.state import (
    API,
    ARMED,
    ASLEEP,
    NO_KEY,
    ROW,
)
from sim.serving.reception import Reception
from sim.serving.reference_calls import Calls
from sim.serving.reference_own import Disciplines
from sim.serving.reference_pools import Pools
from sim.serving.rows import Row, check_rows
from sim.serving.steering import STEERED, Steering, Traffic, check_entries, check_priority, check_tenants
from sim.serving.tally import Tally
from sim.streams import Purpose

Process = Generator[simpy.Event, Any, None]


class ReferencePlane:
    """See `sim.serving.plane.Plane`; SimPy itself advances it, event by event."""

    def __init__(
        self, clock: Clock, rows: list[Row], traffic: list[Traffic], *, log: float, own: Disciplines | None = None
    ) -> None:  # fmt: skip
        """own: the user's own disciplines that rows name."""
        check_rows(rows)
        self._clock, self._rows, self._traffic = clock, rows, traffic
        self._tally = Tally(clock, traffic, float(log))
        self.workloads = self._tally.workloads
        self.rows = np.zeros(len(rows), ROW)
        self._row_histogram = np.zeros((len(rows), BUCKETS), np.int64)
        self._reception = Reception(clock, self.workloads, traffic)
        self._calls = Calls(clock, rows, traffic, self._tally, self._reception, self._send)
        self._pools = Pools(
            clock,
            rows,
            traffic,
            self.rows,
            self._tally,
            self._served,
            self._end_visit,
            self._lost,
            self._reception,
            own,
        )

    @property
    def on_drained(self) -> Callable[[int], None]:
        """See Plane."""
        return self._pools.on_drained

    @on_drained.setter
    def on_drained(self, told: Callable[[int], None]) -> None:
        self._pools.on_drained = told

    @property
    def on_woken(self) -> Callable[[int], None]:
        """See Plane."""
        return self._pools.on_woken

    @on_woken.setter
    def on_woken(self, told: Callable[[int], None]) -> None:
        self._pools.on_woken = told

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
        self._reception.begin_replica(slot)
        self._pools.ready(slot)

    def drain(self, slot: int) -> bool:
        """See Plane."""
        return self._pools.drain(slot)

    def fail(self, slot: int) -> None:
        """See Plane."""
        self._pools.fail(slot)

    def look_ahead(self, row: int, first_ns: int, interval_ns: int, samples: NDArray[np.int64]) -> bool:
        """SimPy cannot go back, so it never looks ahead."""
        return False

    def go_back(self, t_ns: int) -> None:
        """Never asked, see `look_ahead`."""

    def open(self, row: int) -> None:
        """See Plane."""
        self._pools.open(row)

    def close(self, row: int) -> None:
        """See Plane."""
        self._pools.close(row)

    def arm(self, row: int, on: bool) -> None:
        """See Plane."""
        self.rows[row]["armed"] = ARMED if on else ASLEEP

    def steer(self, w: int, steering: Steering) -> None:
        """See Plane."""
        check_entries(steering, self._traffic[w])
        check_priority(steering, self._traffic[w])
        self._reception.before_steering(w, steering)
        for name in STEERED:
            self.workloads[w][name] = getattr(steering, name)
        self._reception.fit(w)
        if steering.calls or self.workloads[w]["attempts"]:
            self._calls.steer(w, steering)

    def empty_cache(self, w: int) -> None:
        """See Plane."""
        self._reception.empty(w)

    def expire(self, row: int) -> None:
        """See Plane."""
        self._pools.expire(row)

    def scrape(self, row: int, sample: NDArray[np.int64]) -> None:
        """See Plane."""
        self._pools.scrape(row, sample)

    def take_histogram(self, w: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """See Plane."""
        return self._tally.take_histogram(w)

    def take_row_histogram(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """See Plane."""
        return take_counts(self._row_histogram[row])

    def take_log(self) -> NDArray[Any]:
        """See Plane."""
        return self._tally.take_log()

    def finish(self, end_ns: int) -> float:
        """See Plane."""
        return self._calls.finish(end_ns) + self._tally.finish(end_ns)

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
            r.tenant = 0 if tenant is None else int(tenant[i])
            tokens = None if prompt is None or output is None else (int(prompt[i]), int(output[i]))
            self._clock.process(self._request(r, tokens))

    def _request(self, r: Request, tokens: tuple[int, int] | None) -> Process:
        """One request's life: let in, admitted, answered by the cache or sent to its row, and its end."""
        w, wl = r.workload, self.workloads[r.workload]
        self._tally.count(w, potential=1)
        if not draw_exposed(float(wl["exposure"]), self._traffic[w].exposure_key, r.request, int(Purpose.EXPOSURE)):
            return
        self._tally.count(w, offered=1)
        if wl["calls"]:
            self._calls.begin(Call(r.request, w, r.arrival_ns, r.key, r.tenant, tokens))
        elif not self._reception.admits(w, r.tenant):
            self._tally.throttle(r)
        elif self._reception.answers(r):
            self._tally.hit(r)
        elif self._rows[int(wl["row"])].kind == API:
            yield from self._call_api(r, int(wl["row"]), tokens)
        elif self._pools.take_in(int(wl["row"]), r):
            yield r.ended
        else:
            self._tally.reject(r)

    def _call_api(self, r: Request, row: int, tokens: tuple[int, int] | None) -> Process:
        """A request at the hosted API, which answers after a while."""
        w, now, p = r.workload, self._clock.now, self._rows[row]
        if r.call is None:
            self._tally.enter(r)
        self._tally.count(w, api_calls=1)
        if tokens is not None:
            self._tally.count(w, api_prompt_tokens=tokens[0], api_output_tokens=tokens[1])
        # a plain number to Python, which numba would take for a signed one where it is small
        key, purpose = key_of_visit(self._traffic[w].service_key, r.draw), int(Purpose.API_LATENCY)
        took = draw_service_ns(float(p.mean_ns[1]), p.distribution, p.sigma, key, r.request, purpose)
        r.start_ns, r.batch = now, 1
        yield self._clock.at(now + took, Rank.COMPLETION, (1 << 47) | (w << 40) | r.request)
        self._end_visit(row, r)
        self._served(r)

    def _send(self, row: int, r: Request) -> bool:
        """Send a shard of a call to a row; False where there is no room."""
        if self._rows[row].kind != API:
            return self._pools.take_in(row, r)
        assert r.call is not None
        self._clock.process(self._call_api(r, row, r.call.tokens))
        return True

    def _end_visit(self, row: int, r: Request) -> None:
        """A request that a row has served leaves it now: its time there, and that in service, are counted."""
        now = self._clock.now
        self.rows[row]["visits"] += 1
        self.rows[row]["visit_ns"] += now - r.arrival_ns
        self.rows[row]["service_ns"] += now - r.start_ns
        self._row_histogram[row, bucket_of(now - r.arrival_ns)] += 1

    def _served(self, r: Request) -> None:
        """A request has been served: it ends, and its answer is kept."""
        if r.call is not None:
            self._calls.shard_served(r)
            return
        self._tally.end_served(r)
        self._reception.remember(r)
        r.ended.succeed()

    def _lost(self, r: Request) -> None:
        """A request was at a replica that has died."""
        if r.call is not None:
            self._calls.shard_failed(r)
        else:
            self._tally.end_failed(r)
