"""The Knative Pod Autoscaler: its decider, how it starts, and its averages."""

import math

import pytest

from sim.policy.autoscaling import Knative, knative_windows
from sim.policy.autoscaling.knative_scale import Mode, Spec, scale, started
from tests.conformance.cases import NOW, Adapter, Case, S, observed


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
    seen = observed(ready, [True] * ready, 0)._replace(sample_age_s=math.nan)
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


ADAPTERS: dict[tuple[str, str], Adapter] = {
    ("knative_kpa", "cases"): check_knative,
    ("knative_kpa", "start_cases"): check_knative_start,
    ("knative_kpa", "aggregation_cases"): check_aggregation,
    ("knative_kpa", "smoothing_coefficients"): check_smoothing,
}
