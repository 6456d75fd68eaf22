"""The autoscalers against the table tests of the controllers they follow.

Discovers every list of every file in $SIM_REFERENCE/autoscaler_cases and runs each case through the adapter of its
list; a further case needs no code. A list of a controller that the product does not have is skipped with the reason.
"""

import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.policy import Observation
from sim.policy.autoscaling import HorizontalPodAutoscaler, Knative, RayServe, knative_windows
from sim.policy.autoscaling.hpa import HpaState
from sim.policy.autoscaling.hpa_behaviour import (
    Changes,
    Log,
    Rate,
    Rates,
    Windows,
    change_in_period,
    legacy_limit,
    legacy_stabilise,
    limit_down,
    limit_up,
    remember,
    scale_down_limit,
    scale_up_limit,
    stabilise,
    store_event,
)
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
from sim.policy.autoscaling.knative_scale import Mode, Spec, scale, started
from sim.policy.autoscaling.ray_serve import NO_WISH, Delays, delayed, in_gangs, queue_length, scaled
from sim.policy.autoscaling.ray_serve_window import aggregated, merged

Case = dict[str, Any]
S = 1_000_000_000
NOW = 1_000_000 * S
LONG_AGO_S = 86_400.0


def test_case_of_a_reference_controller(stem: str, group: str, case: Any, document: Case) -> None:
    """Given a case's inputs, when our controller gets them, then it answers as the real one did."""
    adapter = ADAPTERS.get((stem, group))
    if adapter is None:
        pytest.skip(f"no adapter for {stem}/{group}")
    adapter(case, document)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = ("stem", "group", "case", "document")
    metafunc.parametrize(names, list(_discovered()))


def _discovered() -> Iterator[Any]:
    reference = os.environ.get("SIM_REFERENCE")
    folder = Path(reference or ".") / "autoscaler_cases"
    if not reference or not folder.is_dir():
        why = "SIM_REFERENCE is not set" if not reference else f"{folder} is not a folder"
        yield pytest.param("", "", None, {}, id="autoscaler_cases", marks=pytest.mark.skip(reason=why))
        return
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        for group, cases in document.items():
            for i, case in enumerate(cases if isinstance(cases, list) else ()):
                name = case.get("name", i) if isinstance(case, dict) else i
                yield pytest.param(path.stem, group, case, document, id=f"{path.stem}/{group}/{name}")


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
    hpa = HorizontalPodAutoscaler(
        max_replicas=1000, metric="in_flight", target=case["target"] / 1000, tolerance=constants["tolerance"]
    )
    tally = hpa.tally(
        Observation(
            target_replicas=case["current_replicas"],
            ready=np.array([p["ready"] for p in pods]),
            age_s=ages,
            ready_for_s=np.where(started, ages, math.nan),
            utilisation=np.full(len(pods), math.nan),
            in_flight=np.array(usage),
            mean_in_flight=np.full(len(pods), math.nan),
            completed_per_s=np.full(len(pods), math.nan),
            queued_shared=0,
            arrived_per_s=math.nan,
            sample_age_s=0.0,
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
    seen = _observed(case["current_replicas"], ready, case["value"] / 1000)
    got = proposal(wanted(metric), seen, _tolerance(constants), CpuPeriods(0.0, 0.0))
    assert got == case["expected_replicas"]


def _observed(current: int, ready: list[bool], queue: float) -> Observation:
    none = np.full(len(ready), math.nan)
    return Observation(
        target_replicas=current,
        ready=np.array(ready, dtype=np.bool_),
        age_s=none,
        ready_for_s=none,
        utilisation=none,
        in_flight=none,
        mean_in_flight=none,
        completed_per_s=none,
        queued_shared=queue,  # type: ignore[arg-type]
        arrived_per_s=math.nan,
        sample_age_s=0.0,
        window_s=60.0,
    )


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


def check_legacy_rate(case: Case, document: Case) -> None:
    # the upstream test binary allows a factor of 8, the controller one of 2
    got = legacy_limit(
        case["current_replicas"], case["desired_replicas"], case["min_replicas"], case["max_replicas"], factor=8.0
    )
    assert got == (case["expected_replicas"], case["expected_reason"])


def check_legacy_stabilisation(case: Case, document: Case) -> None:
    window_ns, desired = case["window_s"] * S, case["desired_replicas"]
    log = _log(case["recommendations"], "replicas")
    assert legacy_stabilise(desired, log, window_ns, NOW) == case["expected_stabilized"]
    # upstream overwrites the last obsolete slot and keeps the others; ours drops them all
    obsolete = sum(r["age_s"] > case["window_s"] for r in case["recommendations"])
    kept = remember(log, desired, Windows(0, window_ns), NOW)
    assert len(kept) + max(0, obsolete - 1) == case["expected_log_len"]


def check_controller(case: Case, document: Case) -> None:
    constants = document["test_constants"]
    # model_construct: upstream's arithmetic is also right for a minimum of 0, which our door refuses
    hpa = HorizontalPodAutoscaler.model_construct(
        **dict(HorizontalPodAutoscaler(max_replicas=1000, target=0.8, tolerance=constants["tolerance"]))
        | {
            "min_replicas": case["min_replicas"],
            "max_replicas": case["max_replicas"],
            "target": (case["cpu_target_pct"] or 80) / 100,
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
    decision, _ = hpa.reconcile(case["current_replicas"], tally, began, NOW)
    assert decision.replicas == case["expected_replicas"]
    if case["expected_limit_reason"] is not None:
        assert decision.reason == case["expected_limit_reason"]


def check_knative(case: Case, document: Case) -> None:
    given, ready = dict(case["spec"]), case["initial_ready"]
    mode = started(case["constructed_with_ready"], 0)
    if case.get("initial_state"):
        initial = case["initial_state"]
        mode = Mode(round(initial["panic_since"] * S), initial["max_panic_pods"], ())
    for step in case["steps"]:
        given |= step.get("spec_update", {})
        ready, now_ns = step.get("ready", ready), round(step["t"] * S)
        if step.get("metric_error"):
            _check_blind(ready)
            continue
        spec = _knative_spec(given, document["defaults"]["tick_s"])
        desired, excess, mode = scale(spec, ready, step["stable"], step["panic"], mode, now_ns)
        assert desired == step["expected_desired"]
        assert excess == pytest.approx(step["expected_ebc"], abs=1)
        if "expected_panicking_after" in step:
            assert (mode.panic_since_ns is not None) == step["expected_panicking_after"]
        if "expected_panic_since" in step:
            assert mode.panic_since_ns == step["expected_panic_since"] * S


def _knative_spec(given: Case, tick_s: float) -> Spec:
    return Spec(
        target=given["target_value"],
        total=given["total_value"],
        burst=given["target_burst_capacity"],
        panic_threshold=given["panic_threshold"],
        up_rate=given["max_scale_up_rate"],
        down_rate=given["max_scale_down_rate"],
        stable_ns=round(given["stable_window_s"] * S),
        delay_ticks=math.ceil(given["scale_down_delay_s"] / tick_s),
        tick_ns=round(tick_s * S),
        activation=given["activation_scale"],
        reachable=given["reachable"],
    )


def _check_blind(ready: int) -> None:
    """Without metrics there is no valid answer: the count stays."""
    knative = Knative(max_replicas=1000)
    seen = _observed(ready, [True] * ready, 0)._replace(sample_age_s=math.nan)
    assert knative.decide(seen, knative.begin(0), 0)[0] == (ready, "NoMetrics")


def check_knative_start(case: Case, document: Case) -> None:
    mode = started(case["initial_ready"], NOW)
    assert (mode.panic_since_ns is not None) == case["expected_panicking"]
    assert mode.most == case["expected_max_panic_pods"]


def check_aggregation(case: Case, document: Case) -> None:
    step = case["granularity_s"]
    window = knative_windows.empty(math.ceil(case["window_s"] / step))
    for at_s, value in case["samples"]:
        window = knative_windows.record(window, at_s // step, value)
    if case["kind"] == "linear":
        got = knative_windows.linear(window, case["query_t"] // step)
    else:
        weight = knative_windows.smoothing(len(window.buckets))
        got = knative_windows.weighted(window, case["query_t"] // step, weight)
    assert got == pytest.approx(case["expected"], abs=1e-8)


def check_smoothing(case: Case, document: Case) -> None:
    assert knative_windows.smoothing(case["buckets"]) == pytest.approx(case["expected"], abs=1e-5)


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


def check_rate(case: Case, document: Case) -> None:
    current, desired = case["current_replicas"], case["desired_replicas"]
    defaults = document["defaults"]
    changes = Changes(_log(case["scale_up_events"], "change"), _log(case["scale_down_events"], "change"))
    if desired > current:
        rates = _rates(case["scale_up_rules"] or defaults["scale_up_rules"])
        got = limit_up(current, desired, case["max_replicas"], changes, rates, NOW)
    elif desired < current:
        rates = _rates(case["scale_down_rules"] or defaults["scale_down_rules"])
        got = limit_down(current, desired, case["min_replicas"], changes, rates, NOW)
    else:
        got = desired, "DesiredWithinRange"
    assert got == (case["expected_replicas"], case["expected_reason"])


def check_limit(case: Case, document: Case) -> None:
    limit = scale_up_limit if case["direction"] == "up" else scale_down_limit
    assert limit(case["current_replicas"], Changes((), ()), _rates(case["rules"]), NOW) == case["expected_limit"]


def check_stabilisation(case: Case, document: Case) -> None:
    up_s, down_s = case["scale_up_stabilization_s"], case["scale_down_stabilization_s"]
    windows, desired = Windows(up_s * S, down_s * S), case["desired_replicas"]
    # oldest first, as our log is
    log = _log(sorted(case["recommendations"], key=lambda r: -r["age_s"]), "replicas")
    assert stabilise(case["current_replicas"], desired, log, windows, NOW) == case["expected_stabilized"]
    after = case["expected_recommendations_after"]
    if after is not None:
        # upstream keeps obsolete slots and overwrites the last; ours drops them: compare what a window can still read
        obsolete = [i for i, r in enumerate(case["recommendations"]) if r["age_s"] > max(up_s, down_s)]
        readable = [replicas for i, replicas in enumerate(after) if i not in obsolete[:-1]]
        assert {replicas for replicas, _ in remember(log, desired, windows, NOW)} == set(readable)


def check_store_event(case: Case, document: Case) -> None:
    rates = _rates(case["rules"]) if case["rules"] else Rates("max", ())
    log = _log(case["prior_events"], "change")
    assert change_in_period(log, case["query_period_s"] * S, NOW) == case["expected_change_in_period"]
    stored = store_event(log, case["replica_change"], rates, NOW)
    got = [{"change": change, "outdated": at_ns < NOW - rates.longest_ns} for change, at_ns in stored]
    assert got == case["expected_events_after"]


def _log(entries: list[Case], value: str) -> Log:
    return tuple((e[value], NOW - e["age_s"] * S) for e in entries)


def _rates(rules: Case) -> Rates:
    policies = tuple(Rate(p["type"] == "Percent", p["value"], p["period_s"] * S) for p in rules["policies"])
    return Rates(rules["select"].lower(), policies)


def _tolerance(constants: Case) -> Tolerance:
    return Tolerance(1.0 - constants["tolerance"], 1.0 + constants["tolerance"])


def check_ray_policy(case: Case, document: Case) -> None:
    names = ("downscale_to_zero_delay_s", "upscale_delay_s", "downscale_delay_s", "upscaling_factor")
    names += ("downscaling_factor", "target_ongoing_requests", "min_replicas", "max_replicas")
    config = case["config"]
    controller = RayServe(**{name: config[name] for name in names})
    step_ns = round(case["call_interval_s"] * S)
    wish, now_ns = NO_WISH, NOW
    for step in case["steps"]:
        for _ in range(step.get("repeat", 1)):
            total, running, target = step["total_requests"], step["current_replicas"], step["target_replicas"]
            if case["policy"].startswith("custom"):
                desired = 3.0 if total > 0 else 0.0  # the only rule of their own that upstream's tests have
            else:
                desired = queue_length(total, running, config["target_ongoing_requests"]) if running else target
            got, after = controller.settle(desired, total, running, target, wish, now_ns)
            if step["expected"] is not None:
                assert got == step["expected"]
            if not step.get("fresh_state"):
                wish, now_ns = after, now_ns + step_ns


def check_ray_factor(case: Case, document: Case) -> None:
    got = scaled(case["desired"], case["current"], case["upscaling_factor"], case["downscaling_factor"])
    assert got == case["expected"]


def check_ray_delay(case: Case, document: Case) -> None:
    down_s, to_zero_s = case["downscale_delay_s"], case["downscale_to_zero_delay_s"]
    seconds = case["upscale_delay_s"], down_s, down_s if to_zero_s is None else to_zero_s
    delays, wish = Delays(*(round(second * S) for second in seconds)), NO_WISH
    for step in case["steps"]:
        got, wish = delayed(step["desired"], step["target"], delays, wish, round(step["t"] * S))
        assert got == step["expected"]


def check_ray_gang(case: Case, document: Case) -> None:
    low, high = case.get("min_replicas", 0), case.get("max_replicas", 1000)
    assert in_gangs(case["desired"], case["gang_size"], low, high) == case["expected"]


def check_ray_aggregation(case: Case, document: Case) -> None:
    total = merged([tuple((at, value) for at, value in series) for series in case["series"]])
    assert [list(step) for step in total] == case["expected_merged"]
    start = -math.inf if case["window_start"] is None else case["window_start"]
    assert aggregated(total, "mean", case["last_window_s"], start) == pytest.approx(case["expected"], rel=1e-12)


ADAPTERS: dict[tuple[str, str], Callable[[Case, Case], None]] = {
    ("k8s_hpa", "replica_calculator_cases"): check_replicas,
    ("k8s_hpa", "controller_cases"): check_controller,
    ("k8s_hpa", "multi_metric_cases"): check_several,
    ("k8s_hpa", "pod_classification_cases"): check_class,
    ("k8s_hpa_behavior", "legacy_rate_cases"): check_legacy_rate,
    ("k8s_hpa_behavior", "legacy_stabilization_cases"): check_legacy_stabilisation,
    ("k8s_hpa_behavior", "rate_cases"): check_rate,
    ("k8s_hpa_behavior", "limit_cases"): check_limit,
    ("k8s_hpa_behavior", "stabilization_cases"): check_stabilisation,
    ("k8s_hpa_behavior", "store_event_cases"): check_store_event,
    ("ray_serve", "cases"): check_ray_policy,
    ("ray_serve", "factor_cases"): check_ray_factor,
    ("ray_serve", "delay_cases"): check_ray_delay,
    ("ray_serve", "gang_cases"): check_ray_gang,
    ("ray_serve", "aggregation_cases"): check_ray_aggregation,
    ("knative_kpa", "cases"): check_knative,
    ("knative_kpa", "start_cases"): check_knative_start,
    ("knative_kpa", "aggregation_cases"): check_aggregation,
    ("knative_kpa", "smoothing_coefficients"): check_smoothing,
}
