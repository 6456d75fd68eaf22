"""Laws: the compiled engine is the reference engine, to the nanosecond; and looking ahead changes nothing."""

from functools import partial
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.serving import bookmark
from sim.serving.batching import Batching
from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import NEVER
from sim.serving.parameters import Api, ApiLatency
from sim.serving.reference import ReferencePlane
from sim.serving.rows import api_row, pool_row
from sim.serving.services import LinearService
from sim.serving.steering import Steering, Traffic
from sim.serving.waiting import Queue
from sim.streams import Streams

SLOTS = 4
TENANTS, ENTRIES, STEPS, USERS = 2, 4, 3, 3


@st.composite
def service(draw):
    kind = draw(st.sampled_from(["constant", "constant", "exponential", "lognormal"]))
    # whole numbers of 100 ns make ties between completions, expiries, deadlines and arrivals frequent
    return LinearService(
        base_s=draw(st.integers(0, 4)) * 1e-7, per_item_s=draw(st.integers(1, 4)) * 1e-7, distribution=kind,
        cv=0.5 if kind == "lognormal" else 0.0, hardware="test", source="test",
    )  # fmt: skip


@st.composite
def pool(draw):
    return pool_row(
        draw(service()),
        Batching(max_batch_size=draw(st.integers(1, 4)), max_queue_delay_s=draw(st.integers(0, 5)) * 1e-7),
        Queue(capacity=draw(st.integers(0, 6))),
        draw(st.sampled_from(["least_outstanding", "round_robin", "shared_queue"])),
        SLOTS,
    )


API_ROW = api_row(
    Api(
        name="test", latency=ApiLatency(median_s=2e-6, cv=0.5), request_usd=0.0, prompt_usd_per_mtok=0.0,
        output_usd_per_mtok=0.0, source="test",
    )
)  # fmt: skip


@st.composite
def limits(draw):
    """Token bucket and cache of a workload, each of them small or absent, as keywords of Steering."""
    chosen = {}
    if draw(st.booleans()):
        chosen |= {"token_ns": draw(st.integers(1, 8)) * 50, "burst": draw(st.integers(1, 4))}
    if draw(st.booleans()):
        chosen |= {"cache_entries": draw(st.integers(1, ENTRIES)), "hit_ns": draw(st.sampled_from([0, 30, 1001]))}
        chosen |= {"ttl_ns": draw(st.sampled_from([NEVER, 100, 300, 1000, 3000]))}
    return chosen


def drawn(draw, values, times, dtype):
    """One of the values for each arrival, or None for the whole workload."""
    if not draw(st.booleans()):
        return None
    return np.array(draw(st.lists(st.sampled_from(values), min_size=len(times), max_size=len(times))), dtype)


@st.composite
def world(draw):
    """Two pools and an API, one or two workloads, and a script of control events."""
    gaps = st.lists(st.integers(0, 3), min_size=1, max_size=60)
    arrivals = [np.cumsum(draw(gaps)).astype(np.int64) * 100 for _ in range(draw(st.integers(1, 2)))]
    horizon = max(int(a[-1]) for a in arrivals) + draw(st.integers(1, 40)) * 100
    times = st.integers(0, horizon // 100 - 1).map(lambda k: k * 100)
    touches = draw(st.lists(st.tuples(times, st.integers(0, 2 * SLOTS - 1)), max_size=12))
    switch = draw(st.none() | st.tuples(times, st.sampled_from([1, 2])))
    return {
        "rows": [draw(pool()), draw(pool()), API_ROW],
        "arrivals": arrivals,
        "timeouts": [draw(st.integers(1, 15)) * 100 for _ in arrivals],
        "exposure": draw(st.sampled_from([1.0, 1.0, 0.5])),
        "limits": [[draw(limits()) for _ in arrivals] for _ in range(2)],
        "keys": [drawn(draw, [0, 1, 2, 3, 2**62, -7, 8 * 2**20], a, np.int64) for a in arrivals],
        "tenants": [drawn(draw, range(TENANTS), a, np.int32) for a in arrivals],
        "emptied": draw(st.lists(times, max_size=2)),
        "tokens": draw(st.booleans()),
        "split": draw(st.integers(1, 30)),
        "ready_at_start": draw(st.sets(st.integers(0, 2 * SLOTS - 1), min_size=1)),
        "touches": touches,
        "switch": switch,
        "horizon": horizon,
    }


def built(engine, world, clock, log):
    """The world's plane, all of its workloads steered to the first row."""
    streams = Streams(7)
    traffic = [
        Traffic(streams.key(f"exposure/{w}"), streams.key(f"service/{w}"), TENANTS, ENTRIES, steps=STEPS, users=USERS)
        for w in range(len(world["arrivals"]))
    ]
    plane = engine(clock, world["rows"], traffic, log=log)
    steer(plane, world, 0, 0)
    return plane


def steer(plane, world, row, turn):
    """Send every workload to a row, under its first or second limits."""
    for w, timeout_ns in enumerate(world["timeouts"]):
        plane.steer(w, Steering(row, world["exposure"], timeout_ns, 1000, **world["limits"][turn][w]))


def offer(plane, world, w, first, last):
    """Hand over a workload's arrivals from `first` on to before `last`."""
    block = world["arrivals"][w][first:last]
    tokens = world["tokens"] and [np.arange(first, first + len(block), dtype=np.int32) * k for k in (3, 1)]
    key, tenant = (None if of[w] is None else of[w][first:last] for of in (world["keys"], world["tenants"]))
    plane.offer(w, first, block, *(tokens or (None, None)), key, tenant)


def play(engine, world):
    """Run a scripted world; everything observable about it."""
    clock, n = Clock(), len(world["arrivals"])
    plane = built(engine, world, clock, log=True)
    drained, samples, mode = [], [], dict.fromkeys(range(2 * SLOTS), "off")

    def turn(slot):
        """off -> ready -> draining (-> off when empty)"""
        if mode[slot] == "off":
            mode[slot] = "ready"
            plane.ready(slot)
        elif mode[slot] == "ready":
            mode[slot] = "draining"
            if plane.drain(slot):
                gone(slot)

    def gone(slot):
        mode[slot] = "off"
        drained.append((clock.now, slot))

    def switch(row):
        steer(plane, world, row, 1)
        plane.close(0)

    def scrape():
        for row in (0, 1):
            sample = np.zeros((SLOTS + 1, 5), np.int64)
            plane.scrape(row, sample)
            samples.append(sample)

    def woken(row):
        """A replica is put where somebody asks; the row goes to sleep again, where it is to."""
        drained.append((clock.now, "woken", row))
        off = [slot for slot in range(row * SLOTS, (row + 1) * SLOTS) if mode[slot] == "off"]
        if off and world["wakes"]:
            turn(off[-1])
        plane.arm(row, world["again"])

    def fail(slot):
        if mode[slot] != "off":
            plane.fail(slot)
            mode[slot] = "off"
            drained.append((clock.now, "failed", slot))

    plane.on_drained, plane.on_woken = gone, woken
    for i, (t, rank, slot) in enumerate(world.get("failures", ())):
        clock.call_at(t, rank, partial(fail, slot), 2000 + i)
    for t, row in world.get("armed", ()):
        clock.call_at(t, Rank.PHASE, partial(plane.arm, row, True), 1)
    for slot in sorted(world["ready_at_start"]):
        turn(slot)
    for w, times in enumerate(world["arrivals"]):
        for first in range(0, len(times), world["split"]):
            handed = 0 if first == 0 else int(times[first])
            clock.call_at(handed, Rank.CLOSE, partial(offer, plane, world, w, first, first + world["split"]))
    for i, (t, slot) in enumerate(world["touches"]):
        clock.call_at(t, Rank.MACHINE_READY, lambda slot=slot: turn(slot), i)
    if world["switch"]:
        clock.call_at(world["switch"][0], Rank.PHASE, lambda: switch(world["switch"][1]))
    for t in world["emptied"]:
        clock.call_at(t, Rank.DEPLOY, lambda: [plane.empty_cache(w) for w in range(n)])
    for t in range(0, world["horizon"], 700):
        clock.call_at(t, Rank.SCRAPE, scrape)
    clock.play(plane.advance, clock.at(world["horizon"], Rank.REVIEW))
    plane.finish(world["horizon"])
    log = plane.take_log()
    log = log[np.lexsort((log["request"], log["workload"]))]
    return log.tolist(), *counted(plane, n), drained, [s.tolist() for s in samples]


COUNTERS = (
    "potential", "offered", "hit", "completed", "good", "throttled", "rejected", "timed_out", "in_system", "waited",
    "api_calls", "api_prompt_tokens", "api_output_tokens", "system_flow", "queued", "queue_flow", "latency_sum_s",
    "lost_sum_s", "wait_sum_s", "cache_live", "attempts", "retries", "hedges", "budget", "issued", "crossed",
    "failed",
)  # fmt: skip


def counted(plane, n):
    """Counters and latency histograms of all workloads."""
    counters = {name: plane.workloads[name].tolist() for name in COUNTERS}
    return counters, [[x.tolist() for x in plane.take_histogram(w)] for w in range(n)]


PLAYED, TICKED = ("log", "counters", "histograms", "drained", "scrapes"), ("scrapes", "counters", "histograms")


def assert_alike(one, other):
    """Two plays of a world, or two plays by ticks, are the same in everything observable."""
    for what, a, b in zip(PLAYED if len(one) == len(PLAYED) else TICKED, one, other, strict=True):
        assert a == b, what


def assert_all_accounted_for(played):
    """In a play of a world each request that was offered stands in the log, and has ended once or is in the system."""
    log, counters, *_ = played
    assert len(log) == sum(counters["offered"])
    for w, offered in enumerate(counters["offered"]):
        ended = sum(counters[name][w] for name in ("hit", "completed", "throttled", "rejected", "timed_out", "failed"))
        assert offered == ended + counters["in_system"][w]


@settings(max_examples=150, deadline=None)
@given(world())
def test_exact_engine_equals_reference_in_every_outcome_and_time(world):
    reference, exact = play(ReferencePlane, world), play(ExactPlane, world)
    assert_alike(reference, exact)
    assert_all_accounted_for(exact)


def tick(world, plan):
    """Play a world of the exact engine to its end by ticks, as a scaling loop does; what its scrapes and counters say.

    plan: pairs (ticks to look ahead, of these to keep), one after the other; an empty one never looks ahead.
    """
    clock = Clock()
    plane = built(ExactPlane, world, clock, log=False)
    for slot in sorted(world["ready_at_start"]):
        plane.ready(slot)
    for w, times in enumerate(world["arrivals"]):
        offer(plane, world, w, 0, len(times))
    scrapes, interval = [], 300

    def loop():
        t, plans = interval, iter(plan)
        while t < world["horizon"]:
            wished, kept = next(plans, (0, 0))
            ticks = min(wished, (clock.free_until() - 1 - t) // interval + 1)
            samples = np.zeros((max(1, ticks), SLOTS + 1, 5), np.int64)
            if ticks > 1 and plane.look_ahead(0, t, interval, samples):
                stay = min(kept, ticks - 1)
                if stay < ticks - 1:
                    plane.go_back(t + stay * interval)
                clock.jump(t + stay * interval)
            else:
                stay = 0
                yield clock.at(t, Rank.SCRAPE)
                plane.scrape(0, samples[0])
            scrapes.extend(samples[: stay + 1].tolist())
            t += (stay + 1) * interval

    clock.process(loop())
    if world["switch"]:
        clock.call_at(world["switch"][0], Rank.PHASE, lambda: steer(plane, world, *world["switch"][1:], 1))
    for t in world["emptied"]:
        clock.call_at(t, Rank.DEPLOY, lambda: [plane.empty_cache(w) for w in range(len(world["arrivals"]))])
    clock.play(plane.advance, clock.at(world["horizon"], Rank.REVIEW))
    return scrapes, *counted(plane, len(world["arrivals"]))


@settings(max_examples=150, deadline=None)
@given(world(), st.lists(st.tuples(st.integers(2, 8), st.integers(0, 7)), min_size=1, max_size=40), st.booleans())
def test_looking_ahead_and_going_back_changes_nothing(world, plan, cramped):
    plain = tick(world, [])
    if cramped:  # into a journal that overflows on the way
        likely = mock.patch.object(bookmark.Bookmark, "holds", return_value=True)
        with likely, mock.patch.object(bookmark, "JOURNAL", 40):
            ahead = tick(world, plan)
    else:
        ahead = tick(world, plan)
    assert_alike(plain, ahead)
