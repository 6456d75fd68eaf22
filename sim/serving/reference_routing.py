"""The reference engine's routers: which replica of a row a request is sent to."""

from bisect import bisect_left
from functools import cache
from typing import Any

from numpy.typing import NDArray

from sim.clock.environment import Clock
from sim.serving.discipline.routing import (
    MOST_STEPS,
    POINTS,
    drawn_index,
    drawn_pair,
    key_place,
    least_outstanding_key,
    load_limit,
    replica_place,
    round_robin_turn,
)
from sim.serving.discipline.zones import zone_of_replica, zone_of_request
from sim.serving.entities import Replica, Request
from sim.serving.kernels.state import (
    AFFINITY,
    BY_TENANT,
    LEAST_OUTSTANDING,
    NO_KEY,
    POWER_OF_TWO,
    RANDOM,
    ROUND_ROBIN,
)
from sim.serving.reference_own import Disciplines
from sim.serving.rows import OWN, Row
from sim.serving.steering import Traffic
from sim.serving.tally import Tally

_place = cache(replica_place)


class Routers:
    """Those of all rows. counters: of the rows (dtype ROW), where turns are counted; own: a user's own disciplines."""

    def __init__(
        self, clock: Clock, rows: list[Row], traffic: list[Traffic], counters: NDArray[Any], tally: Tally,
        own: Disciplines,
    ) -> None:  # fmt: skip
        self._clock, self._rows, self._traffic, self._tally, self._own = clock, rows, traffic, tally, own
        self._counters = counters

    def choose(self, row: int, r: Request, replicas: list[Replica]) -> Replica | None:
        """The replica of a row's that its router chooses for a request; None where none is ready."""
        kind, key = self._rows[row].kind, self._traffic[r.workload].service_key
        ready = [r for r in replicas if r.taking]
        if not ready:
            return None
        if self._rows[row].at_home:
            first, zones = int(self._counters[row]["first"]), self._rows[row].zones
            home = self._home(row, r)
            ready.sort(key=lambda one: zone_of_replica(one.slot - first, zones))  # zone by zone, as they are drawn from
            ready = [one for one in ready if zone_of_replica(one.slot - first, zones) == home] or ready
        if kind in (ROUND_ROBIN, OWN):
            turn = int(self._counters[row]["turn"])
            self._counters[row]["turn"] += 1
            if kind == ROUND_ROBIN:
                return ready[round_robin_turn(turn, len(ready))]
            priority, first = int(self._tally.workloads[r.workload]["priority"]), int(self._counters[row]["first"])
            return self._own.choose_replica(
                self._rows[row], r, ready, first, turn, priority, self._traffic[r.workload], self._clock.now
            )
        if kind == RANDOM:
            return ready[drawn_index(key, r.request, r.draw, len(ready))]
        if kind == AFFINITY:
            content = r.tenant if self._rows[row].by == BY_TENANT else r.key
            if content != NO_KEY:
                return self._next_on_circle(row, ready, key_place(key, content % 2**64))
        if kind != LEAST_OUTSTANDING:
            assert kind in (POWER_OF_TWO, AFFINITY)
            ready = [ready[i] for i in drawn_pair(key, r.request, r.draw, len(ready))]
        return min(ready, key=lambda r: least_outstanding_key(r.outstanding, r.slot))

    def crosses(self, row: int, r: Request, replica: Replica) -> bool:
        """Whether a request is served in another zone than it comes from."""
        zone = zone_of_replica(replica.slot - int(self._counters[row]["first"]), self._rows[row].zones)
        return self._home(row, r) != zone

    def _home(self, row: int, r: Request) -> int:
        """The zone that a request comes from."""
        zones = self._rows[row].zones
        return 0 if zones == 1 else zone_of_request(self._traffic[r.workload].service_key, r.request, zones)

    def _next_on_circle(self, row: int, ready: list[Replica], place: float) -> Replica:
        """The first ready replica at or after a place on the circle that is not too busy for one request more; the
        least busy one where that is too far.
        """
        limit = load_limit(self._rows[row].load_bound, sum(r.outstanding for r in ready), len(ready))
        first = int(self._counters[row]["first"])
        circle = sorted((_place(r.slot - first, point), r.slot) for r in ready for point in range(POINTS))
        start = bisect_left(circle, (place, -1))
        of_slot = {r.slot: r for r in ready}
        around = [of_slot[slot] for _, slot in circle[start:] + circle[:start]][:MOST_STEPS]
        least_busy = min(ready, key=lambda r: least_outstanding_key(r.outstanding, r.slot))
        return next((r for r in around if r.outstanding < limit), least_busy)
