"""Laws: clients who try again, hedge, or think and ask, and requests on their way through stages, fare the same in both
engines, to the nanosecond; and looking ahead changes nothing.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.serving.discipline.calls import FULL_JITTER, NO_JITTER
from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import FAILED, REJECTED, THROTTLED, TIMED_OUT
from sim.serving.reference import ReferencePlane
from sim.serving.steering import Retry, Step, Users
from tests.laws.test_engines_agree import STEPS, USERS, assert_alike, assert_all_accounted_for, play, tick, world

API = 2


@st.composite
def path(draw):
    """Up to three stages on the two pools, each with shards, hedges, and branches to later ones; or the API."""
    if draw(st.integers(0, 5)) == 0:
        return (Step(API, draw(st.integers(1, 2)), draw(st.sampled_from([0, 1500]))),)
    steps = draw(st.integers(1, STEPS))
    made = []
    for i in range(steps):
        later = draw(st.sets(st.integers(i + 1, steps - 1), max_size=2)) if i + 1 < steps else set()
        share = draw(st.sampled_from([0.3, 0.5])) if len(later) == 2 else draw(st.sampled_from([0.4, 1.0]))
        made.append(
            Step(
                draw(st.integers(0, 1)),
                draw(st.sampled_from([1, 1, 2, 3])),
                draw(st.sampled_from([0, 0, 100, 300])),
                tuple((place, share) for place in sorted(later)),
            )
        )
    return tuple(made)


@st.composite
def retry(draw):
    return Retry(
        attempts=draw(st.integers(2, 4)),
        on=tuple(draw(st.sets(st.sampled_from([THROTTLED, REJECTED, TIMED_OUT, FAILED]), min_size=1))),
        base_ns=draw(st.sampled_from([0, 100, 200])), factor=draw(st.sampled_from([1.0, 2.0])), most_ns=500,
        jitter=draw(st.sampled_from([NO_JITTER, FULL_JITTER])), budget=draw(st.sampled_from([0, 300_000, 1_000_000])),
        saved=draw(st.sampled_from([1_000_000, 3_000_000])),
    )  # fmt: skip


def users(most):
    return st.builds(Users, st.integers(0, most), st.sampled_from([0, 100, 300]), st.booleans())


@st.composite
def calling(draw):
    """A scripted world in which requests are calls; a workload is asked by users throughout, or never."""
    drawn = draw(world())
    for w in range(len(drawn["arrivals"])):
        closed = draw(st.integers(0, 3)) == 0
        if closed:
            drawn["arrivals"][w] = np.zeros(0, np.int64)
            drawn["keys"][w] = drawn["tenants"][w] = None
        for turn in (0, 1):
            limits = drawn["limits"][turn][w]
            if draw(st.booleans()):
                limits["path"] = draw(path())
            if draw(st.booleans()):
                limits["retry"] = draw(retry())
            if closed:
                limits["users"] = draw(users(USERS))
    return drawn


@settings(max_examples=80, deadline=None)
@given(calling())
def test_calls_fare_the_same_in_both_engines(world):
    reference, exact = play(ReferencePlane, world), play(ExactPlane, world)
    assert_alike(reference, exact)
    assert_all_accounted_for(exact)


@settings(max_examples=60, deadline=None)
@given(calling(), st.lists(st.tuples(st.integers(2, 8), st.integers(0, 7)), min_size=1, max_size=40))
def test_looking_ahead_changes_nothing_for_calls(world, plan):
    assert_alike(tick(world, []), tick(world, plan))
