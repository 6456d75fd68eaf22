"""State of the data plane: structured arrays and buffers, all of them plain NumPy, so that a run can be stored.

A *slot* is a place for a replica; a *row* is one kind of service (a pool as one phase configures it, or an API); a
*node* is a request in the system. Sums named `flow` hold (sum of times at which something began) - (sum of times at
which it ended) in wrapping int64: with n of them going on at time T, the time integral of n up to T is n*T - flow,
exactly.

Token buckets and response caches lie in one flat array, `State.memory` (see `kernels.memory`, `kernels.cells`).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.compiled import inlined
from sim.record.histogram import BUCKETS
from sim.serving.discipline.queueing import LEVELS

NEVER = 2**63 - 1
NO_KEY = -(2**63)  # content key of a request that resembles no other
API, LEAST_OUTSTANDING, ROUND_ROBIN, SHARED_QUEUE, RANDOM, POWER_OF_TWO, AFFINITY = range(7)
BY_CONTENT, BY_TENANT = 0, 1
OFF, READY, DRAINING = 0, 1, 2
COMPLETED, TIMED_OUT, REJECTED, IN_SYSTEM, HIT, THROTTLED, FAILED = range(7)
OUTCOMES = ("completed", "timed_out", "rejected", "in_system", "hit", "throttled", "failed")  # their names
DONE, DRAINED, NODES_FULL, LOG_FULL, JOURNAL_FULL, CALLS_FULL, WOKEN = range(7)
MOST_BRANCHES = 4
ACTIVE_CALL = -2  # `next` of a call that goes on
ASLEEP, ARMED, ROUSED = range(3)  # whether a row tells of the next request that asks it, or has just seen it
ACTIVE = 1  # a user who is thinking or waits for an answer

_I, _F, _U = np.int64, np.float64, np.uint64

SLOT = np.dtype([
    ("row", _I), ("mode", _I), ("serving", _I), ("queued", _I), ("head", _I), ("tail", _I), ("batch", _I),
    ("started_ns", _I), ("busy_flow", _I), ("load_flow", _I), ("completions", _I),
    ("batch_limit", _F),  # of an adaptive batch
])  # fmt: skip
ROW = np.dtype([
    ("kind", _I), ("first", _I), ("slots", _I), ("tree", _I), ("ready", _I), ("turn", _I),
    ("max_batch", _I), ("delay_ns", _I), ("capacity", _I), ("closing", _I), ("queued", _I), ("head", _I), ("tail", _I),
    ("means", _I), ("distribution", _I), ("sigma", _F), ("busy_flow", _I), ("busy", _I),
    # whether queues are sorted by priority; row that takes who finds no room here (-1: none); whether some batch sizes
    # are preferred or the largest adapts; then growth (0: none), decrease, and the time that they should take
    ("ranked", _I), ("overflow", _I), ("varied", _I), ("step", _I), ("decrease", _F), ("target_ns", _I),
    # affinity: what it goes by, the bound on loads, requests at the ready replicas; place of its first point, and
    # whether the replicas that are ready have changed since the ring was made
    ("by", _I), ("load_bound", _F), ("outstanding", _I), ("ring", _I), ("stale", _I),
    # zones: how many (1: none to speak of), what an answer from another one takes longer, whether the router looks at
    # home first, place of its bounds in `zone_ready`
    ("zones", _I), ("detour_ns", _I), ("at_home", _I), ("zone_at", _I),
    # place of its variation (see sim.serving.discipline.service), -1 where it has none
    ("variation", _I),
    ("arrived", _I),  # requests that asked it to be served
    ("armed", _I),  # ASLEEP, ARMED or ROUSED
    # visits that have ended in service: their number, and sums over them of time there and of that in service
    ("visits", _I), ("visit_ns", _I), ("service_ns", _I),
])  # fmt: skip
WORKLOAD = np.dtype([
    ("row", _I), ("exposure", _F), ("timeout_ns", _I), ("slo_ns", _I), ("exposure_key", _U), ("service_key", _U),
    ("position", _I), ("length", _I), ("first_id", _I), ("has_tokens", _I),
    ("potential", _I), ("offered", _I), ("completed", _I), ("good", _I), ("rejected", _I), ("timed_out", _I),
    ("in_system", _I), ("waited", _I), ("api_calls", _I), ("api_prompt_tokens", _I), ("api_output_tokens", _I),
    ("system_flow", _I), ("queued", _I), ("queue_flow", _I), ("latency_sum_s", _F), ("lost_sum_s", _F),
    ("wait_sum_s", _F),
    ("hit", _I), ("throttled", _I),
    # admission: time a token takes to come, and how far a bucket lets a burst run ahead; place of its first bucket
    ("token_ns", _I), ("ahead_ns", _I), ("buckets_at", _I),
    # cache: answers that each of its caches may hold (0: none), and that all of them hold
    ("cache_entries", _I), ("cache_live", _I), ("ttl_ns", _I), ("hit_ns", _I),
    # cache: where requests look (see `discipline.caching`); its first place in `State.caches`, and how many it has
    # there; which answer leaves; limit in bytes (0: none), mean and spread of an answer's bytes; of a semantic one the
    # probabilities of a hit and of a wrong one; hits that were wrong
    ("cache_kind", _I), ("cache", _I), ("caches", _I), ("eviction", _I), ("cache_bytes", _I), ("entry_bytes", _F),
    ("entry_sigma", _F), ("semantic_hit", _F), ("semantic_wrong", _F), ("wrong_hit", _I),
    # calls (see `kernels.calls`): whether this workload's requests are such; its stages, places in State.stages
    ("calls", _I), ("stages_at", _I), ("first_stage", _I), ("attempts", _I), ("retries", _I), ("hedges", _I),
    ("most_attempts", _I), ("retry_on", _I), ("backoff_ns", _I), ("backoff_most_ns", _I), ("backoff_factor", _F),
    ("jitter", _I), ("budget_each", _I), ("budget_most", _I), ("budget", _I),
    ("users", _I), ("think_ns", _I), ("think_exponential", _I), ("users_at", _I), ("issued", _I),
    # rank in queues; patience in a queue: mean (0: to the deadline), distribution, and sigma of the logarithm
    ("priority", _I), ("patience_mean_ns", _F), ("patience_distribution", _I), ("patience_sigma", _F),
    ("crossed", _I),  # requests served in another zone than their own
    ("failed", _I),  # requests lost with the replica that they were at
])  # fmt: skip
NODE = np.dtype([
    ("arrival_ns", _I), ("deadline_ns", _I), ("request", _I), ("workload", _I), ("next", _I), ("row", _I), ("key", _I),
    ("call", _I), ("uniform", _F),
    ("gives_up_ns", _I),  # when it leaves a queue unserved
])  # fmt: skip
SHARD = np.dtype([("draw", _I), ("twin", _I), ("lost", _I), ("epoch", _I), ("serial", _I)])
CALL = np.dtype([
    ("arrival_ns", _I), ("request", _I), ("workload", _I), ("key", _I), ("tenant", _I), ("prompt", _I),
    ("output", _I), ("user", _I), ("attempt", _I), ("trial", _I), ("deadline_ns", _I), ("stage", _I), ("epoch", _I),
    ("pending", _I), ("waiting", _I), ("next", _I),
])  # fmt: skip
STAGE = np.dtype([("row", _I), ("fan_out", _I), ("hedge_ns", _I), ("branches", _I)])
TIMER = np.dtype([
    ("at_ns", _I), ("rank", _I), ("order", _I), ("sequence", _I), ("kind", _I), ("subject", _I), ("serial", _I),
    ("next", _I),
])  # fmt: skip
# a response cache: answers and their weight (bytes or answers), of S3-FIFO the weight of its two queues and of its
# ghosts, and how many ghosts; cells ever taken into use, the head of the list of those that are free again; places of
# its hash heads (a power of two) and of its cells
CACHE = np.dtype([
    ("live", _I), ("weight", _I), ("small", _I), ("main", _I), ("ghost", _I), ("ghosts", _I), ("used", _I),
    ("free", _I), ("heads_at", _I), ("hash_mask", _I), ("cells_at", _I),
])  # fmt: skip
LOG = np.dtype([
    ("request", _I), ("workload", np.int32), ("outcome", np.int32), ("arrival_ns", _I), ("start_ns", _I),
    ("end_ns", _I), ("slot", np.int32), ("batch", np.int32),
])  # fmt: skip


# places in `State.scalars`: time; head of the list of free nodes (-1: none); requests at an API; the slot that has just
# run empty; whether and how much is logged; sizes; whether writes to the memory are journalled, and how many are; the
# last calendar leaf that has changed, see `State.calendar_due`
NOW, FREE, HEAP, DRAINED_SLOT, LOG_ON, LOG_LENGTH, SLOTS, LEAVES, JOURNAL_ON, JOURNAL_LENGTH, DUE = range(11)
# of calls: heads of the lists of free ones and of free timers, timers set, when the next one is due, the last number
# given to a timer and to whatever a timer must recognise; free nodes, and those that one event may need
FREE_CALL, FREE_TIMER, TIMERS, TIMER_NS, SEQUENCE, SERIAL, FREE_NODES, NEEDED = range(11, 19)
ROUSED_ROWS = 19  # how many rows are ROUSED
_SCALARS = 20


class State(NamedTuple):
    """Everything the kernel reads and writes; see the module for the words."""

    scalars: NDArray[np.int64]
    slots: NDArray[Any]
    rows: NDArray[Any]
    workloads: NDArray[Any]
    nodes: NDArray[Any]
    calendar_key: NDArray[np.int64]  # [slots, then rows, then the API]: (time << 1) | (1 for a batch-delay expiry)
    calendar_win: NDArray[np.int32]  # tournament tree over calendar_key
    route_key: NDArray[np.int64]  # [slots]: order in which a row's router prefers them, NEVER for none
    route_win: NDArray[np.int32]  # one tournament tree a row
    ready: NDArray[
        np.int32
    ]  # [slots]: a row's ready slots, in order (by zone, see `zone_ready`), from its first place on
    arrival_ns: NDArray[np.int64]  # [workloads, block]
    prompt_tokens: NDArray[np.int32]
    output_tokens: NDArray[np.int32]
    keys: NDArray[np.int64]  # content keys, NO_KEY for none
    tenants: NDArray[np.int32]
    mean_ns: NDArray[np.float64]  # mean service time by batch size, one stretch a row
    heap_ns: NDArray[np.int64]
    heap_node: NDArray[np.int64]
    histogram: NDArray[np.int64]  # [workloads, BUCKETS]
    log: NDArray[Any]
    memory: NDArray[np.int64]  # buckets and caches of all workloads
    journal: NDArray[np.int64]  # [writes, 2]: place in the memory, and what stood there
    shards: NDArray[Any]  # [nodes]: what a node is to its call, dtype SHARD
    calls: NDArray[Any]
    timers: NDArray[Any]
    timer_heap: NDArray[np.int64]  # [timers]: the earliest first
    stages: NDArray[Any]  # of all workloads
    branch_to: NDArray[np.int64]  # [stages, MOST_BRANCHES]: stages that may follow
    branch_until: NDArray[np.float64]  # [stages, MOST_BRANCHES]: shares of those that go there, added up
    users: NDArray[np.int64]  # of all closed-loop workloads: ACTIVE, or 0 for one who has left
    # by calendar leaf: 0, or that its key has changed and the tree has not heard of it: 1 + the leaf that changed
    # before it, -1 for none
    calendar_due: NDArray[np.int32]
    uniforms: NDArray[np.float64]  # [workloads, block]: of a request's service, 0.0 where it has not been drawn ahead
    idle: NDArray[np.int64]  # one set a row of a shared queue: slots that may start a batch, see `kernels.idle`
    lanes: NDArray[np.int64]  # [slots, then rows; LEVELS]: last node of each priority in a queue; [1, LEVELS] unranked
    best_size: NDArray[np.int64]  # largest preferred batch size up to each size, beside `mean_ns`; 0 for none
    circle_place: NDArray[np.float64]  # points of all slots of the rows with affinity, in order, one stretch a row
    circle_slot: NDArray[np.int32]
    ring_place: NDArray[np.float64]  # those of the ready ones, from the first place of their row's stretch on
    ring_slot: NDArray[np.int32]
    zone_ready: NDArray[np.int64]  # [zones + 1] a row that looks at home first: where each zone's ready slots begin
    variation: NDArray[np.float64]  # of service times, one stretch a row that has one; read only
    caches: NDArray[Any]  # a stretch for each workload: one for all, and perhaps one for each slot
    row_histogram: NDArray[np.int64]  # [rows, BUCKETS]: times of visits, see `kernels.visits`


Calls = int | None
"""None where no workload's requests are calls: what only calls need is then no part of a kernel, and not compiled."""


class Store(NamedTuple):
    """What the functions of buckets and caches read and write: few arrays, since each one handed on costs time."""

    scalars: NDArray[np.int64]
    workloads: NDArray[Any]
    caches: NDArray[Any]
    memory: NDArray[np.int64]
    journal: NDArray[np.int64]


class Timers(NamedTuple):
    """What the functions of timers read and write."""

    scalars: NDArray[np.int64]
    timers: NDArray[Any]
    timer_heap: NDArray[np.int64]


@inlined
def store_of(st: State) -> Store:
    """The part of the state that holds buckets and caches."""
    return Store(st.scalars, st.workloads, st.caches, st.memory, st.journal)


@inlined
def timers_of(st: State) -> Timers:
    """The part of the state that holds the timers of calls."""
    return Timers(st.scalars, st.timers, st.timer_heap)


def leaves_for(count: int) -> int:
    """Smallest power of two that holds `count` leaves, at least two."""
    return max(2, 1 << (count - 1).bit_length())


def link_free(nodes: NDArray[Any], first: int) -> int:
    """Chain the nodes (or calls, or timers) from `first` on into a list of free ones; its head."""
    nodes["next"][first:] = np.arange(first + 1, len(nodes) + 1)
    nodes["next"][-1] = -1
    return first


def empty_state(
    rows: int, slots: int, workloads: int, tree: int, means: int, log: int, *, ranked: bool = False
) -> State:  # fmt: skip
    """A state with nothing in it.

    tree: total leaves*2 of the rows' trees; means: total of the rows' batch sizes; ranked: whether priorities count.
    """
    leaves = leaves_for(slots + rows + 1)
    nodes = np.zeros(1024, NODE)
    scalars = np.zeros(_SCALARS, np.int64)
    calls, timers = np.zeros(64, CALL), np.zeros(256, TIMER)
    scalars[FREE], scalars[FREE_NODES], scalars[NEEDED] = link_free(nodes, 0), len(nodes), 1
    scalars[FREE_CALL], scalars[FREE_TIMER] = link_free(calls, 0), link_free(timers, 0)
    scalars[TIMER_NS] = NEVER
    scalars[SLOTS], scalars[LEAVES], scalars[DUE] = slots, leaves, -1
    key = np.full(leaves, NEVER, np.int64)
    return State(
        scalars, np.zeros(slots, SLOT), np.zeros(rows, ROW), np.zeros(workloads, WORKLOAD), nodes,
        key, np.zeros(2 * leaves, np.int32), np.full(max(1, slots), NEVER, np.int64), np.zeros(max(2, tree), np.int32),
        np.zeros(max(1, slots), np.int32), np.zeros((workloads, 1), np.int64), np.zeros((workloads, 1), np.int32),
        np.zeros((workloads, 1), np.int32), np.zeros((workloads, 1), np.int64), np.zeros((workloads, 1), np.int32),
        np.zeros(max(1, means)), np.zeros(1024, np.int64), np.zeros(1024, np.int64),
        np.zeros((workloads, BUCKETS), np.int64), np.zeros(max(1, log), LOG),
        np.zeros(1, np.int64), np.zeros((1, 2), np.int64),
        np.zeros(len(nodes), SHARD), calls, timers, np.zeros(len(timers), np.int64), np.zeros(1, STAGE),
        np.zeros((1, MOST_BRANCHES), np.int64), np.zeros((1, MOST_BRANCHES)), np.zeros(1, np.int64),
        np.zeros(leaves, np.int32), np.zeros((workloads, 1)), np.zeros(max(2, tree), np.int64),
        np.full((slots + rows if ranked else 1, LEVELS), -1, np.int64), np.zeros(max(1, means), np.int64),
        np.zeros(1), np.zeros(1, np.int32), np.zeros(1), np.zeros(1, np.int32), np.zeros(1, np.int64),
        np.zeros(1), np.zeros(1, CACHE), np.zeros((rows, BUCKETS), np.int64),
    )  # fmt: skip
