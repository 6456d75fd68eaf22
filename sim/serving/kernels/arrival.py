"""An arrival in the compiled path, stage by stage: let in, admitted, answered by the cache, or routed and queued."""

import numpy as np

from sim.compiled import inlined
from sim.serving.discipline.caching import SHARED
from sim.serving.discipline.service import is_exposed
from sim.serving.kernels.cache import look_out
from sim.serving.kernels.calls import begin_call
from sim.serving.kernels.reception import admitted, recalled
from sim.serving.kernels.requests import end_at_once, end_hit
from sim.serving.kernels.routing import route, tokens
from sim.serving.kernels.state import THROTTLED, Calls, State
from sim.streams import Purpose

_EXPOSURE = int(Purpose.EXPOSURE)


@inlined
def arrive(st: State, w: int, request: int, position: int, t: int, calls: Calls) -> None:
    """A potential request arrives: let in or not, throttled, answered by the cache, or sent on to its row.

    calls: see `kernels.state.Calls`.
    """
    wl = st.workloads[w]
    wl.potential += 1
    if not is_exposed(wl.exposure, wl.exposure_key, request, _EXPOSURE):
        return
    wl.offered += 1
    tenant = int(np.int64(st.tenants[w, position]))  # as those of calls: what takes one is then compiled once
    if calls is not None and wl.calls != 0:
        prompt, output = tokens(st, w, position)
        begin_call(st, w, request, st.keys[w, position], tenant, prompt, output, -1, t)
        return
    if wl.token_ns > 0 and not admitted(st, wl, tenant, t):
        wl.throttled += 1
        end_at_once(st, w, request, THROTTLED, t, -1, t)
    elif wl.cache_kind != 0 and _remembered(st, w, request, position, t):
        end_hit(st, w, request, t)
    else:
        route(st, w, request, position, tenant, t)


@inlined
def _remembered(st: State, w: int, request: int, position: int, t: int) -> bool:
    """Whether the cache answers; meanwhile memory is asked for what it will need for the next arrivals."""
    if st.workloads[w].cache_kind == SHARED:
        look_out(st, w, position)
    return recalled(st, w, request, st.keys[w, position], t)
