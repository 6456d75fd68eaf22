"""A controller that knows the arrivals to come: what no real one can beat, and a bound that they are held against.

It asks for as many replicas as serve the busiest stretch that begins before one asked for later could be ready, at the
best throughput that batches allow: ceil(arrivals per second / (best throughput x target utilisation)). It knows
exogenous arrivals alone: not who tries again, asks in a closed loop, overflows from another pool or is answered by a
cache; a stage that a share of requests reaches is known by that share, and a phase's exposure likewise.
"""

import math
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.clock.calendar import to_ns
from sim.config import Count, Seconds
from sim.policy.autoscaling.controller import Ranged
from sim.policy.bounds import Period, Utilisation
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Coming, Setting, nobody

_MOST_STRETCHES = 100_000  # assumption: of one look ahead; a boot of days in steps of seconds is a mistake


class OracleState(NamedTuple):
    """per_s: requests that one replica may get; edges_ns: of the steps ahead of now; width: of a stretch, in steps.

    stretch_s: that width; coming: see `Setting`.
    """

    per_s: float
    edges_ns: NDArray[np.int64]
    width: int
    stretch_s: float
    coming: Coming


class Oracle(Ranged):
    """Parameters of the oracle, and the oracle itself as pure methods.

    target: share of its best throughput that each replica is to give at most; stretch_s: arrivals are counted over so
    long at a time, and the busiest stretch counts; margin_s: how much earlier than needed replicas are to be ready.
    """

    lowest: ClassVar[int] = 0

    kind: Literal["oracle"] = "oracle"
    min_replicas: Count = 0  # a bound from below; one that need not measure replicas can do with none
    target: Utilisation = 0.8  # assumption: as the target of the Kubernetes HPA
    stretch_s: Period = 60.0  # assumption: a minute's arrivals may be served within the minute
    margin_s: Seconds = 0.0  # assumption: the bound itself

    @property
    def informed(self) -> bool:
        """It takes all that it knows from its setting."""
        return True

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> OracleState:
        """State at the start."""
        # until the next decision a replica can be asked for no earlier, and then it boots
        ahead_s = setting.boot_s + self.sync_period_s + self.margin_s
        step_s = min(self.sync_period_s, self.stretch_s)
        width = max(1, round(self.stretch_s / step_s))
        count = min(math.ceil(ahead_s / step_s) + 1, _MOST_STRETCHES)
        edges_ns = np.arange(count + width, dtype=np.int64) * to_ns(step_s)
        return OracleState(setting.best_per_s * self.target, edges_ns, width, width * step_s, setting.coming)

    def decide(self, observation: Observation, state: OracleState, now_ns: int) -> tuple[Decision, OracleState]:
        """As many as the busiest stretch ahead needs."""
        if not state.per_s > 0.0 or state.coming is nobody:
            return Decision(self.within(observation.target_replicas), "NothingKnown"), state
        came = np.cumsum(state.coming(now_ns + state.edges_ns))
        came[state.width :] -= came[: -state.width].copy()
        most_per_s = float(came[state.width - 1 :].max()) / state.stretch_s
        return Decision(self.within(math.ceil(most_per_s / state.per_s - 1e-9)), "Foreseen"), state
