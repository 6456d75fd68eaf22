"""What the control plane may ask of a data plane, and how its counters are read.

Two engines keep this meaning: `sim.serving.exact` (compiled) and `sim.serving.reference` (one SimPy process a request).
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.serving.steering import Steering

_WORD = (1 << 64) - 1


class Areas:
    """Time integrals (count x ns) of what is going on, from the wrapped sums of `sim.serving.kernels.state`.

    Each is read often enough that it grows by less than 2**64 in between (once a day at the least: with fewer than
    200,000 requests or replicas going on all day), and so may outgrow 64 bits itself.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], tuple[int, int]] = {}

    def upto(self, what: tuple[str, int], n: int, flow: int, t_ns: int) -> int:
        """The integral up to `t_ns` of something of which `n` are going on and whose flow is `flow`."""
        wrapped = (int(n) * t_ns - int(flow)) & _WORD
        last, total = self._seen.get(what, (0, 0))
        total += (wrapped - last) & _WORD
        self._seen[what] = (wrapped, total)
        return total


class Plane(Protocol):
    """The request path between two control events.

    workloads, rows: structured arrays of counters (`sim.serving.kernels.state`), read by the recorder.
    on_drained: called with a slot at the instant its draining replica has run empty; on_woken: called with a row that
    is armed, after all arrivals of the instant at which the first request asked it to be served.
    """

    on_drained: Callable[[int], None]
    on_woken: Callable[[int], None]

    @property
    def workloads(self) -> NDArray[Any]:
        """Counters by workload."""

    @property
    def rows(self) -> NDArray[Any]:
        """Counters by row."""

    def offer(
        self, w: int, first_id: int, arrival_ns: NDArray[np.int64], prompt: NDArray[np.int32] | None,
        output: NDArray[np.int32] | None, key: NDArray[np.int64] | None = None,
        tenant: NDArray[np.int32] | None = None,
    ) -> None:  # fmt: skip
        """Hand over the workload's next arrivals (sorted, not before any handed over earlier).

        key: of each request's content, None where no two are alike; tenant: None where there is but one, 0. Raises
        ValueError for a tenant beyond `Traffic.tenants`.
        """

    def advance(self, until_ns: int, through_rank: int) -> bool:
        """Play all request events up to (until_ns, through_rank); False when a control event came up before that."""

    def ready(self, slot: int) -> None:
        """The slot's new replica takes requests from now on."""

    def drain(self, slot: int) -> bool:
        """The slot's replica takes no more requests; True when it is empty already."""

    def fail(self, slot: int) -> None:
        """The slot's replica, ready or draining, dies: its slot is free, and `on_drained` will not tell of it.

        Those queued at it or in service there fail now, but for those whose deadline (or patience, in the queue) has
        passed, who have timed out. A call's attempt fails with any of its shards of which no other copy is left. Who
        waits in a shared queue goes on waiting. Nothing happens where the slot is free already.
        """

    def open(self, row: int) -> None:
        """Arrivals may come to this row, again perhaps."""

    def close(self, row: int) -> None:
        """No more arrivals will come to this row."""

    def arm(self, row: int, on: bool) -> None:
        """Whether the next request that asks a row to be served is told of, once, by `on_woken`; not those of an API.

        Nothing else happens to the request: it waits in a shared queue, or is refused where no replica is ready. A
        wake-up that is due at this very instant still comes.
        """

    def expire(self, row: int) -> None:
        """Drop from a row's shared queue those who have timed out; for a row that no replica serves any more."""

    def steer(self, w: int, steering: Steering) -> None:
        """Set what happens to a workload's requests from now on.

        Token buckets keep what they hold; a cache keeps as many entries as there is room for, those that it would evict
        go first, but none where `forgets` says so. Raises ValueError for more entries than `Traffic.cache_entries`.
        """

    def empty_cache(self, w: int) -> None:
        """Throw away all answers of a workload's cache: a new model gives others."""

    def scrape(self, row: int, sample: NDArray[np.int64]) -> None:
        """Fill [slots + 1, FIELDS], see `sim.record.scrape`."""

    def look_ahead(self, row: int, first_ns: int, interval_ns: int, samples: NDArray[np.int64]) -> bool:
        """Play on to len(samples) scrapes of a row, the first at `first_ns`, with no control event in between.

        False, and nothing has happened, where that cannot be done. What was played stands unless `go_back` follows.
        """

    def go_back(self, t_ns: int) -> None:
        """Be at `t_ns`, just before the scrapes of that instant, instead of where the last `look_ahead` led."""

    def take_histogram(self, w: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Non-empty latency buckets and their counts since the last call."""

    def take_row_histogram(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Non-empty buckets of the times of visits to a row, and their counts, since the last call."""

    def take_log(self) -> NDArray[Any]:
        """Log entries since the last call (dtype LOG), of the share of requests that the log keeps."""

    def finish(self, end_ns: int) -> float:
        """The horizon: whoever is still in the system has timed out by now or stays in the system.

        Returns the seconds that those who stay have spent there, all together.
        """
