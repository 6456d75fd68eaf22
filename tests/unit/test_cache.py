"""The response cache: least recently used goes first, answers grow old, a hit ends at once; and what may be typed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sim.analysis.caching import che_hit_ratio, zipf
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.record.histogram import bucket_of
from sim.serving.admission import Cache, LruCache
from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import COMPLETED, HIT, NEVER, TIMED_OUT
from sim.serving.parameters import Api, ApiLatency
from sim.serving.reference import ReferencePlane
from sim.serving.rows import api_row
from sim.serving.steering import Steering, Traffic
from sim.streams import Streams

STEP, SERVICE, HOUR = 10, 4, 3600 * 10**9  # ns: between two arrivals, and of an answer by the API
BOTH = pytest.mark.parametrize("engine", [ExactPlane, ReferencePlane])


class World:
    """Requests for keys, one every 10 ns, served by an API within 4 ns, so that each answer is there for the next."""

    def __init__(self, engine, keys, most=8, timeout_ns=HOUR, slo_ns=HOUR):
        self.clock, streams = Clock(), Streams(1)
        latency = ApiLatency(median_s=SERVICE * 1e-9, cv=0.0)
        api = Api(
            name="test", latency=latency, request_usd=0.0, prompt_usd_per_mtok=0.0, output_usd_per_mtok=0.0,
            source="test",
        )  # fmt: skip
        traffic = [Traffic(streams.key("exposure/main"), streams.key("service/main"), cache_entries=most)]
        self.plane = engine(self.clock, [api_row(api)], traffic, log=True)
        self.arrivals = np.arange(1, len(keys) + 1, dtype=np.int64) * STEP
        self.keys, self.timeout_ns, self.slo_ns = np.array(keys, np.int64), timeout_ns, slo_ns

    def cached(self, entries, before=0, **more):
        """From before the request of this number on, the cache may hold so many."""
        steering = Steering(0, 1.0, self.timeout_ns, self.slo_ns, cache_entries=entries, **more)
        self.at(before, lambda: self.plane.steer(0, steering))
        return self

    def at(self, before, action):
        """Do this before the request of that number arrives."""
        self.clock.call_at(before * STEP + STEP // 2, Rank.PHASE, action, before)
        return self

    def outcomes(self):
        """How each request ended."""
        self.clock.call_at(0, Rank.CLOSE, lambda: self.plane.offer(0, 0, self.arrivals, None, None, self.keys))
        self.clock.play(self.plane.advance, self.clock.at(int(self.arrivals[-1]) + STEP, Rank.REVIEW))
        self.log = self.plane.take_log()
        self.log = self.log[np.argsort(self.log["request"])]
        assert len(self.log) == len(self.keys)
        assert (self.log["outcome"] == HIT).sum() == self.plane.workloads[0]["hit"]
        return self.log["outcome"].tolist()

    def hits(self):
        """Whether each request was answered by the cache."""
        return [outcome == HIT for outcome in self.outcomes()]


def listed(keys, entries, ttl_ns):
    """The same by a plain list, the least recently used first."""
    held, hits = [], []
    for i, key in enumerate(keys, 1):
        found = next((entry for entry in held if entry[0] == key), None)
        fresh = found is not None and i * STEP - found[1] < ttl_ns
        if found is not None:
            held.remove(found)
        held.append(found if fresh else (key, i * STEP + SERVICE))
        held = held[-entries:]
        hits.append(fresh)
    return hits


@settings(deadline=None)
@given(
    st.lists(st.integers(-3, 12), min_size=1, max_size=150), st.integers(1, 8),
    st.sampled_from([NEVER, 5, 6, 7, 16, 17, 60, 200]),
)  # fmt: skip
def test_a_cache_answers_exactly_what_a_plain_list_answers(keys, entries, ttl_ns):
    assert World(ExactPlane, keys).cached(entries, ttl_ns=ttl_ns).hits() == listed(keys, entries, ttl_ns)


def test_a_large_cache_of_far_flung_keys_holds_the_last_distinct_ones():
    draw = np.random.default_rng(1)
    keys = draw.choice(draw.integers(-(2**62), 2**62, 3000), 20_000)

    hits = World(ExactPlane, keys, most=1000).cached(1000).hits()

    last, expected = {}, []
    for key in keys.tolist():  # an ordered dictionary: the first is the least recently used
        expected.append(last.pop(key, None) is not None)
        last[key] = True
        if len(last) > 1000:
            del last[next(iter(last))]
    assert hits == expected
    assert 0.2 < np.mean(hits) < 0.4  # a third of 3,000 keys, equally popular


@BOTH
def test_a_hit_ends_at_once_and_is_no_work_for_anybody(engine):
    world = World(engine, [7, 7, 7], slo_ns=3).cached(1, hit_ns=3)

    assert world.outcomes() == [COMPLETED, HIT, HIT]

    c = world.plane.workloads[0]
    assert (c["offered"], c["hit"], c["completed"], c["api_calls"]) == (3, 2, 1, 1)
    assert c["good"] == 2  # hits within the 3 ns, the answer of the API is not
    assert c["latency_sum_s"] == pytest.approx(SERVICE * 1e-9)
    hit = world.log[1]
    assert (hit["start_ns"], hit["end_ns"], hit["slot"], hit["batch"]) == (20, 23, -1, 0)
    buckets, counts = world.plane.take_histogram(0)
    assert dict(zip(buckets.tolist(), counts.tolist(), strict=True)) == {bucket_of(3): 2, bucket_of(SERVICE): 1}


@BOTH
def test_a_hit_does_not_renew_an_answer_but_serving_it_again_does(engine):
    # inserted at 14; asked for at 20, 30 and 40 (26 ns old, too old); inserted anew at 44
    assert World(engine, [7] * 6).cached(1, ttl_ns=26).hits() == [False, True, True, False, True, True]


@BOTH
def test_an_answer_that_came_too_late_for_its_client_is_kept_for_the_next(engine):
    world = World(engine, [7, 7], timeout_ns=2).cached(1)

    assert world.outcomes() == [TIMED_OUT, HIT]


@BOTH
def test_emptied_by_a_deploy_it_answers_nothing(engine):
    world = World(engine, [1, 2, 1, 2, 1, 2]).cached(2)
    world.at(4, lambda: world.plane.empty_cache(0))

    assert world.hits() == [False, False, True, True, False, False]
    assert world.plane.workloads[0]["cache_live"] == 2


@BOTH
def test_a_smaller_cache_keeps_the_most_recently_used(engine):
    # 1 is used again before three become two: 2 has to go
    world = World(engine, [1, 2, 3, 1, 3, 1, 2]).cached(3).cached(2, before=4)

    assert world.hits() == [False, False, False, True, True, True, False]


@BOTH
def test_without_a_cache_nothing_is_kept(engine):
    world = World(engine, [1, 1, 1, 1]).cached(1).cached(0, before=2).cached(1, before=3)

    assert world.hits() == [False, True, False, False]


@BOTH
def test_requests_without_keys_are_never_answered(engine):
    world = World(engine, [0, 0, 0]).cached(2)
    world.clock.call_at(0, Rank.CLOSE, lambda: world.plane.offer(0, 0, world.arrivals, None, None))
    world.clock.play(world.plane.advance, world.clock.at(100, Rank.REVIEW))

    assert world.plane.workloads[0]["completed"] == 3
    assert world.plane.workloads[0]["cache_live"] == 0


@BOTH
def test_more_entries_than_there_is_room_for_are_refused(engine):
    with pytest.raises(ValueError, match="9 cache entries where there is room for 8"):
        World(engine, [1]).cached(9).hits()


def test_che_gives_the_published_ratios():
    published = {0.8: (0.157, 0.437), 1.0: (0.391, 0.676), 1.2: (0.656, 0.861)}

    for exponent, ratios in published.items():
        popularity = zipf(10_000, exponent)
        assert [che_hit_ratio(popularity, c) for c in (100, 1000)] == pytest.approx(ratios, abs=0.0005)


def test_che_is_plain_where_all_keys_are_alike_or_fit():
    assert che_hit_ratio(np.ones(500), 100) == pytest.approx(0.2)
    assert che_hit_ratio(zipf(50, 1.0), 50) == 1.0
    with pytest.raises(ValueError, match="capacity >= 1, not 0"):
        che_hit_ratio(np.ones(5), 0)


TYPED = {
    "kind": "lru", "capacity": 1000, "ttl": "1 h", "hit_latency": "1 ms", "on_deploy": "empty", "entry": "4 kB",
    "price": "0.125 USD/GB/h",
}  # fmt: skip


def test_a_cache_is_typed_with_its_units():
    cache = TypeAdapter(Cache).validate_python(TYPED, context={"door": True})

    assert cache == LruCache(
        capacity=1000, ttl_s=3600.0, hit_latency_s=0.001, on_deploy="empty", entry_bytes=4000.0,
        price_usd_per_gb_h=0.125,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"capacity": 0}, "greater than or equal to 1"),
        ({"capacity": 10_000_001}, "less than or equal to 10000000"),
        ({"ttl": "0 s"}, "more than 0"),
        ({"ttl": "-1 h"}, "more than 0"),
        ({"ttl": 60}, "a number without a unit"),
        ({"hit_latency": "-1 ms"}, "at least 0"),
        ({"on_deploy": "maybe"}, "'empty' or 'keep'"),
        ({"entry": "0 kB"}, "more than 0"),
        ({"price": "0.1 USD/GB"}, "USD/GB/h"),
        ({"kind": "fifo"}, "lru"),
    ],
)
def test_bad_caches_are_refused(changed, said):
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(Cache).validate_python(TYPED | changed, context={"door": True})
