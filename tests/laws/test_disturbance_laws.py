"""Laws of storms over demand, for any storm: blocks do not matter, counts are what the curve says, nothing is lost."""

from datetime import datetime
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock.calendar import NS_PER_S, Calendar
from sim.streams import Streams
from sim.workload.attributes import Tenants, ZipfKeys
from sim.workload.block import Block
from sim.workload.disturbances import Batch, Surge
from sim.workload.disturbed import disturbed
from sim.workload.parameters import PoissonWorkload, Slo
from sim.workload.source import arrival_source

HOUR = 3600 * NS_PER_S
DAY = Calendar(datetime(2026, 1, 5), "UTC", 6 * HOUR)
COMMON: dict[str, Any] = {
    "timeout_s": 30.0, "slo": Slo(latency_s=5.0, share=0.99), "prompt_tokens": 100, "output_tokens": 10,
    "response_bytes": 2e3, "log_bytes": 1e3, "keys": ZipfKeys(catalogue=50), "tenants": Tenants(count=3),
}  # fmt: skip

spans = st.floats(0.0, 2000.0)
surges = st.builds(
    lambda start, factor, rise, hold, fall, spread, every: Surge(
        start_s=start, factor=factor, rise_s=rise, hold_s=hold, fall_s=fall, spread_s=spread,
        every_s=None if every is None else rise + hold + fall + every,
    ),
    st.floats(0.0, 20_000.0), st.floats(0.0, 20.0).filter(lambda f: f != 1.0), spans, st.floats(1.0, 2000.0), spans,
    st.floats(0.0, 600.0), st.none() | st.floats(1.0, 5000.0),
)  # fmt: skip
jobs = st.builds(
    lambda requests, hour, duration: Batch(requests=requests, hour=hour, duration_s=duration),
    st.integers(1, 3000), st.integers(0, 5), st.floats(1.0, 20_000.0),
)  # fmt: skip
storms = st.lists(surges | jobs, min_size=1, max_size=3)


def played(over: list[Surge | Batch], size: int, rate_per_s: float = 0.3, seed: int = 1) -> list[Block]:
    """All blocks of a day's arrivals with storms over them."""
    streams = Streams(seed)
    source = arrival_source(PoissonWorkload(rate_per_s=rate_per_s, **COMMON), "main", DAY, streams, size)
    return list(iter(disturbed(source, over, "main", DAY, streams, size).next_block, None))


def column(blocks: list[Block], name: str) -> np.ndarray:
    return np.concatenate([getattr(block, name) for block in blocks])


@settings(max_examples=40, deadline=None)
@given(over=storms, size=st.sampled_from([7, 100, 4096]))
def test_no_arrival_depends_on_how_they_are_cut_into_blocks(over, size):
    whole, cut = played(over, 65_536), played(over, size)
    for name in ("arrival_ns", "key", "tenant"):
        assert column(whole, name).tobytes() == column(cut, name).tobytes()


@settings(max_examples=40, deadline=None)
@given(over=storms, size=st.sampled_from([50, 65_536]))
def test_blocks_are_those_of_any_source(over, size):
    # ids count from 0 on, times ascend within the ends, no block is too large, the last one reaches the horizon
    blocks, request, before = played(over, size), 0, 0
    for block in blocks:
        assert block.first_id == request
        assert block.arrival_ns.size <= size
        assert (np.diff(block.arrival_ns, prepend=before) >= 0).all()
        assert block.arrival_ns.size == 0 or block.arrival_ns[-1] <= block.until_ns
        request, before = request + block.arrival_ns.size, block.until_ns
    assert before == DAY.horizon_ns
    assert column(blocks, "arrival_ns").size == 0 or column(blocks, "arrival_ns")[-1] < DAY.horizon_ns


def expected(surge: Surge, t_s: np.ndarray) -> np.ndarray:
    """The factor at each time, by hand: through the corners of the trapezium."""
    since = t_s - surge.start_s
    if surge.every_s is not None:
        since = np.where(since >= 0, since % surge.every_s, since)
    corners = np.cumsum([0.0, surge.rise_s, surge.hold_s, surge.fall_s])
    return np.interp(since, corners, [1.0, surge.factor, surge.factor, 1.0])


@settings(max_examples=40, deadline=None)
@given(surge=surges, seed=st.integers(0, 99))
def test_a_surge_makes_of_the_base_what_its_factor_says(surge, seed):
    # given the base's requests, each becomes floor(f) or ceil(f) with mean f: a sum of independent Bernoulli draws
    surge = surge.model_copy(update={"spread_s": 0.0})
    base = column(played([Batch(requests=1, hour=0, duration_s=1e-9)], 65_536, 2.0, seed), "arrival_ns")[1:]
    factor = expected(surge, base / NS_PER_S)
    got = column(played([surge], 65_536, 2.0, seed), "arrival_ns").size
    part = factor % 1.0
    spread = np.sqrt((part * (1.0 - part)).sum())
    # 6 standard deviations and a request or two at the steps: misses by chance once in 1e8
    assert abs(got - factor.sum()) <= 6.0 * spread + 3 * surge.factor + 3


@settings(max_examples=20, deadline=None)
@given(factor=st.floats(0.0, 8.0).filter(lambda f: f != 1.0), seed=st.integers(0, 10_000))
def test_the_count_is_the_integral_of_factor_times_rate(factor, seed):
    # given a Poisson base of rate r over T, with factor f throughout: mean f r T, variance r T E[m ** 2], where m is f
    # rounded at random (a compound Poisson sum)
    surge = Surge(start_s=0.0, factor=factor, rise_s=0.0, hold_s=6 * 3600.0, fall_s=0.0, spread_s=0.0)
    got = column(played([surge], 65_536, 1.0, seed), "arrival_ns").size
    low = np.floor(factor)
    square = low**2 * (1 - (factor - low)) + (low + 1) ** 2 * (factor - low)
    # 6 standard deviations, twice in 1e9
    assert abs(got - factor * 21_600) <= 6.0 * np.sqrt(21_600 * square) + 1


@settings(max_examples=20, deadline=None)
@given(one=surges, other=surges)
def test_a_storm_that_is_over_moves_nothing_after_it(one, other):
    # given two storms alone, and the first one alone, when neither reaches the other
    first = one.model_copy(update={"start_s": 100.0, "every_s": None})
    second = other.model_copy(update={"start_s": 100.0 + first.length_s + first.spread_s + 1.0, "every_s": None})
    both, alone = (column(played(over, 65_536), "arrival_ns") for over in ([first, second], [first]))
    # then the second one's begin is the first time at which they differ
    until = round(second.start_s * NS_PER_S)
    assert np.array_equal(both[both < until], alone[alone < until])
    # and after the second one's end nothing tells whether it has been
    after = round((second.start_s + second.length_s + second.spread_s + 1.0) * NS_PER_S)
    assert np.array_equal(both[both >= after], alone[alone >= after])


@settings(max_examples=20, deadline=None)
@given(job=jobs)
def test_a_job_adds_its_requests_and_moves_no_other(job):
    calm = column(played([Batch(requests=1, hour=5, duration_s=3e4)], 65_536), "arrival_ns")
    with_job = column(played([job], 65_536), "arrival_ns")
    inside = job.requests * min(1.0, (6 - job.hour) * 3600 / job.duration_s)
    # the part of it before the horizon, to the one request that the horizon may cut off
    assert abs(with_job.size - (calm.size - 1) - inside) <= 2
    assert np.isin(calm, with_job).sum() >= calm.size - 1
