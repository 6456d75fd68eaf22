"""KEDA's ScaledObject as a controller: activation, cooldown to zero alone, idle replicas, fallback, its HPA."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policy import Observation
from sim.policy.autoscaling import Keda
from sim.policy.autoscaling.hpa_replicas import Tolerance, average_value_replicas
from tests.observations import pool

S = 1_000_000_000
TICK_S = 15


def observed(
    target: int, *, queued: int = 0, held: float = 0.0, arrived: float = 0.0, sampled: bool = True
) -> Observation:
    """`target` replicas that all run, each with `held` requests."""
    if not sampled:
        return pool(target, sample_age_s=math.nan)
    return pool(target, in_flight=held, queued_shared=queued, arrived_per_s=arrived)


def keda(**given: Any) -> Keda:
    return Keda(**{"max_replicas": 20, "triggers": [{"type": "queue", "target": 5}], **given})


def lived(controller: Keda, start: int, loads: list[dict[str, Any]]) -> list[int]:
    """Counts asked for at ticks of 15 s, the first at 15 s, when each is there at once and sees the next load."""
    state, count, got = controller.begin(0), start, []
    for i, load in enumerate(loads, start=1):
        decision, state = controller.decide(observed(count, **load), state, i * TICK_S * S)
        count = decision.replicas
        got.append(count)
    return got


IDLE: dict[str, Any] = {}


# keda#7770, #7204: "regardless of the current replica count": 5 replicas go straight to 0
def test_after_the_cooldown_any_count_drops_to_zero() -> None:
    # the HPA's own window is longer than the cooldown, so that nothing else takes a replica away
    controller = keda(cooldown_s=60.0, scale_down={"stabilisation_s": 3600.0})
    got = lived(controller, 5, [{"queued": 25}] * 2 + [IDLE] * 7)
    # active at the poll of 30 s; 60 s have passed, and not only just, at the poll of 120 s
    assert got == [5] * 7 + [0, 0]


def test_the_cooldown_holds_nothing_between_one_and_many() -> None:
    controller = keda(cooldown_s=3600.0, scale_down={"stabilisation_s": 0.0})
    # 4 waiting need one replica at 5 each; the trigger is active, and the HPA goes down at once
    assert lived(controller, 8, [{"queued": 40}, {"queued": 4}]) == [8, 1]
    # with a minimum of one, an idle pool never waits for the cooldown either
    assert lived(keda(min_replicas=1, cooldown_s=3600.0, scale_down={"stabilisation_s": 0.0}), 8, [IDLE]) == [1]


def test_never_active_needs_no_cooldown_but_an_initial_one() -> None:
    # LastActiveTime is nil: the initial cooldown (0 s by default) counts from the ScaledObject's creation
    slow = {"scale_down": {"stabilisation_s": 3600.0}}
    assert lived(keda(**slow), 3, [IDLE] * 2) == [3, 0]
    assert lived(keda(initial_cooldown_s=60.0, **slow), 3, [IDLE] * 6) == [3] * 5 + [0]


def test_activation_is_strictly_above_its_threshold_and_seen_at_polls_only() -> None:
    controller = keda(triggers=[{"type": "queue", "target": 5, "activation": 10}], cooldown_s=0.0)
    assert lived(controller, 0, [{"queued": 10}] * 4) == [0] * 4
    assert lived(controller, 0, [{"queued": 11}] * 2) == [0, 3]  # 1 from the poll at 30 s, and 3 from the HPA at once


def test_below_its_activation_a_pool_goes_to_zero_though_its_hpa_would_scale() -> None:
    controller = keda(triggers=[{"type": "queue", "target": 5, "activation": 50}])
    assert lived(controller, 2, [{"queued": 40}] * 2) == [6, 0]


def test_from_zero_the_first_step_is_to_the_minimum() -> None:
    controller = keda(min_replicas=3, idle_replicas=0)
    assert lived(controller, 0, [{"queued": 1}] * 2) == [0, 3]
    # idle: back to zero from the minimum, which the HPA alone would hold
    assert lived(controller, 3, [IDLE] * 2) == [3, 0]
    # without idle replicas the minimum is put right at the next poll, active or not
    assert lived(keda(min_replicas=3), 0, [IDLE] * 2) == [0, 3]


def test_an_hpa_sleeps_at_zero() -> None:
    controller = keda(polling_interval_s=60.0)
    assert lived(controller, 0, [{"queued": 100}] * 3) == [0, 0, 0]


# Kubernetes, GetExternalPerPodMetricReplicas: ceil(usage / target per pod) outside of the tolerance; the first two are
# replica_calculator_test.go's ScaleUpPerPodCMExternal and ScaleDownPerPodCMExternal
@pytest.mark.parametrize(
    ("existing", "usage", "target", "expected"),
    [
        (3, 8_600, 2_150, 4),
        (5, 8_600, 2_867, 3),
        (3, 6_600, 2_000, 3),
        (3, 6_601, 2_000, 4),
        (3, 5_400, 2_000, 3),
        (0, 1, 2_000, 1),
    ],
)
def test_an_average_value_is_shared_out_among_the_pods(existing: int, usage: int, target: int, expected: int) -> None:
    assert average_value_replicas(existing, usage, target, Tolerance(0.9, 1.1)) == expected


@pytest.mark.parametrize(
    ("trigger", "load", "expected"),
    [
        ({"type": "arrivals", "target": 2.0}, {"arrived": 7.0}, 4),
        ({"type": "in_flight", "target": 4}, {"held": 6.0, "queued": 5}, 5),  # 2 x 6 + 5 = 17
        ({"type": "queue", "target": 4}, {"held": 6.0, "queued": 11}, 3),
    ],
)
def test_each_trigger_measures_what_it_says(trigger: dict[str, Any], load: dict[str, Any], expected: int) -> None:
    assert lived(keda(triggers=[trigger]), 2, [load]) == [expected]


TWO = [{"type": "queue", "target": 5}, {"type": "arrivals", "target": 1.0}]


def test_of_several_triggers_the_highest_count_wins() -> None:
    assert lived(keda(triggers=TWO), 2, [{"queued": 20, "arrived": 3.0}]) == [4]
    assert lived(keda(triggers=TWO), 2, [{"queued": 15, "arrived": 5.0}]) == [5]


def out(start_s: float, duration_s: float) -> dict[str, Any]:
    return {"type": "arrivals", "target": 1.0, "outages": [{"start_s": start_s, "duration_s": duration_s}]}


def test_a_failing_trigger_lets_grow_and_forbids_to_shrink() -> None:
    triggers = [TWO[0], out(0.0, 3600.0)]
    controller = keda(triggers=triggers, scale_down={"stabilisation_s": 0.0})
    assert lived(controller, 2, [{"queued": 20}, {"queued": 5}, {"queued": 20}]) == [4, 4, 4]
    # and keeps the pool from zero for as long as it fails
    assert lived(controller, 2, [IDLE] * 40) == [2] * 40


@pytest.mark.parametrize(
    ("behaviour", "replicas", "expected"),
    [
        ("static", 6, 6), ("static", 2, 2), ("current", 6, 4), ("current_if_higher", 6, 6), ("current_if_higher", 2, 4),
        ("current_if_lower", 6, 4), ("current_if_lower", 2, 2),
    ],
)  # fmt: skip
def test_the_fallback_comes_after_more_failures_than_its_threshold(
    behaviour: str, replicas: int, expected: int
) -> None:
    controller = keda(
        triggers=[out(0.0, 3600.0)], scale_down={"stabilisation_s": 0.0},
        fallback={"failure_threshold": 3, "replicas": replicas, "behaviour": behaviour},
    )  # fmt: skip
    assert lived(controller, 4, [IDLE] * 4) == [4, 4, 4, expected]  # the fourth failure is more than three


def test_one_answer_forgives_all_failures() -> None:
    trigger = {**out(0.0, 40.0), "outages": [{"start_s": 0, "duration_s": 40}, {"start_s": 46, "duration_s": 45}]}
    controller = keda(triggers=[trigger], fallback={"failure_threshold": 2, "replicas": 7})
    assert lived(controller, 4, [{"arrived": 4.0}] * 6) == [4, 4, 4, 4, 4, 7]  # fails at 15, 30; 60, 75 and 90 s


def test_a_fallback_to_none_does_not_keep_a_pool_from_zero() -> None:
    slow = {"scale_down": {"stabilisation_s": 3600.0}}
    fallback = {"failure_threshold": 100, "replicas": 0}
    assert lived(keda(triggers=[out(0.0, 3600.0)], fallback=fallback, **slow), 4, [IDLE] * 2) == [4, 0]
    fallback["replicas"] = 1
    assert lived(keda(triggers=[out(0.0, 3600.0)], fallback=fallback, **slow), 4, [IDLE] * 2) == [4, 4]


def test_while_one_trigger_fails_the_time_of_the_last_activity_stands_still() -> None:
    # active and failing at the polls of 30 and 60 s; at 90 s nothing fails and nothing is active: never active so far
    controller = keda(triggers=[TWO[0], out(0.0, 70.0)], scale_down={"stabilisation_s": 3600.0})
    assert lived(controller, 4, [{"queued": 20}] * 4 + [IDLE] * 2) == [4] * 5 + [0]


def test_without_a_sample_a_trigger_fails() -> None:
    assert lived(keda(), 3, [{"sampled": False}] * 4) == [3] * 4


@settings(max_examples=80, deadline=None)
@given(
    loads=st.lists(
        st.fixed_dictionaries(
            {"queued": st.integers(0, 300), "arrived": st.floats(0.0, 40.0), "sampled": st.booleans()}
        ),
        min_size=1, max_size=30,
    ),
    low=st.integers(0, 4),
    idle=st.booleans(),
    room=st.integers(0, 12),
)  # fmt: skip
def test_the_count_is_zero_or_within_its_bounds(loads: list[dict[str, Any]], low: int, idle: bool, room: int) -> None:
    high = max(1, low + room)
    controller = keda(
        triggers=TWO, min_replicas=low, max_replicas=high, idle_replicas=0 if idle and low else None, cooldown_s=30.0
    )
    got = lived(controller, low, loads)
    assert all(low <= count <= high or (count == 0 and idle) for count in got)


@settings(max_examples=60, deadline=None)
@given(
    active=st.lists(st.booleans(), min_size=4, max_size=40),
    cooldown_polls=st.integers(0, 6),
    start=st.integers(1, 9),
)
def test_zero_comes_only_after_a_whole_cooldown_without_activity(
    active: list[bool], cooldown_polls: int, start: int
) -> None:
    """Looks at every poll: from more than none to none only if the last active poll is longer ago than the cooldown."""
    controller = keda(polling_interval_s=15.0, cooldown_s=15.0 * cooldown_polls)
    got = lived(controller, start, [{"queued": 30} if a else IDLE for a in active])
    last = -(10**6)
    for i, (is_active, count, before) in enumerate(zip(active, got, [start, *got], strict=False)):
        last = i if is_active else last
        if before > 0 and count == 0:
            assert i - last > cooldown_polls
        if is_active:
            assert count > 0
