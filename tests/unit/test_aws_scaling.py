"""AWS's controllers: datapoints and alarms, target tracking, SageMaker, step scaling, cooldowns."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policy import Observation
from sim.policy.autoscaling import SageMaker, StepScaling, TargetTracking
from sim.policy.autoscaling.aws_alarms import SeriesPlan, begin, in_alarm, sampled
from sim.policy.autoscaling.step_rules import adjusted
from sim.policy.autoscaling.target_tracking import proportional
from tests.observations import pool

S = 1_000_000_000
MINUTE = 60 * S


def observed(
    target: int, *, busy: float = math.nan, arrived: float = math.nan, queued: int = 0, ready: int | None = None,
    ready_for_s: list[float] | float = 500.0,
) -> Observation:  # fmt: skip
    """`target` replicas, the first `ready` of them in service and so busy each."""
    return pool(
        target, ready=ready, ready_for_s=ready_for_s, utilisation=busy, queued_shared=queued, arrived_per_s=arrived,
        window_s=60.0,
    )  # fmt: skip


def lived(controller: Any, start: int, loads: list[dict[str, Any]]) -> list[int]:
    """Counts asked for at the end of each minute; what is asked for is there by the next one."""
    state, count, got = controller.begin(0), start, []
    for i, load in enumerate(loads, start=1):
        decision, state = controller.decide(observed(count, **load), state, i * MINUTE)
        count = decision.replicas
        got.append(count)
    return got


def tracking(**given: Any) -> TargetTracking:
    return TargetTracking(**{"max_replicas": 100, "target": 0.5, "sync_period_s": 60.0, **given})


HIGH, LOW, EVEN = {"busy": 0.8}, {"busy": 0.2}, {"busy": 0.5}


# --- target tracking


def test_three_minutes_above_the_target_scale_out_in_proportion() -> None:
    assert lived(tracking(), 5, [HIGH] * 3) == [5, 5, 8]  # 5 x 0.8 / 0.5
    assert lived(tracking(), 5, [HIGH, HIGH, EVEN, HIGH, HIGH]) == [5] * 5  # never three in a row


def test_fifteen_minutes_below_nine_tenths_of_the_target_scale_in() -> None:
    # the alarms that the service makes for a target of 1500: above 1500, and below 1350
    controller = tracking(metric="requests", target=1500)
    even, below = {"arrived": 20 * 1350 / 60}, {"arrived": 20 * 1349 / 60}
    assert lived(controller, 20, [even] * 20) == [20] * 20
    assert lived(controller, 20, [below] * 15) == [20] * 14 + [18]  # 20 x 1349 / 1500 = 17.99
    # nothing goes that the formula asks for: 5 x 1349 / 1500 = 4.5, and so 5 stay
    assert lived(controller, 5, [{"arrived": 5 * 1349 / 60}] * 15) == [5] * 15


def test_requests_are_per_replica_in_service_and_minute() -> None:
    controller = tracking(metric="requests", target=100)
    # 10 a second are 600 a minute; 3 in service have 200 each, so that twice the capacity is needed
    state = controller.begin(0)
    for i in (1, 2, 3):
        decision, state = controller.decide(observed(4, arrived=10.0, ready=3), state, i * MINUTE)
    assert decision.replicas == 8


def test_scale_in_can_be_forbidden() -> None:
    assert lived(tracking(disable_scale_in=True), 5, [LOW] * 40) == [5] * 40


def test_in_a_scale_out_cooldown_only_a_larger_scale_out_goes_on() -> None:
    # from 5 to 8 at minute 3, complete at minute 4, cooling to minute 9: until then 5 is what others are reckoned from
    same, larger = [HIGH] * 9, [HIGH] * 5 + [{"busy": 1.0}] * 4
    assert lived(tracking(), 5, same) == [5, 5, 8, 8, 8, 8, 8, 8, 13]  # and 8 x 0.8 / 0.5 after it
    assert lived(tracking(), 5, larger)[:6] == [5, 5, 8, 8, 8, 10]  # 5 x 1.0 / 0.5


def test_a_scale_in_waits_for_the_last_one_and_a_scale_out_for_none() -> None:
    controller = tracking(scale_in_cooldown_s=1200.0)
    # in at minute 15; the alarm is on again at once, as its datapoints are; 20 minutes later the next
    assert lived(controller, 10, [LOW] * 36)[13:] == [10, 4] + [4] * 19 + [2, 2]
    assert lived(controller, 10, [LOW] * 15 + [HIGH] * 3)[14:] == [4, 4, 4, 7]
    # the scale-out at minute 18 has ended the cooldown of minute 15, which would have lasted to minute 35
    assert lived(controller, 10, [LOW] * 15 + [HIGH] * 3 + [LOW] * 15)[31:] == [7, 3]


def test_a_minute_without_samples_sets_off_no_alarm() -> None:
    none: dict[str, Any] = {}
    assert lived(tracking(), 5, [HIGH, HIGH, none, HIGH, HIGH, none] * 5) == [5] * 30
    assert lived(tracking(), 5, ([LOW] * 14 + [none]) * 3) == [5] * 45


def test_a_datapoint_is_the_mean_of_its_minute() -> None:
    controller = tracking(sync_period_s=15.0)
    state, got = controller.begin(0), []
    for i, busy in enumerate([0.2, 0.2, 0.9, 0.9] * 3, start=1):  # on average 0.55
        decision, state = controller.decide(observed(10, busy=busy), state, i * 15 * S)
        got.append(decision.replicas)
    assert got == [10] * 11 + [11]


def test_sagemaker_sees_a_minute_late() -> None:
    controller = SageMaker(max_replicas=20, target=70, sync_period_s=60.0)
    busy = {"arrived": 2 * 140 / 60}
    # three datapoints are there at the end of minute 3, and seen a minute later
    assert lived(controller, 2, [busy] * 4) == [2, 2, 2, 4]


@pytest.mark.parametrize(
    ("capacity", "value", "target", "expected"),
    [(3, 0.6, 0.3, 6), (10, 0.5, 0.5, 10), (10, 0.51, 0.5, 11), (4, 0.0, 0.5, 0), (7, 0.1 + 0.2, 0.3, 7)],
)
def test_capacity_is_in_proportion_and_rounded_up(capacity: int, value: float, target: float, expected: int) -> None:
    assert proportional(capacity, value, target) == expected


@settings(max_examples=80, deadline=None)
@given(
    loads=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=60),
    low=st.integers(1, 5),
    room=st.integers(0, 20),
    target=st.sampled_from([0.2, 0.5, 0.8]),
)
def test_tracking_keeps_its_bounds_and_never_takes_more_than_the_formula(
    loads: list[float], low: int, room: int, target: float
) -> None:
    controller = tracking(min_replicas=low, max_replicas=low + room, target=target, scale_in_cooldown_s=0.0)
    got = lived(controller, low, [{"busy": load} for load in loads])
    for load, before, after in zip(loads, [low, *got], got, strict=False):
        assert low <= after <= low + room
        if after < before:
            assert after >= min(before, before * load / target) - 1e-6


# --- datapoints and alarms


@pytest.mark.parametrize(("statistic", "expected"), [("average", 3.0), ("maximum", 6.0), ("minimum", 1.0)])
def test_a_datapoint_is_a_statistic_of_its_period(statistic: Any, expected: float) -> None:
    plan = SeriesPlan(MINUTE, 0, 5, statistic)
    series = begin(0, plan)
    for i, value in enumerate([1.0, 6.0, math.nan, 2.0], start=1):
        series, fresh = sampled(series, value, i * 15 * S, plan)
        assert fresh == (i == 4)
    assert series.points == (expected,)


def test_a_datapoint_comes_after_its_delay_and_only_the_last_are_kept() -> None:
    plan = SeriesPlan(MINUTE, 30 * S, 2, "average")
    series, seen = begin(0, plan), []
    for i in range(1, 17):
        series, _ = sampled(series, float(i), i * 15 * S, plan)
        seen.append(series.points)
    assert seen[4] == ()
    assert seen[5] == (2.5,)  # of 15 to 60 s, seen at 90 s
    assert seen[-1] == (6.5, 10.5)


def test_so_many_of_so_many_datapoints() -> None:
    points = (9.0, 1.0, math.nan, 9.0, 9.0)
    assert in_alarm(points, lambda p: p > 5, 3, 5)
    assert not in_alarm(points, lambda p: p > 5, 3, 4)
    assert not in_alarm(points[:1], lambda p: p > 5, 2, 2)


# --- step scaling


def policy(threshold: float, steps: list[tuple[float | None, float | None, int]], **given: Any) -> dict[str, Any]:
    return {
        "threshold": threshold, "evaluation_periods": 1, "cooldown_s": 0.0,
        "steps": [{"lower": low, "upper": high, "adjustment": n} for low, high, n in steps], **given,
    }  # fmt: skip


def stepping(scale_out: dict[str, Any], scale_in: dict[str, Any] | None = None, **given: Any) -> StepScaling:
    both = {"scale_out": scale_out, "scale_in": scale_in}
    return StepScaling(**{"max_replicas": 100, "sync_period_s": 60.0, **both, **given})


# Amazon EC2 Auto Scaling User Guide, "Step and simple scaling policies": thresholds of 50, capacity 10
GUIDE_OUT = policy(0.5, [(0.0, 0.1, 0), (0.1, 0.2, 10), (0.2, None, 30)], adjustment="percent")
GUIDE_IN = policy(0.5, [(-0.1, 0.0, 0), (-0.2, -0.1, -10), (None, -0.2, -30)], adjustment="percent")


def test_the_guides_example_goes_from_ten_to_fourteen_and_back() -> None:
    controller = stepping(GUIDE_OUT, GUIDE_IN)
    # 11 ("10 percent of 10"), 14 (30 percent of 11, 3.3), 13 (10 percent of 14, 1.4), 10 (30 percent of 13, 3.9)
    assert lived(controller, 10, [{"busy": b} for b in (0.6, 0.7, 0.4, 0.3)]) == [11, 14, 13, 10]
    # "maintained while the aggregated metric value is greater than 40 and less than 60"
    assert lived(controller, 10, [{"busy": b} for b in (0.41, 0.45, 0.5, 0.55, 0.59)]) == [10] * 5


# Amazon EC2 Auto Scaling User Guide, "Scaling adjustment types": 12.7 is 12, 0.67 is 1, -0.58 is -1, -6.67 is -6
@pytest.mark.parametrize(
    ("capacity", "amount", "expected"), [(127, 10, 139), (67, 1, 68), (58, -1, 57), (667, -1, 661), (10, 0, 10)]
)
def test_a_percent_is_rounded_toward_zero_but_never_to_no_change(capacity: int, amount: int, expected: int) -> None:
    assert adjusted(capacity, amount, "percent", 0) == expected


def test_a_percent_has_a_smallest_change() -> None:
    # API Reference: 25 percent of 4 is 1, "however, because you specified a MinAdjustmentMagnitude of 2", it is 2
    assert adjusted(4, 25, "percent", 2) == 6


def test_a_change_and_an_exact_capacity() -> None:
    # Application Auto Scaling User Guide: from 3 by 5 to 8; from 3 to exactly 5
    assert (adjusted(3, 5, "change", 0), adjusted(3, 5, "exact", 0)) == (8, 5)


def test_in_the_cooldown_a_larger_step_adds_only_the_difference() -> None:
    # API Reference, Cooldown: +2 was made, and a step of +3 in the cooldown adds only 1
    out = policy(0.5, [(0.0, 0.2, 2), (0.2, None, 3)], cooldown_s=300.0)
    got = lived(stepping(out), 10, [{"busy": 0.6}] * 3 + [{"busy": 0.8}] * 2)
    assert got == [12, 12, 12, 13, 13]


def test_bounds_belong_to_the_step_away_from_the_threshold() -> None:
    # EC2 API Reference, StepAdjustment: for 0 to 10 "greater than or equal to 50 and less than 60"; for -10 to 0
    # "greater than 40 and less than or equal to 50"
    out = policy(64 / 60, [(0.0, 16 / 60, 1), (16 / 60, None, 2)], metric="arrivals")  # requests per second
    back = policy(32 / 60, [(-16 / 60, 0.0, -1), (None, -16 / 60, -2)], metric="arrivals")

    def after(per_minute: float) -> int:
        return lived(stepping(out, back), 10, [{"arrived": per_minute / 60}])[0]

    assert [after(n) for n in (63.9, 64.0, 79.9, 80.1)] == [10, 11, 11, 12]
    assert [after(n) for n in (32.1, 32.0, 16.1, 15.9)] == [10, 9, 9, 8]


def test_from_zero_a_queue_leads_up() -> None:
    out = policy(1.0, [(0.0, 10.0, 1), (10.0, None, 4)], metric="queue")
    back = policy(0.0, [(None, 0.0, 0)], metric="queue", adjustment="exact")
    controller = stepping(out, back, min_replicas=0)
    assert lived(controller, 0, [{}, {"queued": 3}, {"queued": 3}, {}]) == [0, 1, 2, 0]


def test_a_replica_that_warms_up_is_in_no_mean_and_holds_off_a_scale_in() -> None:
    out = policy(0.5, [(0.0, None, 1)])
    back = policy(0.3, [(None, 0.0, -1)])
    controller = stepping(out, back, warm_up_s=120.0)
    state = controller.begin(0)
    decision, state = controller.decide(observed(2, busy=0.6), state, MINUTE)
    assert decision.replicas == 3
    # the third has been ready for a minute and is idle: the mean is of the other two
    young = observed(3, ready_for_s=[900.0, 900.0, 60.0])._replace(utilisation=np.array([0.6, 0.6, 0.0]))
    decision, state = controller.decide(young, state, 2 * MINUTE)
    assert decision.replicas == 3  # 0.6 is above 0.5, and the one that is on its way answers it
    idle = young._replace(utilisation=np.array([0.1, 0.1, 0.1]))
    decision, state = controller.decide(idle, state, 3 * MINUTE)
    assert decision.replicas == 3  # a scale-out is not yet complete
    warm = idle._replace(ready_for_s=np.array([900.0, 900.0, 180.0]))
    decision, state = controller.decide(warm, state, 4 * MINUTE)
    assert decision.replicas == 2


@settings(max_examples=80, deadline=None)
@given(
    loads=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40),
    low=st.integers(1, 5),
    room=st.integers(0, 12),
    kind=st.sampled_from(["change", "percent"]),
    cooldown_s=st.sampled_from([0.0, 300.0]),
)
def test_steps_keep_their_bounds_and_their_scale_in_cooldown(
    loads: list[float], low: int, room: int, kind: Any, cooldown_s: float
) -> None:
    out = policy(0.6, [(0.0, 0.2, 3), (0.2, None, 40)], adjustment=kind, cooldown_s=cooldown_s)
    back = policy(0.4, [(-0.2, 0.0, -2), (None, -0.2, -30)], adjustment=kind, cooldown_s=cooldown_s)
    controller = stepping(out, back, min_replicas=low, max_replicas=low + room)
    got = lived(controller, low, [{"busy": load} for load in loads])
    since_in = math.inf
    for before, after in zip([low, *got], got, strict=False):
        assert low <= after <= low + room
        since_in += 60.0
        if after > before:
            since_in = math.inf
        elif after < before:
            assert since_in >= cooldown_s
            since_in = 0.0
