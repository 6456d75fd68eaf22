"""The reference engine's reception: token buckets, and response caches (see `sim.serving.stores`)."""

from typing import Any

from numpy.typing import NDArray

from sim.clock.environment import Clock
from sim.serving.discipline.admission import conforms, next_due
from sim.serving.discipline.caching import (
    MISS,
    PER_REPLICA,
    SEMANTIC,
    SHARED,
    WRONG,
    draw_answer_bytes,
    draw_recognised,
)
from sim.serving.entities import Call, Request
from sim.serving.kernels.state import NO_KEY
from sim.serving.steering import Steering, Traffic, forgets
from sim.serving.stores import Limits, Store, keep, looked_up, new_store
from sim.streams import Purpose

_FOR_ALL = -1  # place of the cache that is no replica's own


class Reception:
    """Who is let in, and who is answered at once. workloads: counters, which hold the present limits."""

    def __init__(self, clock: Clock, workloads: NDArray[Any], traffic: list[Traffic]) -> None:
        self._clock, self._workloads, self._traffic = clock, workloads, traffic
        self._due_ns = [[0] * t.tenants for t in traffic]
        self._stores: list[dict[int, Store]] = [{} for _ in traffic]  # by slot, or for all

    def admits(self, w: int, tenant: int) -> bool:
        """Whether the tenant's bucket has a token, which is then taken; without buckets everyone is let in."""
        now, due_ns, wl = self._clock.now, self._due_ns[w], self._workloads[w]
        if wl["token_ns"] == 0:
            return True
        if not conforms(now, due_ns[tenant], int(wl["ahead_ns"])):
            return False
        due_ns[tenant] = next_due(now, due_ns[tenant], int(wl["token_ns"]))
        return True

    def answers(self, r: Request | Call) -> bool:
        """Whether the cache answers that is asked before the router."""
        wl = self._workloads[r.workload]
        if wl["cache_kind"] == SEMANTIC:
            key, purpose = self._traffic[r.workload].service_key, int(Purpose.SEMANTIC)
            hit, wrong = float(wl["semantic_hit"]), float(wl["semantic_wrong"])
            outcome = draw_recognised(hit, wrong, key, r.request, purpose)
            wl["wrong_hit"] += int(outcome == WRONG)
            return bool(outcome != MISS)
        return bool(wl["cache_kind"] == SHARED) and self._looked_up(r, _FOR_ALL)

    def replica_answers(self, r: Request, slot: int) -> bool:
        """Whether the chosen replica has a cache of its own that answers."""
        return bool(self._workloads[r.workload]["cache_kind"] == PER_REPLICA) and self._looked_up(r, slot)

    def _looked_up(self, r: Request | Call, place: int) -> bool:
        store = self._stores[r.workload].get(place)
        if store is None or r.key == NO_KEY:
            return False
        found = looked_up(store, r.key, self._clock.now, int(self._workloads[r.workload]["ttl_ns"]))
        self._count(r.workload)
        return found

    def remember(self, r: Request) -> None:
        """A served request's answer is kept, by the replica that gave it where each has a cache of its own."""
        wl, stores = self._workloads[r.workload], self._stores[r.workload]
        place = r.slot if wl["cache_kind"] == PER_REPLICA else _FOR_ALL
        own_and_by_api = wl["cache_kind"] == PER_REPLICA and r.slot < 0
        if r.key == NO_KEY or not wl["cache_entries"] or own_and_by_api:
            return
        weight = 1
        if wl["cache_bytes"]:
            key, purpose = self._traffic[r.workload].service_key, int(Purpose.ENTRY_BYTES)
            weight = draw_answer_bytes(float(wl["entry_bytes"]), float(wl["entry_sigma"]), key, r.key, purpose)
        store = stores.setdefault(place, new_store(int(wl["eviction"])))
        keep(store, r.key, self._clock.now, weight, self._limits(r.workload))
        self._count(r.workload)

    def before_steering(self, w: int, steering: Steering) -> None:
        """New terms come: some make a workload's caches lose all that they hold."""
        if forgets(self._workloads[w], steering):
            self.empty(w)

    def fit(self, w: int) -> None:
        """Throw answers away until each of a workload's caches holds no more than it may."""
        for store in self._stores[w].values():
            store.fit(self._limits(w))
        self._count(w)

    def empty(self, w: int) -> None:
        """Throw away all answers of a workload."""
        self._stores[w] = {}
        self._count(w)

    def begin_replica(self, slot: int) -> None:
        """A new replica starts in a slot: its caches are cold."""
        for w, stores in enumerate(self._stores):
            stores.pop(slot, None)
            self._count(w)

    def _limits(self, w: int) -> Limits:
        return Limits(int(self._workloads[w]["cache_entries"]), int(self._workloads[w]["cache_bytes"]))

    def _count(self, w: int) -> None:
        self._workloads[w]["cache_live"] = sum(len(store) for store in self._stores[w].values())
