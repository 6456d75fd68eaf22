"""The reference engine's calls: clients who try again, hedge, think and ask, and requests that pass several stages.

What `sim.serving.kernels.calls` is, in plain Python: each timer is an event of SimPy's own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.serving.discipline.calls import ONE, draw_backoff_ns, draw_think_ns, timer_order, visit
from sim.serving.entities import Call, Request
from sim.serving.kernels.state import API, COMPLETED, FAILED, HIT, NO_KEY, REJECTED, THROTTLED, TIMED_OUT
from sim.serving.reception import Reception
from sim.serving.rows import Row
from sim.serving.steering import Steering, Step, Traffic, steer_calls
from sim.serving.tally import Tally
from sim.streams import Purpose, uniform


@dataclass
class _Way:
    """A workload's stages, by their places; those of an API stand behind all others."""

    first: int = 0
    steps: dict[int, Step] = field(default_factory=dict)


class Calls:
    """All that goes on between clients and pools. send: gives a shard to a row, False where there is no room."""

    def __init__(
        self, clock: Clock, rows: list[Row], traffic: list[Traffic], tally: Tally, reception: Reception,
        send: Callable[[int, Request], bool],
    ) -> None:  # fmt: skip
        self._clock, self._rows, self._traffic, self._tally = clock, rows, traffic, tally
        self._reception, self._give = reception, send
        self._ways = [_Way() for _ in traffic]
        self._active: list[set[int]] = [set() for _ in traffic]
        self._open: set[Call] = set()
        self._serial = 0

    def steer(self, w: int, steering: Steering) -> None:
        """How a workload's calls fare from now on."""
        steer_calls(self._tally.workloads[w], steering)
        path, way = steering.path or (Step(steering.row),), self._ways[w]
        way.first = self._traffic[w].steps if self._rows[path[0].row].kind == API else 0
        way.steps |= {way.first + i: step for i, step in enumerate(path)}
        if steering.users is not None:
            self._tally.workloads[w]["users"] = steering.users.count
            for user in range(steering.users.count):
                if user not in self._active[w]:
                    self._active[w].add(user)
                    self._think(w, user, user, 1)

    def begin(self, call: Call) -> None:
        """A client makes a request."""
        wl = self._tally.workloads[call.workload]
        self._open.add(call)
        self._tally.count(call.workload, in_system=1, system_flow=self._clock.now)
        wl["budget"] = min(wl["budget"] + wl["budget_each"], wl["budget_most"])
        self._attempt(call)

    def shard_served(self, r: Request) -> None:
        """A row has served a shard, or a copy of one: if it is waited for, the call may go on."""
        call, waited_for = r.call, r.waited_for
        assert call is not None
        if r.twin is not None:
            r.twin.lost = waited_for or r.twin.lost
            r.twin.twin = None
        r.served = True
        if not waited_for:
            return
        call.pending -= 1
        if call.pending > 0:
            return
        following = self._following(call)
        if following is not None:
            self._enter(call, following)
        else:
            self._end(call, COMPLETED, self._clock.now, r)

    def shard_failed(self, r: Request) -> None:
        """The replica that a shard, or a copy of one, was at has died: without another copy the attempt fails."""
        call, ends = r.call, r.waited_for and r.twin is None
        assert call is not None
        if r.twin is not None:
            r.twin.twin = None
        if ends:
            self._fail(call, FAILED)

    def finish(self, end_ns: int) -> float:
        """The horizon: an attempt that has reached its deadline was the last one; seconds of those who stay."""
        ages_s = 0.0
        for call in sorted(self._open, key=lambda c: (c.workload, c.request)):
            age_s = (end_ns - call.arrival_ns) * 1e-9
            late = call.deadline_ns <= end_ns and not call.waiting
            if late:
                self._tally.count(call.workload, timed_out=1, in_system=-1, system_flow=-end_ns, lost_sum_s=age_s)
            else:
                ages_s += age_s
            self._tally.note_at_horizon(call, late)
        return ages_s

    # --- a call

    def _attempt(self, call: Call) -> None:
        w, wl, now = call.workload, self._tally.workloads[call.workload], self._clock.now
        self._tally.count(w, attempts=1)
        call.trial = call.epoch = self._next_serial()
        call.waiting, call.deadline_ns = False, now + int(wl["timeout_ns"])
        if not self._reception.admits(w, call.tenant):
            self._fail(call, THROTTLED)
        elif self._reception.answers(call):
            self._end(call, HIT, now + int(wl["hit_ns"]))
        else:
            trial = call.trial

            def late() -> None:
                if call.trial == trial:
                    self._fail(call, TIMED_OUT)

            self._clock.call_at(call.deadline_ns, Rank.TIMEOUT, late, timer_order(w, call.request))
            self._enter(call, self._ways[w].first)

    def _enter(self, call: Call, stage: int) -> None:
        call.stage, call.epoch = stage, self._next_serial()
        epoch, call.pending = call.epoch, self._ways[call.workload].steps[stage].fan_out
        for shard in range(call.pending):
            if self._send(call, shard, 0) is None:
                assert call.epoch == epoch
                self._fail(call, REJECTED)
                return

    def _send(self, call: Call, shard: int, copy: int) -> Request | None:
        step, now, w = self._ways[call.workload].steps[call.stage], self._clock.now, call.workload
        r = Request(call.request, w, now, call.deadline_ns, self._clock.event(), call.key)
        r.tenant = call.tenant
        r.call, r.epoch, r.shard, r.draw = call, call.epoch, shard, visit(call.attempt, call.stage, shard, copy)
        if not self._give(step.row, r):
            return None
        if step.hedge_ns > 0 and copy == 0:
            self._clock.call_at(now + step.hedge_ns, Rank.RETRY, lambda: self._hedge(r), timer_order(w, call.request))
        return r

    def _hedge(self, r: Request) -> None:
        """A shard has not been answered in time: a copy of it is sent, and the first answer counts."""
        assert r.call is not None
        if r.served or not r.waited_for:
            return
        copy = self._send(r.call, r.shard, 1)
        if copy is not None:
            self._tally.count(r.workload, hedges=1)
            copy.twin, r.twin = r, copy

    def _following(self, call: Call) -> int | None:
        way = self._ways[call.workload]
        step = way.steps[call.stage]
        if step.then:
            key, until = self._traffic[call.workload].service_key, 0.0
            u = uniform(key, call.request, visit(call.attempt, call.stage, 0, 0), int(Purpose.BRANCH))
            for to, share in step.then:
                until += share
                if u < until:
                    own = self._traffic[call.workload].steps
                    return to + (own if call.stage >= own else 0)
        return None

    def _fail(self, call: Call, outcome: int) -> None:
        w, wl, now = call.workload, self._tally.workloads[call.workload], self._clock.now
        call.trial = call.epoch = self._next_serial()
        again = (int(wl["retry_on"]) >> outcome) & 1 and call.attempt + 1 < wl["most_attempts"]
        if not again or wl["budget"] < ONE:
            self._end(call, outcome, call.deadline_ns if outcome == TIMED_OUT else now)
            return
        self._tally.count(w, budget=-ONE, retries=1)
        call.waiting = True
        wait_ns = draw_backoff_ns(
            int(wl["backoff_ns"]), float(wl["backoff_factor"]), int(wl["backoff_most_ns"]), int(wl["jitter"]),
            call.attempt, self._traffic[w].service_key, call.request, int(Purpose.BACKOFF),
        )  # fmt: skip
        call.attempt += 1
        self._clock.call_at(now + wait_ns, Rank.RETRY, lambda: self._attempt(call), timer_order(w, call.request))

    def _end(self, call: Call, outcome: int, end_ns: int, last: Request | None = None) -> None:
        """The call ends now; its client has the outcome at `end_ns`. last: what was served last, if completed."""
        self._tally.end_call(call, outcome, end_ns, last)
        if last is not None:
            self._reception.remember(last)
        call.trial = call.epoch = self._next_serial()
        self._open.remove(call)
        if call.user >= 0:
            self._think(call.workload, call.user, call.request, 0)

    # --- a closed loop

    def _think(self, w: int, user: int, number: int, draw: int) -> None:
        wl = self._tally.workloads[w]
        wait_ns = draw_think_ns(
            int(wl["think_ns"]), bool(wl["think_exponential"]), self._traffic[w].service_key, number, draw,
            int(Purpose.THINK),
        )  # fmt: skip
        self._clock.call_at(self._clock.now + wait_ns, Rank.RETRY, lambda: self._ask(w, user), timer_order(w, user))

    def _ask(self, w: int, user: int) -> None:
        """A user makes the next request, or leaves where there are to be fewer of them."""
        wl = self._tally.workloads[w]
        if user >= wl["users"]:
            self._active[w].remove(user)
            return
        request = int(wl["issued"])
        self._tally.count(w, issued=1, potential=1, offered=1)
        self.begin(Call(request, w, self._clock.now, NO_KEY, user=user))

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial
