"""Disciplines of routing, called alone."""

import itertools
from collections import Counter

import pytest

from sim.compiled import kernel
from sim.serving.discipline import routing
from sim.serving.discipline.routing import (
    POINTS,
    drawn_index,
    drawn_pair,
    key_place,
    least_outstanding_key,
    load_limit,
    outstanding_in,
    replica_place,
)
from sim.streams import Streams

KEY = Streams(1).key("service/main")
N = 20_000
Z_9999 = 3.891  # normal, two-sided 99.99 %


def test_fewer_outstanding_come_first_and_of_equals_the_lower_slot():
    pairs = list(itertools.product(range(4), (0, 1, 2**20 - 1)))
    assert sorted(pairs) == sorted(pairs, key=lambda pair: least_outstanding_key(*pair))
    assert all(outstanding_in(least_outstanding_key(n, slot)) == n for n, slot in pairs)


@pytest.mark.parametrize("ready", [1, 2, 3, 7])
def test_two_are_drawn_that_differ_each_pair_as_often(ready):
    pairs = Counter(drawn_pair(KEY, request, 0, ready) for request in range(N))
    assert all(0 <= i < ready and 0 <= j < ready and (i != j or ready == 1) for i, j in pairs)
    share = 1 / max(1, ready * (ready - 1))
    spread = Z_9999 * (N * share * (1 - share)) ** 0.5
    assert all(abs(n - N * share) <= spread for n in pairs.values())
    assert len(pairs) == max(1, ready * (ready - 1))


def test_one_is_drawn_each_as_often_by_the_request_alone():
    drawn = [drawn_index(KEY, request, 0, 5) for request in range(N)]
    spread = Z_9999 * (N * 0.2 * 0.8) ** 0.5
    assert all(abs(n - N / 5) <= spread for n in Counter(drawn).values())
    assert drawn[17] == drawn_index(KEY, 17, 0, 5)
    assert drawn != [drawn_index(Streams(2).key("service/main"), request, 0, 5) for request in range(N)]


@pytest.mark.parametrize(
    ("bound", "outstanding", "ready", "limit"),
    [(1.25, 0, 1, 2), (1.25, 0, 4, 1), (1.25, 3, 4, 2), (1.25, 7, 4, 3), (2.0, 9, 10, 2), (1.05, 19, 20, 2)],
)
def test_the_bound_is_of_the_mean_load_with_the_newcomer_rounded_up(bound, outstanding, ready, limit):
    assert load_limit(bound, outstanding, ready) == limit


@pytest.mark.parametrize("bound", [1.0, 1.05, 1.25])
def test_one_replica_is_always_below_the_bound(bound):
    for ready, outstanding in itertools.product(range(1, 60), range(300)):
        assert load_limit(bound, outstanding, ready) * ready > outstanding


def test_places_on_the_circle_differ_and_are_the_same_compiled():
    places = {replica_place(replica, point) for replica in range(200) for point in range(POINTS)}
    assert len(places) == 200 * POINTS
    assert all(0 < place < 1 for place in places)
    compiled = kernel(routing.key_place)
    assert [key_place(KEY, k % 2**64) for k in (-7, 0, 2**62)] == [compiled(KEY, k) for k in (-7, 0, 2**62)]
