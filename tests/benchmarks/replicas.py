"""Nanoseconds a request at 10 to 10,000 replicas, by routing: what a router costs may grow with the logarithm at most.

The exact plane alone, without arrival processes, scrapes and ledger: exponential service at utilisation 0.7, Zipf-like
keys, kernels warm, the least of some turns. Beyond a thousand replicas the state outgrows the processor's caches, for
every routing alike.
"""

from time import perf_counter

import numpy as np

LIMITS: dict[str, tuple[str, float]] = {}
ROUTINGS = ("least_outstanding", "round_robin", "shared_queue", "random", "power_of_two", "affinity")
REPLICAS = (10, 100, 1_000, 10_000)
REQUESTS, TURNS = 1_000_000, 3
LOAD, MEAN_NS = 0.7, 1_000_000


def measure() -> dict[str, float]:
    """For each routing: ns a request with so many replicas, and the ratio to that with the fewest."""
    figures = {}
    for routing in ROUTINGS:
        _turn(routing, 10, 1000)
        spent = [min(_turn(routing, n, REQUESTS) for _ in range(TURNS)) for n in REPLICAS]
        figures |= {f"{routing}_{n}_ns": ns for n, ns in zip(REPLICAS, spent, strict=True)}
        figures |= {f"{routing}_{n}_over_10": ns / spent[0] for n, ns in zip(REPLICAS[1:], spent[1:], strict=True)}
    return figures


def _turn(routing: str, replicas: int, requests: int) -> float:
    """Nanoseconds of wall time a request, of all that arrive."""
    from sim.clock.environment import Clock
    from sim.clock.ranks import Rank
    from sim.serving.batching import Batching
    from sim.serving.exact import ExactPlane
    from sim.serving.kernels.state import NEVER
    from sim.serving.routing import Affinity
    from sim.serving.rows import pool_row
    from sim.serving.services import LinearService
    from sim.serving.steering import Steering, Traffic
    from sim.serving.waiting import Queue
    from sim.streams import Streams

    streams, draws = Streams(5), np.random.default_rng(5)
    service = LinearService(base_s=0, per_item_s=MEAN_NS * 1e-9, distribution="exponential", hardware="none", source="")
    row = pool_row(
        service, Batching(), Queue(capacity=10_000), Affinity() if routing == "affinity" else routing, replicas
    )
    plane = ExactPlane(Clock(), [row], [Traffic(streams.key("exposure/a"), streams.key("service/a"))], log=False)
    plane.steer(0, Steering(0, 1.0, NEVER // 4, NEVER // 4))
    for slot in range(replicas):
        plane.ready(slot)
    arrival_ns = np.cumsum(draws.exponential(MEAN_NS / (LOAD * replicas), requests)).astype(np.int64)
    keys = (draws.pareto(1.0, requests) * 100).astype(np.int64)
    plane.offer(0, 0, arrival_ns, None, None, keys)
    begun = perf_counter()
    plane.advance(int(arrival_ns[-1]), Rank.REVIEW)
    return (perf_counter() - begun) * 1e9 / requests
