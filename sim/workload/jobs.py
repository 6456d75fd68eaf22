"""Requests of batch jobs: their times, and what they carry."""

from typing import Any, cast

import numpy as np

from sim.clock.calendar import Calendar, to_ns
from sim.streams import Purpose, uniform_pair
from sim.workload.arrivals import Arrivals
from sim.workload.disturbances import Batch
from sim.workload.kernels import uniforms

_LATEST = 4096  # assumption: requests of the base that a job's may repeat; an afternoon of one every few seconds
_AFTER_THE_BASE = 2**62  # ids of jobs' requests, so that of simultaneous ones the base's come first
_EACH = 2**52  # ids for each job
_NEVER = 2**63 - 1
_PURPOSE = int(Purpose.ARRIVAL)
_pair = cast(Any, uniform_pair)  # plain Python, so that it takes arrays as well


class Job:
    """The requests of one batch job, one occasion after the other: one at a random time of each of its equal parts.

    next_ns: no request of it comes before; the largest int64 after its last one.
    """

    def __init__(self, batch: Batch, calendar: Calendar, key: np.uint64, place: int) -> None:
        """key: of the workload's stream of disturbances; place: among the workload's jobs."""
        self._begins, self._horizon_ns = batch.begins_ns(calendar), calendar.horizon_ns
        self._requests, self._length_ns = batch.requests, to_ns(batch.duration_s)
        self._key, self._first_id = key, _AFTER_THE_BASE + place * _EACH
        self._occasion, self._made = 0, 0  # and how many requests of it have been made
        self.next_ns = self._next()

    def before(self, t_ns: int, most: int) -> tuple[Arrivals | None, int]:
        """Its next requests, at most about `most`, and the time before which these are all of them, `t_ns` at most."""
        parts: list[Arrivals] = []
        until_ns = t_ns
        while self.next_ns < t_ns:
            if most <= 0:
                until_ns = self.next_ns
                break
            n = min(most, self._requests - self._made)
            made = self._times(n)
            k = int(np.searchsorted(made.t_ns, t_ns, side="left"))
            parts.append(made.part(slice(0, k)))
            self._go_past(k)
            if k < n:
                break
            most -= n
        found = Arrivals.joined(parts)
        return None if found is None else found.part(found.t_ns < self._horizon_ns), until_ns

    def _times(self, n: int) -> Arrivals:
        """The next `n` requests of this occasion."""
        first = self._occasion * self._requests + self._made
        uniform_of = np.empty(n)
        uniforms(self._key, self._first_id + first, _PURPOSE, uniform_of)
        within = (np.arange(self._made, self._made + n) + uniform_of) / self._requests * self._length_ns
        ids = np.arange(n, dtype=np.int64) + (self._first_id + first)
        return Arrivals(within.astype(np.int64) + self._begins[self._occasion], ids, np.zeros(n, dtype=np.int64))

    def _go_past(self, n: int) -> None:
        self._made += n
        if self._made == self._requests:
            self._occasion, self._made = self._occasion + 1, 0
        self.next_ns = self._next()

    def _next(self) -> int:
        """Begin of the part of its time that the next request falls into."""
        if self._occasion >= self._begins.size:
            return _NEVER
        begin = int(self._begins[self._occasion]) + self._made * self._length_ns // self._requests
        return begin if begin < self._horizon_ns else _NEVER


class Latest:
    """The latest requests of the base, one of which lends a job's request what it carries; before the first one, that
    one does.
    """

    def __init__(self, wanted: bool, key: np.uint64) -> None:
        """wanted: whether anything will be asked for; key: of the workload's stream of disturbances."""
        self._wanted, self._key = wanted, key
        self._held: Arrivals | None = None
        self._gone = 0  # requests of the base that are no longer held

    def add(self, arrivals: Arrivals) -> None:
        """These come next."""
        if self._wanted:
            self._held = Arrivals.joined([*([] if self._held is None else [self._held]), arrivals])

    def forget(self, t_ns: int) -> None:
        """Nothing before `t_ns` will be asked for any more."""
        if self._held is not None:
            known = int(np.searchsorted(self._held.t_ns, t_ns, side="left"))
            drop = max(0, known - _LATEST)
            self._held, self._gone = self._held.part(slice(drop, None)), self._gone + drop

    def carried_by(self, requests: Arrivals) -> Arrivals:
        """The requests of a job, each with what one of the latest before it carried, drawn evenly."""
        if self._held is None:
            return requests
        before = self._gone + np.searchsorted(self._held.t_ns, requests.t_ns, side="right")
        back = _pair(self._key, requests.id, np.ones_like(requests.id), _PURPOSE)[0] * np.minimum(before, _LATEST)
        lender = np.maximum(before - 1 - back.astype(np.int64), 0) - self._gone
        if self._held.t_ns.size == 0:  # a base without any request: content 0, asked for by tenant 0
            columns = (None if c is None else np.zeros(requests.t_ns.size, dtype=c.dtype) for c in self._held)
            return requests.carrying(Arrivals._make(columns))
        return requests.carrying(self._held.part(lender))
