"""Laws: a replica that dies takes the same requests with it in both engines, at any instant; none is uncounted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.record.scrape import FIELDS, QUEUED, SERVING
from sim.serving.discipline.calls import NO_JITTER
from sim.serving.kernels.state import COMPLETED, FAILED, IN_SYSTEM, TIMED_OUT
from sim.serving.plane import Areas
from sim.serving.steering import Retry, Step
from tests.laws import test_engines_agree as agree
from tests.laws import test_queues_agree as queues
from tests.laws.test_calls_agree import calling
from tests.laws.test_engines_agree import SLOTS, ExactPlane, ReferencePlane, play, world
from tests.laws.test_routing_agree import routed_world

CONTROL = (Rank.CLOSE, Rank.MACHINE_READY, Rank.FAILURE, Rank.FAILURE, Rank.SCALE_IN, Rank.REVIEW)


@st.composite
def failing(draw, worlds):
    """A scripted world whose replicas die, in the instants in which other things happen."""
    drawn = draw(worlds)
    times = st.integers(0, drawn["horizon"] // 100 - 1).map(lambda k: k * 100)
    slots = st.integers(0, 2 * SLOTS - 1)
    drawn["failures"] = draw(
        st.lists(st.tuples(times, st.sampled_from(CONTROL), slots), min_size=1, max_size=12)
    )  # fmt: skip
    return drawn


@settings(max_examples=120, deadline=None)
@given(failing(world() | calling()))
def test_both_engines_lose_the_same_requests_with_a_replica(world):
    reference, exact = play(ReferencePlane, world), play(ExactPlane, world)
    for what, a, b in zip(("log", "counters", "histograms", "told", "scrapes"), reference, exact, strict=True):
        assert a == b, what
    log, counters, *_ = exact
    assert len(log) == sum(counters["offered"])
    for w in range(len(world["arrivals"])):
        ended = sum(counters[name][w] for name in ("hit", "completed", "throttled", "rejected", "timed_out", "failed"))
        assert counters["offered"][w] == ended + counters["in_system"][w]
        spent_s = counters["latency_sum_s"][w] + counters["lost_sum_s"][w]
        spent_s += sum((world["horizon"] - e[3]) * 1e-9 for e in log if e[1] == w and e[2] == IN_SYSTEM)
        area = Areas().upto(("", w), counters["in_system"][w], counters["system_flow"][w], world["horizon"])
        assert area * 1e-9 == pytest.approx(spent_s, rel=1e-9, abs=1e-15)  # Little's law, to rounding


@settings(max_examples=60, deadline=None)
@given(failing(queues.world() | routed_world()))
def test_so_they_do_with_every_queue_and_router(world):
    with queues.told({"ranked": False} | world):
        reference, exact = play(ReferencePlane, world), play(ExactPlane, world)
    for what, a, b in zip(("log", "counters", "histograms", "told", "scrapes"), reference, exact, strict=True):
        assert a == b, what


def script(engine, arrivals, deaths, *, timeout=100_000, routing="least_outstanding", slots=1, again=(), **steering):
    """Requests of 1 us each at a pool; (outcome, start, end) of each, and the plane.

    deaths: (ns, slot); again: (ns, slot) of new replicas.
    """
    row = agree.pool_row(
        agree.LinearService(base_s=9e-7, per_item_s=1e-7, hardware="test", source="test"),
        agree.Batching(max_batch_size=1, max_queue_delay_s=0.0), agree.Queue(capacity=50), routing, SLOTS,
    )  # fmt: skip
    clock = Clock()
    drawn = {"rows": [row], "arrivals": [arrivals], "timeouts": [timeout], "exposure": 1.0, "limits": [[steering]] * 2}
    plane = agree.built(engine, drawn, clock, log=True)
    for slot in range(slots):
        plane.ready(slot)
    plane.offer(0, 0, np.array(arrivals), None, None)
    for t, slot in deaths:
        clock.call_at(t, Rank.FAILURE, lambda slot=slot: plane.fail(slot))
    for t, slot in again:
        clock.call_at(t, Rank.MACHINE_READY, lambda slot=slot: plane.ready(slot))
    clock.play(plane.advance, clock.at(200_000, Rank.REVIEW))
    plane.finish(200_000)
    log = sorted(plane.take_log().tolist())
    return [(entry[2], entry[4], entry[5]) for entry in log], plane


def both(*given, **more):
    (reference, _), (exact, plane) = (script(engine, *given, **more) for engine in (ReferencePlane, ExactPlane))
    assert reference == exact
    return exact, plane


def test_who_is_in_service_or_queued_fails_at_that_instant():
    ended, plane = both([0, 100, 200, 3000], [(1500, 0)], again=[(2000, 0)])
    assert ended == [(COMPLETED, 0, 1000), (FAILED, 1000, 1500), (FAILED, -1, 1500), (COMPLETED, 3000, 4000)]
    assert plane.workloads["failed"].tolist() == [2]
    busy = Areas().upto(("", 0), plane.rows[0]["busy"], plane.rows[0]["busy_flow"], 200_000)
    assert busy == 1000 + 500 + 1000  # what was begun in vain was work as well


def test_who_was_answered_in_that_instant_is_safe_and_whose_deadline_it_is_has_timed_out():
    ended, _ = both([0, 100, 100, 700], [(1000, 0)], timeout=900)
    # the first is answered, too late; the next two, one of them just begun, have their deadlines; the last has time
    assert ended == [(TIMED_OUT, 0, 900), (TIMED_OUT, 1000, 1000), (TIMED_OUT, -1, 1000), (FAILED, -1, 1000)]
    ended, _ = both([0, 500], [(1000, 0)])
    assert ended == [(COMPLETED, 0, 1000), (FAILED, 1000, 1000)]


def test_who_waits_in_a_shared_queue_goes_on_waiting():
    ended, _ = both([0, 100], [(500, 0)], routing="shared_queue", again=[(5000, 0)])
    assert ended == [(FAILED, 0, 500), (COMPLETED, 5000, 6000)]


def test_nobody_is_sent_to_a_dead_replica():
    ended, plane = both([0, 600, 700], [(500, 1)], slots=2)
    assert ended == [(COMPLETED, 0, 1000), (COMPLETED, 1000, 2000), (COMPLETED, 2000, 3000)]
    sample = np.zeros((SLOTS + 1, FIELDS), np.int64)
    plane.scrape(0, sample)
    assert not sample[:, [QUEUED, SERVING]].any()


def retry(*on):
    return Retry(attempts=3, on=on, base_ns=300, factor=1.0, most_ns=300, jitter=NO_JITTER, budget=1_000_000,
                 saved=3_000_000)  # fmt: skip


def test_a_call_tries_again_after_a_failure_where_its_client_does():
    # the second attempt begins 300 ns after the death, at the other replica
    ended, plane = both([0], [(500, 0)], slots=2, retry=retry(FAILED))
    assert ended == [(COMPLETED, 800, 1800)]
    assert plane.workloads["retries"].tolist() == [1]
    ended, plane = both([0], [(500, 0)], slots=2, retry=retry(TIMED_OUT))
    assert ended == [(FAILED, -1, 500)]
    assert plane.workloads["failed"].tolist() == [1]


def test_a_copy_that_is_lost_leaves_its_twin():
    # sent at 0 to replica 0, and again at 200 to replica 1: either may die, but not both
    for dies, done in ((0, 1200), (1, 1000)):
        ended, plane = both([0], [(500, dies)], slots=2, path=(Step(0, hedge_ns=200),))
        assert ended == [(COMPLETED, done - 1000, done)]
        assert plane.workloads["hedges"].tolist() == [1]
    assert both([0], [(500, 0), (600, 1)], slots=2, path=(Step(0, hedge_ns=200),))[0] == [(FAILED, -1, 600)]


def test_a_draining_replica_that_dies_is_never_told_to_have_run_empty():
    for engine in (ReferencePlane, ExactPlane):
        for dies_ns in (500, 1000):  # while it serves; and in the very instant in which it has
            clock, told = Clock(), []
            drawn = {
                "rows": [agree.API_ROW, agree.pool_row(
                    agree.LinearService(base_s=9e-7, per_item_s=1e-7, hardware="test", source="test"),
                    agree.Batching(max_batch_size=1, max_queue_delay_s=0.0), agree.Queue(capacity=50), "random", SLOTS,
                )], "arrivals": [[0]], "timeouts": [9000], "exposure": 1.0, "limits": [[{}]] * 2,
            }  # fmt: skip
            plane = agree.built(engine, drawn, clock, log=True)
            agree.steer(plane, drawn, 1, 1)
            plane.on_drained = told.append
            plane.ready(0)
            plane.offer(0, 0, np.array([0]), None, None)
            clock.call_at(100, Rank.SCALE_IN, lambda plane=plane: plane.drain(0))
            clock.call_at(dies_ns, Rank.FAILURE, lambda plane=plane: plane.fail(0))
            clock.play(plane.advance, clock.at(20_000, Rank.REVIEW))
            assert told == []
            assert plane.workloads["failed"].tolist() == [int(dies_ns < 1000)]
