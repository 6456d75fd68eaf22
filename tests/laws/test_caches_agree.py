"""Laws: caches of every kind do the same in both engines, and looking ahead past them changes nothing."""

from unittest import mock

import test_engines_agree as agree
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.serving import bookmark
from sim.serving.discipline.caching import LFU, LRU, S3FIFO
from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import NEVER
from sim.serving.reference import ReferencePlane
from sim.serving.steering import Traffic

ENTRIES = 12
KEYS = [*range(16), 2**62, -7, 8 * 2**20]


@st.composite
def limits(draw):
    """Token bucket and cache of a workload, as keywords of Steering."""
    chosen = {"hit_ns": draw(st.sampled_from([0, 30, 1001]))}
    if draw(st.integers(0, 3)) == 0:
        chosen |= {"token_ns": draw(st.integers(1, 8)) * 50, "burst": draw(st.integers(1, 4))}
    kind = draw(st.sampled_from(["shared", "shared", "replica", "semantic", "none"]))
    if kind == "semantic":
        hit = draw(st.sampled_from([0.0, 0.4, 1.0]))
        return chosen | {"semantic_hit": hit, "semantic_wrong": hit * draw(st.sampled_from([0.0, 0.3, 1.0]))}
    if kind == "none":
        return chosen
    chosen |= {
        "per_replica": kind == "replica", "eviction": draw(st.sampled_from([LRU, LFU, S3FIFO, S3FIFO])),
        "cache_entries": draw(st.integers(1, ENTRIES)), "ttl_ns": draw(st.sampled_from([NEVER, NEVER, 300, 2000])),
    }  # fmt: skip
    if draw(st.booleans()):
        chosen |= {
            "cache_bytes": draw(st.integers(1, 40)), "entry_bytes": draw(st.sampled_from([0.5, 3.0, 8.0])),
            "entry_sigma": draw(st.sampled_from([0.0, 0.3, 1.5])),
        }  # fmt: skip
    return chosen


@st.composite
def world(draw):
    """A world of `test_engines_agree`, with caches of every kind and keys enough to fill them."""
    drawn = draw(agree.world())
    keys = [agree.drawn(draw, KEYS, times, "int64") for times in drawn["arrivals"]]
    return drawn | {"limits": [[draw(limits()) for _ in drawn["arrivals"]] for _ in range(2)], "keys": keys}


def roomy(exposure_key, service_key, tenants, entries, **others):
    """Room for every kind of cache."""
    return Traffic(exposure_key, service_key, tenants, ENTRIES, replica_entries=ENTRIES, cache_ghosts=True, **others)


def played(how, *args):
    """What one of the functions of `test_engines_agree` makes of a world with room for all caches."""
    with (
        mock.patch.object(agree, "Traffic", roomy),
        mock.patch.object(agree, "COUNTERS", (*agree.COUNTERS, "wrong_hit")),
    ):
        return how(*args)


@settings(max_examples=60, deadline=None)
@given(world())
def test_both_engines_give_the_same_answers_from_memory(world):
    reference, exact = (played(agree.play, engine, world) for engine in (ReferencePlane, ExactPlane))
    agree.assert_alike(reference, exact)
    counters = exact[1]
    assert all(wrong <= hit for wrong, hit in zip(counters["wrong_hit"], counters["hit"], strict=True))


@settings(max_examples=60, deadline=None)
@given(world(), st.lists(st.tuples(st.integers(2, 8), st.integers(0, 7)), min_size=1, max_size=40), st.booleans())
def test_looking_ahead_past_caches_changes_nothing(world, plan, cramped):
    plain = played(agree.tick, world, [])
    if cramped:  # into a journal that overflows on the way, in the middle of an eviction perhaps
        likely = mock.patch.object(bookmark.Bookmark, "holds", return_value=True)
        with likely, mock.patch.object(bookmark, "JOURNAL", 40):
            ahead = played(agree.tick, world, plan)
    else:
        ahead = played(agree.tick, world, plan)
    agree.assert_alike(plain, ahead)
