"""The life of a replica: requested, provisioning, loading, ready, draining, released, and billed all along."""

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.bill import billed_for
from sim.fleet.fleet import Fleet
from sim.fleet.metrics import FIELDS, Scrapes
from sim.fleet.parameters import Machine, Model, ReplicaType


def machine(**changes):
    values = {
        "name": "m", "accelerator": "none", "price_usd_per_h": 1.0, "memory_bytes": 1e9, "provisioning_s": 60.0,
        "billing_increment_s": 1.0, "billing_minimum_s": 60.0, "source": "test",
    }  # fmt: skip
    return Machine(**values | changes)


class Plane:
    """A data plane on which draining takes until told otherwise."""

    def __init__(self, drains_at_once=True):
        self.up, self.drains_at_once = set(), drains_at_once

    def ready(self, slot):
        self.up.add(slot)

    def drain(self, slot):
        self.up.discard(slot)
        return self.drains_at_once


def fleet(slots=8, drains_at_once=True, load_s=30.0):
    clock, plane, events = Clock(), Plane(drains_at_once), []

    def note(kind, subject, detail, before, after):
        events.append((clock.now, kind, subject))

    model = Model(name="x", memory_bytes=1e9, load_s=load_s)
    return clock, plane, Fleet(clock, plane, "main", 0, slots, machine(), model, note, count(1)), events


def at(clock, seconds, action):
    clock.call_at(to_ns(seconds), Rank.CONTROL, action)


def play(clock, seconds):
    clock.play(lambda t, rank: True, clock.at(to_ns(seconds), Rank.REVIEW))


def test_a_replica_is_ready_after_provisioning_and_loading():
    clock, plane, f, events = fleet()
    at(clock, 0, lambda: f.scale_to(1, "test"))
    play(clock, 89.9)
    assert plane.up == set()
    play(clock, 90)
    assert plane.up == {0}
    assert [(t / 1e9, kind) for t, kind, _ in events] == [
        (0, "scale"), (0, "replica_requested"), (90, "replica_ready"),
    ]  # fmt: skip


def test_billing_runs_from_request_to_release_whatever_happens_in_between():
    clock, _, f, _ = fleet()
    at(clock, 10, lambda: f.scale_to(2, "test"))
    at(clock, 200.5, lambda: f.scale_to(1, "test"))
    play(clock, 300)
    # one from 10 s on, one from 10 s to 200.5 s in steps of a second
    assert f.billed_ns(clock.now) == to_ns(290 + 191)


def test_the_least_billed_time_counts_for_a_replica_given_up_while_it_boots():
    clock, plane, f, events = fleet()
    at(clock, 0, lambda: f.scale_to(1, "test"))
    at(clock, 5, lambda: f.scale_to(0, "test"))
    play(clock, 500)
    assert f.billed_ns(clock.now) == to_ns(60)
    assert plane.up == set()
    assert "replica_ready" not in {kind for _, kind, _ in events}


def test_those_not_ready_go_first_then_the_youngest():
    clock, plane, f, events = fleet()
    at(clock, 0, lambda: f.scale_to(2, "test"))
    at(clock, 100, lambda: f.scale_to(3, "test"))
    at(clock, 200, lambda: f.scale_to(4, "test"))
    at(clock, 210, lambda: f.scale_to(2, "test"))
    play(clock, 400)
    released = [subject for _, kind, subject in events if kind == "replica_released"]
    assert released == ["main/4", "main/3"]
    assert plane.up == {0, 1}


def test_a_draining_replica_is_billed_until_it_is_empty_and_its_place_is_free_again():
    clock, _, f, _ = fleet(slots=2, drains_at_once=False)
    at(clock, 0, lambda: f.scale_to(2, "test"))
    at(clock, 1000, lambda: f.scale_to(1, "test"))
    at(clock, 1001, lambda: f.scale_to(2, "test"))  # no place yet: it waits for one
    at(clock, 1500, lambda: f.drained(1))
    play(clock, 2000)
    assert f.ready_count == 2
    assert f.billed_ns(clock.now) == to_ns(2000 + 1500 + 500)
    assert f.ready_ns(clock.now) == to_ns(1910 + 910 + 410)


def test_a_model_that_does_not_fit_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"needs 24 GB and m has 16 GB.*smaller model"):
        ReplicaType(machine=machine(memory_bytes=16e9), model=Model(name="big", memory_bytes=24e9, load_s=1.0))


@given(st.integers(0, 10**14), st.sampled_from([0.0, 1.0, 60.0, 3600.0]), st.sampled_from([0.0, 60.0, 3600.0]))
def test_billed_time_is_whole_increments_at_least_the_minimum_and_never_an_increment_too_much(lived, step, least):
    m = machine(billing_increment_s=step, billing_minimum_s=least)
    billed = billed_for(lived, m)
    assert billed >= max(lived, to_ns(least))
    assert step == 0 or billed % to_ns(step) == 0
    assert billed < max(lived, to_ns(least)) + max(to_ns(step), 1)


def test_metrics_come_from_the_newest_scrape_that_is_old_enough_and_the_one_before():
    scrapes = Scrapes(slots=2, interval_ns=15, lag_ns=20)
    for t in range(15, 76, 15):
        sample = scrapes.place(t)
        sample[:, :] = 0
        sample[0] = (t * t, 3 * t * t, t // 15, t, 1)
        sample[2, :2] = (5, 4 * (t // 15))
    slots, zeros = np.array([0]), np.array([0])
    values, queued, arrived_per_s, age_s, span_s = scrapes.read(76, slots, zeros, zeros)
    # the scrape at 75 is 1 ns old and the one at 60 only 16: the newest no younger than 20 is that at 45
    assert round(age_s * 1e9) == 31
    assert round(span_s * 1e9) == 15
    assert values[2, 0] == (45 * 45 - 30 * 30) / 15
    assert values[3, 0] == 46.0
    assert values[4, 0] == 3 * values[2, 0]
    assert values[5, 0] == 1 / 15 * 1e9
    assert values[6, 0] == 45.0
    assert queued == 5
    assert arrived_per_s == 4 / 15 * 1e9


def test_a_replica_without_two_samples_since_it_was_ready_is_missing():
    scrapes = Scrapes(slots=1, interval_ns=15, lag_ns=0)
    for t in (15, 30):
        scrapes.place(t)[:] = np.zeros((2, FIELDS))
    slots, requested = np.array([0]), np.array([0])
    for ready_ns, utilisation, in_flight in (
        (10, False, False),
        (20, True, False),
        (30, True, False),
        (-1, True, True),
    ):
        values, *_ = scrapes.read(30, slots, requested, np.array([ready_ns]))
        assert np.isnan(values[2, 0]) == utilisation
        assert np.isnan(values[3, 0]) == in_flight
