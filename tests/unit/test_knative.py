"""The Knative autoscaler as a controller: documented answers, the way to zero and back, laws that always hold."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from pydantic import TypeAdapter, ValidationError

from sim.policy import Observation
from sim.policy.autoscaling import Autoscaler, Knative
from sim.policy.autoscaling import knative_windows as windows
from tests.observations import pool

S = 1_000_000_000
DOOR: TypeAdapter[Any] = TypeAdapter(Autoscaler)


def seen(
    replicas: int, load: float, *, ready: int | None = None, queued: int = 0, arrived_per_s: float = math.nan,
    scraped: bool = True,
) -> Observation:  # fmt: skip
    """A pool of so many replicas with `load` requests in flight at each that is ready."""
    return pool(
        replicas, ready=ready, mean_in_flight=load, queued_shared=queued, arrived_per_s=arrived_per_s,
        sample_age_s=0.0 if scraped else math.nan, window_s=2.0,
    )  # fmt: skip


def knative(**given: Any) -> Knative:
    typed = {"kind": "knative", "max_replicas": 100, "target": 10, "target_utilisation": "100 %", **given}
    return DOOR.validate_python(typed, context={"door": True})  # type: ignore[no-any-return]


class Life:
    """A pool that has what its autoscaler asks for at once, under a total load that the test sets."""

    def __init__(self, controller: Knative, replicas: int) -> None:
        self.controller, self.replicas, self.now_s = controller, replicas, 0
        self.state, self.reason = controller.begin(0), ""

    def tick(self, load: float, times: int = 1) -> list[int]:
        """Ticks of 2 s under so many requests in flight in all; the counts asked for."""
        counts = []
        for _ in range(times):
            self.now_s += 2
            there = self.replicas
            shown = seen(there, load / there) if there else seen(0, 0.0, queued=round(load))
            decision, self.state = self.controller.decide(shown, self.state, self.now_s * S)
            self.replicas, self.reason = decision
            counts.append(self.replicas)
        return counts

    def seconds_until(self, replicas: int) -> int:
        """How long it takes without any load until that count is asked for."""
        for waited in range(0, 600, 2):
            if self.tick(0.0) == [replicas]:
                return waited + 2
        raise AssertionError(f"never {replicas}")


def test_a_steady_load_is_shared_at_the_target() -> None:
    # knative.dev, "Configuring targets": a concurrency of 70 % of 100 makes 350 requests five replicas
    controller = knative(target=100, target_utilisation="70 %", min_replicas=1)
    assert Life(controller, 5).tick(350.0, 40)[-1] == 5
    assert Life(controller, 5).tick(351.0, 40)[-1] == 6


def test_a_burst_of_twice_what_is_ready_is_panic_and_panic_never_scales_down() -> None:
    life = Life(knative(min_replicas=1), 1)
    life.tick(10.0, 40)
    # 6 s of panic window: three buckets at 30 in all are 3 replicas, while the minute's mean is below 2
    counts = life.tick(30.0, 3)
    assert counts[-1] == 3
    assert life.reason == "Panic"
    # the first of the three was over twice what was ready; panic ends strictly after a window, so 62 s from there
    quiet = life.tick(10.0, 40)
    assert quiet[:28] == [3] * 28
    assert quiet[28:30] == [2, 1]


def test_an_autoscaler_that_starts_over_several_replicas_keeps_them_for_a_stable_window() -> None:
    counts = Life(knative(min_replicas=1), 8).tick(10.0, 40)
    # from the first tick at 2 s to the one at 62 s, as panic ends strictly after the window; then by half a tick
    assert counts[:31] == [8] * 31
    assert counts[31:] == [4, 2, 1, 1, 1, 1, 1, 1, 1]


def test_scale_down_waits_for_the_delay() -> None:
    life = Life(knative(min_replicas=1, scale_down_delay="2 min"), 1)
    life.tick(40.0, 200)
    assert life.replicas == 4
    counts = life.tick(10.0, 200)
    # the minute's mean asks for 4 for the last time at the ninth tick, and that counts for sixty ticks
    assert counts.index(3) + 1 == 9 + 60
    assert counts[-1] == 1


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        # behind the activator all the time (one replica's 10 are less than a burst of 211): no grace period is left
        ({}, 60 + 2),
        # no burst: the activator comes into the way when traffic has ceased, and the grace period begins
        ({"target_burst_capacity": 0}, 60 + 30),
        ({"target_burst_capacity": 0, "scale_to_zero_grace": "60 s"}, 60 + 60),
        ({"scale_to_zero_retention": "5 min"}, 60 + 300),
    ],
)
def test_without_traffic_it_goes_to_zero_after_window_and_grace(given: dict[str, Any], seconds: int) -> None:
    life = Life(knative(**given), 1)
    life.tick(5.0, 100)
    assert life.seconds_until(0) in (seconds - 2, seconds, seconds + 2)
    assert life.reason == "ScaledToZero"


def test_a_pool_that_was_just_activated_stays_for_a_stable_window() -> None:
    life = Life(knative(), 1)
    life.tick(5.0, 100)
    life.seconds_until(0)
    life.tick(0.0, 100)
    assert life.tick(1.0) == [1]
    assert life.reason == "Woken"
    assert life.seconds_until(0) >= 60


@pytest.mark.parametrize(("activation", "expected"), [(1, 1), (3, 3)])
def test_at_zero_the_first_request_wakes_it_at_once(activation: int, expected: int) -> None:
    controller = knative(activation_replicas=activation)
    assert controller.wakes
    for shown in (seen(0, 0.0, queued=1), seen(0, 0.0, arrived_per_s=0.5), seen(0, 0.0, queued=1, scraped=False)):
        decision, _ = controller.decide(shown, controller.begin(0), 3 * S)
        assert decision == (expected, "Woken")
    assert controller.decide(seen(0, 0.0), controller.begin(0), 3 * S)[0].replicas == 0


def test_one_that_boots_is_not_taken_back_before_it_is_ready() -> None:
    controller = knative()
    decision, state = controller.decide(seen(0, 0.0, queued=1), controller.begin(0), 100 * S)
    for i in range(60):  # the request has gone; two minutes of booting
        shown = seen(decision.replicas, 0.0, ready=0)
        decision, state = controller.decide(shown, state, (102 + 2 * i) * S)
        assert decision.replicas == 1


def test_the_initial_scale_is_reached_before_anything_scales_down() -> None:
    controller, counts = knative(initial_replicas=4, max_scale_down_rate=10), []
    state, current = controller.begin(0), 4
    for i in range(1, 50):
        shown = seen(current, 0.0, ready=2 if i < 20 else 4)
        decision, state = controller.decide(shown, state, 2 * i * S)
        current = decision.replicas
        counts.append(current)
    assert counts[:19] == [4] * 19
    assert counts[19] < 4


def test_excess_burst_capacity_says_whether_the_activator_stands_in_the_way() -> None:
    # autoscaler.go: replicas x total - burst - panic value
    controller = knative(target=100, target_burst_capacity=211, min_replicas=1)
    _, state = controller.decide(seen(3, 10.0), controller.begin(0), 2 * S)
    assert state.excess_burst_capacity == 300 - 211 - 30
    assert state.life.proxied_ns is None
    _, state = controller.decide(seen(2, 10.0), controller.begin(0), 2 * S)
    assert state.excess_burst_capacity == 200 - 211 - 20
    assert state.life.proxied_ns == 2 * S


def test_rate_as_the_metric() -> None:
    controller = knative(metric="rps", target="20 req/s", min_replicas=1)
    state = controller.begin(0)
    for i in range(1, 40):
        decision, state = controller.decide(seen(1, 0.0, arrived_per_s=90.0), state, 2 * i * S)
    assert decision.replicas == 5


def test_replicas_without_samples_are_taken_to_be_as_busy_as_the_others() -> None:
    controller = knative(min_replicas=1)
    shown = seen(4, 12.0)._replace(mean_in_flight=np.array([12.0, 8.0, math.nan, math.nan]))
    decision, _ = controller.decide(shown, controller.begin(0), 2 * S)
    assert decision.replicas == 4


@settings(max_examples=60, deadline=None)
@given(
    loads=st.lists(st.tuples(st.floats(0, 300), st.integers(0, 5)), min_size=1, max_size=40),
    low=st.integers(0, 3),
    more=st.integers(1, 20),
    aggregation=st.sampled_from(["linear", "weighted"]),
    delay_s=st.sampled_from([0, 3, 60]),
)
def test_always_within_bounds_and_pure(
    loads: list[tuple[float, int]], low: int, more: int, aggregation: str, delay_s: int
) -> None:
    controller = knative(
        min_replicas=low, max_replicas=low + more, aggregation=aggregation, scale_down_delay=f"{delay_s} s"
    )
    state, current = controller.begin(0), controller.initial_replicas
    for i, (load, queued) in enumerate(loads):
        shown = seen(current, load, ready=max(0, current - queued), queued=queued)
        again = controller.decide(shown, state, 2 * i * S)
        decision, after = controller.decide(shown, state, 2 * i * S)
        assert (decision, after) == again
        assert low <= decision.replicas <= low + more
        assert current == 0 or decision.replicas >= min(low + more, math.floor(max(1, current - queued) / 2))
        state, current = after, decision.replicas


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.tuples(st.integers(1, 7), st.integers(0, 1000)), min_size=1, max_size=30),
    size=st.integers(1, 12),
    later=st.integers(0, 14),
)
def test_the_linear_average_is_that_of_the_buckets_in_the_window(
    values: list[tuple[int, int]], size: int, later: int
) -> None:
    window, bucket, written = windows.empty(size), 0, {}
    first = 0
    for step, value in values:
        if not written or step >= size:
            first = bucket + step
        bucket += step
        written[bucket] = value
        window = windows.record(window, bucket, float(value))
    now = bucket + later
    inside = range(max(now - size + 1, first), bucket + 1)
    expected = sum(written.get(b, 0) for b in inside) / len(inside) if inside else 0.0
    assert windows.linear(window, now) == pytest.approx(expected, abs=1e-6)
    assert windows.is_empty(window, now) == (later > size)


@settings(max_examples=60, deadline=None)
@given(value=st.integers(0, 1000), size=st.integers(1, 60))
def test_a_weighted_average_of_a_steady_series_is_almost_it(value: int, size: int) -> None:
    window, weight = windows.empty(size), windows.smoothing(size)
    for bucket in range(200):
        window = windows.record(window, bucket, float(value))
    # the weights of a window sum to at least 0.9999 (bucketing.go)
    assert value * 0.9999 - 1e-6 <= windows.weighted(window, 199, weight) <= value + 1e-6


def test_the_options_in_conf_are_the_defaults() -> None:
    tree = OmegaConf.to_container(OmegaConf.load(Path(__file__).parents[2] / "conf" / "autoscaler" / "knative.yaml"))
    assert DOOR.validate_python(tree, context={"door": True}) == Knative(max_replicas=20)


def test_parameters_read_back_as_they_were_written() -> None:
    for controller in (knative(), knative(metric="rps", target="90 req/min", panic_threshold="150 %", reachable=False)):
        assert DOOR.validate_python(controller.model_dump(mode="json"), context={"door": True}) == controller
    assert Knative(max_replicas=2, metric="rps").target == 200.0


@pytest.mark.parametrize(
    ("given", "where", "says"),
    [
        ({"max_replicas": 0}, "max_replicas", "at least 1"),
        ({"min_replicas": -1}, "min_replicas", "at least 0"),
        ({"initial_replicas": 101}, "initial_replicas", "from 0 to 100"),
        ({"activation_replicas": 101}, "activation_replicas", "from 1 to 100"),
        ({"target": "70 %"}, "target", "requests in flight per replica"),
        ({"metric": "rps", "target": 20}, "target", '"12 req/s"'),
        ({"target_utilisation": "0 %"}, "target_utilisation", "more than 0 %"),
        ({"stable_window": "5 s"}, "stable_window", '"6 s" to "1 h"'),
        ({"scale_down_delay": "2 h"}, "scale_down_delay", '"1 h"'),
        ({"panic_window": "0.5 %"}, "panic_window", "at least 1 %"),
        ({"panic_threshold": "100 %"}, "panic_threshold", "at least 110 %"),
        ({"max_scale_up_rate": 1}, "max_scale_up_rate", "more than 1"),
        ({"scale_to_zero_grace": "0 s"}, "scale_to_zero_grace", "more than 0 s"),
        ({"target_burst_capacity": -2}, "target_burst_capacity", "-1 (any number)"),
    ],
)
def test_what_is_refused_and_where(given: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        knative(**given)
    errors = caught.value.errors()
    assert [(e["loc"][1:], says in e["msg"]) for e in errors] == [((where,), True)], errors
