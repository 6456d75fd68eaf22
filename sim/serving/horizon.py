"""The horizon of the compiled plane: whoever is still in the system has timed out by now, or stays there."""

from typing import Any

import numpy as np

from sim.serving.kernels.state import (
    ACTIVE_CALL,
    API,
    HEAP,
    IN_SYSTEM,
    LOG_LENGTH,
    LOG_ON,
    TIMED_OUT,
    State,
)


def finish(st: State, end_ns: int) -> float:
    """End every request that is still inside, in the counters and in the log, which has room for all of them.

    Returns the seconds that those who stay have spent there, all together.
    """
    ages_s = _finish_calls(st, end_ns)
    for node, slot in _inside(st):
        n = st.nodes[node]
        age_s = (end_ns - int(n["arrival_ns"])) * 1e-9
        leaves_ns = int(n["deadline_ns" if slot >= 0 else "gives_up_ns"])  # who is served stays to the deadline
        if leaves_ns <= end_ns:
            _time_out(st, n["workload"], age_s, end_ns)
            _note(st, n, TIMED_OUT, leaves_ns, slot)
        else:
            ages_s += age_s
            _note(st, n, IN_SYSTEM, -1, slot)
    return ages_s


def _finish_calls(st: State, end_ns: int) -> float:
    """As `finish`, of those who are calls: an attempt that has reached its deadline was the last one."""
    ages_s = 0.0
    for c in np.sort(st.calls[st.calls["next"] == ACTIVE_CALL], order=["workload", "request"]):
        age_s = (end_ns - int(c["arrival_ns"])) * 1e-9
        late = c["deadline_ns"] <= end_ns and c["waiting"] == 0
        if late:
            _time_out(st, c["workload"], age_s, end_ns)
        else:
            ages_s += age_s
        outcome, ended_ns = (TIMED_OUT, c["deadline_ns"]) if late else (IN_SYSTEM, -1)
        _write(st, (c["request"], c["workload"], outcome, c["arrival_ns"], -1, ended_ns, -1, 0))
    return ages_s


def _time_out(st: State, w: int, age_s: float, end_ns: int) -> None:
    """A request of workload w that is still inside at the horizon has timed out by now."""
    wl = st.workloads[w]
    wl["timed_out"] += 1
    wl["lost_sum_s"] += age_s
    wl["in_system"] -= 1
    with np.errstate(over="ignore"):  # flows wrap, see `kernels.state`
        wl["system_flow"] -= end_ns


def _inside(st: State) -> list[tuple[int, int]]:
    """(node, slot or -1) of every request in the system that is no call's, by workload and request."""
    found = []
    heads = [(int(s["batch"]), i) for i, s in enumerate(st.slots) if s["serving"]]
    heads += [(int(s["head"]), -1) for s in st.slots if s["queued"]]
    heads += [(int(p["head"]), -1) for p in st.rows if p["kind"] != API and p["queued"]]
    for head, slot in heads:
        node = head
        while node >= 0:
            found.append((node, slot))
            node = int(st.nodes[node]["next"])
    found += [(int(node), -1) for node in st.heap_node[: st.scalars[HEAP]]]
    found = [pair for pair in found if st.nodes[pair[0]]["call"] < 0]
    return sorted(found, key=lambda pair: (st.nodes[pair[0]]["workload"], st.nodes[pair[0]]["request"]))


def _note(st: State, n: Any, outcome: int, end_ns: int, slot: int) -> None:
    """Write the end of a request (its node) that is at a slot, or at none (-1), into the log."""
    at_api = st.rows[n["row"]]["kind"] == API
    start = int(n["arrival_ns"]) if at_api else int(st.slots[slot]["started_ns"]) if slot >= 0 else -1
    batch = 1 if at_api else int(st.slots[slot]["serving"]) if slot >= 0 else 0
    _write(st, (n["request"], n["workload"], outcome, n["arrival_ns"], start, end_ns, slot, batch))


def _write(st: State, entry: tuple[Any, ...]) -> None:
    """One line of the log (dtype LOG), if one is kept."""
    if st.scalars[LOG_ON]:
        st.log[st.scalars[LOG_LENGTH]] = entry
        st.scalars[LOG_LENGTH] += 1
