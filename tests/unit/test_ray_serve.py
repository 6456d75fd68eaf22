"""Ray Serve's autoscaler as a controller: what it sees over time, delays, gangs, laws that always hold."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policy import Observation
from sim.policy.autoscaling import RayServe
from sim.policy.autoscaling.ray_serve import total_requests
from sim.policy.autoscaling.ray_serve_window import aggregated, merged
from tests.observations import pool

S = 1_000_000_000


def observed(
    held: list[float], *, target: int | None = None, ready: int | None = None, queued: int = 0, arrived: float = 0.0,
    window_s: float = 15.0, age_s: float = 0.0,
) -> Observation:  # fmt: skip
    """Replicas that hold so many requests on average; the first `ready` of them run."""
    n = len(held)
    return pool(
        n, ready=ready, target_replicas=n if target is None else target, in_flight=held, mean_in_flight=held,
        queued_shared=queued, arrived_per_s=arrived, sample_age_s=age_s, window_s=window_s,
    )  # fmt: skip


def ray(**given: Any) -> RayServe:
    return RayServe(**{"max_replicas": 100, "control_loop_interval_s": 5.0, "metrics_push_interval_s": 5.0, **given})


def counts(controller: RayServe, seen: list[Observation], step_s: float = 5.0) -> list[int]:
    """Answers to looks `step_s` apart, the first one at `step_s`; the count asked for is the look's own."""
    state, got = controller.begin(0), []
    for i, observation in enumerate(seen, start=1):
        decision, state = controller.decide(observation, state, round(i * step_s * S))
        got.append(decision.replicas)
    return got


def test_replicas_follow_the_requests_after_the_upscale_delay() -> None:
    # 12 requests in flight at 2 a replica are work for 6; wanted from the first look on, asked for 30 s later
    got = counts(ray(), [observed([6.0, 6.0])] * 7)
    assert got == [2] * 6 + [6]


def test_requests_in_the_shared_queue_are_ongoing_too() -> None:
    assert counts(ray(upscale_delay_s=0.0), [observed([2.0], queued=7)]) == [5]  # ceil((2 + 7) / 2)


def test_the_first_request_at_zero_replicas_asks_for_one_at_once() -> None:
    controller = ray(min_replicas=0, metrics_push_interval_s=60.0)
    assert controller.wakes
    assert counts(controller, [observed([], target=0)] * 3) == [0, 0, 0]
    assert counts(controller, [observed([], target=0, queued=1)]) == [1]
    assert counts(controller, [observed([], target=0, arrived=0.2)]) == [1]  # turned away, and a sign of demand
    assert counts(ray(min_replicas=0, upscaling_factor=2.5), [observed([], target=0, queued=40)]) == [3]


def test_nothing_goes_while_replicas_boot() -> None:
    assert counts(ray(downscale_delay_s=0.0), [observed([0.0] * 4, ready=0)] * 3) == [4, 4, 4]


def test_a_downscale_stops_at_one_and_the_last_has_its_own_delay() -> None:
    controller = ray(min_replicas=0, downscale_delay_s=10.0, downscale_to_zero_delay_s=20.0)
    idle = [observed([0.0] * 5)] * 3 + [observed([0.0])] * 5
    assert counts(controller, idle) == [5, 5, 1, 1, 1, 1, 1, 0]


def test_the_load_is_known_as_it_was_pushed_last() -> None:
    controller = ray(upscale_delay_s=0.0, metrics_push_interval_s=20.0)
    got = counts(controller, [observed([20.0])] * 3 + [observed([20.0])])
    assert got == [1, 1, 1, 10]  # nothing is known before the first push at 20 s


@pytest.mark.parametrize(("aggregation", "expected"), [("mean", 4), ("max", 8), ("min", 1)])
def test_the_look_back_has_a_mean_a_largest_and_a_smallest_value(aggregation: str, expected: int) -> None:
    # 16, 8, 0 requests in flight for 5 s each: on average 8, work for 4 replicas at 2 each
    controller = ray(
        upscale_delay_s=0.0, downscale_delay_s=0.0, look_back_period_s=15.0, metrics_push_interval_s=15.0,
        aggregation=aggregation,
    )  # fmt: skip
    seen = [observed([n], window_s=5.0) for n in (16.0, 8.0, 0.0)]
    assert counts(controller, seen)[-1] == expected


def test_what_is_older_than_the_look_back_period_is_forgotten() -> None:
    controller = ray(upscale_delay_s=0.0, downscale_delay_s=0.0, look_back_period_s=10.0)
    got = counts(controller, [observed([16.0])] * 4 + [observed([0.0])] * 3)
    assert got == [8, 8, 8, 8, 4, 1, 1]  # the mean of 10 s is 16, then 8, then 0


def test_a_sample_counts_once_however_often_the_loop_turns() -> None:
    often = ray(control_loop_interval_s=0.5, upscale_delay_s=0.0, metrics_push_interval_s=10.0)
    once = ray(control_loop_interval_s=5.0, upscale_delay_s=0.0, metrics_push_interval_s=10.0)
    means = [3.0, 9.0, 14.0, 4.0, 22.0, 1.0]
    turns = [observed([m], age_s=0.5 * k, window_s=5.0) for m in means for k in range(10)]

    # the first turn that sees a sample is at the scrape's own time
    state, fast = often.begin(0), []
    for i, observation in enumerate(turns):
        decision, state = often.decide(observation, state, 5 * S + i * S // 2)
        fast.append(decision.replicas)

    assert fast[::10] == counts(once, [observed([m], window_s=5.0) for m in means])


def test_gangs_come_whole() -> None:
    controller = ray(upscale_delay_s=0.0, min_replicas=4, max_replicas=16, gang_size=4)
    assert counts(controller, [observed([3.0] * 4)]) == [8]  # 12 / 2 = 6, and so two gangs
    assert counts(controller, [observed([30.0] * 4)]) == [16]


def test_a_replica_without_a_sample_of_its_own_counts_with_what_is_known_of_it() -> None:
    seen = observed([4.0, 5.0, 6.0], queued=1)
    seen = seen._replace(mean_in_flight=np.array([4.0, math.nan, math.nan]), in_flight=np.array([9.0, 5.0, math.nan]))
    assert total_requests(seen) == 4.0 + 5.0 + 1.0


@settings(max_examples=60, deadline=None)
@given(
    held=st.lists(st.floats(0.0, 500.0), min_size=1, max_size=12),
    low=st.integers(0, 5),
    room=st.integers(0, 30),
    up=st.floats(0.1, 3.0),
    down=st.floats(0.1, 3.0),
    target=st.floats(0.1, 20.0),
)
def test_the_count_is_never_outside_of_its_bounds(
    held: list[float], low: int, room: int, up: float, down: float, target: float
) -> None:
    controller = ray(
        min_replicas=low, max_replicas=max(1, low + room), upscaling_factor=up, downscaling_factor=down,
        target_ongoing_requests=target, upscale_delay_s=0.0, downscale_delay_s=0.0,
    )  # fmt: skip
    looks = [observed([h] * k) for k, h in enumerate(held)]
    assert all(low <= n <= max(1, low + room) for n in counts(controller, looks))


@settings(max_examples=60, deadline=None)
@given(
    series=st.lists(
        st.dictionaries(st.integers(0, 50), st.integers(0, 9), min_size=1, max_size=6), min_size=1, max_size=4
    ),
    last=st.integers(1, 10),
)
def test_the_area_under_the_sum_is_the_sum_of_the_areas(series: list[dict[int, int]], last: int) -> None:
    steps = [tuple((float(at), float(v)) for at, v in sorted(one.items())) for one in series]
    total = merged(steps)
    end, start = total[-1][0] + last, total[0][0]
    alone = sum(aggregated(one, "mean", end - one[-1][0]) * (end - one[0][0]) for one in steps)
    assert aggregated(total, "mean", last) * (end - start) == pytest.approx(alone, rel=1e-9, abs=1e-9)
    assert aggregated(total, "min", last) <= aggregated(total, "mean", last) + 1e-9
    assert aggregated(total, "mean", last) <= aggregated(total, "max", last) + 1e-9


def test_the_state_does_not_grow() -> None:
    controller = ray(control_loop_interval_s=0.1, metrics_push_interval_s=10.0)
    state, sizes = controller.begin(0), []
    for i in range(1, 6000):
        _, state = controller.decide(observed([2.0, 3.0], window_s=0.1), state, i * S // 10)
        sizes.append(len(state.load.steps))
    assert max(sizes) <= 4  # 30 s of pushes every 10 s, and the one that is leaving


def test_the_same_answers_as_the_real_package() -> None:
    """Where ray is installed: its own scaling, delay and factors on random loads, step by step."""
    pytest.importorskip("ray.serve.autoscaling_policy", reason="needs ray[serve], which the product does not")
    from ray.serve import autoscaling_policy as real
    from ray.serve.config import AutoscalingConfig

    draw = np.random.default_rng(7)
    for _ in range(300):
        up, down, running = draw.uniform(0.1, 3.0), draw.uniform(0.1, 3.0), int(draw.integers(1, 30))
        total = float(draw.integers(0, 200))
        config = AutoscalingConfig(
            min_replicas=0, max_replicas=1000, target_ongoing_requests=2.0, upscale_delay_s=0.0, downscale_delay_s=0.0,
            downscale_to_zero_delay_s=0.0, upscaling_factor=up, downscaling_factor=down,
        )  # fmt: skip
        desired = running * (total / (2.0 * running))
        theirs = real._apply_scaling_factors(desired, running, config)
        theirs, _ = real._apply_delay_logic(max(0, theirs), running, config, {})
        ours = ray(
            min_replicas=0, max_replicas=1000, target_ongoing_requests=2.0, upscale_delay_s=0.0, downscale_delay_s=0.0,
            upscaling_factor=up, downscaling_factor=down,
        )  # fmt: skip
        got, _ = ours.settle(desired, total, running, running, ours.begin(0).wish, 0)
        assert got == theirs
