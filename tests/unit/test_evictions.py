"""Which answer leaves a cache: the same hits as plain Python gives, request by request; sizes, replicas, similarity."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cache import BOTH, HOUR, World

from sim.serving.batching import Batching
from sim.serving.discipline import caching
from sim.serving.discipline.caching import LFU, LRU, MISS, RIGHT, S3FIFO, WRONG
from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import HIT, NEVER
from sim.serving.reference import ReferencePlane
from sim.serving.rows import pool_row
from sim.serving.services import LinearService
from sim.serving.steering import Steering, Traffic
from sim.serving.waiting import Queue
from sim.streams import Purpose, Streams

KEY = Streams(1).key("service/main")


class Roomy(World):
    """A world of `test_cache` whose plane has room for every kind of cache."""

    def __init__(self, engine, keys, most=8, **more):
        def build(clock, rows, traffic, *, log):
            (t,) = traffic
            return engine(
                clock, rows, [Traffic(t.exposure_key, t.service_key, 1, most, most, cache_ghosts=True)], log=log
            )

        super().__init__(build, keys, most, **more)


def least_recent(keys, capacity):
    """Hits of a least-recently-used cache, by an ordered dictionary."""
    held, hits = OrderedDict(), []
    for key in keys:
        hits.append(key in held)
        held[key] = True
        held.move_to_end(key)
        if len(held) > capacity:
            held.popitem(last=False)
    return hits


def least_frequent(keys, capacity):
    """Hits of a least-frequently-used cache, by a table of [uses, time of the last one]."""
    held, hits = {}, []
    for now, key in enumerate(keys):
        hits.append(key in held)
        if key not in held and len(held) == capacity:
            del held[min(held, key=held.get)]
        held[key] = (held.get(key, (0, 0))[0] + 1, now)
    return hits


def three_queues(keys, capacity):
    """Hits of S3-FIFO, by lists whose first is the oldest: evictions as in algorithm 1 of its paper."""
    small, main, ghost, uses, hits = [], [], [], {}, []
    share = capacity - capacity // 10

    def evict():
        if small and len(main) <= share:
            while small:
                key = small.pop(0)
                if uses[key] > 1:
                    main.append(key)
                    uses[key] = 0
                elif share:
                    ghost.append(key)
                    del ghost[: max(0, len(ghost) - share)]
                    return
                else:
                    return
            return
        while True:
            key = main.pop(0)
            if uses[key] == 0:
                return
            uses[key] -= 1
            main.append(key)

    for key in keys:
        hits.append(key in small or key in main)
        if hits[-1]:
            uses[key] = min(3, uses[key] + 1)
            continue
        while len(small) + len(main) >= capacity:
            evict()
        if key in ghost:
            ghost.remove(key)
            main.append(key)
        else:
            small.append(key)
        uses[key] = 0
    return hits


PLAIN = {LRU: least_recent, LFU: least_frequent, S3FIFO: three_queues}
NAMES = {LRU: "lru", LFU: "lfu", S3FIFO: "s3fifo"}
EACH = pytest.mark.parametrize("eviction", PLAIN, ids=NAMES.get)


@EACH
@settings(max_examples=60, deadline=None)
@given(keys=st.lists(st.integers(-3, 25), min_size=1, max_size=300), capacity=st.integers(1, 24))
def test_every_hit_is_that_of_plain_python(eviction, keys, capacity):
    hits = Roomy(ExactPlane, keys, most=24).cached(capacity, eviction=eviction).hits()

    assert hits == PLAIN[eviction](keys, capacity)


@EACH
def test_thousands_of_popular_and_rare_keys_give_the_hits_of_plain_python(eviction):
    draw = np.random.default_rng(3)
    keys = (draw.zipf(1.2, 12_000) % 3000).tolist()

    hits = Roomy(ExactPlane, keys, most=200).cached(200, eviction=eviction).hits()

    assert hits == PLAIN[eviction](keys, 200)
    assert 0.3 < np.mean(hits) < 0.9


@EACH
@settings(max_examples=25, deadline=None)
@given(keys=st.lists(st.integers(0, 20), min_size=1, max_size=200), capacity=st.integers(1, 15))
def test_answers_of_one_size_are_counted_in_bytes_as_in_answers(eviction, keys, capacity):
    by_bytes = Roomy(ExactPlane, keys, most=40).cached(
        40, eviction=eviction, cache_bytes=capacity * 100, entry_bytes=100.0
    )

    # the shares of S3-FIFO are whole bytes or whole answers, and agree where tenths of the capacity are whole
    if eviction != S3FIFO:
        assert by_bytes.hits() == PLAIN[eviction](keys, capacity)
    else:
        tens = Roomy(ExactPlane, keys, most=40).cached(40, eviction=eviction, cache_bytes=1000, entry_bytes=100.0)
        assert tens.hits() == three_queues(keys, 10)


@BOTH
@EACH
def test_what_is_kept_never_outgrows_its_bytes(engine, eviction):
    draw = np.random.default_rng(4)
    keys = draw.integers(0, 40, 400).tolist()
    world = Roomy(engine, keys, most=60).cached(
        60, eviction=eviction, cache_bytes=25, entry_bytes=10.0, entry_sigma=0.8
    )
    size = {key: caching.draw_answer_bytes(10.0, 0.8, KEY, key, int(Purpose.ENTRY_BYTES)) for key in set(keys)}

    hits = world.hits()

    assert any(hits)
    answered = {key for key, hit in zip(keys, hits, strict=True) if hit}
    assert max(size[key] for key in answered) <= 25 < max(size.values())  # what is larger than the cache is not kept
    assert world.plane.workloads[0]["cache_live"] * min(size.values()) <= 25


@BOTH
@EACH
def test_another_eviction_begins_with_an_empty_cache(engine, eviction):
    other = LFU if eviction != LFU else LRU
    world = Roomy(engine, [1, 1, 1, 1]).cached(4, eviction=eviction)
    world.cached(4, before=2, eviction=other)

    assert world.hits() == [False, True, False, True]


@BOTH
@EACH
def test_emptied_by_a_deploy_it_answers_nothing_whatever_leaves_first(engine, eviction):
    world = Roomy(engine, [1, 2, 1, 2, 1, 2]).cached(2, eviction=eviction)
    world.at(4, lambda: world.plane.empty_cache(0))

    assert world.hits() == [False, False, True, True, False, False]
    assert world.plane.workloads[0]["cache_live"] == 2


@BOTH
def test_an_api_has_no_replica_that_keeps_answers(engine):
    assert Roomy(engine, [7, 7]).cached(2, per_replica=True).hits() == [False, False]


@BOTH
def test_each_replica_has_a_cache_of_its_own_and_a_new_one_starts_cold(engine):
    # in turn: even requests to replica 0, odd ones to replica 1
    service = LinearService(base_s=0.0, per_item_s=4e-9, hardware="test", source="test")
    row = pool_row(service, Batching(), Queue(capacity=4), "round_robin", 2)
    world = Roomy(lambda clock, _, traffic, *, log: engine(clock, [row], traffic, log=log), [5] * 10)
    world.cached(2, per_replica=True, hit_ns=1)
    for slot in (0, 1):
        world.plane.ready(slot)

    def restart():
        assert world.plane.drain(1)
        world.plane.ready(1)

    world.at(6, restart)
    # 0 asks its own, then 1 its own; the new replica 1 has to be asked again
    assert world.hits() == [False, False, True, True, True, True, True, False, True, True]


@BOTH
def test_a_semantic_cache_answers_and_errs_as_often_as_it_should(engine):
    n = 4000 if engine is ReferencePlane else 40_000
    world = Roomy(engine, np.arange(n)).at(
        0, lambda: world.plane.steer(0, Steering(0, 1.0, HOUR, HOUR, semantic_hit=0.4, semantic_wrong=0.02))
    )
    outcomes = world.outcomes()

    hit, wrong = outcomes.count(HIT), int(world.plane.workloads[0]["wrong_hit"])
    for count, share in ((hit, 0.4), (wrong, 0.02)):  # 99.99 % of a binomial's draws lie within 3.9 deviations
        assert abs(count - share * n) < 3.9 * np.sqrt(share * (1 - share) * n)
    assert world.plane.workloads[0]["completed"] == n - hit


def test_what_a_semantic_cache_makes_of_a_request_is_the_draw_s_alone():
    said = [caching.draw_recognised(0.5, 0.2, KEY, i, int(Purpose.SEMANTIC)) for i in range(200)]
    less = [caching.draw_recognised(0.5, 0.1, KEY, i, int(Purpose.SEMANTIC)) for i in range(200)]

    assert set(said) == {MISS, RIGHT, WRONG}
    # fewer errors make some wrong answers right, and change nothing else
    assert all(a == b or (a, b) == (WRONG, RIGHT) for a, b in zip(said, less, strict=True))


def test_sizes_are_the_answer_s_own_and_have_their_mean():
    draw = [caching.draw_answer_bytes(1000.0, 0.5, KEY, i, int(Purpose.ENTRY_BYTES)) for i in range(-2000, 2000)]

    assert draw == [
        caching.draw_answer_bytes(1000.0, 0.5, KEY, i, int(Purpose.ENTRY_BYTES)) for i in range(-2000, 2000)
    ]
    deviation = 1000 * np.sqrt(np.expm1(0.25) / 4000)
    assert abs(np.mean(draw) - 1000) < 3.9 * deviation
    assert caching.draw_answer_bytes(0.2, 0.0, KEY, 7, int(Purpose.ENTRY_BYTES)) == 1


def test_the_rules_of_the_three_queues():
    assert [caching.main_limit(n) for n in (1, 9, 10, 25, 1000)] == [1, 9, 9, 23, 900]
    assert caching.main_gives_way(0, 5, 100)
    assert caching.main_gives_way(5, 91, 100)
    assert not caching.main_gives_way(5, 90, 100)
    assert [caching.one_more_use(n) for n in range(5)] == [1, 2, 3, 3, 3]
    assert [caching.is_proven(n) for n in range(4)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"semantic_hit": 0.2, "semantic_wrong": 0.3}, "wrongly"),
        ({"semantic_hit": 0.2, "cache_entries": 3}, "not both"),
        ({"cache_entries": 3, "cache_bytes": -1}, "below zero"),
        ({"cache_entries": 3, "entry_sigma": -0.1}, "below zero"),
    ],
)
def test_terms_that_no_plane_can_keep_are_refused(terms, said):
    with pytest.raises(ValueError, match=said):
        Steering(0, 1.0, HOUR, HOUR, ttl_ns=NEVER, **terms)


@BOTH
def test_ghosts_need_room_that_the_plane_was_built_with(engine):
    with pytest.raises(ValueError, match="no room for ghosts"):
        World(engine, [1]).cached(2, eviction=S3FIFO).hits()
