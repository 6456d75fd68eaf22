"""Time and ties: events of one instant happen in the order of Rank, then of replica or request."""

import random

import pytest

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import REQUEST_PATH, Rank


def test_all_ranks_at_one_instant_happen_in_their_order_whoever_was_scheduled_first():
    wanted = [(rank, sub) for rank in Rank for sub in (0, 1, 7)]
    for seed in range(20):
        clock, seen = Clock(), []
        shuffled = random.Random(seed).sample(wanted, len(wanted))
        for rank, sub in shuffled:
            clock.call_at(1_000, rank, lambda r=rank, s=sub, seen=seen: seen.append((r, s)), sub)
        clock.play(lambda t, rank: True, clock.at(1_001, Rank.CLOSE))
        assert seen == wanted


def test_the_order_is_the_documented_one():
    assert [rank.name for rank in Rank] == [
        "CLOSE", "COMPLETION", "TIMEOUT", "MACHINE_READY", "FAILURE", "DEPLOY", "PHASE", "SCALE_IN", "BATCH_EXPIRY",
        "RETRY", "ARRIVAL", "WAKE", "SCRAPE", "CONTROL", "REVIEW",
    ]  # fmt: skip
    assert all(rank in Rank for rank in REQUEST_PATH)


def test_time_is_integer_nanoseconds_even_after_a_century():
    clock, seen = Clock(), []
    century = to_ns(100 * 365.25 * 86_400)
    clock.call_at(century, Rank.REVIEW, lambda: seen.append(clock.now))
    clock.call_at(century + 1, Rank.REVIEW, lambda: seen.append(clock.now))
    clock.play(lambda t, rank: True, clock.at(century + 2, Rank.REVIEW))
    assert seen == [century, century + 1]
    assert all(type(t) is int for t in seen)


def test_an_event_in_the_past_is_refused():
    clock = Clock()
    clock.play(lambda t, rank: True, clock.at(10, Rank.REVIEW))
    with pytest.raises(ValueError, match="before now"):
        clock.at(9, Rank.REVIEW)


def test_the_request_path_is_advanced_to_just_before_each_control_event():
    clock, asked = Clock(), []
    clock.at(5, Rank.SCRAPE)
    clock.play(lambda t, rank: asked.append((t, rank)) or True, clock.at(5, Rank.CONTROL))
    assert asked == [(5, Rank.SCRAPE - 1), (5, Rank.CONTROL - 1)]


def test_an_event_that_the_request_path_brings_up_comes_first():
    clock, seen = Clock(), []

    def advance(t, rank):
        if t == 100 and not seen:
            clock.call_at(40, Rank.SCALE_IN, lambda: seen.append(clock.now))
            return False
        return True

    clock.play(advance, clock.at(100, Rank.REVIEW))
    assert seen == [40]
    assert clock.now == 100


def test_a_failing_process_is_not_swallowed():
    clock = Clock()

    def breaks():
        yield clock.at(3, Rank.REVIEW)
        raise RuntimeError("broken")

    clock.process(breaks())
    with pytest.raises(RuntimeError, match="broken"):
        clock.play(lambda t, rank: True, clock.at(10, Rank.REVIEW))
