"""Arrivals in hand: those that the compiled plane was handed over and has not yet played, in columns by workload."""

import numpy as np
from numpy.typing import NDArray

from sim.serving.discipline.service import CONSTANT
from sim.serving.kernels.ahead import service_uniforms
from sim.serving.kernels.state import API, NO_KEY, State

_COLUMNS = ("arrival_ns", "prompt_tokens", "output_tokens", "keys", "tenants", "uniforms")


def append(
    st: State, w: int, first_id: int, arrival_ns: NDArray[np.int64], prompt: NDArray[np.int32] | None,
    output: NDArray[np.int32] | None, key: NDArray[np.int64] | None, tenant: NDArray[np.int32] | None,
) -> State:  # fmt: skip
    """The state with further arrivals of workload w behind what is left of the earlier ones; see `Plane.offer`."""
    wl = st.workloads[w]
    position, length = int(wl["position"]), int(wl["length"])
    rest, total = length - position, length - position + len(arrival_ns)
    st = _with_room(st, total)
    for buffer, new in (
        (st.arrival_ns, arrival_ns), (st.prompt_tokens, prompt), (st.output_tokens, output),
        (st.keys, NO_KEY if key is None else key), (st.tenants, 0 if tenant is None else tenant),
    ):  # fmt: skip
        if new is not None:
            buffer[w, :rest] = buffer[w, position:length].copy()
            buffer[w, rest:total] = new
    _draw_ahead(st, w, first_id, rest, total)
    wl["first_id"] = first_id - rest
    wl["position"], wl["length"] = 0, total
    wl["has_tokens"] = int(prompt is not None)
    return st


def _draw_ahead(st: State, w: int, first_id: int, rest: int, total: int) -> None:
    """Uniforms of the service of new arrivals, where about each of them will need its own: it is the first of its
    batch, and no cache answers it. Where that changes later, a uniform is drawn when it is needed.
    """
    wl, uniforms = st.workloads[w], st.uniforms[w]
    uniforms[:rest] = uniforms[int(wl["position"]) : int(wl["length"])].copy()
    row = st.rows[wl["row"]]
    alone = row["kind"] != API and row["max_batch"] == 1 and row["distribution"] != CONSTANT
    if alone and wl["cache_entries"] == 0 and not wl["calls"]:
        service_uniforms(wl["service_key"], first_id, uniforms[rest:total])
    else:
        uniforms[rest:total] = 0.0


def _with_room(st: State, total: int) -> State:
    """Room for `total` arrivals of each workload."""
    if total <= st.arrival_ns.shape[1]:
        return st
    width = max(total, 2 * st.arrival_ns.shape[1])
    wider = {}
    for name in _COLUMNS:
        old = getattr(st, name)
        wider[name] = np.zeros((old.shape[0], width), old.dtype)
        wider[name][:, : old.shape[1]] = old
    return st._replace(**wider)


def coming(st: State, until_ns: int) -> int:
    """Potential requests in hand that arrive up to `until_ns`."""
    found = 0
    for w, wl in enumerate(st.workloads):
        found += int(np.searchsorted(st.arrival_ns[w, wl["position"] : wl["length"]], until_ns, side="right"))
    return found
