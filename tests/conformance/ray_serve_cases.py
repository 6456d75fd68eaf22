"""The autoscaler of Ray Serve: its policy, and the parts that it is made of."""

import math

import pytest

from sim.policy.autoscaling import RayServe
from sim.policy.autoscaling.ray_serve import NO_WISH, Delays, delayed, in_gangs, queue_length, scaled
from sim.policy.autoscaling.ray_serve_window import aggregated, merged
from tests.conformance.cases import NOW, Adapter, Case, S


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


ADAPTERS: dict[tuple[str, str], Adapter] = {
    ("ray_serve", "cases"): check_ray_policy,
    ("ray_serve", "factor_cases"): check_ray_factor,
    ("ray_serve", "delay_cases"): check_ray_delay,
    ("ray_serve", "gang_cases"): check_ray_gang,
    ("ray_serve", "aggregation_cases"): check_ray_aggregation,
}
