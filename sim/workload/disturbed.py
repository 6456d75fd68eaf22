"""Arrivals of any source with storms over them: thinned, copied, and joined by the requests of batch jobs.

Every draw is counter-based, by the request of the base (and the number of its copy) or of the job, so that no arrival
depends on how arrivals are cut into blocks, and no storm moves a draw of another.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

import numpy as np

from sim.clock.calendar import Calendar, to_ns
from sim.streams import Purpose, Streams, uniform_pair
from sim.workload.arrivals import Arrivals
from sim.workload.block import BLOCK_SIZE, ArrivalSource, Block, Float64, Int64
from sim.workload.disturbances import Batch, Surge
from sim.workload.jobs import Job, Latest

_AT_ONCE = 4 * BLOCK_SIZE  # arrivals made in one go, 30 bytes each; of no effect on them
_PURPOSE = int(Purpose.ARRIVAL)
_pair = cast(Any, uniform_pair)  # plain Python, so that it takes arrays as well


def disturbed(
    source: ArrivalSource, storms: Iterable[Surge | Batch], name: str, calendar: Calendar, streams: Streams,
    block_size: int = BLOCK_SIZE,
) -> ArrivalSource:  # fmt: skip
    """The source with these storms over it; the very same where there are none.

    name: of the workload, which its stream of random numbers, `disturbance/NAME`, is called after.
    """
    storms = list(storms)
    if not storms:
        return source
    return DisturbedArrivals(source, storms, calendar, streams.key(f"disturbance/{name}"), block_size)


class Envelope:
    """What a surge multiplies demand by over time: trapezia, each from one of its begins."""

    def __init__(self, surge: Surge, calendar: Calendar) -> None:
        self.factor, self.spread_ns = surge.factor, to_ns(surge.spread_s)
        self._begins = surge.begins_ns(calendar)
        self._rise, self._hold, self._fall = to_ns(surge.rise_s), to_ns(surge.hold_s), to_ns(surge.fall_s)
        self._length = self._rise + self._hold + self._fall

    def touches(self, first_ns: int, last_ns: int) -> bool:
        """Whether it is under way at any time from `first_ns` to `last_ns`."""
        k = int(np.searchsorted(self._begins, last_ns, side="right"))
        return k > 0 and int(self._begins[k - 1]) + self._length > first_ns

    def at(self, t_ns: Int64) -> Float64:
        """float64[n]: the factor at each time, 1 where it is not under way."""
        k = np.searchsorted(self._begins, t_ns, side="right") - 1
        if not self._begins.size:
            return np.ones(t_ns.size)
        since = np.where(k >= 0, t_ns - self._begins[np.maximum(k, 0)], self._length)
        up = since / self._rise if self._rise else np.ones(t_ns.size)
        left = (self._length - since) / self._fall if self._fall else np.ones(t_ns.size)
        share = np.where(since < self._length, np.minimum(np.minimum(up, left), 1.0), 0.0)
        return np.asarray(1.0 + (self.factor - 1.0) * share, dtype=np.float64)


class DisturbedArrivals:
    """See `ArrivalSource`: the arrivals of a base, and what storms make of them.

    A request of the base at time t becomes m requests, m being f(t) rounded up or down at random so that its mean is
    f(t), the product of all surges: the base's own, and copies within the spread after it. So a crowd of ten comes as
    groups of ten within a few seconds, burstier than ten times as many independent users. Copies that would come after
    the horizon do not come. Memory: the arrivals of a block, and of a spread.
    """

    def __init__(
        self, source: ArrivalSource, storms: list[Surge | Batch], calendar: Calendar, key: np.uint64, block_size: int
    ) -> None:
        """key: of the workload's stream of disturbances."""
        self.notes = source.notes
        self._source, self._horizon_ns, self._key, self._size = source, calendar.horizon_ns, key, block_size
        self._envelopes = [Envelope(storm, calendar) for storm in storms if isinstance(storm, Surge)]
        self._jobs = [
            Job(storm, calendar, key, place)
            for place, storm in enumerate(storm for storm in storms if isinstance(storm, Batch))
        ]
        self._latest = Latest(bool(self._jobs), key)
        self._id = 0  # of the next request
        self._base: Block | None = None  # of which the requests from `_place` on are still to be taken
        self._place = 0
        self._known_ns = 0  # all that the base makes of the times before is among what waits
        self._told_ns = 0  # all arrivals before have been handed over, or stand in `_out`
        self._waiting: Arrivals | None = None
        self._out: deque[Block] = deque()

    def next_block(self) -> Block | None:
        """See `ArrivalSource`."""
        while not self._out:
            if self._told_ns >= self._horizon_ns:
                return None
            self._go_on()
        return self._out.popleft()

    def _go_on(self) -> None:
        """Take some more of the base, or of jobs where the base is ahead of them, and hand over what is certain."""
        if self._told_ns == self._known_ns:
            if self._base is None:
                self._base, self._place = self._source.next_block(), 0
            if self._base is None:  # a source ends with a block that reaches the horizon
                self._known_ns = self._horizon_ns
            elif self._place == 0 and self._passes(self._base):
                return
            else:
                self._take(self._base)
        added, certain_ns = [] if self._waiting is None else [self._waiting], self._known_ns
        for job in self._jobs:
            requests, until_ns = job.before(certain_ns, _AT_ONCE)
            certain_ns = min(certain_ns, until_ns)
            if requests is not None:
                added.append(self._latest.carried_by(requests))
        self._latest.forget(certain_ns)
        self._hand_over(Arrivals.joined(added), certain_ns)

    def _passes(self, base: Block) -> bool:
        """Hand a block of the base over as it is where no storm touches it, and nothing waits."""
        waits = self._waiting is not None and self._waiting.t_ns.size > 0
        touched = any(envelope.touches(self._known_ns, base.until_ns) for envelope in self._envelopes)
        if waits or touched or any(job.next_ns < base.until_ns for job in self._jobs):
            return False
        self._out.append(replace(base, first_id=self._id))
        self._id += base.arrival_ns.size
        self._latest.add(Arrivals.of(base))
        self._told_ns = self._known_ns = base.until_ns
        self._latest.forget(self._told_ns)
        self._base = None
        return True

    def _take(self, base: Block) -> None:
        """Let the next requests of a block of the base become what storms make of them."""
        rest = Arrivals.of(base).part(slice(self._place, None))
        factor, spread_ns = self._factors(rest.t_ns)
        times = np.floor(factor + _pair(self._key, rest.id, np.zeros_like(rest.id), _PURPOSE)[0]).astype(np.int64)
        times[factor == 1.0] = 1
        n = max(1, int(np.searchsorted(np.cumsum(times), _AT_ONCE, side="right")))
        taken = rest.part(slice(0, n))
        self._latest.add(taken)
        self._place += n
        over = self._place >= base.arrival_ns.size
        self._known_ns = base.until_ns if over else int(base.arrival_ns[self._place])
        self._base = None if over else base
        made = self._copies(taken, times[:n], spread_ns[:n])
        self._waiting = made if self._waiting is None else Arrivals.joined([self._waiting, made])

    def _factors(self, t_ns: Int64) -> tuple[Float64, Int64]:
        """The product of all surges at each time, and the longest spread of those that swell demand then."""
        factor, spread_ns = np.ones(t_ns.size), np.zeros(t_ns.size, dtype=np.int64)
        for envelope in self._envelopes:
            own = envelope.at(t_ns)
            factor *= own
            spread_ns = np.where(own > 1.0, np.maximum(spread_ns, envelope.spread_ns), spread_ns)
        return factor, spread_ns

    def _copies(self, base: Arrivals, times: Int64, spread_ns: Int64) -> Arrivals:
        """Each request `times` times: itself, and the others within its spread after it, before the horizon."""
        origin = np.repeat(np.arange(times.size), times)
        made = base.part(origin)
        number = np.arange(origin.size) - np.repeat(np.cumsum(times) - times, times)
        copy = number > 0
        later = _pair(self._key, made.id[copy], number[copy], _PURPOSE)[0]
        t_ns = made.t_ns.copy()
        t_ns[copy] += (later * spread_ns[origin[copy]]).astype(np.int64)
        return made._replace(t_ns=t_ns, copy=number).part(t_ns < self._horizon_ns)

    def _hand_over(self, arrivals: Arrivals | None, certain_ns: int) -> None:
        """Cut what comes before `certain_ns` into blocks; the rest waits."""
        self._told_ns = certain_ns
        if arrivals is None:
            self._waiting = None
            self._out.append(Block(self._id, np.empty(0, dtype=np.int64), None, None, certain_ns))
            return
        arrivals = arrivals.part(np.lexsort((arrivals.copy, arrivals.id, arrivals.t_ns)))
        n = int(np.searchsorted(arrivals.t_ns, certain_ns, side="left"))
        self._waiting = arrivals.part(slice(n, None))
        for i in range(0, n, self._size):
            block = arrivals.part(slice(i, min(i + self._size, n)))
            until_ns = certain_ns if i + self._size >= n else int(block.t_ns[-1])
            self._out.append(block.block(self._id, until_ns))
            self._id += block.t_ns.size
        if n == 0 and certain_ns >= self._horizon_ns:
            self._out.append(arrivals.part(slice(0, 0)).block(self._id, certain_ns))
