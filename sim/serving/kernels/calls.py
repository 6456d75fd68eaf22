"""Calls in the compiled path: requests of clients who try again, hedge, or pass through several stages.

A call is a request as its client sees it. It lasts from the first attempt to the last; each attempt has a deadline,
passes through the stages, and has a node for every shard (and copy of one) that a row is to serve. `trial` is a number
that only the present attempt of this call has, `epoch` one that only its present stage has: by these a timer and a node
see whether they are still waited for.
"""

from sim.clock.ranks import Rank
from sim.compiled import apart, inlined, kernel
from sim.serving.discipline.calls import MOST_SHARDS, ONE, backoff_ns, think_ns, timer_order, visit
from sim.serving.kernels.api import call_api
from sim.serving.kernels.cache import remember
from sim.serving.kernels.reception import admitted, recalled
from sim.serving.kernels.requests import felt, free_shard, log_call, take_node, waited_for
from sim.serving.kernels.routing import NO_ROOM, find_room, queue_up
from sim.serving.kernels.state import (
    ACTIVE,
    ACTIVE_CALL,
    API,
    COMPLETED,
    FAILED,
    FREE_CALL,
    HIT,
    NO_KEY,
    REJECTED,
    SERIAL,
    THROTTLED,
    TIMED_OUT,
    State,
    store_of,
    timers_of,
)
from sim.serving.kernels.timers import AGAIN, DEADLINE, HEDGE, THINK, set_timer, take_timer
from sim.streams import Purpose, uniform

_BRANCH, _BACKOFF, _THINK = int(Purpose.BRANCH), int(Purpose.BACKOFF), int(Purpose.THINK)
_TIMEOUT, _RETRY = int(Rank.TIMEOUT), int(Rank.RETRY)


@inlined
def _next_serial(st: State) -> int:
    st.scalars[SERIAL] += 1
    return st.scalars[SERIAL]


@apart
def begin_call(
    st: State, w: int, request: int, key: int, tenant: int, prompt: int, output: int, user: int, t: int
) -> None:  # fmt: skip
    """A client makes a request at `t`. user: of a closed loop, or -1."""
    call = st.scalars[FREE_CALL]
    c = st.calls[call]
    st.scalars[FREE_CALL] = c.next
    c.arrival_ns = t
    c.request = request
    c.workload = w
    c.key = key
    c.tenant = tenant
    c.prompt = prompt
    c.output = output
    c.user = user
    c.attempt = 0
    c.next = ACTIVE_CALL
    wl = st.workloads[w]
    wl.in_system += 1
    wl.system_flow += t
    wl.budget = min(wl.budget + wl.budget_each, wl.budget_most)
    _attempt(st, call, t)


@apart
def _attempt(st: State, call: int, t: int) -> None:
    """The call's next attempt: throttled, answered by the cache, or sent to the first stage."""
    c = st.calls[call]
    w = c.workload
    wl = st.workloads[w]
    wl.attempts += 1
    c.trial = _next_serial(st)
    c.epoch = c.trial
    c.waiting = 0
    c.deadline_ns = t + wl.timeout_ns
    if wl.token_ns > 0 and not admitted(st, wl, c.tenant, t):
        _fail(st, call, THROTTLED, t)
    elif wl.cache_kind != 0 and recalled(st, w, c.request, c.key, t):
        _end(st, call, HIT, t, t + wl.hit_ns, t, -1, 0)
    else:
        set_timer(timers_of(st), c.deadline_ns, _TIMEOUT, timer_order(w, c.request), DEADLINE, call, c.trial)
        _enter(st, call, wl.first_stage, t)


@apart
def _enter(st: State, call: int, stage: int, t: int) -> None:
    """The call's attempt enters a stage: all of its shards are sent, or the attempt fails."""
    c = st.calls[call]
    c.stage = stage
    c.epoch = _next_serial(st)
    shards = st.stages[stage].fan_out
    c.pending = shards
    for shard in range(shards):
        if _send(st, call, shard, 0, t) < 0:
            _fail(st, call, REJECTED, t)
            return


@apart
def _send(st: State, call: int, shard: int, copy: int, t: int) -> int:
    """Send one shard of the call's stage to its row; the node, or -1 where there is no room."""
    c = st.calls[call]
    stage = st.stages[c.stage]
    row = stage.row
    slot = 0
    w = c.workload
    draw = visit(c.attempt, c.stage - st.workloads[w].stages_at, shard, copy)
    if st.rows[row].kind != API:
        row, slot = find_room(st, row, w, c.request, c.key, c.tenant, draw, -1)
        if slot == NO_ROOM:
            return -1
    node = take_node(st, w, row, c.request, c.key)
    n = st.nodes[node]
    n.arrival_ns = t
    n.deadline_ns = n.gives_up_ns = c.deadline_ns
    n.call = call
    n.uniform = 0.0
    s = st.shards[node]
    s.draw = draw
    s.twin = -1
    s.lost = 0
    s.epoch = c.epoch
    s.serial = _next_serial(st)
    if stage.hedge_ns > 0 and copy == 0:
        set_timer(timers_of(st), t + stage.hedge_ns, _RETRY, timer_order(w, c.request), HEDGE, node, s.serial)
    if st.rows[row].kind == API:
        call_api(st, node, c.prompt, c.output, s.draw, t)
    else:
        queue_up(st, row, slot, node, t)
    return node


@apart
def shard_served(st: State, node: int, start_ns: int, t: int, slot: int, batch: int) -> None:
    """A row has served a shard, or a copy of one, at `t`: if it is waited for, the call may go on."""
    call = st.nodes[node].call
    if not waited_for(st, node):
        free_shard(st, node)
        return
    if st.shards[node].twin >= 0:
        st.shards[st.shards[node].twin].lost = 1
    free_shard(st, node)
    c = st.calls[call]
    c.pending -= 1
    if c.pending > 0:
        return
    following = _following(st, call)
    if following >= 0:
        _enter(st, call, following, t)
    else:
        _end(st, call, COMPLETED, t, t, start_ns, slot, batch)


@apart
def shard_failed(st: State, node: int, t: int) -> None:
    """The replica that a shard, or a copy of one, was at has died at `t`: another copy may still be answered, and
    without one the attempt fails.
    """
    call = st.nodes[node].call
    ends = waited_for(st, node) and st.shards[node].twin < 0
    free_shard(st, node)
    if ends:
        _fail(st, call, FAILED, t)


@inlined
def _following(st: State, call: int) -> int:
    """The stage that the call goes on to, or -1 when it has been answered."""
    c = st.calls[call]
    branches = st.stages[c.stage].branches
    if branches > 0:
        wl = st.workloads[c.workload]
        u = uniform(wl.service_key, c.request, visit(c.attempt, c.stage - wl.stages_at, 0, 0), _BRANCH)
        for i in range(branches):
            if u < st.branch_until[c.stage, i]:
                return st.branch_to[c.stage, i]
    return -1


@apart
def _fail(st: State, call: int, outcome: int, t: int) -> None:
    """The call's attempt has failed: another one is made later, if the client makes it, or the call ends so."""
    c = st.calls[call]
    wl = st.workloads[c.workload]
    c.trial = _next_serial(st)
    c.epoch = c.trial
    if (wl.retry_on >> outcome) & 1 == 0 or c.attempt + 1 >= wl.most_attempts or wl.budget < ONE:
        ended_ns = c.deadline_ns if outcome == TIMED_OUT else t
        _end(st, call, outcome, t, ended_ns, -1, -1, 0)
        return
    wl.budget -= ONE
    wl.retries += 1
    c.waiting = 1
    wait_ns = backoff_ns(
        wl.backoff_ns, wl.backoff_factor, wl.backoff_most_ns, wl.jitter, c.attempt, wl.service_key, c.request, _BACKOFF
    )
    c.attempt += 1
    set_timer(timers_of(st), t + wait_ns, _RETRY, timer_order(c.workload, c.request), AGAIN, call, c.trial)


@apart
def _end(st: State, call: int, outcome: int, t: int, end_ns: int, start_ns: int, slot: int, batch: int) -> None:
    """The call ends at `t`; its client has the outcome at `end_ns`."""
    c = st.calls[call]
    w = c.workload
    wl = st.workloads[w]
    if outcome in (COMPLETED, HIT):
        if outcome == HIT:
            wl.hit += 1
        else:
            wl.completed += 1
            wl.latency_sum_s += (t - c.arrival_ns) * 1e-9
        felt(st, w, end_ns - c.arrival_ns)
    elif outcome == TIMED_OUT:
        wl.timed_out += 1
    elif outcome == REJECTED:
        wl.rejected += 1
    elif outcome == FAILED:
        wl.failed += 1
    else:
        wl.throttled += 1
    if outcome != COMPLETED:
        wl.lost_sum_s += (t - c.arrival_ns) * 1e-9
    elif wl.cache_entries > 0 and c.key != NO_KEY:
        remember(store_of(st), w, slot, c.key, t)
    log_call(st, call, outcome, start_ns, end_ns, slot, batch)
    wl.in_system -= 1
    wl.system_flow -= t
    user = c.user
    c.trial = c.epoch = _next_serial(st)
    c.next = st.scalars[FREE_CALL]
    st.scalars[FREE_CALL] = call
    if user >= 0:
        think(st, w, user, c.request, 0, t)


@apart
def think(st: State, w: int, user: int, number: int, draw: int, t: int) -> None:
    """A user thinks from `t` on, and then asks again. number, draw: of the random number for how long."""
    wl = st.workloads[w]
    wait_ns = think_ns(wl.think_ns, wl.think_exponential != 0, wl.service_key, number, draw, _THINK)
    set_timer(timers_of(st), t + wait_ns, _RETRY, timer_order(w, user), THINK, user, w)


@apart
def ring(st: State, t: int) -> None:
    """The timer that is due first rings, at `t`."""
    timer = st.timers[take_timer(timers_of(st))]
    kind, subject, serial = timer.kind, timer.subject, timer.serial
    if kind == THINK:
        _ask(st, serial, subject, t)
    elif kind == HEDGE:
        if st.shards[subject].serial == serial and waited_for(st, subject):
            _hedge(st, subject, t)
    elif st.calls[subject].trial == serial:
        if kind == AGAIN:
            _attempt(st, subject, t)
        else:
            _fail(st, subject, TIMED_OUT, t)


@inlined
def _ask(st: State, w: int, user: int, t: int) -> None:
    """A user of a closed loop makes the next request, or leaves where there are to be fewer of them."""
    wl = st.workloads[w]
    if user >= wl.users:
        st.users[wl.users_at + user] = 0
        return
    request = wl.issued
    wl.issued += 1
    wl.potential += 1
    wl.offered += 1
    begin_call(st, w, request, NO_KEY, 0, 0, 0, user, t)


@inlined
def _hedge(st: State, node: int, t: int) -> None:
    """A shard has not been answered in time: a copy of it is sent, and the first answer counts."""
    call = st.nodes[node].call
    shard = (st.shards[node].draw >> 1) % MOST_SHARDS
    copy = _send(st, call, shard, 1, t)
    if copy >= 0:
        st.workloads[st.nodes[node].workload].hedges += 1
        st.shards[copy].twin = node
        st.shards[node].twin = copy


@kernel
def gather(st: State, w: int, users: int, t: int) -> None:
    """From `t` on a workload has that many users: new ones begin by thinking, those too many leave when they ask."""
    wl = st.workloads[w]
    wl.users = users
    for user in range(users):
        if st.users[wl.users_at + user] != ACTIVE:
            st.users[wl.users_at + user] = ACTIVE
            think(st, w, user, user, 1, t)
