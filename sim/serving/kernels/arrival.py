"""An arrival in the compiled path, stage by stage: let in, admitted, answered by the cache, or routed and queued."""

from sim.compiled import inlined
from sim.record.histogram import bucket_of
from sim.serving.discipline.admission import conforms, next_due
from sim.serving.discipline.service import is_exposed
from sim.serving.kernels.cache import answered
from sim.serving.kernels.calls import begin_call
from sim.serving.kernels.memory import put
from sim.serving.kernels.requests import end_at_once
from sim.serving.kernels.routing import route, tokens
from sim.serving.kernels.state import (
    HIT,
    NO_KEY,
    THROTTLED,
    State,
)
from sim.streams import Purpose

_EXPOSURE = int(Purpose.EXPOSURE)


@inlined
def arrive(st: State, w: int, request: int, position: int, t: int) -> None:
    """A potential request arrives: let in or not, throttled, answered by the cache, or sent on to its row."""
    wl = st.workloads[w]
    wl.potential += 1
    if not is_exposed(wl.exposure, wl.exposure_key, request, _EXPOSURE):
        return
    wl.offered += 1
    if wl.calls:
        prompt, output = tokens(st, w, position)
        begin_call(st, w, request, st.keys[w, position], int(st.tenants[w, position]), int(prompt), int(output), -1, t)
    elif wl.token_ns > 0 and not _admitted(st, wl, st.tenants[w, position], t):
        wl.throttled += 1
        end_at_once(st, w, request, THROTTLED, t, -1, t)
    elif wl.cache_entries > 0 and st.keys[w, position] != NO_KEY and answered(st, w, st.keys[w, position], t):
        wl.hit += 1
        if wl.hit_ns <= wl.slo_ns:
            wl.good += 1
        st.histogram[w, bucket_of(wl.hit_ns)] += 1
        end_at_once(st, w, request, HIT, t, t, t + wl.hit_ns)
    else:
        route(st, w, request, position, t)


@inlined
def _admitted(st: State, wl, tenant: int, t: int) -> bool:  # type: ignore[no-untyped-def]
    """Whether the tenant's bucket has a token, which is then taken."""
    place = wl.buckets_at + tenant
    due = st.memory[place]
    if not conforms(t, due, wl.ahead_ns):
        return False
    put(st, place, next_due(t, due, wl.token_ns))
    return True
