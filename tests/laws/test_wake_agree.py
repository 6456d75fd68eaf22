"""Laws: who sleeps is woken by the first request, at the same instant in both engines; looking ahead stops there."""

from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from tests.laws import test_engines_agree as agree
from tests.laws.test_calls_agree import calling
from tests.laws.test_engines_agree import SLOTS, ExactPlane, ReferencePlane, play, tick, world


@st.composite
def sleeping(draw, worlds):
    """A scripted world whose pools are armed now and then, and perhaps always again."""
    drawn = draw(worlds)
    times = st.integers(0, drawn["horizon"] // 100 - 1).map(lambda k: k * 100)
    drawn["armed"] = draw(st.lists(st.tuples(times, st.integers(0, 1)), min_size=1, max_size=4))
    drawn["again"], drawn["wakes"] = draw(st.booleans()), draw(st.booleans())
    if draw(st.booleans()):
        drawn["ready_at_start"] = set()
    return drawn


@settings(max_examples=100, deadline=None)
@given(sleeping(world() | calling()))
def test_both_engines_are_woken_at_the_same_instants(world):
    reference, exact = play(ReferencePlane, world), play(ExactPlane, world)
    for what, a, b in zip(("log", "counters", "histograms", "told", "scrapes"), reference, exact, strict=True):
        assert a == b, what


@settings(max_examples=60, deadline=None)
@given(
    world() | calling(), st.lists(st.tuples(st.integers(2, 8), st.integers(0, 7)), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 1)), min_size=1, max_size=4), st.booleans(),
)  # fmt: skip
def test_no_look_ahead_passes_over_a_wake_up(world, plan, armed, again):
    seen = []
    for plans in (plan, []):
        woken, built = [], agree.built

        def building(engine, world, clock, log, woken=woken, built=built):
            plane = built(engine, world, clock, log)

            def told(row):
                woken.append((clock.now, row, plane.rows["arrived"].tolist()))
                plane.arm(row, again)

            plane.on_woken = told
            for i, (at, row) in enumerate(armed):
                clock.call_at(min(at * 100, world["horizon"] - 1), Rank.PHASE, lambda row=row: plane.arm(row, True), i)
            return plane

        with mock.patch.object(agree, "built", building):
            seen.append((tick(world, plans), woken))
    assert seen[0] == seen[1]


def script(engine, arrivals, armed, routing):
    """Play arrivals (ns) at a pool without replicas; what was told, and the log. armed: (ns, on)."""
    row = agree.pool_row(
        agree.LinearService(base_s=1e-6, per_item_s=1e-7, hardware="test", source="test"),
        agree.Batching(max_batch_size=1, max_queue_delay_s=0.0), agree.Queue(capacity=5), routing, SLOTS,
    )  # fmt: skip
    clock = Clock()
    drawn = {"rows": [row], "arrivals": [arrivals], "timeouts": [10_000], "exposure": 1.0, "limits": [[{}], [{}]]}
    plane, told = agree.built(engine, drawn, clock, log=True), []
    plane.offer(0, 0, np.array(arrivals), None, None)

    def woken(row):
        told.append((clock.now, row, int(plane.rows[row]["arrived"])))
        plane.ready(0)

    plane.on_woken = woken
    for t, on in armed:
        clock.call_at(t, Rank.PHASE, lambda on=on: plane.arm(0, on))
    clock.play(plane.advance, clock.at(20_000, Rank.REVIEW))
    plane.finish(20_000)
    return told, [(entry["outcome"], entry["end_ns"]) for entry in plane.take_log()]


def both(*given):
    reference, exact = (script(engine, *given) for engine in (ReferencePlane, ExactPlane))
    assert reference == exact
    return exact


def test_the_first_request_wakes_once_after_all_that_came_with_it():
    told, ended = both([100, 100, 300], [(0, True)], "shared_queue")
    assert told == [(100, 0, 2)]
    # those who waited are served from then on, one after the other, 1.1 us each
    assert ended == [(0, 1_200), (0, 2_300), (0, 3_400)]


def test_where_nobody_is_ready_the_request_that_wakes_is_refused():
    told, ended = both([100, 300], [(0, True)], "least_outstanding")
    assert told == [(100, 0, 1)]
    assert ended == [(2, 100), (0, 1_400)]


def test_nobody_is_woken_who_was_not_armed_or_is_no_more():
    assert both([100, 300], [], "shared_queue")[0] == []
    assert both([100, 300], [(0, True), (100, False)], "shared_queue")[0] == []
    assert both([100, 300], [(101, True)], "shared_queue")[0] == [(300, 0, 2)]
    assert both([100], [(101, True)], "shared_queue")[0] == []
