"""A proportional-integral controller that steers a quantile of latency to the SLO by the number of replicas.

Source: J. L. Hellerstein, Y. Diao, S. Parekh, D. M. Tilbury, "Feedback Control of Computing Systems" (Wiley 2004), the
PI controller in its incremental form. Both sides are logarithms: latency answers to a doubling of replicas and not to
one more of them, and twice the SLO is as far from it as half of it. With u = ln(replicas), e = ln(latency / target):

    u(k) = u(k-1) + gain (e(k) - e(k-1)) + gain (period / integral time) e(k)

Latency is flat until replicas are nearly all busy, and bursts beyond (the knee): feedback alone gives replicas up for
as long as nothing hurts, and is late when something does. So u never leads below a floor that scrapes show without any
latency, by Little's law: with `most_busy` of their places taken at most, the places taken need at least so many. A
replica's share of places taken is its requests inside over those that it serves at once, and no more than the share of
time that it is busy. That is feed-forward beside feedback, as in L. Sha, X. Liu, Y. Lu, T. Abdelzaher, "Queueing model
based network server performance control" (RTSS 2002); the floor follows a load that grows, also while replicas boot.

Against wind-up: u never leaves the logarithms of the limits or of the floor (the incremental form holds no other sum),
e is cut at `most_error`, and while replicas that were asked for are not ready yet the integral part does not grow, as
their effect is to come (conditional integration; K. J. Åström, T. Hägglund, "PID Controllers", ISA 1995, section 3.5).
Without an answer between two scrapes nothing is known of latency: with requests in the pool that is as bad as can be,
with none it is as good as can be.
"""

import math
from typing import Literal, NamedTuple

from pydantic import field_validator

from sim.config import Positive, PositiveSeconds, Share
from sim.policy.autoscaling import signals
from sim.policy.autoscaling.scale_in_delay import Delayed, Log
from sim.policy.bounds import Tolerated, Utilisation
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting


class SloFeedbackState(NamedTuple):
    """target_s: of the latency; concurrency: requests that a replica serves at once; asked: ln(replicas) before
    rounding, NaN at first; error: of the last time.
    """

    target_s: float
    concurrency: int = 1
    asked: float = math.nan
    error: float = math.nan
    log: Log = ()


class SloFeedback(Delayed):
    """Parameters of the feedback, and the controller itself as pure methods.

    quantile: of latency; target_s: what it should be (None: such a share of the shortest SLO of the pool's workloads
    that the 99th percentile of an exponential tail is at the SLO, 65 % for a p95); gain: growth of ln(replicas) for one
    of ln(latency); integral_time_s: how long an error lasts until the integral part has done as much as the
    proportional part; deadband: an error up to this share of the target counts as none; most_busy: share of places
    taken at most, however fast answers are; most_error: errors beyond this factor count as this.
    """

    kind: Literal["slo_feedback"] = "slo_feedback"
    quantile: Share = 0.95  # assumption: a p99 needs more answers between two scrapes than many pools have
    target_s: PositiveSeconds | None = None
    gain: Positive = 0.5  # assumption: less than one, as latency falls faster than replicas grow near saturation
    integral_time_s: PositiveSeconds = 600.0  # assumption: longer than most replicas take to boot and load
    deadband: Tolerated = 0.1  # assumption: as the HPA's tolerance
    most_busy: Utilisation = 0.7  # assumption: as for `predictive`; what comes may grow by 3/7 while replicas boot
    most_error: Positive = 2.0  # assumption: one reading never does more than a doubling would

    @field_validator("quantile")
    @classmethod
    def _inside(cls, value: float) -> float:
        if not 0.01 <= value <= 0.9999:
            raise ValueError('out of range. It must be at least 1 % and at most 99.99 %; type, say, "95 %".')
        return value

    @field_validator("gain")
    @classmethod
    def _gentle(cls, value: float) -> float:
        if value > 10.0:
            raise ValueError("out of range. Such a gain only swings; it must be at most 10; type, say, 0.5.")
        return value

    @field_validator("most_error")
    @classmethod
    def _a_factor(cls, value: float) -> float:
        if not 1.0 < value <= 1000.0:
            raise ValueError("out of range. This is a factor: it must be more than 1 and at most 1000; type, say, 2.")
        return value

    @property
    def latency_quantile(self) -> float | None:
        """The quantile that it steers."""
        return self.quantile

    @property
    def informed(self) -> bool:
        """It takes the places of a replica, and its target where none is given, from its setting."""
        return True

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> SloFeedbackState:
        """State at the start."""
        target_s = _share_of_slo(self.quantile) * setting.slo_s if self.target_s is None else self.target_s
        return SloFeedbackState(target_s, setting.concurrency)

    def decide(
        self, observation: Observation, state: SloFeedbackState, now_ns: int
    ) -> tuple[Decision, SloFeedbackState]:
        """One step of the feedback."""
        current = self.within(observation.target_replicas)
        error = self._error(observation, state.target_s)
        if error != error:
            return Decision(current, "NoMetrics"), state
        asked = state.asked if state.asked == state.asked else math.log(current)
        before = state.error if state.error == state.error else 0.0
        integral = self.sync_period_s / self.integral_time_s * error
        if integral > 0.0 and False in observation.ready.tolist():
            integral = 0.0
        floor = min(max(_taken(observation, state.concurrency) / self.most_busy, self.min_replicas), self.max_replicas)
        asked = max(asked + self.gain * (error - before + integral), math.log(floor))
        asked = min(asked, math.log(self.max_replicas))
        raw = self.within(math.ceil(math.exp(asked) - 1e-9))
        reason = "TooSlow" if error > 0.0 else "FasterThanNeeded" if error < 0.0 else "WithinDeadband"
        decision, log = self.delayed(raw, reason, state.log, current, now_ns)
        return decision, state._replace(asked=asked, error=error, log=log)

    def _error(self, observation: Observation, target_s: float) -> float:
        """ln(latency / target), cut; NaN where nothing can be said."""
        most, latency_s = math.log(self.most_error), observation.latency_s
        if not target_s > 0.0:
            return math.nan
        if latency_s != latency_s:
            if observation.arrived_per_s != observation.arrived_per_s:
                return math.nan  # not yet two scrapes
            return most if signals.in_flight(observation) > 0.0 else -most
        error = math.log(max(latency_s, 1e-9) / target_s)
        if math.log1p(-self.deadband) <= error <= math.log1p(self.deadband):
            return 0.0
        return min(max(error, -most), most)


def _share_of_slo(quantile: float) -> float:
    """Where the quantile lies when the 99th percentile is at the SLO: quantile p of an exponential tail is at
    ln(1 / (1 - p)) of its mean. At most all of the SLO, and at least half, as a service alone takes its time
    (assumption, as for queue_delay).
    """
    return min(max(math.log1p(-quantile) / math.log(0.01), 0.5), 1.0)


def _taken(observation: Observation, concurrency: int) -> float:
    """Places that are taken, in replicas: of each the mean requests inside over its places, or its busy time if less.

    Who waits for a place takes none, as nobody is busy for longer than always; a replica without two scrapes has none.
    """
    taken = 0.0
    for busy, inside in zip(observation.utilisation.tolist(), observation.mean_in_flight.tolist(), strict=True):
        share = inside / concurrency
        if busy == busy and share == share:
            taken += share if share < busy else busy
    return taken
