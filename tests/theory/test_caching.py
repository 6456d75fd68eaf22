"""Known answers of caching: Che's approximation of LRU, and the best that any cache can do."""

import numpy as np
import pytest

from sim.analysis.caching import che_hit_ratio, zipf
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.serving.discipline.caching import LFU, LRU, S3FIFO
from sim.serving.exact import ExactPlane
from sim.serving.parameters import Api, ApiLatency
from sim.serving.rows import api_row
from sim.serving.steering import Steering, Traffic
from sim.streams import Streams

KEYS, N, WARM_UP = 10_000, 400_000, 100_000
WITHIN = 0.005  # experiments/x_che: what the approximation is good for


def hit_ratio(exponent, **terms):
    """Share of independent Zipf requests that a cache answers after its warm-up, each answer there for the next."""
    popularity = zipf(KEYS, exponent)
    keys = np.random.default_rng(5).choice(KEYS, N, p=popularity).astype(np.int64)
    api = Api(
        name="test", latency=ApiLatency(median_s=4e-9, cv=0.0), request_usd=0.0, prompt_usd_per_mtok=0.0,
        output_usd_per_mtok=0.0, source="test",
    )  # fmt: skip
    clock, streams = Clock(), Streams(1)
    traffic = [Traffic(streams.key("exposure/main"), streams.key("service/main"), 1, KEYS, cache_ghosts=True)]
    plane = ExactPlane(clock, [api_row(api)], traffic, log=False)
    plane.steer(0, Steering(0, 1.0, 10**12, 10**12, **terms))
    plane.offer(0, 0, np.arange(N, dtype=np.int64) * 10, None, None, keys)
    plane.advance(WARM_UP * 10, int(Rank.ARRIVAL))
    before = int(plane.workloads[0]["hit"])
    plane.advance(N * 10, int(Rank.REVIEW))
    return (int(plane.workloads[0]["hit"]) - before) / (N - WARM_UP)


@pytest.mark.parametrize(("exponent", "capacity"), [(0.8, 100), (0.8, 1000), (1.0, 1000), (1.2, 100)])
def test_lru_is_as_che_says(exponent, capacity):
    che = che_hit_ratio(zipf(KEYS, exponent), capacity)

    assert abs(hit_ratio(exponent, cache_entries=capacity, eviction=LRU) - che) < WITHIN


@pytest.mark.parametrize("eviction", [LFU, S3FIFO], ids=["lfu", "s3fifo"])
@pytest.mark.parametrize("exponent", [0.8, 1.0, 1.2])
def test_what_counts_uses_lies_between_lru_and_the_most_popular(eviction, exponent):
    # requests that do not hang on each other are best answered by the most popular keys, whose share is the limit
    popularity = zipf(KEYS, exponent)
    best, che = float(popularity[:1000].sum()), che_hit_ratio(popularity, 1000)

    ratio = hit_ratio(exponent, cache_entries=1000, eviction=eviction)

    deviation = 3.9 * np.sqrt(best * (1 - best) / (N - WARM_UP))  # 99.99 % of a binomial's draws
    assert che < ratio < best + deviation


def test_a_memory_in_bytes_holds_as_many_answers_of_independent_sizes_as_fit_of_the_mean():
    # popularity and size are independent, and leaving has no regard to size: Che's entries are the mean number held
    che = che_hit_ratio(zipf(KEYS, 1.0), 1000)

    ratio = hit_ratio(1.0, cache_entries=4000, cache_bytes=10**9, entry_bytes=1e6, entry_sigma=0.3)

    assert abs(ratio - che) < 2 * WITHIN  # Che's, and the mean of some thousand sizes
