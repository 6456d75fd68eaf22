"""Scaling by how full the engines of language models are: sequences in flight, and requests that queue for a place.

Source: llm-d workload-variant-autoscaler, docs/saturation-analyzer.md at commit 6400520 (the percentage-based analyser,
for one variant): a replica is saturated at 80 % of its KV cache or 5 requests in its queue; one replica is added when
those that are not saturated have on average less than 10 % or 3 requests to spare, and one is given up when the others
could take over its load and still have that much. No step while a replica asked for is not there. NVIDIA Dynamo's
load-based planner (docs.nvidia.com/dynamo, archive 0.3.1, planner) has the same shape: thresholds on KV cache and
queue, one worker at a time, none while one is being added.

What differs: until there is an engine with a KV cache, its occupancy is approximated by the sequences in flight over
the most that a replica serves at once (`concurrency`). Requests in a pool's shared queue count as spread over it.
The peak of a minute is approximated by the larger of the gauge at the newest scrape and the mean since the one before.
With every replica saturated one is added, whatever the averages.
"""

import math
from typing import Literal, NamedTuple

from pydantic import ValidationInfo, field_validator

from sim.config import Count, NonNegative, Positive, Share
from sim.policy.autoscaling.scale_in_delay import Delayed, Log
from sim.policy.bounds import Period
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting


class LlmAwareState(NamedTuple):
    """concurrency: sequences that a replica serves at once."""

    concurrency: int
    log: Log = ()


class Room(NamedTuple):
    """What replicas that are not saturated have to spare on average, and what would be left with one fewer (NaN)."""

    open: int
    spare_occupancy: float
    spare_queue: float
    left_occupancy: float
    left_queue: float


class LlmAware(Delayed):
    """Parameters of saturation-based scaling, and the controller itself as pure methods.

    occupancy, queue: a replica is saturated from this share of its places taken, or this many requests waiting, on;
    spare_occupancy, spare_queue: what there should be to spare on average; concurrency: sequences that a replica serves
    at once (None: its largest batch).
    """

    kind: Literal["llm_aware"] = "llm_aware"
    occupancy: Share = 0.8  # kvCacheThreshold
    queue: Positive = 5.0  # queueLengthThreshold
    spare_occupancy: Share = 0.1  # kvSpareTrigger
    spare_queue: NonNegative = 3.0  # queueSpareTrigger
    concurrency: Count | None = None
    sync_period_s: Period = 60.0  # assumption: a decision a minute, the window of the analyser's metrics

    @field_validator("occupancy")
    @classmethod
    def _some(cls, value: float) -> float:
        if value < 0.01:
            raise ValueError('every replica would be saturated. It must be at least 1 %; type, say, "80 %".')
        return value

    @field_validator("spare_occupancy", "spare_queue")
    @classmethod
    def _below_the_threshold(cls, value: float, info: ValidationInfo) -> float:
        name = str(info.field_name).removeprefix("spare_")
        most = info.data.get(name)
        if most is not None and value >= most:
            raise ValueError(
                f"an idle replica would not have as much to spare. It must be less than {name} ({most:g}); type less."
            )
        return value

    @field_validator("concurrency")
    @classmethod
    def _at_least_one(cls, value: int | None) -> int | None:
        if value is not None and value < 1:
            raise ValueError("nothing could be served. It must be at least 1; null takes the pool's largest batch.")
        return value

    @property
    def informed(self) -> bool:
        """It takes the concurrency from its setting, where none is given."""
        return self.concurrency is None

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> LlmAwareState:
        """State at the start."""
        return LlmAwareState(setting.concurrency if self.concurrency is None else self.concurrency)

    def decide(self, observation: Observation, state: LlmAwareState, now_ns: int) -> tuple[Decision, LlmAwareState]:
        """One replica more, one fewer, or as many."""
        current = observation.target_replicas
        if self.within(current) != current:
            return Decision(self.within(current), "NewLimits"), state
        loads = _loads(observation, state.concurrency)
        if len(loads) != current:
            return Decision(current, "Pending"), state
        room, raw, reason = self.room(loads), current, "EnoughToSpare"
        if room.open == 0 or room.spare_occupancy < self.spare_occupancy or room.spare_queue < self.spare_queue:
            raw, reason = current + 1, "LittleToSpare"
        elif room.left_occupancy >= self.spare_occupancy and room.left_queue >= self.spare_queue:
            raw, reason = current - 1, "MuchToSpare"
        raw = self.within(raw)
        decision, log = self.delayed(raw, reason, state.log, current, now_ns)
        # one at a time: what was wanted lately holds the count, and never raises it
        return Decision(min(decision.replicas, max(current, raw)), reason), state._replace(log=log)

    def room(self, loads: list[tuple[float, float]]) -> Room:
        """What there is to spare. loads: (share of places taken, requests waiting) of each replica."""
        free = [(taken, queued) for taken, queued in loads if taken < self.occupancy and queued < self.queue]
        n = len(free)
        if n == 0:
            return Room(0, 0.0, 0.0, math.nan, math.nan)
        taken, queued = sum(load[0] for load in free), sum(load[1] for load in free)
        left = (self.occupancy - taken / (n - 1), self.queue - queued / (n - 1)) if n > 1 else (math.nan, math.nan)
        return Room(n, self.occupancy - taken / n, self.queue - queued / n, *left)


def _loads(observation: Observation, concurrency: int) -> list[tuple[float, float]]:
    """(share of places taken, requests waiting) of every replica that has a sample."""
    counts = [
        mean if mean > now else now  # a mean of NaN counts for nothing
        for now, mean in zip(observation.in_flight.tolist(), observation.mean_in_flight.tolist(), strict=True)
        if now == now
    ]
    shared = observation.queued_shared / len(counts) if counts else 0.0
    return [(min(count, concurrency) / concurrency, max(0.0, count - concurrency) + shared) for count in counts]
