"""The replica arithmetic of the Kubernetes HorizontalPodAutoscaler: from samples to a raw recommendation.

Source: kubernetes/kubernetes pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go, in the form
since 1.33 (a tolerance for each direction). Where older versions differ: they tested abs(1 - ratio) <= tolerance, which
in floating point scales at a ratio of exactly 1.1; they filled missing pods with 100 % of their request on the way down
even where the target was higher.
"""

import math
from enum import StrEnum
from typing import NamedTuple


class PodClass(StrEnum):
    """How the calculator counts a pod."""

    READY = "ready"
    UNREADY = "unready"
    MISSING = "missing"


class Tally(NamedTuple):
    """Samples of a pool summed by class; a pod that ends is in none.

    usage:   sum over the ready pods, whole milli-units (resource: of a CPU; plain metric: of the metric)
    request: sum of the requests of the ready pods, whole milli-units; not used by a plain metric
    ready, unready, missing: numbers of pods; unready_request, missing_request: their requests
    """

    usage: int
    request: int
    ready: int
    unready: int = 0
    unready_request: int = 0
    missing: int = 0
    missing_request: int = 0


class Tolerance(NamedTuple):
    """Ratios of value to target from `low` to `high`, both included, change nothing."""

    low: float
    high: float


def pod_class(
    *, pending: bool, sampled: bool, ready: bool, age_s: float, transition_age_s: float, sample_age_s: float,
    window_s: float, cpu_initialisation_period_s: float, initial_readiness_delay_s: float,
) -> PodClass:  # fmt: skip
    """Class of a pod for a CPU metric (groupPods upstream).

    pending: not started yet; sampled: it has a sample; age_s: since its start; transition_age_s: since it last became
    ready or unready; sample_age_s, window_s: age and length of the sample; all ages in seconds before now.
    """
    if pending:
        return PodClass.UNREADY
    if not sampled:
        return PodClass.MISSING
    if age_s < cpu_initialisation_period_s:
        # the sample must lie wholly after the pod became ready, or it shows the start and not the work
        unready = not ready or transition_age_s < sample_age_s + window_s
    else:
        # unready since its first seconds: it has never been ready. Once ready, it counts even while it is not
        unready = not ready and transition_age_s > age_s - initial_readiness_delay_s
    return PodClass.UNREADY if unready else PodClass.READY


def utilisation_pct(usage: int, request: int) -> int:
    """Usage in per cent of the request, truncated to a whole number as upstream."""
    return usage * 100 // request


def mean_milli(usage: int, pods: int) -> int:
    """Mean of a plain metric over the pods in milli-units, truncated to a whole number as upstream."""
    return usage // pods


def resource_replicas(current: int, target_pct: int, tally: Tally, tolerance: Tolerance) -> int | None:
    """Raw recommendation for a resource (utilisation) metric; None when no ready pod has a sample.

    current: count last asked for; target_pct: target utilisation in whole per cent.
    """
    usage, request, count, unready, unready_request, missing, missing_request = tally
    if count == 0:
        return None
    ratio = usage * 100 // request / target_pct
    with_unready = unready > 0 and ratio > 1.0
    if not with_unready and missing == 0:
        return current if tolerance.low <= ratio <= tolerance.high else math.ceil(ratio * count)
    if missing and ratio != 1.0:
        # against the direction: on the way down as if fully used, on the way up as if idle
        request += missing_request
        count += missing
        if ratio < 1.0:
            usage += missing_request * max(100, target_pct) // 100
    if with_unready:
        request += unready_request
        count += unready
    return _unless_turned(current, ratio, utilisation_pct(usage, request) / target_pct, count, tolerance)


def pod_metric_replicas(current: int, target_milli: int, tally: Tally, tolerance: Tolerance) -> int | None:
    """Raw recommendation for a metric averaged over pods; None when no ready pod has a sample.

    current: count last asked for; target_milli: target of the mean in milli-units.
    """
    usage, _, count, unready, _, missing, _ = tally
    if count == 0:
        return None
    ratio = usage // count / target_milli
    with_unready = unready > 0 and ratio > 1.0
    if not with_unready and missing == 0:
        return current if tolerance.low <= ratio <= tolerance.high else math.ceil(ratio * count)
    if missing and ratio != 1.0:
        count += missing
        if ratio < 1.0:
            usage += missing * target_milli
    if with_unready:
        count += unready
    return _unless_turned(current, ratio, mean_milli(usage, count) / target_milli, count, tolerance)


def value_replicas(
    current: int, ready: int | None, value_milli: int, target_milli: int, tolerance: Tolerance
) -> int | None:
    """Raw recommendation for one number of the whole pool against a target for all (object or external, Value).

    current: count last asked for; ready: replicas that take requests (None: there is no replica at all); value_milli,
    target_milli: milli-units. The ratio is applied to what is ready, so that replicas that still boot let it ask for
    fewer than there are; from zero it is the number itself.
    """
    ratio = value_milli / target_milli
    if current == 0:
        return math.ceil(ratio)
    if tolerance.low <= ratio <= tolerance.high:
        return current
    return None if ready is None else math.ceil(ratio * ready)


def average_value_replicas(existing: int, value_milli: int, target_milli: int, tolerance: Tolerance) -> int:
    """Raw recommendation for one number of the whole pool against a target for each replica (AverageValue).

    existing: replicas there are, ready or not, which stay within the tolerance.
    """
    if existing and tolerance.low <= value_milli / (target_milli * existing) <= tolerance.high:
        return existing
    return math.ceil(value_milli / target_milli)


def _unless_turned(current: int, ratio: float, filled_ratio: float, count: int, tolerance: Tolerance) -> int:
    """Count for the ratio after filling; the present one if filling turned the direction or left it too small."""
    turned = (ratio < 1.0 < filled_ratio) or (ratio > 1.0 > filled_ratio)
    if turned or tolerance.low <= filled_ratio <= tolerance.high:
        return current
    replicas = math.ceil(filled_ratio * count)
    if (filled_ratio < 1.0 and replicas > current) or (filled_ratio > 1.0 and replicas < current):
        return current
    return replicas
