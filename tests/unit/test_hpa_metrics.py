"""The HorizontalPodAutoscaler's kinds of metric, several at once, zero replicas, tolerances, and without `behavior`."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sim.policy import Observation
from sim.policy.autoscaling import Autoscaler, HorizontalPodAutoscaler
from tests.observations import pool

S = 1_000_000_000
DOOR: TypeAdapter[Any] = TypeAdapter(Autoscaler)
QUEUE = {"kind": "external", "name": "queue", "type": "average_value", "target": 30}
BUSY = {"kind": "resource", "target": "50 %"}


def seen(
    *, target: int, ready: int | None = None, busy: float = math.nan, in_flight: float = 0.0, queued: float = 0.0,
    shared: int = 0, arrived_per_s: float = math.nan, scraped: bool = True,
) -> Observation:  # fmt: skip
    return pool(
        target, ready=ready, utilisation=busy, in_flight=in_flight, queued=queued, queued_shared=shared,
        arrived_per_s=arrived_per_s, sample_age_s=1.0 if scraped else math.nan,
    )  # fmt: skip


def hpa(*metrics: dict[str, Any], **given: Any) -> HorizontalPodAutoscaler:
    typed = {"kind": "hpa", "max_replicas": 100, "metrics": list(metrics), **given}
    return DOOR.validate_python(typed, context={"door": True})  # type: ignore[no-any-return]


def first(controller: HorizontalPodAutoscaler, observation: Observation) -> int:
    decision, _ = controller.decide(observation, controller.begin(0), 0)
    return decision.replicas


def test_one_worker_for_each_thirty_waiting_tasks() -> None:
    # Kubernetes, "HorizontalPodAutoscaler Walkthrough": queue_messages_ready, AverageValue 30, "one worker per 30"
    assert first(hpa(QUEUE), seen(target=1, queued=35.0, shared=60)) == 4
    assert first(hpa(QUEUE), seen(target=4, queued=30.0)) == 4


def test_a_value_for_the_whole_pool_moves_in_proportion_to_what_is_ready() -> None:
    rate = {"kind": "object", "name": "arrivals", "type": "value", "target": "10 req/s"}
    assert first(hpa(rate), seen(target=3, arrived_per_s=20.0)) == 6
    assert first(hpa(rate), seen(target=3, arrived_per_s=10.9)) == 3
    # upstream's quirk: of 3, 1 is ready, so that twice the load asks for 2
    down = {"scale_down": {"stabilisation": "0 s"}}
    assert first(hpa(rate, **down), seen(target=3, ready=1, arrived_per_s=20.0)) == 2


def test_all_in_flight_counts_replicas_and_the_shared_queue() -> None:
    total = {"kind": "external", "name": "in_flight_total", "type": "average_value", "target": 4}
    assert first(hpa(total), seen(target=2, in_flight=6.0, shared=8)) == 5


def test_the_metric_that_asks_for_most_counts() -> None:
    both = hpa(BUSY, QUEUE)
    assert first(both, seen(target=2, busy=0.5, shared=120)) == 4
    assert first(both, seen(target=2, busy=1.0, shared=0)) == 4


def test_a_metric_that_cannot_be_read_allows_up_and_refuses_down() -> None:
    arrivals = {"kind": "external", "name": "arrivals", "type": "average_value", "target": "5 req/s"}
    both = hpa(BUSY, arrivals, scale_down={"stabilisation": "0 s"})
    assert first(both, seen(target=4, busy=1.0)) == 8
    assert first(both, seen(target=4, busy=0.1)) == 4
    assert first(both, seen(target=4, busy=0.1, arrived_per_s=5.0)) == 1
    assert both.decide(seen(target=4, scraped=False), both.begin(0), 0)[0] == (4, "NoMetrics")


def test_from_zero_and_back_with_a_metric_that_needs_no_replicas() -> None:
    controller = hpa(QUEUE, min_replicas=0, scale_down={"stabilisation": "0 s"})
    assert controller.initial_replicas == 0
    assert first(controller, seen(target=0, shared=61)) == 3
    assert first(controller, seen(target=0, shared=0)) == 0
    assert first(controller, seen(target=1)) == 0


def test_a_tolerance_for_each_direction() -> None:
    # Kubernetes, "Horizontal Pod Autoscaling", Tolerance: 5 % for scaling down and none for scaling up
    rules = {"scale_up": {"tolerance": "0 %"}, "scale_down": {"tolerance": "5 %", "stabilisation": "0 s"}}
    controller = hpa({"kind": "pods", "target": 100}, **rules)
    got = [first(controller, seen(target=100, in_flight=load)) for load in (101.0, 100.0, 96.0, 94.0)]
    assert got == [100, 100, 100, 94]
    assert (
        first(hpa({"kind": "pods", "target": 100}, **rules, max_replicas=200), seen(target=100, in_flight=101.0)) == 101
    )


def test_without_behaviour_at_most_double_or_four() -> None:
    legacy = hpa({"kind": "resource", "target": "10 %"}, behaviour="legacy")
    assert legacy.decide(seen(target=1, busy=1.0), legacy.begin(0), 0)[0] == (4, "ScaleUpLimit")
    assert legacy.decide(seen(target=5, busy=1.0), legacy.begin(0), 0)[0] == (10, "ScaleUpLimit")


def test_without_behaviour_the_largest_of_five_minutes_holds() -> None:
    legacy, current, got = hpa(BUSY, behaviour="legacy"), 8, []
    state = legacy.begin(0)
    for i in range(22):
        decision, state = legacy.decide(seen(target=current, busy=0.1), state, i * 15 * S)
        got.append(decision)
        current = decision.replicas
    # one that is 300 s old still counts, unlike with `behavior`
    assert got[:21] == [(8, "ScaleDownStabilised")] * 21
    assert got[21] == (2, "DesiredWithinRange")


@pytest.mark.parametrize("metric", ["utilisation", "in_flight"])
@settings(max_examples=60, deadline=None)
@given(loads=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40)), min_size=1, max_size=8), shared=st.integers(0, 9))
def test_metric_and_target_are_shorthand_for_one_metric(
    metric: str, loads: list[tuple[float, int]], shared: int
) -> None:
    short = hpa(metric=metric, target="40 %" if metric == "utilisation" else 4)
    kind = {"kind": "resource", "target": "40 %"} if metric == "utilisation" else {"kind": "pods", "target": 4}
    states = short.begin(0), hpa(kind).begin(0)
    for i, (busy, in_flight) in enumerate(loads):
        observation = seen(target=5, ready=4, busy=busy, in_flight=float(in_flight), shared=shared)
        one, first_state = short.decide(observation, states[0], i * 15 * S)
        other, second_state = hpa(kind).decide(observation, states[1], i * 15 * S)
        assert one == other
        states = first_state, second_state


@settings(max_examples=100, deadline=None)
@given(
    target=st.integers(1, 12), busy=st.floats(0, 1), shared=st.integers(0, 400), arrived=st.floats(0, 100),
)  # fmt: skip
def test_several_ask_for_the_most_that_any_asks_for(target: int, busy: float, shared: int, arrived: float) -> None:
    free = {
        "scale_up": {"policies": [{"type": "pods", "value": 1000, "period": "15 s"}]},
        "scale_down": {"stabilisation": "0 s"},
        "max_replicas": 1000,
    }
    arrivals = {"kind": "external", "name": "arrivals", "type": "value", "target": "7 req/s"}
    observation = seen(target=target, busy=busy, shared=shared, arrived_per_s=arrived)
    alone = [first(hpa(metric, **free), observation) for metric in (BUSY, QUEUE, arrivals)]
    assert first(hpa(BUSY, QUEUE, arrivals, **free), observation) == max(alone)


def test_metrics_read_back_as_they_were_written() -> None:
    arrivals = {"kind": "object", "name": "arrivals", "type": "value", "target": "90 req/min"}
    controller = hpa(BUSY, {"kind": "pods", "target": 4}, QUEUE, arrivals, min_replicas=0, behaviour="legacy")
    assert DOOR.validate_python(controller.model_dump(mode="json"), context={"door": True}) == controller
    assert controller.metrics[3].target == 1.5


@pytest.mark.parametrize(
    ("given", "where", "says"),
    [
        ({"metrics": [BUSY], "min_replicas": 0}, ("min_replicas",), "add a metric of the pool"),
        ({"metrics": [{**QUEUE, "target": 0}]}, ("metrics", 0, "external", "target"), "at least 0.001"),
        ({"metrics": [{**QUEUE, "name": "arrivals"}]}, ("metrics", 0, "external", "target"), "without a unit"),
        ({"metrics": [{"kind": "pods", "target": "70 %"}]}, ("metrics", 0, "pods", "target"), "requests in flight"),
        ({"metric": "in_flight"}, ("target",), "no default"),
        ({"scale_down": {"tolerance": "100 %"}}, ("scale_down", "tolerance"), "ever scale down"),
        ({"behaviour": "legacy", "scale_up": {"select": "min"}}, ("behaviour",), "behaviour: rules"),
        ({"behaviour": "legacy", "scale_down": {"tolerance": "5 %"}}, ("behaviour",), "scale_down.stabilisation"),
    ],
)
def test_what_is_refused_and_where(given: dict[str, Any], where: tuple[str | int, ...], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        hpa(*given.pop("metrics", ()), **given)
    errors = caught.value.errors()
    assert [(e["loc"][1:], says in e["msg"]) for e in errors] == [(where, True)], errors
