"""What a data plane is: the layout it is built from, and what the control plane may ask of it.

Two engines keep this meaning: `sim.serving.exact` (compiled) and `sim.serving.reference` (one SimPy process a request).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.serving.discipline.service import DISTRIBUTIONS, LOGNORMAL
from sim.serving.kernels.state import API, LEAST_OUTSTANDING, ROUND_ROBIN, SHARED_QUEUE, leaves_for
from sim.serving.parameters import Api, Batching, LinearService, Queue

_WORD = (1 << 64) - 1
ROUTINGS = {"least_outstanding": LEAST_OUTSTANDING, "round_robin": ROUND_ROBIN, "shared_queue": SHARED_QUEUE}


@dataclass(frozen=True)
class Row:
    """One kind of service: a pool as one phase configures it, or a hosted API.

    kind: API, LEAST_OUTSTANDING, ROUND_ROBIN or SHARED_QUEUE; slots: places for replicas; capacity: of each queue;
    mean_ns: [max_batch + 1] mean service time by batch size; sigma: of the logarithm of a lognormal factor.
    """

    kind: int
    slots: int
    max_batch: int
    delay_ns: int
    capacity: int
    mean_ns: NDArray[np.float64]
    distribution: int
    sigma: float


@dataclass(frozen=True)
class Traffic:
    """One workload as the data plane knows it: the keys of its draws."""

    exposure_key: np.uint64
    service_key: np.uint64


def pool_row(service: LinearService, batching: Batching, queue: Queue, routing: str, slots: int) -> Row:
    """The row of a self-run pool with room for `slots` replicas (rounded up to a power of two)."""
    sizes = np.arange(batching.max_batch_size + 1)
    mean_ns = np.array([service.mean_s(int(b)) for b in sizes]) * 1e9
    return Row(
        kind=ROUTINGS[routing],
        slots=leaves_for(slots),
        max_batch=batching.max_batch_size,
        delay_ns=round(batching.max_queue_delay_s * 1e9),
        capacity=queue.capacity,
        mean_ns=mean_ns,
        distribution=DISTRIBUTIONS[service.distribution],
        sigma=float(np.sqrt(np.log1p(service.cv**2))),
    )


def api_row(api: Api) -> Row:
    """The row of a hosted API: every request is served at once, for a lognormal time."""
    sigma2 = float(np.log1p(api.latency.cv**2))
    mean_ns = api.latency.median_s * 1e9 * float(np.exp(sigma2 / 2))
    return Row(API, 0, 1, 0, 0, np.array([0.0, mean_ns]), LOGNORMAL, sigma2**0.5)


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
    on_drained: called with a slot at the instant its draining replica has run empty.
    """

    on_drained: Callable[[int], None]

    @property
    def workloads(self) -> NDArray[Any]:
        """Counters by workload."""

    @property
    def rows(self) -> NDArray[Any]:
        """Counters by row."""

    def offer(
        self, w: int, first_id: int, arrival_ns: NDArray[np.int64], prompt: NDArray[np.int32] | None,
        output: NDArray[np.int32] | None,
    ) -> None:  # fmt: skip
        """Hand over the workload's next arrivals (sorted, not before any handed over earlier)."""

    def advance(self, until_ns: int, through_rank: int) -> bool:
        """Play all request events up to (until_ns, through_rank); False when a control event came up before that."""

    def ready(self, slot: int) -> None:
        """The slot's new replica takes requests from now on."""

    def drain(self, slot: int) -> bool:
        """The slot's replica takes no more requests; True when it is empty already."""

    def open(self, row: int) -> None:
        """Arrivals may come to this row, again perhaps."""

    def close(self, row: int) -> None:
        """No more arrivals will come to this row."""

    def expire(self, row: int) -> None:
        """Drop from a row's shared queue those who have timed out; for a row that no replica serves any more."""

    def steer(self, w: int, row: int, exposure: float, timeout_ns: int, slo_ns: int) -> None:
        """Set where a workload's requests go and how they are judged, from now on."""

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

    def take_log(self) -> NDArray[Any]:
        """Log entries since the last call (dtype LOG)."""

    def finish(self, end_ns: int) -> float:
        """The horizon: whoever is still in the system has timed out by now or stays in the system.

        Returns the seconds that those who stay have spent there, all together.
        """
