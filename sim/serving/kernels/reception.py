"""Reception in the compiled path: who is let in, and who is answered at once."""

from sim.compiled import inlined
from sim.serving.discipline.admission import conforms, next_due
from sim.serving.discipline.caching import MISS, SEMANTIC, SHARED, WRONG, recognised
from sim.serving.kernels.cache import answered
from sim.serving.kernels.memory import put
from sim.serving.kernels.state import NO_KEY, State, store_of
from sim.streams import Purpose

_SEMANTIC = int(Purpose.SEMANTIC)


@inlined
def admitted(st: State, wl, tenant: int, t: int) -> bool:  # type: ignore[no-untyped-def]
    """Whether the tenant's bucket has a token, which is then taken. wl: the record of its workload."""
    place = wl.buckets_at + tenant
    due = st.memory[place]
    if not conforms(t, due, wl.ahead_ns):
        return False
    put(store_of(st), place, next_due(t, due, wl.token_ns))
    return True


@inlined
def recalled(st: State, w: int, request: int, key: int, t: int) -> bool:
    """Whether the workload's cache answers, where it is asked before the router."""
    wl = st.workloads[w]
    if wl.cache_kind == SHARED:
        return key != NO_KEY and answered(store_of(st), w, wl.cache, key, t)
    if wl.cache_kind == SEMANTIC:
        outcome = recognised(wl.semantic_hit, wl.semantic_wrong, wl.service_key, request, _SEMANTIC)
        if outcome == WRONG:
            wl.wrong_hit += 1
        return outcome != MISS
    return False
