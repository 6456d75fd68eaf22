"""Laws of a user's own disciplines: a copy of a built-in one is the built-in one; nobody is lost, whoever is chosen."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import SHARED_QUEUE
from sim.serving.reference import ReferencePlane
from sim.serving.reference_own import Disciplines
from sim.serving.rows import OWN, ROUTINGS
from tests.laws.test_calls_agree import calling
from tests.laws.test_engines_agree import assert_alike, assert_all_accounted_for, play, world


def better_of_two(asking, replicas):
    i = int(asking.draws[0] * len(replicas))
    j = int(asking.draws[1] * (len(replicas) - 1))
    pair = (replicas[i], replicas[j + (j >= i) if len(replicas) > 1 else i])
    return min(pair, key=lambda r: (r.outstanding, r.replica)).replica


def highest_and_first(waiting, now_ns):
    assert all(a.arrival_ns <= now_ns for a in waiting)
    return min(range(len(waiting)), key=lambda i: (-waiting[i].priority, waiting[i].arrival_ns, i))


COPIES = {
    "least_outstanding": lambda asking, replicas: min(replicas, key=lambda r: (r.outstanding, r.replica)).replica,
    "round_robin": lambda asking, replicas: replicas[asking.turn % len(replicas)].replica,
    "random": lambda asking, replicas: replicas[int(asking.draws[0] * len(replicas))].replica,
    "power_of_two": better_of_two,
}


def with_own(order):
    """A reference engine in which rows ask functions: `order` who is next, and copies of the routers."""
    functions = {**COPIES, "order": order}
    return partial(ReferencePlane, own=Disciplines(functions, ["a", "b"]))


def asking(drawn, copied):
    """The world, whose rows ask for the copied router (not before a shared queue) and for the order."""
    rows = [
        row if not row.slots else replace(row, order="order") if row.kind == SHARED_QUEUE
        else replace(row, kind=OWN, router=copied, order="order")
        for row in drawn["rows"]
    ]  # fmt: skip
    return drawn | {"rows": rows}


def built_in(drawn, copied):
    rows = [
        replace(row, kind=ROUTINGS[copied]) if row.slots and row.kind != SHARED_QUEUE else row for row in drawn["rows"]
    ]
    return drawn | {"rows": rows}


@pytest.mark.parametrize("copied", COPIES)
@settings(max_examples=40, deadline=None)
@given(world() | calling())
def test_a_copy_of_a_built_in_discipline_is_the_built_in_one(copied, drawn):
    own = play(with_own(highest_and_first), asking(drawn, copied))

    assert_alike(own, play(ExactPlane, built_in(drawn, copied)))


@settings(max_examples=30, deadline=None)
@given(world() | calling(), st.integers(0, 10))
def test_whoever_is_chosen_each_request_ends_once(drawn, k):
    played = play(with_own(lambda waiting, now_ns: k % len(waiting)), asking(drawn, "round_robin"))

    assert_all_accounted_for(played)
