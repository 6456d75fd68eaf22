"""Kubernetes's HorizontalPodAutoscaler: counts from metrics, and whole syncs."""

import math

import numpy as np
import pytest

from sim.policy.autoscaling import HorizontalPodAutoscaler
from sim.policy.autoscaling.hpa import HpaState
from sim.policy.autoscaling.hpa_metrics import CpuPeriods, PoolMetric, highest, proposal, wanted
from sim.policy.autoscaling.hpa_replicas import (
    Tally,
    Tolerance,
    mean_milli,
    pod_class,
    pod_metric_replicas,
    resource_replicas,
    utilisation_pct,
)
from sim.policy.autoscaling.hpa_tally import tally_in_flight
from tests.conformance.cases import NOW, Adapter, Case, S, observed
from tests.observations import pool

LONG_AGO_S = 86_400.0


def check_replicas(case: Case, document: Case) -> None:
    check = {
        "resource_utilization": _check_resource,
        "pods": _check_pods_metric,
        "object": _check_pool_metric,
        "external": _check_pool_metric,
        "object_per_pod": _check_pool_metric,
        "external_per_pod": _check_pool_metric,
    }.get(case["metric"])
    if check is None:
        pytest.skip(f"no adapter for the metric {case['metric']}")
    check(case, document["test_constants"])


def _check_resource(case: Case, constants: Case) -> None:
    classes = [_class_of(pod, constants) for pod in case["pods"]]
    if case.get("expected_pod_class"):
        assert classes == case["expected_pod_class"]
    pods = list(zip(classes, case["pods"], strict=True))
    requests = {name: [p["request_milli"] for c, p in pods if c == name] for name in ("ready", "unready", "missing")}
    tally = Tally(
        usage=sum(p["usage_milli"] for c, p in pods if c == "ready"),
        request=sum(requests["ready"]),
        ready=len(requests["ready"]),
        unready=len(requests["unready"]),
        unready_request=sum(requests["unready"]),
        missing=len(requests["missing"]),
        missing_request=sum(requests["missing"]),
    )
    got = resource_replicas(case["current_replicas"], case["target"], tally, _tolerance(constants))
    if case.get("expected_error"):
        assert got is None
        return
    assert got == case["expected_replicas"]
    assert utilisation_pct(tally.usage, tally.request) == case["expected_utilization"]


def _class_of(pod: Case, constants: Case) -> str:
    if pod["terminating"] or pod["phase"] == "Failed":
        return "ignored"  # the world shows a controller no replica that ends
    age_s = LONG_AGO_S if pod["start_age_s"] is None else float(pod["start_age_s"])
    return pod_class(
        pending=pod["phase"] == "Pending",
        sampled=pod["usage_milli"] is not None,
        ready=pod["ready"],
        age_s=age_s,
        transition_age_s=age_s if pod["fresh_window"] or pod["never_been_ready"] else 0.0,
        sample_age_s=0.0,
        window_s=0.0 if pod["fresh_window"] else 60.0,
        cpu_initialisation_period_s=constants["cpu_initialization_period_s"],
        initial_readiness_delay_s=constants["initial_readiness_delay_s"],
    ).value


def _check_pods_metric(case: Case, constants: Case) -> None:
    pods = [p for p in case["pods"] if not p["terminating"] and p["phase"] != "Failed"]
    started = [p["phase"] != "Pending" for p in pods]
    usage = [math.nan if p["usage_milli"] is None else p["usage_milli"] / 1000 for p in pods]
    ages = np.array([LONG_AGO_S if p["start_age_s"] is None else p["start_age_s"] for p in pods], dtype=np.float64)
    tally = tally_in_flight(
        pool(
            len(pods),
            target_replicas=case["current_replicas"],
            ready=[p["ready"] for p in pods],
            age_s=ages,
            ready_for_s=np.where(started, ages, math.nan),
            in_flight=usage,
            window_s=60.0,
        )
    )
    if case.get("expected_pod_class"):
        expected = [c for c in case["expected_pod_class"] if c != "ignored"]
        counts = (expected.count("ready"), expected.count("unready"), expected.count("missing"))
        assert (tally.ready, tally.unready, tally.missing) == counts
    got = pod_metric_replicas(case["current_replicas"], case["target"], tally, _tolerance(constants))
    if case.get("expected_error"):
        assert got is None
        return
    assert got == case["expected_replicas"]
    assert mean_milli(tally.usage, tally.ready) == case["expected_utilization"]


def _check_pool_metric(case: Case, constants: Case) -> None:
    """A number of the whole pool, shown as requests in its shared queue: whole milli-requests, as gauges can be."""
    kind, per_pod = case["metric"].removesuffix("_per_pod"), case["metric"].endswith("_per_pod")
    ready = [p["ready"] for p in case["pods"]] if "pods" in case else [True] * case["current_replicas"]
    metric = PoolMetric(
        kind=kind, name="queue", type="average_value" if per_pod else "value", target=case["target"] / 1000
    )
    seen = observed(case["current_replicas"], ready, case["value"] / 1000)
    got = proposal(wanted(metric), seen, _tolerance(constants), CpuPeriods(0.0, 0.0))
    assert got == case["expected_replicas"]


def check_several(case: Case, document: Case) -> None:
    asked: list[int | None] = []
    for metric in case["metrics"]:
        if metric.get("error"):
            asked.append(None)
            continue
        assert metric["kind"] == "cpu", f"no adapter for the kind {metric['kind']}"
        tally = Tally(sum(metric["usage_milli"]), sum(metric["request_milli"]), len(metric["usage_milli"]))
        tolerance = _tolerance(document["test_constants"])
        asked.append(resource_replicas(case["current_replicas"], metric["target_pct"], tally, tolerance))
    hpa = HorizontalPodAutoscaler(min_replicas=case["min_replicas"], max_replicas=case["max_replicas"])
    began = HpaState(((case["current_replicas"], NOW - 7200 * S),), (), ())
    decision, _ = hpa.settle(case["current_replicas"], highest(case["current_replicas"], asked), began, NOW)
    assert decision.replicas == case["expected_replicas"]


def check_controller(case: Case, document: Case) -> None:
    constants = document["test_constants"]
    # model_construct: upstream's arithmetic is also right for a minimum of 0, which our door refuses
    hpa = HorizontalPodAutoscaler.model_construct(
        **dict(HorizontalPodAutoscaler(max_replicas=1000, target=0.8, tolerance=constants["tolerance"]))
        | {
            "min_replicas": case["min_replicas"],
            "max_replicas": case["max_replicas"],
        }
    )
    if case.get("scale_up_policies"):
        policies = [
            {"type": p["type"].lower(), "value": p["value"], "period_s": p["period_s"]}
            for p in case["scale_up_policies"]
        ]
        up = type(hpa.scale_up).model_validate({"policies": policies})
        hpa = hpa.model_copy(update={"scale_up": up})
    sampled, requests = len(case["usage_milli"]), case["request_milli"]
    missing = requests[sampled:]
    tally = Tally(
        usage=sum(case["usage_milli"]),
        request=sum(requests[:sampled]),
        ready=sampled,
        missing=len(missing),
        missing_request=sum(missing),
    )
    # the tables begin with a log that holds nothing any more, not with a controller's first sync
    began = HpaState(((case["current_replicas"], NOW - 7200 * S),), (), ())
    current, target_pct = case["current_replicas"], case["cpu_target_pct"] or 80
    desired = resource_replicas(current, target_pct, tally, _tolerance(constants))
    decision, _ = hpa.settle(current, desired, began, NOW)
    assert decision.replicas == case["expected_replicas"]
    if case["expected_limit_reason"] is not None:
        assert decision.reason == case["expected_limit_reason"]


def check_class(case: Case, document: Case) -> None:
    if case["resource"] != "cpu":
        pytest.skip(f"no adapter for the resource {case['resource']}")
    constants = document["test_constants"]
    age_s = case["start_age_s"]
    got = pod_class(
        pending=False,
        sampled=case.get("has_metric", True),
        ready=bool(case["ready"]),
        age_s=age_s,
        transition_age_s=age_s if case["ready_transition_age_s"] is None else case["ready_transition_age_s"],
        sample_age_s=case.get("metric_age_s") or 0.0,
        window_s=case.get("metric_window_s") or 0.0,
        cpu_initialisation_period_s=constants["cpu_initialization_period_s"],
        initial_readiness_delay_s=constants["initial_readiness_delay_s"],
    )
    assert got.value == case["expected"]


def _tolerance(constants: Case) -> Tolerance:
    return Tolerance(1.0 - constants["tolerance"], 1.0 + constants["tolerance"])


ADAPTERS: dict[tuple[str, str], Adapter] = {
    ("k8s_hpa", "replica_calculator_cases"): check_replicas,
    ("k8s_hpa", "controller_cases"): check_controller,
    ("k8s_hpa", "multi_metric_cases"): check_several,
    ("k8s_hpa", "pod_classification_cases"): check_class,
}
