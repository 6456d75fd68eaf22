"""From an observation to the sums that the HorizontalPodAutoscaler's arithmetic works on.

Samples are summed and then rounded to whole milli-units, the resolution of Kubernetes's metrics; a replica that is busy
all the time uses 1,000 of the 1,000 that it requests. A replica that has never been ready and has no sample is taken as
one that has not started (a pending pod); any other without a sample is missing.
"""

from sim.policy.autoscaling.hpa_replicas import PodClass, Tally, pod_class
from sim.policy.observation import Observation

READY, UNREADY = PodClass.READY, PodClass.UNREADY  # looking a member up on its enum costs as much as the comparison


def tally_utilisation(
    observation: Observation, cpu_initialisation_period_s: float, initial_readiness_delay_s: float
) -> Tally:
    """Shares of time busy in thousandths, by class; see `pod_class` for the two periods."""
    values: list[float] = observation.utilisation.tolist()
    total = sum(values)
    if (
        values
        and total == total  # no NaN: every replica has a sample
        and min(observation.age_s.tolist()) >= cpu_initialisation_period_s
        and False not in observation.ready.tolist()
    ):
        return Tally(round(total * 1000.0), 1000 * len(values), len(values))
    counted: list[float] = []
    unready = missing = 0
    ready, ages, ready_for = observation.ready.tolist(), observation.age_s.tolist(), observation.ready_for_s.tolist()
    for value, is_ready, age_s, ready_for_s in zip(values, ready, ages, ready_for, strict=True):
        if is_ready and age_s >= cpu_initialisation_period_s and value == value:
            counted.append(value)  # what pod_class would say of most replicas, without asking it
            continue
        sampled, once_ready = value == value, ready_for_s == ready_for_s
        which = pod_class(
            pending=not sampled and not once_ready,
            sampled=sampled,
            ready=is_ready,
            age_s=age_s,
            # one that has never been ready last changed when it started
            transition_age_s=ready_for_s if once_ready else age_s,
            sample_age_s=observation.sample_age_s,
            window_s=observation.window_s,
            cpu_initialisation_period_s=cpu_initialisation_period_s,
            initial_readiness_delay_s=initial_readiness_delay_s,
        )
        if which is READY:
            counted.append(value)
        elif which is UNREADY:
            unready += 1
        else:
            missing += 1
    n = len(counted)
    return Tally(round(sum(counted) * 1000.0), 1000 * n, n, unready, 1000 * unready, missing, 1000 * missing)


def tally_in_flight(observation: Observation) -> Tally:
    """Requests in flight in thousandths, by class; those in the pool's shared queue are added to the sum.

    Every replica with a sample counts, ready or not: upstream's readiness rules are for CPU alone.
    """
    values: list[float] = observation.in_flight.tolist()
    total = sum(values)
    if total == total:
        return Tally(round((total + observation.queued_shared) * 1000.0), 0, len(values))
    counted: list[float] = []
    pending = missing = 0
    for value, ready_for_s in zip(values, observation.ready_for_s.tolist(), strict=True):
        if value == value:
            counted.append(value)
        elif ready_for_s == ready_for_s:
            missing += 1
        else:
            pending += 1
    usage = round((sum(counted) + observation.queued_shared) * 1000.0)
    return Tally(usage, 0, len(counted), unready=pending, missing=missing)
