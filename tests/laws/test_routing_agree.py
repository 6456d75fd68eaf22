"""Laws of routing: both engines choose alike; no replica above its bound; who leaves moves no keys of another."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.serving.batching import Batching
from sim.serving.discipline.routing import load_limit
from sim.serving.discipline.zones import zone_of_request
from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import COMPLETED, NEVER
from sim.serving.reference import ReferencePlane
from sim.serving.routing import Affinity
from sim.serving.rows import pool_row
from sim.serving.services import LinearService
from sim.serving.steering import Steering, Traffic
from sim.serving.waiting import Queue
from sim.serving.zones import Zones
from sim.streams import Streams
from tests.laws.test_engines_agree import API_ROW, SLOTS, assert_alike, play, service, tick, world

AFFINITIES = [Affinity(by=by, load_bound=bound) for by in ("content", "tenant") for bound in (1.05, 1.25, 1e6)]


@st.composite
def standing(draw, routing):
    """Zones, or none."""
    return draw(st.none() | st.builds(
        Zones, names=st.sampled_from([("a", "b"), ("a", "b", "c")]), latency_s=st.sampled_from([0.0, 5e-8, 1e-7]),
        prefer_own=st.booleans() if routing in ("random", "power_of_two") else st.just(False),
    ))  # fmt: skip


@st.composite
def routed_pool(draw, routings=("random", "power_of_two", *AFFINITIES), zones=None):
    """A pool with one of the routings that draw or hash; in zones, perhaps."""
    routing = draw(st.sampled_from(routings))
    return pool_row(
        draw(service()),
        Batching(max_batch_size=draw(st.integers(1, 4)), max_queue_delay_s=draw(st.integers(0, 5)) * 1e-7),
        Queue(capacity=draw(st.integers(0, 6))),
        routing,
        SLOTS,
        zones=draw(standing(routing) if zones is None else st.just(zones)),
    )


@st.composite
def routed_world(draw):
    """A world whose pools have such routings."""
    known = routed_pool(["least_outstanding", "round_robin", "shared_queue"])
    return draw(world()) | {"rows": [draw(routed_pool()), draw(routed_pool() | known), API_ROW]}


@settings(max_examples=80, deadline=None)
@given(routed_world())
def test_both_engines_route_alike(world):
    reference, exact = play(ReferencePlane, world), play(ExactPlane, world)
    assert_alike(reference, exact)


THREE = Zones(names=("a", "b", "c"), latency_s=2e-7, prefer_own=True)


@settings(max_examples=40, deadline=None)
@given(routed_world(), routed_pool(["random", "power_of_two"], zones=THREE))
def test_both_engines_choose_alike_for_those_whose_own_zone_is_empty(world, row):
    """Replicas 0, 1 and 3 stand in zones a, b and a: out of order by zone, and nobody in c."""
    emptied = {**world, "rows": [row, row, API_ROW], "ready_at_start": {0, 1, 3}, "touches": []}
    assert_alike(play(ReferencePlane, emptied), play(ExactPlane, emptied))


@settings(max_examples=40, deadline=None)
@given(routed_world(), routed_pool(["random", "power_of_two"], zones=THREE))
def test_an_own_zone_is_left_only_where_nobody_is_ready_there_and_that_takes_its_time(world, row):
    plain = {**world, "rows": [row, row, API_ROW], "switch": None, "exposure": 1.0, "touches": []}
    log, counters, *_ = play(ExactPlane, plain)
    served = [(e[0], e[1], e[6]) for e in log if e[6] >= 0]
    ready_zones = {slot % SLOTS % 3 for slot in world["ready_at_start"] if slot < SLOTS}
    key = [Streams(7).key(f"service/{w}") for w in range(len(world["arrivals"]))]
    ended = sum(counters["completed"]) + sum(counters["timed_out"])
    homes = [zone_of_request(key[w], request, 3) for request, w, _ in served]
    for home, (_, _, slot) in zip(homes, served, strict=True):
        assert slot % 3 == home or home not in ready_zones
    away = sum(slot % 3 != home for home, (_, _, slot) in zip(homes, served, strict=True))
    assert sum(counters["crossed"]) <= away <= ended + sum(counters["in_system"])


@settings(max_examples=60, deadline=None)
@given(routed_world(), st.lists(st.tuples(st.integers(2, 8), st.integers(0, 7)), min_size=1, max_size=40))
def test_routing_after_looking_ahead_and_going_back_is_the_same(world, plan):
    assert_alike(tick(world, []), tick(world, plan))


def served_by(row, ready, arrival_ns, key, engine=ExactPlane):
    """Log of a plane with one pool, some of whose slots are ready, when nobody is lost."""
    clock, streams = Clock(), Streams(3)
    plane = engine(clock, [row], [Traffic(streams.key("exposure/a"), streams.key("service/a"))], log=True)
    plane.steer(0, Steering(0, 1.0, NEVER // 4, 1000))
    for slot in ready:
        plane.ready(slot)
    plane.offer(0, 0, np.asarray(arrival_ns, np.int64), None, None, np.asarray(key, np.int64))
    end_ns = int(arrival_ns[-1]) + 10**12
    clock.play(plane.advance, clock.at(end_ns, Rank.REVIEW))
    log = plane.take_log()
    assert (log["outcome"] == COMPLETED).all()
    return np.sort(log, order="request")


def affine(load_bound, slots=16, service_s=1e-6):
    """A pool of constant service with affinity by content and room for everybody."""
    service = LinearService(base_s=service_s, per_item_s=0.0, hardware="test", source="test")
    return pool_row(service, Batching(), Queue(capacity=10_000), Affinity(load_bound=load_bound), slots)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 5)), min_size=1, max_size=200),
    st.sets(st.integers(0, 15), min_size=1),
    st.sampled_from([1.05, 1.25, 2.0]),
)
def test_no_request_goes_to_a_replica_at_its_bound(gaps_and_keys, ready, load_bound):
    arrival_ns = np.cumsum([gap for gap, _ in gaps_and_keys])
    log = served_by(affine(load_bound), ready, arrival_ns, [key for _, key in gaps_and_keys])
    stays_below(log, load_bound, len(ready))


def stays_below(log, load_bound, ready):
    """Each request found fewer at its replica than the bound allows."""
    for i, entry in enumerate(log):
        # at an instant completions come before arrivals
        inside = log[:i][log[:i]["end_ns"] > entry["arrival_ns"]]
        at_the_chosen = int((inside["slot"] == entry["slot"]).sum())
        assert at_the_chosen < load_limit(load_bound, len(inside), ready)


def test_a_key_that_keeps_most_replicas_busy_finds_the_least_busy_one():
    """More full replicas than a request walks past."""
    crowd = affine(1.25, slots=128, service_s=1e-5), range(128), np.arange(300), np.zeros(300, np.int64)
    exact, reference = served_by(*crowd), served_by(*crowd, engine=ReferencePlane)
    assert exact.tolist() == reference.tolist()
    stays_below(exact, 1.25, 128)
    assert len(set(exact["slot"].tolist())) == 128


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 15), min_size=2), st.data())
def test_a_replica_that_leaves_moves_its_own_keys_alone(ready, data):
    gone = data.draw(st.sampled_from(sorted(ready)))
    keys, alone_ns = np.arange(-100, 100), np.arange(200) * 10_000  # each request alone in the system: nobody is busy
    before = served_by(affine(1e6), ready, alone_ns, keys)["slot"]
    after = served_by(affine(1e6), ready - {gone}, alone_ns, keys)["slot"]
    assert (before[before != gone] == after[before != gone]).all()
    assert gone not in after


def test_keys_spread_over_the_replicas_and_stay():
    keys = np.tile(np.arange(2000), 2)
    slot = served_by(affine(1e6), range(16), np.arange(4000) * 10_000, keys)["slot"]
    assert (slot[:2000] == slot[2000:]).all()
    shares = Counter(slot[:2000].tolist())
    assert len(shares) == 16
