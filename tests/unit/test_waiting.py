"""Disciplines of waiting, one small function each; and whole worlds that use them."""

import numpy as np
import pytest

from sim import load, simulate
from sim.serving.batching import AdaptiveBatching, Batching, NoBatching, WhenIdle
from sim.serving.discipline.batching import batch_size, next_limit, preferred_by_size
from sim.serving.discipline.queueing import draw_gives_up_ns, gives_up_ns
from sim.serving.discipline.service import CONSTANT, EXPONENTIAL
from sim.serving.rows import check_rows, pool_row
from sim.serving.services import LinearService
from sim.serving.steering import Steering, Traffic, check_priority
from sim.serving.waiting import Queue
from sim.streams import Purpose, Streams

SERVICE = LinearService(base_s=1e-3, per_item_s=1e-4, hardware="test", source="test")
KEY, PATIENCE = Streams(1).key("service/main"), int(Purpose.PATIENCE)


@pytest.mark.parametrize(
    ("queued", "preferred", "oldest_ns", "delay_ns", "flush", "taken"),
    [
        (3, 0, 0, 50, False, 0),  # neither full nor overdue at 40
        (8, 0, 40, 50, False, 8),  # full
        (11, 0, 40, 50, False, 8),  # more than full
        (3, 0, 0, 40, False, 3),  # the oldest has waited its 40
        (3, 0, 40, 0, False, 3),  # nobody waits
        (3, 0, 40, 50, True, 3),  # nobody else will come
        (5, 4, 20, 50, False, 4),  # a preferred size at once
        (5, 4, 0, 40, False, 5),  # overdue: as many as there are
        (5, 4, 0, 0, False, 4),  # nobody waits: preferred all the same
        (11, 6, 20, 50, False, 6),  # preferred before full
        (11, 6, 0, 40, False, 8),  # overdue: as many as fit
    ],
)
def test_how_many_an_idle_replica_takes(queued, preferred, oldest_ns, delay_ns, flush, taken):
    assert batch_size(queued, 8, preferred, oldest_ns, delay_ns, 40, flush) == taken


def test_the_largest_preferred_size_that_so_many_fill():
    assert preferred_by_size((2, 5), 6) == [0, 0, 2, 2, 2, 5, 5]
    assert preferred_by_size((), 2) == [0, 0, 0]


@pytest.mark.parametrize(
    ("limit", "batch", "took_ns", "after"),
    [
        (4.0, 4, 100, 6.0),  # full and in time
        (4.9, 4, 100, 6.9),  # whole requests count
        (4.0, 3, 100, 4.0),  # not full: says nothing
        (9.5, 9, 100, 10.0),  # never above the largest
        (4.0, 4, 101, 3.6),  # late
        (4.0, 1, 101, 3.6),  # late, however small
        (1.05, 1, 101, 1.0),  # never below one
    ],
)
def test_additive_increase_and_multiplicative_decrease(limit, batch, took_ns, after):
    assert next_limit(limit, batch, took_ns, 100, 2, 0.9, 10) == pytest.approx(after)


def test_patience_ends_at_the_deadline_at_the_latest():
    assert gives_up_ns(1000, 100, 0.0, CONSTANT, 0.0, KEY, 3, PATIENCE) == 1000
    assert gives_up_ns(1000, 100, 300.0, CONSTANT, 0.0, KEY, 3, PATIENCE) == 400
    assert gives_up_ns(350, 100, 300.0, CONSTANT, 0.0, KEY, 3, PATIENCE) == 350


def test_patience_is_drawn_by_request_with_its_mean():
    far = 2**60
    drawn = np.array([draw_gives_up_ns(far, 0, 1e9, EXPONENTIAL, 0.0, KEY, i, PATIENCE) for i in range(20_000)]) / 1e9

    assert drawn.mean() == pytest.approx(1.0, abs=3 / 20_000**0.5)  # three standard errors
    assert draw_gives_up_ns(far, 0, 1e9, EXPONENTIAL, 0.0, KEY, 7, PATIENCE) == round(drawn[7] * 1e9)


def row(batching, overflow=-1):
    return pool_row(SERVICE, batching, Queue(capacity=10), "shared_queue", 2, overflow)


def test_kinds_of_batching_that_mean_the_same_make_the_same_row():
    for one, other in (
        (NoBatching(), Batching()), (WhenIdle(max_batch_size=64), Batching(max_batch_size=64)),
    ):  # fmt: skip
        a, b = row(one), row(other)
        assert (a.max_batch, a.delay_ns, a.preferred, a.step) == (b.max_batch, b.delay_ns, b.preferred, b.step)
    assert row(AdaptiveBatching(target_s=0.01)).target_ns == 10_000_000


def test_a_row_overflows_only_to_one_that_can_take_it():
    check_rows([row(NoBatching(), 1), row(NoBatching())])
    for rows in ([row(NoBatching(), 1)], [row(NoBatching(), 1), row(NoBatching(), 0)]):
        with pytest.raises(ValueError, match="cannot take it"):
            check_rows(rows)


def test_a_plane_is_told_of_priorities_beforehand():
    traffic = Traffic(KEY, KEY, priority=3)
    check_priority(Steering(0, 1.0, 1, 1, priority=3), traffic)
    with pytest.raises(ValueError, match="3 was to be the highest"):
        check_priority(Steering(0, 1.0, 1, 1, priority=4), traffic)
    with pytest.raises(ValueError, match="no such priority"):
        Steering(0, 1.0, 1, 1, priority=8)


# --- whole worlds

DAY = ("horizon=6 h", "phases=production", "admission=none", "cache=none", "learning=none", "value=none",
       "incidents=none", "autoscaler=fixed", "workload.growth={kind: none}", "workload.seasonality={kind: flat}",
       "pool.service={base: 1 s, per_item: 0 s, distribution: constant, cv: 0}",
       "pool.batching={kind: none}")  # fmt: skip


@pytest.mark.parametrize("engine", ["exact", "reference"])
def test_a_full_pool_overflows_to_another_that_is_paid_for(engine):
    r = simulate(load(
        "document_assistant", *DAY, f"engine={engine}", "workload.rate=60 req/min", "workload.timeout=30 s",
        "pools={small: {autoscaler: {replicas: 1}, queue: {capacity: 0, overflow: large}}, large: {autoscaler: "
        "{replicas: 3}, queue: {capacity: 50}}}", "workload.pool=small", "record.requests=all",
    ))  # fmt: skip

    alone = r.requests[r.requests["slot"] == 0]
    assert 0 < len(alone) < r.totals["offered"]
    assert r.totals["rejected"] == 0
    machines = r.ledger[r.ledger["account"].str.startswith("serving.machine.")]
    by_pool = machines.groupby("resource")["quantity"].sum()
    assert by_pool["large"] == pytest.approx(3 * by_pool["small"])
    assert set(machines["workload"]) == {"main"}


@pytest.mark.parametrize("engine", ["exact", "reference"])
def test_the_impatient_leave_and_the_urgent_go_first(engine):
    r = simulate(load(
        "document_assistant", *DAY, f"engine={engine}", "autoscaler.replicas=1", "pool.queue.capacity=50",
        "workload.rate=33 req/min", "workload.timeout=10 min",
        "workloads={urgent: {priority: 5}, patient: {}, hasty: {patience: {kind: constant, mean: 3 s}}}",
    ))  # fmt: skip

    by = r.timeseries.groupby("workload")[["offered", "completed", "timed_out", "wait_sum_s"]].sum()
    wait_s = by["wait_sum_s"] / by["completed"]
    assert wait_s["urgent"] < 2.0
    assert wait_s["hasty"] <= 3.0 < wait_s["patient"]
    assert by.loc["hasty", "timed_out"] > 0.1 * by.loc["hasty", "offered"]
    assert by.loc["urgent", "timed_out"] == 0
