"""Where everything lies in the state of the compiled plane."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.serving.discipline.batching import preferred_by_size
from sim.serving.kernels.cache import cells_for
from sim.serving.kernels.cells import FIELDS, MARKS, NEWER, OLDER, heads_for
from sim.serving.kernels.ring import circle
from sim.serving.kernels.state import (
    AFFINITY,
    API,
    CACHE,
    LEAST_OUTSTANDING,
    LEAVES,
    LOG_ON,
    MOST_BRANCHES,
    STAGE,
    State,
    empty_state,
)
from sim.serving.kernels.tournament import plant
from sim.serving.rows import Row, check_rows
from sim.serving.steering import Step, Traffic


def lay_out(rows: list[Row], traffic: list[Traffic], log: int) -> State:
    """A state with nothing in it: each row has its stretch of slots, tree and service times, each workload its buckets
    and its cache. log: entries of the request log to begin with, 0 for none.
    """
    slots, means = sum(r.slots for r in rows), sum(len(r.mean_ns) for r in rows)
    check_rows(rows)
    ranked = any(t.priority > 0 for t in traffic)
    st = empty_state(len(rows), slots, len(traffic), 2 * slots, means, log, ranked=ranked)
    st.scalars[LOG_ON] = int(log > 0)
    first = tree = means = varied = 0
    for i, row in enumerate(rows):
        p = st.rows[i]
        p["kind"], p["first"], p["slots"], p["tree"], p["means"] = row.kind, first, row.slots, tree, means
        p["max_batch"], p["delay_ns"], p["capacity"] = row.max_batch, row.delay_ns, row.capacity
        p["distribution"], p["sigma"] = row.distribution, row.sigma
        p["ranked"], p["overflow"], p["varied"] = ranked, row.overflow, bool(row.preferred or row.step)
        p["step"], p["decrease"], p["target_ns"] = row.step, row.decrease, row.target_ns
        st.best_size[means : means + row.max_batch + 1] = preferred_by_size(row.preferred, row.max_batch)
        p["head"] = p["tail"] = -1
        st.mean_ns[means : means + len(row.mean_ns)] = row.mean_ns
        p["variation"] = varied if len(row.variation) else -1
        varied += len(row.variation)
        st.slots["row"][first : first + row.slots] = i
        if row.kind in (LEAST_OUTSTANDING, AFFINITY):
            plant(st.route_win, tree, row.slots, st.route_key, first)
        first, tree, means = first + row.slots, tree + 2 * row.slots, means + len(row.mean_ns)
    st = _lay_out_rings(st, rows)
    for name in ("head", "tail", "batch"):
        st.slots[name] = -1
    plant(st.calendar_win, 0, int(st.scalars[LEAVES]), st.calendar_key, 0)
    variation = np.concatenate([row.variation for row in rows] + [np.zeros(1)])
    caches, cells = _lay_out_memory(st, traffic, slots)
    st = _lay_out_calls(st, traffic)._replace(caches=caches, memory=_lines(cells), variation=variation)
    for c in caches:
        for mark in range(MARKS if c["hash_mask"] else 0):  # an empty ring goes from its mark to its mark
            place = c["cells_at"] + mark * FIELDS
            st.memory[place + NEWER] = st.memory[place + OLDER] = mark
    return st


def _lay_out_calls(st: State, traffic: list[Traffic]) -> State:
    """Give each workload its stages (one more for when an API serves it) and its users."""
    stages = users = 0
    for w, t in enumerate(traffic):
        wl = st.workloads[w]
        wl["stages_at"], wl["users_at"] = stages, users
        stages, users = stages + t.steps + 1, users + t.users
    return st._replace(
        stages=np.zeros(stages, STAGE), branch_to=np.zeros((stages, MOST_BRANCHES), np.int64),
        branch_until=np.zeros((stages, MOST_BRANCHES)), users=np.zeros(max(1, users), np.int64),
    )  # fmt: skip


def lay_path(st: State, w: int, steps: int, path: tuple[Step, ...]) -> None:
    """Enter a workload's path into its stages: an API's in their last place, whatever goes on in the others.

    steps: `Traffic.steps`. Requests under way go on with the rows that serve the later stages now.
    """
    first = int(st.workloads[w]["stages_at"])
    if st.rows[path[0].row]["kind"] == API:
        first += steps
    st.workloads[w]["first_stage"] = first
    for i, step in enumerate(path):
        place = st.stages[first + i]
        place["row"], place["fan_out"], place["hedge_ns"] = step.row, step.fan_out, step.hedge_ns
        place["branches"] = len(step.then)
        until = 0.0
        for k, (to, share) in enumerate(step.then):
            until += share
            st.branch_to[first + i, k], st.branch_until[first + i, k] = first + to, until


def _lay_out_rings(st: State, rows: list[Row]) -> State:
    """Give each row with affinity its terms and its stretch of points, with all of its slots on the circle; and each
    row its zones.
    """
    places, slots, points = [np.zeros(1)], [np.zeros(1, np.int32)], 1
    bounds = 0
    for p, row in zip(st.rows, rows, strict=True):
        p["zones"], p["detour_ns"], p["at_home"], p["zone_at"] = row.zones, row.detour_ns, row.at_home, bounds
        bounds += row.zones + 1
        if row.kind == AFFINITY:
            p["by"], p["load_bound"], p["ring"] = row.by, row.load_bound, points
            of_row = circle(row.slots, int(p["first"]))
            places.append(of_row[0])
            slots.append(of_row[1])
            points += len(of_row[0])
    return st._replace(
        circle_place=np.concatenate(places), circle_slot=np.concatenate(slots),
        ring_place=np.zeros(points), ring_slot=np.zeros(points, np.int32), zone_ready=np.zeros(bounds, np.int64),
    )  # fmt: skip


def _lay_out_memory(st: State, traffic: list[Traffic], slots: int) -> tuple[NDArray[Any], int]:
    """Give each workload its keys and its stretches of caches and of the memory; the caches, and all cells.

    The system hands out zeros without touching them, so that a cache takes room as it fills.
    """
    needed: list[int] = []
    cells = 0
    for w, t in enumerate(traffic):
        wl = st.workloads[w]
        wl["exposure_key"], wl["service_key"] = t.exposure_key, t.service_key
        wl["buckets_at"] = cells
        cells += t.tenants
        own = [cells_for(t.replica_entries, ghosts=t.cache_ghosts)] * slots if t.replica_entries else []
        all_in_one = [cells_for(t.cache_entries, ghosts=t.cache_ghosts)] if t.cache_entries or own else []
        wl["cache"], wl["caches"] = len(needed), len(all_in_one + own)
        needed += all_in_one + own
    caches = np.zeros(max(1, len(needed)), CACHE)
    cells += -cells % FIELDS
    for c, count in zip(caches, needed):
        heads = heads_for(count)
        c["used"] = MARKS - 1
        c["heads_at"], c["hash_mask"], c["cells_at"] = cells, heads - 1, cells + heads
        cells += heads + count * FIELDS
    return caches, cells


def _lines(cells: int) -> NDArray[np.int64]:
    """So many zeros, the first at the beginning of a line of the processor's cache."""
    zeros = np.zeros(cells + FIELDS, np.int64)
    first = -(zeros.ctypes.data // zeros.itemsize) % FIELDS
    return zeros[first : first + max(1, cells)]
