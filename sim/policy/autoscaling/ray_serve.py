"""The autoscaler of Ray Serve: requests in flight per replica, held near a target.

Source: ray-project/ray 2.60.0, python/ray/serve/autoscaling_policy.py (replica_queue_length_autoscaling_policy and
what is applied around it), config.py (AutoscalingConfig); in the form that measures delays by the clock and not by
counting loops. Quirks kept: what is wanted is reckoned from running replicas and compared with the count asked for;
factors act on the difference between wanted and running; a factor that would leave a downscale stuck takes one
replica anyway; a downscale stops at 1 first, and 1 to 0 has a delay of its own; without a running replica the first
request asks for ceil(upscaling factor) at once, past every delay; bounds come last, so that a wish beyond them waits
like any other.

Total requests are those queued at or served by replicas, on average between scrapes, and those in the pool's shared
queue, over the look-back period (see ray_serve_window.py). A pool without a shared queue turns requests away while it
has no replica; each of them still asks for one, as a Serve handle would that holds it.
"""

import math
from functools import cached_property
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import ValidationInfo, field_validator

from sim.clock.calendar import to_ns
from sim.config import Count, Positive, PositiveSeconds, Seconds
from sim.policy.autoscaling.controller import Bounded
from sim.policy.autoscaling.ray_serve_window import Aggregation, Load, LoadPlan, begin, watched
from sim.policy.bounds import Period
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting

_MOST_PUSHES = 1000  # assumption: a controller that looks further back holds a history, not a load


class Wish(NamedTuple):
    """What has been wanted, without a break: more (1), fewer (-1) or no change (0), and since when (ns)."""

    direction: int
    since_ns: int


class RayState(NamedTuple):
    """What the controller remembers."""

    wish: Wish
    load: Load


class Delays(NamedTuple):
    """How long a wish must last before it is followed, nanoseconds."""

    up_ns: int
    down_ns: int
    to_zero_ns: int


NO_WISH = Wish(0, 0)


def queue_length(total: float, running: int, target_ongoing: float) -> float:
    """Replicas wanted for `total` requests; running: more than 0. The order of the operations is upstream's."""
    return running * (total / (target_ongoing * running))


def scaled(desired: float, running: int, upscaling: float, downscaling: float) -> int:
    """The wanted count when only a part (or a multiple) of the difference to the running replicas is to be made up."""
    if running == 0:
        return math.ceil(desired)
    change = desired - running
    count = math.ceil(running + (upscaling if change > 0 else downscaling) * change)
    # rounded up, a small step down is none: one goes nevertheless
    return count - 1 if count == running and math.ceil(desired) < running else count


def delayed(desired: int, target: int, delays: Delays, wish: Wish, now_ns: int) -> tuple[int, Wish]:
    """The wanted count once it has been wanted long enough, until then the present target; and the wish."""
    direction = (desired > target) - (desired < target)
    if direction == 0:
        return target, NO_WISH
    if direction != wish.direction:
        wish = Wish(direction, now_ns)
    if direction > 0:
        delay_ns = delays.up_ns
    elif target == 1:
        delay_ns = delays.to_zero_ns
    else:
        delay_ns, desired = delays.down_ns, max(1, desired)
    return (desired, NO_WISH) if now_ns - wish.since_ns >= delay_ns else (target, wish)


def in_gangs(count: int, size: int, low: int, high: int) -> int:
    """The count rounded up to whole gangs, and then held within its bounds."""
    return max(low, min(high, -(-count // size) * size))


class RayServe(Bounded):
    """Parameters of one deployment's AutoscalingConfig, and the controller itself as pure methods.

    look_back_period_s, aggregation: over which time, and how, total requests are summed up; control_loop_interval_s:
    time between two decisions; metrics_push_interval_s: between two reports of the load; gang_size: replicas come in
    such groups.
    """

    lowest: ClassVar[int] = 0

    kind: Literal["ray_serve"] = "ray_serve"
    min_replicas: Count = 1  # AutoscalingConfig
    target_ongoing_requests: Positive = 2.0  # AutoscalingConfig
    upscale_delay_s: Seconds = 30.0  # AutoscalingConfig
    downscale_delay_s: Seconds = 600.0  # AutoscalingConfig
    downscale_to_zero_delay_s: Seconds | None = None  # AutoscalingConfig; None: as downscale_delay
    upscaling_factor: Positive = 1.0  # AutoscalingConfig.get_upscaling_factor
    downscaling_factor: Positive = 1.0  # AutoscalingConfig.get_downscaling_factor
    metrics_push_interval_s: PositiveSeconds = 10.0  # AutoscalingConfig.metrics_interval_s
    look_back_period_s: PositiveSeconds = 30.0  # AutoscalingConfig
    aggregation: Aggregation = "mean"  # AutoscalingConfig.aggregation_function
    control_loop_interval_s: Period = 0.1  # serve/_private/constants.py CONTROL_LOOP_INTERVAL_S
    gang_size: Count = 1  # GangSchedulingConfig: replicas are not scheduled in gangs unless asked for

    @field_validator("look_back_period_s")
    @classmethod
    def _few_pushes(cls, value: float, info: ValidationInfo) -> float:
        push_s = info.data.get("metrics_push_interval_s")
        if push_s is not None and value > _MOST_PUSHES * push_s:
            raise ValueError(
                f"more than {_MOST_PUSHES} times metrics_push_interval. Type at most "
                f'"{_MOST_PUSHES * push_s:g} s", or a longer metrics_push_interval.'
            )
        return value

    @field_validator("gang_size")
    @classmethod
    def _whole_gangs(cls, value: int, info: ValidationInfo) -> int:
        if value < 1:
            raise ValueError("no gang. It must be a whole number of at least 1; 1 means single replicas.")
        for key in ("min_replicas", "max_replicas", "start_replicas"):
            count = info.data.get(key)
            if count is not None and count % value:
                name = "initial_replicas" if key == "start_replicas" else key
                raise ValueError(
                    f"{name} ({count}) is no whole number of gangs. Type a {name} that is a multiple of {value}, "
                    f"such as {-(-count // value) * value}."
                )
        return value

    @property
    def sync_period_s(self) -> float:
        """Seconds between two decisions."""
        return self.control_loop_interval_s

    @property
    def wakes(self) -> bool:
        """A handle reports at once what it holds for a deployment without replicas."""
        return True

    @cached_property
    def _delays(self) -> Delays:
        to_zero_s = self.downscale_to_zero_delay_s
        down_ns = to_ns(self.downscale_delay_s)
        return Delays(to_ns(self.upscale_delay_s), down_ns, down_ns if to_zero_s is None else to_ns(to_zero_s))

    @cached_property
    def _load_plan(self) -> LoadPlan:
        return LoadPlan(to_ns(self.look_back_period_s), to_ns(self.metrics_push_interval_s), self.aggregation)

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> RayState:
        """State at the start: nothing seen, nothing wished for."""
        return RayState(NO_WISH, begin(now_ns, self._load_plan))

    def decide(self, observation: Observation, state: RayState, now_ns: int) -> tuple[Decision, RayState]:
        """One turn of the control loop: the count to ask for, and what to remember."""
        running, target = int(np.count_nonzero(observation.ready)), observation.target_replicas
        load, sampled_ns = state.load, _sampled_ns(observation, now_ns)
        if sampled_ns > load.seen_ns or now_ns >= load.push_ns:
            load = watched(load, total_requests(observation), sampled_ns, now_ns, self._load_plan)
        total = load.told
        if running == 0:
            # a handle with nowhere to send its requests does not wait for the next push
            total = max(observation.queued_shared, 1 if observation.arrived_per_s > 0 else 0)
        desired = queue_length(total, running, self.target_ongoing_requests) if running else target
        count, wish = self.settle(desired, total, running, target, state.wish, now_ns)
        replicas = in_gangs(count, self.gang_size, self.min_replicas, self.max_replicas)
        if wish is not state.wish or load is not state.load:
            state = RayState(wish, load)
        return Decision(replicas, _reason(replicas, count, target, wish)), state

    def settle(
        self, desired: float, total: float, running: int, target: int, wish: Wish, now_ns: int
    ) -> tuple[int, Wish]:
        """The count to ask for, before gangs and bounds, when `desired` replicas are wanted for `total` requests."""
        if running == 0:
            if total > 0:
                return max(math.ceil(self.upscaling_factor), target), wish
            if target > 0:
                return target, wish
        count = scaled(desired, running, self.upscaling_factor, self.downscaling_factor)
        return delayed(max(0, count), target, self._delays, wish, now_ns)


def total_requests(observation: Observation) -> float:
    """Requests queued at or served by replicas, on average between the last two scrapes, and in the shared queue.

    A replica that was scraped once counts with what it held then, one that never was with nothing.
    """
    total = sum(observation.mean_in_flight.tolist())
    if total != total:  # some are missing
        gauges = observation.in_flight.tolist()
        pairs = zip(observation.mean_in_flight.tolist(), gauges, strict=True)
        total = sum(m if m == m else g for m, g in pairs if m == m or g == g)
    return float(total + observation.queued_shared)


def _sampled_ns(observation: Observation, now_ns: int) -> int:
    age_s = observation.sample_age_s
    return now_ns - round(age_s * 1e9) if age_s == age_s else -1


def _reason(replicas: int, count: int, target: int, wish: Wish) -> str:
    if replicas == target:
        return "NoChange" if wish.direction == 0 else "UpscaleDelay" if wish.direction > 0 else "DownscaleDelay"
    if replicas < count:
        return "TooManyReplicas"
    return "Upscale" if replicas > target else "Downscale"
