"""Routing beside its closed forms: random is independent M/M/1, the better of two is the supermarket model.

Each estimate is held against its own interval: means of independent replications, Student's t at 99.9 %.
"""

import numpy as np
import pytest

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.record.scrape import QUEUED, SERVING
from sim.serving.batching import Batching
from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import NEVER
from sim.serving.rows import pool_row
from sim.serving.services import LinearService
from sim.serving.steering import Steering, Traffic
from sim.serving.waiting import Queue
from sim.streams import Streams

REPLICATIONS = 6
T_999 = 6.869  # Student's t, 5 degrees of freedom, two-sided 99.9 %
MEAN_NS = 10_000
MOST = 5  # requests at a replica up to which the tails are judged: more are too rare to be seen


def tails(routing: str, load: float, replicas: int, per_replica: int, replication: int) -> np.ndarray:
    """Shares of replicas with at least 0, 1, 2, ... requests, over snapshots of the second half of a run.

    per_replica: arrivals in all, a replica.
    """
    streams, clock = Streams(11, replication), Clock()
    service = LinearService(
        base_s=0.0, per_item_s=MEAN_NS * 1e-9, distribution="exponential", hardware="test", source="test"
    )
    row = pool_row(service, Batching(), Queue(capacity=10_000), routing, replicas)
    plane = ExactPlane(clock, [row], [Traffic(streams.key("exposure/a"), streams.key("service/a"))], log=False)
    plane.steer(0, Steering(0, 1.0, NEVER // 4, NEVER // 4))
    for slot in range(replicas):
        plane.ready(slot)
    n = replicas * per_replica
    gaps = streams.generator("gaps").exponential(MEAN_NS / (load * replicas), n)
    arrival_ns = np.cumsum(gaps).astype(np.int64)
    plane.offer(0, 0, arrival_ns, None, None)
    end_ns, seen, sample = int(arrival_ns[-1]), [], np.zeros((row.slots + 1, 5), np.int64)

    def look() -> None:
        plane.scrape(0, sample)
        seen.append(sample[:replicas, QUEUED] + sample[:replicas, SERVING])

    for t in np.linspace(end_ns / 2, end_ns, 200, endpoint=False).astype(np.int64).tolist():
        clock.call_at(t, Rank.SCRAPE, look)
    clock.play(plane.advance, clock.at(end_ns, Rank.REVIEW))
    held = np.concatenate(seen)
    return np.array([(held >= k).mean() for k in range(MOST + 1)])


def interval(routing: str, load: float, replicas: int, per_replica: int) -> tuple[np.ndarray, np.ndarray]:
    """(mean, half width of its interval) of the tails over the replications."""
    found = np.array([tails(routing, load, replicas, per_replica, r) for r in range(REPLICATIONS)])
    return found.mean(axis=0), T_999 * found.std(axis=0, ddof=1) / REPLICATIONS**0.5


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_random_routing_is_an_mm1_queue_at_each_replica(load):
    mean, half = interval("random", load, 64, 1500)
    geometric = load ** np.arange(MOST + 1)
    assert (np.abs(mean - geometric) <= half + 1e-12).all(), (mean, geometric, half)


@pytest.mark.parametrize("load", [0.7, 0.9])
def test_the_better_of_two_is_the_supermarket_model(load):
    """Fixed point of Mitzenmacher (2001), equation 3: a share load^(2^k - 1) of replicas holds at least k requests.

    It is the limit of many replicas, which 2,048 are close to: what they are off by lies inside the interval.
    """
    mean, half = interval("power_of_two", load, 2048, 200)
    fixed_point = load ** (2.0 ** np.arange(MOST + 1) - 1)
    assert (np.abs(mean - fixed_point) <= half + 1e-12).all(), (mean, fixed_point, half)
