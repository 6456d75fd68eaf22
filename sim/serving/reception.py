"""The reference engine's reception: token buckets, and response caches that are ordered dictionaries."""

from collections import OrderedDict
from typing import Any

from numpy.typing import NDArray

from sim.clock.environment import Clock
from sim.serving.discipline.admission import conforms, next_due
from sim.serving.discipline.caching import is_fresh
from sim.serving.kernels.state import NO_KEY
from sim.serving.plane import Traffic


class Reception:
    """Who is let in, and who is answered at once. workloads: counters, which hold the present limits."""

    def __init__(self, clock: Clock, workloads: NDArray[Any], traffic: list[Traffic]) -> None:
        self._clock, self._workloads = clock, workloads
        self._due_ns = [[0] * t.tenants for t in traffic]
        # when each answer was inserted, by content key, the least recently used first
        self._inserted_ns: list[OrderedDict[int, int]] = [OrderedDict() for _ in traffic]

    def admits(self, w: int, tenant: int) -> bool:
        """Whether the tenant's bucket has a token, which is then taken; without buckets everyone is let in."""
        now, due_ns, wl = self._clock.now, self._due_ns[w], self._workloads[w]
        if wl["token_ns"] == 0:
            return True
        if not conforms(now, due_ns[tenant], int(wl["ahead_ns"])):
            return False
        due_ns[tenant] = next_due(now, due_ns[tenant], int(wl["token_ns"]))
        return True

    def answers(self, w: int, key: int) -> bool:
        """Whether the cache holds a fresh answer, which is now the most recently used; one that is not fresh goes."""
        wl, inserted_ns = self._workloads[w], self._inserted_ns[w]
        if key not in inserted_ns:
            return False
        fresh = is_fresh(inserted_ns[key], self._clock.now, int(wl["ttl_ns"]))
        if fresh:
            inserted_ns.move_to_end(key)
        else:
            del inserted_ns[key]
            wl["cache_live"] = len(inserted_ns)
        return fresh

    def remember(self, w: int, key: int) -> None:
        """The answer to a request of workload w is kept as the most recently used."""
        if key != NO_KEY:
            inserted_ns = self._inserted_ns[w]
            inserted_ns[key] = self._clock.now
            inserted_ns.move_to_end(key)
            self.fit(w)

    def fit(self, w: int) -> None:
        """Throw away the least recently used until the cache holds no more than it may."""
        self._shrink(w, int(self._workloads[w]["cache_entries"]))

    def empty(self, w: int) -> None:
        """Throw away all answers of a workload."""
        self._shrink(w, 0)

    def _shrink(self, w: int, entries: int) -> None:
        inserted_ns = self._inserted_ns[w]
        while len(inserted_ns) > entries:
            inserted_ns.popitem(last=False)
        self._workloads[w]["cache_live"] = len(inserted_ns)
