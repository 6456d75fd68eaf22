"""Law: the compiled engine is the reference engine; every outcome and every time is the same."""

from functools import partial

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.serving.exact import ExactPlane
from sim.serving.parameters import Api, ApiLatency, Batching, LinearService, Queue
from sim.serving.plane import Traffic, api_row, pool_row
from sim.serving.reference import ReferencePlane
from sim.streams import Streams

SLOTS = 4


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
        "tokens": draw(st.booleans()),
        "split": draw(st.integers(1, 30)),
        "ready_at_start": draw(st.sets(st.integers(0, 2 * SLOTS - 1), min_size=1)),
        "touches": touches,
        "switch": switch,
        "horizon": horizon,
    }


def play(engine, world):
    """Run a scripted world; everything observable about it."""
    clock, streams = Clock(), Streams(7)
    n = len(world["arrivals"])
    traffic = [Traffic(streams.key(f"exposure/{w}"), streams.key(f"service/{w}")) for w in range(n)]
    plane = engine(clock, world["rows"], traffic, log=True)
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
        for w in range(n):
            plane.steer(w, row, world["exposure"], world["timeouts"][w], 1000)
        plane.close(0)

    def scrape():
        for row in (0, 1):
            sample = np.zeros((SLOTS + 1, 5), np.int64)
            plane.scrape(row, sample)
            samples.append(sample)

    plane.on_drained = gone
    for w in range(n):
        plane.steer(w, 0, world["exposure"], world["timeouts"][w], 1000)
    for slot in sorted(world["ready_at_start"]):
        turn(slot)
    for w, times in enumerate(world["arrivals"]):
        for first in range(0, len(times), world["split"]):
            block = times[first : first + world["split"]]
            handed = 0 if first == 0 else int(times[first])
            tokens = world["tokens"] and [np.arange(first, first + len(block), dtype=np.int32) * k for k in (3, 1)]
            prompt, output = tokens or (None, None)
            clock.call_at(handed, Rank.CLOSE, partial(plane.offer, w, first, block, prompt, output))
    for i, (t, slot) in enumerate(world["touches"]):
        clock.call_at(t, Rank.MACHINE_READY, lambda slot=slot: turn(slot), i)
    if world["switch"]:
        clock.call_at(world["switch"][0], Rank.PHASE, lambda: switch(world["switch"][1]))
    for t in range(0, world["horizon"], 700):
        clock.call_at(t, Rank.SCRAPE, scrape)
    clock.play(plane.advance, clock.at(world["horizon"], Rank.REVIEW))
    plane.finish(world["horizon"])
    log = plane.take_log()
    log = log[np.lexsort((log["request"], log["workload"]))]
    skip = ("row", "exposure", "timeout_ns", "slo_ns", "exposure_key", "service_key", "position", "length", "first_id")
    counters = {name: plane.workloads[name].tolist() for name in plane.workloads.dtype.names if name not in skip}
    histograms = [[x.tolist() for x in plane.take_histogram(w)] for w in range(n)]
    return log.tolist(), counters, histograms, drained, [s.tolist() for s in samples]


@settings(max_examples=400, deadline=None)
@given(world())
def test_exact_engine_equals_reference_in_every_outcome_and_time(world):
    reference, exact = play(ReferencePlane, world), play(ExactPlane, world)
    for what, a, b in zip(("log", "counters", "histograms", "drained", "scrapes"), reference, exact, strict=True):
        assert a == b, what
    log, counters, *_ = exact
    assert len(log) == sum(counters["offered"])
