"""The reference engine's books: who is in the system, and how each request ended."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock.environment import Clock
from sim.record.histogram import BUCKETS, bucket_of, take_counts
from sim.serving.discipline.batching import is_dead
from sim.serving.discipline.recording import draw_logged
from sim.serving.entities import Call, Request
from sim.serving.kernels.state import COMPLETED, FAILED, HIT, IN_SYSTEM, LOG, REJECTED, THROTTLED, TIMED_OUT, WORKLOAD
from sim.serving.steering import Traffic

_COUNTERS = {
    HIT: "hit", COMPLETED: "completed", THROTTLED: "throttled", REJECTED: "rejected", TIMED_OUT: "timed_out",
    FAILED: "failed",
}  # fmt: skip


class Tally:
    """Counters by workload, the latency histogram, the log, and the set of requests in the system."""

    def __init__(self, clock: Clock, traffic: list[Traffic], log: float) -> None:
        """log: share of requests that the log keeps."""
        self._clock, self._log_share = clock, log
        self._keys = [t.exposure_key for t in traffic]
        self.workloads = np.zeros(len(traffic), WORKLOAD)
        self._histogram = np.zeros((len(traffic), BUCKETS), np.int64)
        self._log: list[tuple[int, ...]] = []
        self._inside: set[Request] = set()

    def count(self, w: int, **changes: float) -> None:
        """Add to counters of a workload."""
        with np.errstate(over="ignore"):  # flows wrap, see `kernels.state`
            for name, change in changes.items():
                self.workloads[w][name] += change

    def enter(self, r: Request) -> None:
        """A request takes a place in the system."""
        self._inside.add(r)
        self.count(r.workload, in_system=1, system_flow=r.arrival_ns)

    def end_served(self, r: Request) -> None:
        """A served request ends now, or a detour later: completed, or timed out at its deadline if that came first."""
        now, w = self._clock.now + r.detour_ns, r.workload
        if now > r.deadline_ns:
            self.count(w, timed_out=1, lost_sum_s=(now - r.arrival_ns) * 1e-9)
            self._note(r, TIMED_OUT, r.deadline_ns)
        else:
            latency = now - r.arrival_ns
            self.count(w, completed=1, latency_sum_s=latency * 1e-9)
            self._felt(w, latency)
            self._note(r, COMPLETED, now)
        self._leave(r, now)

    def end_dropped(self, r: Request) -> None:
        """A queued request is dropped because its deadline has passed, or its patience has ended."""
        self.count(r.workload, timed_out=1, lost_sum_s=(self._clock.now - r.arrival_ns) * 1e-9)
        self._note(r, TIMED_OUT, r.gives_up_ns)
        self._leave(r, self._clock.now)
        r.ended.succeed()

    def end_failed(self, r: Request) -> None:
        """The replica that a request was at has died: it fails, or has timed out where nobody waited any more."""
        now, leaves_ns = self._clock.now, r.deadline_ns if r.start_ns >= 0 else r.gives_up_ns
        late = is_dead(leaves_ns, now, True)
        self.count(r.workload, lost_sum_s=(now - r.arrival_ns) * 1e-9, **{"timed_out" if late else "failed": 1})
        self._note(r, TIMED_OUT if late else FAILED, leaves_ns if late else now)
        self._leave(r, now)
        r.ended.succeed()

    def reject(self, r: Request) -> None:
        """A request found no room."""
        self.count(r.workload, rejected=1)
        self._note(r, REJECTED, r.arrival_ns)

    def throttle(self, r: Request) -> None:
        """A request came faster than its tenant may."""
        self.count(r.workload, throttled=1)
        self._note(r, THROTTLED, r.arrival_ns)

    def hit(self, r: Request) -> None:
        """A request is answered by the cache."""
        hit_ns = int(self.workloads[r.workload]["hit_ns"])
        self.count(r.workload, hit=1)
        self._felt(r.workload, hit_ns)
        r.start_ns = r.arrival_ns
        self._note(r, HIT, r.arrival_ns + hit_ns)

    def end_call(self, call: Call, outcome: int, end_ns: int, last: Request | None) -> None:
        """A call ends now. end_ns: when its client has the outcome; last: what was served last, of a completed one."""
        w, now = call.workload, self._clock.now
        spent_s = (now - call.arrival_ns) * 1e-9
        if outcome in (COMPLETED, HIT):
            self._felt(w, end_ns - call.arrival_ns)
        self.count(w, **{_COUNTERS[outcome]: 1, "latency_sum_s" if outcome == COMPLETED else "lost_sum_s": spent_s})
        self.count(w, in_system=-1, system_flow=-now)
        self._note_call(call, outcome, end_ns, last)

    def note_at_horizon(self, call: Call, late: bool) -> None:
        """A call is still under way at the horizon. late: its deadline has passed."""
        self._note_call(call, TIMED_OUT if late else IN_SYSTEM, call.deadline_ns if late else -1, None)

    def _note_call(self, call: Call, outcome: int, end_ns: int, last: Request | None) -> None:
        if self._log_share and draw_logged(self._log_share, self._keys[call.workload], call.request):
            start_ns, slot, batch = (-1, -1, 0) if last is None else (last.start_ns, last.slot, last.batch)
            if outcome == HIT:
                start_ns = self._clock.now
            self._log.append((call.request, call.workload, outcome, call.arrival_ns, start_ns, end_ns, slot, batch))

    def finish(self, end_ns: int) -> float:
        """The horizon: who is still inside has timed out by now, or stays; seconds that those who stay were there."""
        ages_s = 0.0
        for r in sorted(self._inside, key=lambda r: (r.workload, r.request)):
            age_s = (end_ns - r.arrival_ns) * 1e-9
            leaves_ns = r.deadline_ns if r.start_ns >= 0 else r.gives_up_ns
            if leaves_ns <= end_ns:
                self.count(r.workload, timed_out=1, in_system=-1, system_flow=-end_ns, lost_sum_s=age_s)
                self._note(r, TIMED_OUT, leaves_ns)
            else:
                ages_s += age_s
                self._note(r, IN_SYSTEM, -1)
        return ages_s

    def take_histogram(self, w: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Non-empty latency buckets and their counts since the last call."""
        return take_counts(self._histogram[w])

    def take_log(self) -> NDArray[Any]:
        """Log entries since the last call."""
        taken, self._log = np.array(self._log, dtype=LOG), []
        return taken

    def _felt(self, w: int, latency_ns: int) -> None:
        """A request of workload w has been answered that long after it was made."""
        self.count(w, good=int(latency_ns <= self.workloads[w]["slo_ns"]))
        self._histogram[w, bucket_of(latency_ns)] += 1

    def _leave(self, r: Request, end_ns: int) -> None:
        self._inside.remove(r)
        self.count(r.workload, in_system=-1, system_flow=-end_ns)

    def _note(self, r: Request, outcome: int, end_ns: int) -> None:
        if self._log_share and draw_logged(self._log_share, self._keys[r.workload], r.request):
            self._log.append((r.request, r.workload, outcome, r.arrival_ns, r.start_ns, end_ns, r.slot, r.batch))
