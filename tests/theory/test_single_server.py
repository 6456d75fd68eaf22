"""M/G/1 through the compiled engine: the mean wait is Pollaczek and Khinchine's, whatever the law of service."""

import math

import numpy as np
import pytest

from experiments.estimates import ratio
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.serving.batching import Batching
from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import NEVER
from sim.serving.rows import pool_row
from sim.serving.services import BatchTime, LinearService, QuantileTime, TableService
from sim.serving.steering import Steering, Traffic
from sim.serving.waiting import Queue
from sim.streams import Streams

TOLD = {"hardware": "test", "source": "test"}
MEAN_S, RHO = 1e-3, 0.7
REPLICATIONS, WARM_UP, REQUESTS = 30, 5_000, 40_000
QUANTILES = tuple(QuantileTime(quantile=q, time_s=t) for q, t in ((0.0, 1.0), (0.5, 2.0), (1.0, 5.0)))
EMPIRICAL_CV = math.sqrt((7 / 3 + 13) / 2 / 2.5**2 - 1)  # from 1 to 2 and from 2 to 5, each with probability 1/2


def linear(**keys):
    return LinearService(**{"base_s": 0.0, "per_item_s": MEAN_S, **TOLD, **keys})


SERVICES = {
    "M/D/1": (linear(), 0.0),
    "M/D/1 by table": (TableService(points=(BatchTime(batch=1, time_s=MEAN_S),), **TOLD), 0.0),
    "M/M/1": (linear(distribution="exponential"), 1.0),
    "lognormal": (linear(distribution="lognormal", cv=1.0), 1.0),
    "gamma, steadier than exponential": (linear(distribution="gamma", cv=0.5), 0.5),
    "gamma, wilder than exponential": (linear(distribution="gamma", cv=1.5), 1.5),
    "weibull, steadier than exponential": (linear(distribution="weibull", cv=0.5), 0.5),
    "weibull, wilder than exponential": (linear(distribution="weibull", cv=1.5), 1.5),
    "empirical": (linear(distribution="empirical", quantiles=QUANTILES), EMPIRICAL_CV),
    "sizes": (linear(base_s=0.4 * MEAN_S, per_item_s=0.6 * MEAN_S, size_cv=1.5), 0.9),
    # independent factors: the second moments multiply
    "sizes and a law": (
        linear(base_s=0.4 * MEAN_S, per_item_s=0.6 * MEAN_S, size_cv=1.5, distribution="gamma", cv=0.5),
        math.sqrt((1 + 0.9**2) * (1 + 0.5**2) - 1),
    ),
}


def waits(service, replication):
    """(seconds waited, requests) of one replication, without its warm-up of WARM_UP requests."""
    streams = Streams(1, replication)
    gaps = streams.generator("arrivals").exponential(MEAN_S * 1e9 / RHO, WARM_UP + REQUESTS)
    arrivals = np.cumsum(gaps).astype(np.int64)
    row = pool_row(service, Batching(), Queue(capacity=10_000_000), "shared_queue", 1)
    traffic = Traffic(streams.key("exposure"), streams.key("service"))
    plane = ExactPlane(Clock(), [row], [traffic], log=False)
    plane.steer(0, Steering(0, 1.0, NEVER // 4, 1))
    plane.ready(0)
    plane.offer(0, 0, arrivals, None, None)
    plane.advance(int(arrivals[WARM_UP - 1]), Rank.ARRIVAL)
    before_s = float(plane.workloads[0]["wait_sum_s"])
    plane.advance(int(arrivals[-1]) + 10**12, Rank.REVIEW)
    return float(plane.workloads[0]["wait_sum_s"]) - before_s, REQUESTS


@pytest.mark.parametrize("name", SERVICES)
def test_the_mean_wait_is_pollaczek_and_khinchines(name: str) -> None:
    service, cv = SERVICES[name]
    estimate = ratio(*zip(*(waits(service, r) for r in range(REPLICATIONS)), strict=True))

    exact = RHO * MEAN_S * (1 + cv**2) / (2 * (1 - RHO))

    assert abs(estimate.value - exact) < estimate.half_width(0.99), (estimate, exact)
