"""KEDA's cpu trigger, which its HPA alone knows of, and its cron trigger, which follows the clock on the wall."""

import math
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.policy import Observation
from sim.policy.autoscaling import HorizontalPodAutoscaler, Keda
from sim.policy.setting import Setting
from tests.observations import pool

S = 1_000_000_000
CPU: dict[str, Any] = {"type": "cpu", "target": "60 %"}
QUEUE: dict[str, Any] = {"type": "queue", "target": 5}
OFFICE: dict[str, Any] = {
    "type": "cron", "timezone": "Europe/Berlin", "start": "0 6 * * *", "end": "0 20 * * *", "desired_replicas": 10,
}  # fmt: skip
MIDNIGHT = Setting(start_epoch_ns=int(datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * S)


def observed(target: int, *, busy: float = math.nan, queued: int = 0, ready: int | None = None) -> Observation:
    """`target` replicas, of which the first `ready` have been so for long and are so busy."""
    age_s = [5000.0 if ready is None or i < ready else 5.0 for i in range(target)]
    return pool(
        target, ready=ready, age_s=age_s, ready_for_s=4900.0, utilisation=busy, in_flight=[0.0] * target,
        queued_shared=queued, arrived_per_s=0.0,
    )  # fmt: skip


def keda(*triggers: dict[str, Any], **given: Any) -> Keda:
    free = {"scale_up": {"policies": [{"type": "pods", "value": 100, "period_s": 15.0}]}}
    said = {"min_replicas": 1, "max_replicas": 50, "scale_down": {"stabilisation_s": 0.0}, **free, **given}
    return Keda.model_validate({**said, "triggers": triggers})


def lived(controller: Keda, start: int, loads: list[dict[str, Any]], setting: Setting = MIDNIGHT) -> list[int]:
    """Counts asked for at ticks of 15 s, when each is there at once and sees the next load."""
    state, count, got = controller.begin(0, setting), start, []
    for i, load in enumerate(loads, start=1):
        decision, state = controller.decide(observed(count, **load), state, i * 15 * S)
        count = decision.replicas
        got.append(count)
    return got


# --- cpu


# Kubernetes: ceil(replicas x utilisation / target) outside of the tolerance
@pytest.mark.parametrize(("busy", "expected"), [(0.9, 6), (0.6, 4), (0.65, 4), (0.55, 4), (0.3, 2), (0.0, 1), (1.0, 7)])
def test_replicas_follow_utilisation(busy: float, expected: int) -> None:
    assert lived(keda(CPU), 4, [{"busy": busy}]) == [expected]


@settings(max_examples=60, deadline=None)
@given(
    busy=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12), start=st.integers(1, 30),
    target=st.integers(1, 100), ready=st.integers(1, 30),
)  # fmt: skip
def test_cpu_alone_is_the_hpa_itself(busy: list[float], start: int, target: int, ready: int) -> None:
    share = f"{target} %"
    alone = keda({"type": "cpu", "target": share})
    hpa = HorizontalPodAutoscaler(
        max_replicas=50, target=share, scale_up=alone.scale_up, scale_down=alone.scale_down
    )  # fmt: skip
    state, other, count = alone.begin(0), hpa.begin(0), start
    for i, load in enumerate(busy, start=1):
        seen = observed(count, busy=load, ready=min(ready, count))
        one, state = alone.decide(seen, state, i * 15 * S)
        two, other = hpa.decide(seen, other, i * 15 * S)
        assert one.replicas == two.replicas
        count = one.replicas


def test_cpu_alone_is_always_active() -> None:
    # idle_replicas would be dropped to where nothing is active; getScaledObjectState says that this always is
    controller = keda(CPU, min_replicas=2, idle_replicas=0, cooldown_s=0.0)
    assert lived(controller, 4, [{"busy": 0.0}] * 8) == [2] * 8


def test_cpu_keeps_nothing_from_zero_and_leads_nothing_up() -> None:
    controller = keda(CPU, QUEUE, min_replicas=0, cooldown_s=0.0)
    # busy all of the time; nothing waits: not active at the poll of 30 s, and so none
    assert lived(controller, 4, [{"busy": 1.0}] * 2) == [7, 0]
    assert lived(controller, 0, [{}] * 8) == [0] * 8
    # what waits makes it active, and then the HPA takes the higher of the two counts
    assert lived(controller, 4, [{"busy": 0.9, "queued": 5}]) == [6]
    assert lived(controller, 4, [{"busy": 0.6, "queued": 45}]) == [9]


def test_without_a_sample_cpu_fails_in_the_hpa_alone() -> None:
    # the HPA may grow by the queue and not shrink; the operator sees no failure and drops to zero
    held = keda(CPU, QUEUE, cooldown_s=3600.0)
    assert lived(held, 4, [{"queued": 40}, {"queued": 5}]) == [8, 8]
    dropped = keda(CPU, QUEUE, min_replicas=0, cooldown_s=0.0, fallback={"failure_threshold": 1, "replicas": 9})
    assert lived(dropped, 4, [{}] * 2) == [4, 0]


# --- cron


def test_between_start_and_end_there_are_as_many_as_desired() -> None:
    controller = keda(OFFICE, min_replicas=0, cooldown_s=300.0)
    got = lived(controller, 0, [{}] * (24 * 240))  # a day of ticks
    changes = [
        (i * 15, count) for i, (count, before) in enumerate(zip(got, [0, *got], strict=False), 1) if count != before
    ]
    # 06:00 in Berlin: from none to 1 by the poll, and by the HPA to 10. At 20:00 the HPA goes to 1
    # (defaultDesiredReplicas); active was last seen at 19:59:30, so that 300 s have passed, and not only just, at 20:05
    assert changes == [(6 * 3600, 10), (20 * 3600, 1), (20 * 3600 + 300, 0)]


def test_outside_of_its_window_it_asks_for_one() -> None:
    assert lived(keda(OFFICE), 7, [{}]) == [1]
    assert lived(keda(OFFICE, QUEUE), 7, [{"queued": 30}]) == [6]


def test_the_hpas_tolerance_holds_for_a_schedule_too() -> None:
    noon = Setting(start_epoch_ns=MIDNIGHT.start_epoch_ns + 12 * 3600 * S)
    # 10 asked for of 11 there are: 0.909 of a target of 1 is within 10 %, as it is upstream
    assert [lived(keda(OFFICE), n, [{}], noon) for n in (9, 11, 12)] == [[10], [11], [10]]


def test_of_several_schedules_the_highest_counts_and_the_queue_with_them() -> None:
    noon = Setting(start_epoch_ns=MIDNIGHT.start_epoch_ns + 12 * 3600 * S)
    lunch = {**OFFICE, "start": "0 11 * * *", "end": "0 14 * * *", "desired_replicas": 20}
    assert lived(keda(OFFICE, lunch), 5, [{}], noon) == [20]
    assert lived(keda(lunch, QUEUE, OFFICE), 5, [{"queued": 150}], noon) == [30]


def test_a_desire_for_none_is_active_and_asks_for_nothing_else() -> None:
    noon = Setting(start_epoch_ns=MIDNIGHT.start_epoch_ns + 12 * 3600 * S)
    controller = keda({**OFFICE, "desired_replicas": 0}, min_replicas=0, cooldown_s=0.0)
    assert lived(controller, 3, [{}] * 4, noon) == [1] * 4  # the HPA's least


def test_it_follows_the_clock_on_its_own_wall() -> None:
    # 06:00 in Berlin is 09:30 in Kolkata: within from 9 to 10 there, not yet at 08:59 there
    there = {**OFFICE, "timezone": "Asia/Kolkata", "start": "0 9 * * *", "end": "0 10 * * *"}
    six = Setting(start_epoch_ns=MIDNIGHT.start_epoch_ns + 6 * 3600 * S)
    assert lived(keda(there), 1, [{}], six) == [10]
    before = Setting(start_epoch_ns=six.start_epoch_ns - 32 * 60 * S)
    assert lived(keda(there), 1, [{}] * 8, before)[:7] == [1] * 7


def test_only_a_schedule_makes_it_ask_for_its_setting() -> None:
    assert (keda(OFFICE).informed, keda(CPU, QUEUE).informed) == (True, False)


# --- refusals


@pytest.mark.parametrize(
    ("triggers", "given", "where", "word"),
    [
        ([CPU], {"min_replicas": 0}, ("triggers",), "never scales to zero"),
        ([CPU], {"fallback": {"failure_threshold": 1, "replicas": 2}}, ("fallback",), "no fallback"),
        ([{**CPU, "target": "0 %"}], {}, ("triggers", 0, "cpu", "target"), "more than 0 %"),
        ([{**CPU, "target": "62.5 %"}], {}, ("triggers", 0, "cpu", "target"), "whole per cent"),
        ([{**CPU, "activation": 1}], {}, ("triggers", 0, "cpu", "activation"), "Extra"),
        ([{**OFFICE, "end": "0  6 * * *"}], {}, ("triggers", 0, "cron", "end"), "the same as start"),
        ([{**OFFICE, "timezone": "Berlin"}], {}, ("triggers", 0, "cron", "timezone"), "not a time zone"),
        ([{**OFFICE, "start": "6:00"}], {}, ("triggers", 0, "cron", "start"), "1 fields"),
        ([{**OFFICE, "desired_replicas": -1}], {}, ("triggers", 0, "cron", "desired_replicas"), "less than nothing"),
    ],
)
def test_nonsense_is_refused(
    triggers: list[dict[str, Any]], given: dict[str, Any], where: tuple[Any, ...], word: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        keda(*triggers, **given)
    assert [(error["loc"], word in error["msg"]) for error in refused.value.errors()] == [(where, True)]
