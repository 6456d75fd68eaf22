"""The numbers that controllers scale on: one name is one number, whichever controller asks for it."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.policy import Observation
from sim.policy.autoscaling import HorizontalPodAutoscaler, Keda, Knative, StepScaling, signals
from sim.policy.autoscaling.aws_alarms import measured
from sim.policy.autoscaling.hpa_metrics import pool_value
from tests.observations import pool

S = 1_000_000_000


def observed(
    queued: list[float], served: list[float], *, shared: int = 0, arrived: float = 2.0, busy: float = 0.5,
    sample_age_s: float = 0.0,
) -> Observation:  # fmt: skip
    """A replica for each entry: requests queued at it, and in service."""
    return pool(
        len(queued), utilisation=busy, in_flight=np.add(queued, served), queued=queued, queued_shared=shared,
        arrived_per_s=arrived, sample_age_s=sample_age_s,
    )  # fmt: skip


NAN = math.nan


@pytest.mark.parametrize(
    ("seen", "waiting", "inside"),
    [
        (observed([2.0, 3.0], [1.0, 1.0], shared=4), 9.0, 11.0),
        (observed([0.0, 0.0], [1.0, 1.0]), 0.0, 2.0),
        (observed([2.0, NAN], [1.0, NAN], shared=4), 6.0, 7.0),  # one that was never scraped
        (observed([], [], shared=7), 7.0, 7.0),  # no replica
    ],
)
def test_everybody_who_waits_and_everybody_inside(seen: Observation, waiting: float, inside: float) -> None:
    assert (signals.queue(seen), signals.in_flight(seen)) == (waiting, inside)


def test_before_the_first_scrape_there_is_no_number() -> None:
    seen = observed([NAN], [NAN], arrived=NAN, busy=NAN, sample_age_s=NAN)
    each = signals.queue, signals.in_flight, signals.arrivals, signals.utilisation
    assert all(math.isnan(signal(seen)) for signal in each)


def test_utilisation_is_a_mean_of_what_is_known_and_warm() -> None:
    seen = observed([0.0] * 3, [0.0] * 3)._replace(
        utilisation=np.array([0.2, 0.6, NAN]), ready_for_s=np.array([500.0, 30.0, 500.0])
    )
    assert signals.utilisation(seen) == pytest.approx(0.4, rel=1e-12)
    assert signals.utilisation(seen, warm_up_s=60.0) == 0.2


def keda(kind: str) -> Keda:
    return Keda.model_validate({"max_replicas": 1000, "triggers": [{"type": kind, "target": 1.0}]})


counts = st.one_of(st.integers(0, 50).map(float), st.just(NAN))


@given(
    each=st.lists(st.tuples(counts, counts), max_size=6), shared=st.integers(0, 100), arrived=st.floats(0.0, 1e4),
    name=st.sampled_from(["queue", "arrivals", "in_flight"]),
)  # fmt: skip
def test_hpa_keda_and_aws_read_the_same_number_by_the_same_name(
    each: list[tuple[float, float]], shared: int, arrived: float, name: Any
) -> None:
    seen = observed([q for q, _ in each], [s for _, s in each], shared=shared, arrived=arrived)
    trigger: Any = keda(name).triggers[0]
    read = {trigger.value(seen, 0), pool_value("in_flight_total" if name == "in_flight" else name, seen)}
    if name != "in_flight":
        read.add(measured(name, seen))
    assert len(read) == 1


def test_a_queue_at_replicas_moves_all_three() -> None:
    # ten wait at each of two replicas, none in a shared queue; a replica is to have five: 20 / 5 = 4
    seen = observed([10.0, 10.0], [1.0, 1.0])
    metric = {"kind": "external", "name": "queue", "type": "average_value", "target": 5}
    hpa = HorizontalPodAutoscaler.model_validate({"max_replicas": 20, "metrics": [metric]})
    assert hpa.decide(seen, hpa.begin(0), 15 * S)[0].replicas == 4
    scaled = Keda.model_validate({"max_replicas": 20, "triggers": [{"type": "queue", "target": 5}]})
    assert scaled.decide(seen, scaled.begin(0), 15 * S)[0].replicas == 4
    out = {
        "metric": "queue", "threshold": 20, "evaluation_periods": 1, "steps": [{"lower": 0, "adjustment": 2}],
    }  # fmt: skip
    steps = StepScaling.model_validate({"max_replicas": 20, "scale_out": out})
    assert steps.decide(seen, steps.begin(0), 60 * S)[0].replicas == 4


# --- arrivals of an alarm are a rate


DOOR: dict[str, Any] = {"context": {"door": True}, "by_alias": True, "by_name": False}


def stepping(threshold: object, *bounds: object) -> StepScaling:
    low, high = bounds
    steps = [{"lower": low, "upper": high, "adjustment": 1}, {"lower": high, "upper": None, "adjustment": 3}]
    out = {"metric": "arrivals", "threshold": threshold, "evaluation_periods": 1, "cooldown": "0 s", "steps": steps}
    return StepScaling.model_validate({"max_replicas": 50, "scale_out": out}, **DOOR)


def test_an_alarm_on_arrivals_says_its_unit() -> None:
    by_minute, by_second = stepping("120 req/min", "0 req/min", "60 req/min"), stepping("2 req/s", 0, "1 req/s")
    assert by_minute == by_second
    assert by_minute.scale_out.threshold == 2.0
    assert [step.upper for step in by_minute.scale_out.steps] == [1.0, None]

    def after(per_s: float) -> int:
        return by_minute.decide(observed([0.0], [0.0], arrived=per_s), by_minute.begin(0), 60 * S)[0].replicas

    assert [after(1.99), after(2.0), after(2.99), after(3.0)] == [1, 2, 2, 4]


@pytest.mark.parametrize("per_minute", [1, 7, 64, 80, 100, 1000, 12345])
def test_a_threshold_by_the_minute_is_reached_by_just_as_many(per_minute: int) -> None:
    # the datapoint is rounded to 9 digits, and neither side of the comparison may lose by that
    controller = stepping(f"{per_minute} req/min", 0, f"{per_minute} req/min")
    seen = observed([0.0], [0.0], arrived=per_minute / 60)
    assert controller.decide(seen, controller.begin(0), 60 * S)[0].replicas == 2
    fewer = seen._replace(arrived_per_s=per_minute / 60 - 1e-6)
    assert controller.decide(fewer, controller.begin(0), 60 * S)[0].replicas == 1


@given(
    threshold=st.integers(1, 10**6), unit=st.sampled_from(["req/s", "req/min", "req/h"]), bound=st.integers(1, 10**6)
)
def test_an_alarm_on_arrivals_reads_back_as_it_is_written(threshold: int, unit: str, bound: int) -> None:
    one = stepping(f"{threshold} {unit}", 0, f"{bound} {unit}")
    assert StepScaling.model_validate(one.model_dump(mode="json", by_alias=True), **DOOR) == one


@pytest.mark.parametrize("rate", ["10 req/min", "2 req/s", "2.5 req/s"])
def test_every_controller_shows_a_rate_as_it_may_be_typed(rate: str) -> None:
    trigger = {"type": "arrivals", "target": rate, "activation": rate}
    metric = {"kind": "object", "name": "arrivals", "type": "value", "target": rate}
    keda = Keda.model_validate({"max_replicas": 2, "triggers": [trigger]}, **DOOR).model_dump(mode="json")
    hpa = HorizontalPodAutoscaler.model_validate({"max_replicas": 2, "metrics": [metric]}, **DOOR)
    knative = Knative.model_validate({"max_replicas": 2, "metric": "rps", "target": rate}, **DOOR)
    shown = keda["triggers"][0]
    assert [shown["target"], shown["activation"]] == [rate, rate]
    assert hpa.model_dump(mode="json")["metrics"][0]["target"] == rate
    assert knative.model_dump(mode="json")["target"] == rate


def test_no_rate_is_none_a_second() -> None:
    assert signals.arrival_text(0.0) == "0 req/s"
