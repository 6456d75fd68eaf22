"""How far M/M/8 is from what the machine can do: the same queue as bare loops, ns a customer of CPU time.

draws: the uniforms and logarithms of arrivals and services alone, in blocks; fifo: these, and the recursion that such a
queue allows (Kiefer and Wolfowitz: an arrival is served by the server that is free first, in a tournament tree), with
nothing counted, and nobody who could give up; touched: no draws, no decisions, but a node, a bucket of the histogram
and the counters read and written as often as the engine does; advance: the engine's kernel, exact: a whole run.
"""

import math
from time import process_time

import numpy as np
from numpy.typing import NDArray

from sim.compiled import kernel
from sim.record.histogram import BUCKETS, bucket_of
from sim.serving.kernels.ahead import service_uniforms
from sim.serving.kernels.tournament import plant, replay
from sim.streams import Purpose, Streams
from sim.workload.kernels import exponentials, uniforms
from tests.benchmarks.textbook import LOAD, SERVERS, mm8

LIMITS: dict[str, tuple[str, float]] = {}
ROUNDS, BLOCK, BLOCKS = 7, 4096, 256

Float64, Int64 = NDArray[np.float64], NDArray[np.int64]


@kernel
def fifo(gap: Float64, service: Float64, state: Int64, free_ns: Int64, winners: NDArray[np.int32]) -> None:
    """Let customers through, whose gaps and services are given (means 1). state: time, sum of waits (ns)."""
    t, waited = state[0], state[1]
    for i in range(gap.size):
        t += int(gap[i] * (1e9 / LOAD))
        server = winners[1]
        start = max(t, free_ns[server])
        waited += start - t
        free_ns[server] = start + int(service[i] * 1e9)
        replay(winners, 0, free_ns.size, free_ns, 0, server)
    state[0], state[1] = t, waited


@kernel
def touch(gap: Float64, nodes: Int64, histogram: Int64, counters: Int64) -> None:
    """Per customer: eight words of a node written, one bucket, and twenty counters, the last ones of which are float
    sums in the engine.
    """
    for i in range(gap.size):
        latency = int(gap[i] * 1e9)
        node = latency & (nodes.shape[0] - 1)
        for field in range(8):
            nodes[node, field] = latency + field
        histogram[bucket_of(latency)] += 1
        for field in range(20):
            counters[field] += nodes[node, field & 7]


def measure() -> dict[str, float]:
    """ns a customer of each, the best of its turns, and the engine's over the recursion's."""
    from sim import simulate

    streams, n = Streams(1), BLOCK * BLOCKS
    arrivals, services = streams.key("arrivals/main"), streams.key("service/main")
    gap, service = np.empty(BLOCK), np.empty(BLOCK)
    state, free_ns = np.zeros(2, np.int64), np.zeros(SERVERS, np.int64)
    winners = np.zeros(2 * SERVERS, np.int32)
    plant(winners, 0, SERVERS, free_ns, 0)
    nodes, histogram, counters = np.zeros((64, 8), np.int64), np.zeros(BUCKETS, np.int64), np.zeros(20, np.int64)

    def draw(first: int) -> None:
        uniforms(arrivals, first, int(Purpose.ARRIVAL), gap)
        exponentials(gap)
        service_uniforms(services, first, service)
        exponentials(service)

    def draws() -> None:
        for block in range(BLOCKS):
            draw(block * BLOCK)

    def queue() -> None:
        for block in range(BLOCKS):
            draw(block * BLOCK)
            fifo(gap, service, state, free_ns, winners)

    def touched() -> None:
        for _ in range(BLOCKS):
            touch(gap, nodes, histogram, counters)

    scenario = mm8("exact", n / LOAD)
    turns = {"draws": draws, "fifo": queue, "touched": touched, "exact": lambda: simulate(scenario)}
    best = dict.fromkeys(turns, math.inf)
    for round_ in range(ROUNDS + 1):
        for name, turn in turns.items():
            begun = process_time()
            turn()
            if round_:  # the first one compiles
                best[name] = min(best[name], (process_time() - begun) / n * 1e9)
    result = {f"{name}_ns": ns for name, ns in best.items()}
    return result | {
        "exact_over_fifo": best["exact"] / best["fifo"],
        "fifo_mean_wait_s": state[1] / 1e9 / n / (ROUNDS + 1),
    }
