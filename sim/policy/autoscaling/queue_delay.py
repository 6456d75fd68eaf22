"""As many replicas as keep the wait in the queue under a target, by Little's law.

Source: J. D. C. Little, "A Proof for the Queuing Formula L = lambda W", Operations Research 9 (1961): who joins a queue
of L requests that leave it at X per second waits L / X. With n replicas that each answer mu requests per busy second,
X is n mu while anybody waits, so that the wait stays under its target with n >= L / (mu target); and nothing is served
for long with fewer than arrivals / (mu x the utilisation allowed). The larger of the two is asked for. mu is learnt
from answers and busy time, and begins as a replica's throughput of one request at a time.
"""

import math
from typing import Literal, NamedTuple

from sim.config import PositiveSeconds
from sim.policy.autoscaling.scale_in_delay import Delayed, Log
from sim.policy.autoscaling.throughput import known, learnt
from sim.policy.bounds import Utilisation
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting

_HALVES_EVERY_S = 600.0  # assumption: mu follows a change of the requests' mix within some ten minutes


class QueueDelayState(NamedTuple):
    """target_s: of the wait; served, busy_s: requests and the busy seconds they took, old ones for less."""

    target_s: float
    concurrency: int
    served: float
    busy_s: float
    log: Log = ()


class QueueDelay(Delayed):
    """Parameters of a controller of the queue's wait, and the controller itself as pure methods.

    target_s: longest mean wait in a queue; None: half of the shortest SLO of the pool's workloads. max_utilisation:
    share of time that replicas may be busy at most.
    """

    kind: Literal["queue_delay"] = "queue_delay"
    target_s: PositiveSeconds | None = None  # assumption: the other half is for the service
    max_utilisation: Utilisation = 0.8  # assumption: as the target of the Kubernetes HPA

    @property
    def informed(self) -> bool:
        """It takes its first idea of a replica, and of the target, from its setting."""
        return True

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> QueueDelayState:
        """State at the start."""
        target_s = setting.slo_s / 2 if self.target_s is None else self.target_s
        return QueueDelayState(target_s, setting.concurrency, *known(setting))

    def decide(self, observation: Observation, state: QueueDelayState, now_ns: int) -> tuple[Decision, QueueDelayState]:
        """The count that keeps the wait and the utilisation."""
        current = observation.target_replicas
        waiting = _waiting(observation, state.concurrency)
        served, busy_s = learnt(observation, state.served, state.busy_s, _HALVES_EVERY_S)
        state = state._replace(served=served, busy_s=busy_s)
        if not served > 0.0 or not busy_s > 0.0 or not state.target_s > 0.0:
            return Decision(self.within(current), "NoMetrics"), state
        per_s = served / busy_s
        arrived_per_s = observation.arrived_per_s
        for_rate = arrived_per_s / (per_s * self.max_utilisation) if arrived_per_s == arrived_per_s else 0.0
        for_wait = waiting / (per_s * state.target_s)
        raw = self.within(math.ceil(min(max(for_rate, for_wait), 1e9) - 1e-9))
        reason = "QueueDelay" if for_wait > for_rate else "Utilisation"
        decision, log = self.delayed(raw, reason, state.log, current, now_ns)
        return decision, state._replace(log=log)


def _waiting(observation: Observation, concurrency: int) -> float:
    """Requests in the shared queue, and what replicas hold beyond what they serve at once."""
    waiting = float(observation.queued_shared)
    for count in observation.in_flight.tolist():
        if count > concurrency:  # False for NaN
            waiting += count - concurrency
    return waiting
