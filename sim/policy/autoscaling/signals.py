"""What controllers scale on: one name, one number, whoever asks for it.

| name          | what it is                                                                | a user states it in   |
|---------------|---------------------------------------------------------------------------|-----------------------|
| `queue`       | everybody who waits: in the pool's shared queue, or queued at a replica   | requests              |
| `arrivals`    | requests that ask the pool to be served, taken or not                     | a rate, "120 req/min" |
| `in_flight`   | everybody inside: those who wait, and those in service at replicas        | requests              |
| `utilisation` | share of time that replicas were busy, a mean of those that have a sample | a share, "70 %"       |

All are of the whole pool, as the newest usable scrape shows it (`arrivals` and `utilisation`: since the one before),
and NaN where there is none. A replica that was not scraped since it became ready holds what nobody knows of, and counts
for nothing. HPA asks for `in_flight` by this name where its target is for each replica, and by `in_flight_total` where
it is read of the pool as a whole; the sum is the same.

What is made of them is each controller's own: HPA's readiness rules and milli-units (hpa_tally.py), AWS's `requests` of
each replica and minute (aws_alarms.py). Not the same numbers, and so not here: means over time (`mean_in_flight`) as
Ray Serve and Knative take them, and what replicas hold beyond what they serve at once, from which queue_delay and
llm_aware judge whether another replica would help; who waits for a batch under way is in `queue` and not in that.
"""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo

from sim.config.units import RATE, format_quantity, parse_quantity
from sim.policy.observation import Observation


def queue(observation: Observation) -> float:
    """Requests that wait, in the shared queue or at replicas; NaN before the first scrape."""
    return _held(observation, observation.queued)


def in_flight(observation: Observation) -> float:
    """Requests that wait or are in service; NaN before the first scrape."""
    return _held(observation, observation.in_flight)


def arrivals(observation: Observation) -> float:
    """Requests per second that ask the pool to be served; NaN before the second scrape."""
    return observation.arrived_per_s


def utilisation(observation: Observation, warm_up_s: float = 0.0) -> float:
    """Mean share of time busy of the replicas that have a sample, and have been ready for `warm_up_s`; NaN for none."""
    values: list[float] = observation.utilisation.tolist()
    if warm_up_s > 0.0:
        pairs = zip(values, observation.ready_for_s.tolist(), strict=True)
        values = [value for value, ready_for_s in pairs if ready_for_s >= warm_up_s]
    total = sum(values)
    if total != total:
        values = [value for value in values if value == value]
        total = sum(values)
    return total / len(values) if values else math.nan


def _held(observation: Observation, each: NDArray[np.float64]) -> float:
    if observation.sample_age_s != observation.sample_age_s:
        return math.nan
    values: list[float] = each.tolist()
    total = sum(values)
    if total != total:
        total = sum(value for value in values if value == value)
    return float(observation.queued_shared + total)


def arrival_rate(value: object, info: ValidationInfo) -> float:
    """An amount of `arrivals` as typed, per second; a ValueError says what is wrong with it.

    A number without a unit is refused where a user typed it: rates of one scenario are by the second and by the minute.
    """
    door = bool(info.context and info.context.get("door"))
    return parse_quantity(value, RATE, "a rate", '"12 req/s"', bare=not door)


def arrival_text(value_per_s: float) -> str | int | float:
    """A rate of arrivals as a user types it."""
    return format_quantity(value_per_s, RATE, ("req/s", "req/min", "req/h", "req/day") if value_per_s else ("req/s",))
