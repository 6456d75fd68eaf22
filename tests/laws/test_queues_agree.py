"""Laws: both engines form the same batches, keep the same order and lose patience at the same nanosecond."""

from dataclasses import replace
from functools import partial
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.serving.batching import AdaptiveBatching, Batching, NoBatching, WhenIdle
from sim.serving.discipline.queueing import LEVELS
from sim.serving.discipline.service import DISTRIBUTIONS
from sim.serving.exact import ExactPlane
from sim.serving.reference import ReferencePlane
from sim.serving.rows import pool_row
from sim.serving.steering import Traffic
from sim.serving.waiting import Queue
from tests.laws import test_engines_agree as engines


@st.composite
def batching(draw):
    delay_s = draw(st.integers(0, 5)) * 1e-7
    kind = draw(st.sampled_from([NoBatching, Batching, Batching, WhenIdle, AdaptiveBatching, AdaptiveBatching]))
    if kind is NoBatching:
        return NoBatching()
    most = draw(st.integers(1, 6))
    if kind is WhenIdle:
        return WhenIdle(max_batch_size=most)
    if kind is Batching:
        preferred = draw(st.sets(st.integers(1, most), max_size=3))
        return Batching(max_batch_size=most, max_queue_delay_s=delay_s, preferred_sizes=tuple(sorted(preferred)))
    return AdaptiveBatching(
        target_s=draw(st.integers(1, 20)) * 1e-7, step=draw(st.integers(1, 3)), max_batch_size=most,
        decrease=draw(st.sampled_from([0.9, 0.5, 0.1])), max_queue_delay_s=delay_s,
    )  # fmt: skip


@st.composite
def pool(draw):
    routing = draw(st.sampled_from(["least_outstanding", "round_robin", "shared_queue"]))
    queue = Queue(capacity=draw(st.integers(0, 12)))
    return pool_row(draw(engines.service()), draw(batching()), queue, routing, engines.SLOTS)


@st.composite
def manners(draw):
    """Priority and patience of a workload, as keywords of Steering."""
    chosen = {"priority": draw(st.integers(0, LEVELS - 1))}
    law = draw(st.sampled_from(["none", *DISTRIBUTIONS]))
    if law in ("constant", "exponential", "lognormal"):
        chosen |= {"patience_mean_ns": draw(st.integers(1, 12)) * 100.0, "patience_distribution": DISTRIBUTIONS[law]}
        chosen |= {"patience_sigma": 0.5 if law == "lognormal" else 0.0}
    return chosen


@st.composite
def world(draw):
    """A world of `test_engines_agree` with two to four workloads and everything that can happen in a queue."""
    w = draw(engines.world())
    w["arrivals"] = w["arrivals"] * draw(st.integers(1, 2))
    n = len(w["arrivals"])
    ranked = draw(st.booleans())
    for name in ("timeouts", "keys", "tenants"):
        w[name] = (w[name] * n)[:n]
    w["limits"] = [[(turn * n)[i] | draw(manners()) for i in range(n)] for turn in w["limits"]]
    if not ranked:
        w["limits"] = [[limits | {"priority": 0} for limits in turn] for turn in w["limits"]]
    w["ranked"] = ranked
    to = draw(st.sampled_from([-1, 1]))
    w["rows"] = [replace(draw(pool()), overflow=to), draw(pool()), engines.API_ROW]
    return w


def told(w):
    """The planes know of priorities from the beginning, or have none."""
    return mock.patch.object(engines, "Traffic", partial(Traffic, priority=LEVELS - 1 if w["ranked"] else 0))


@settings(max_examples=80, deadline=None)
@given(world())
def test_both_engines_play_the_same_queues(w):
    with told(w):
        reference, exact = engines.play(ReferencePlane, w), engines.play(ExactPlane, w)
    engines.assert_alike(reference, exact)
    engines.assert_all_accounted_for(exact)


@settings(max_examples=60, deadline=None)
@given(world(), st.lists(st.tuples(st.integers(2, 8), st.integers(0, 7)), min_size=1, max_size=40))
def test_looking_ahead_over_queues_changes_nothing(w, plan):
    with told(w):
        plain, ahead = engines.tick(w, []), engines.tick(w, plan)
    engines.assert_alike(plain, ahead)
