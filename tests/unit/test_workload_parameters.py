"""What a user may write about demand, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from sim.workload.parameters import (
    DEMAND_KEYS,
    CountsWorkload,
    Demand,
    ExponentialGrowth,
    GrowthPoint,
    LogisticGrowth,
    NoGrowth,
    PiecewiseGrowth,
    PoissonWorkload,
    ReplayWorkload,
    Workload,
)
from sim.workload.rate import growth_factor

CONF = Path(__file__).parents[2] / "conf" / "workload"
DAY = 86_400.0
COMMON: dict[str, Any] = {
    "timeout": "30 s", "slo": {"latency": "5 s", "share": "99 %"}, "prompt_tokens": 1155, "output_tokens": 211,
    "response": "2 kB", "log": "2 kB",
}  # fmt: skip
POISSON = {"kind": "poisson", "rate": "12 req/s", **COMMON}
WORKLOADS: TypeAdapter[Any] = TypeAdapter(Workload)


def read(tree: dict[str, Any]) -> Any:
    return WORKLOADS.validate_python(tree, context={"door": True})


KINDS = [("poisson", PoissonWorkload), ("counts", CountsWorkload), ("replay", ReplayWorkload)]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_every_shipped_choice_is_valid_and_begins_with_a_line_for_the_list(name: str, kind: type) -> None:
    # given a file of conf/workload, when it is read
    text = (CONF / f"{name}.yaml").read_text()
    workload = read(yaml.safe_load(text))
    # then it is the kind its name says, its file is not chosen yet, and its first line says what it is
    assert isinstance(workload, kind)
    assert getattr(workload, "path", None) is None
    assert text.startswith("# ")


def test_every_shipped_value_says_where_it_comes_from() -> None:
    for file in CONF.glob("*.yaml"):
        said = False
        for line in file.read_text().splitlines()[1:]:
            key, _, comment = line.partition("#")
            structure = key.strip() in ("]", "") or key.strip().endswith((":", ",", "[")) or "kind:" in key
            assert structure or comment or said, f"{file.name}: {line}"
            said = not key.strip()


def test_quantities_arrive_in_the_units_of_their_names() -> None:
    workload = read({**POISSON, "rate": "30 req/min", "growth": {"kind": "exponential", "doubling": "2 weeks"}})
    assert workload.rate_per_s == pytest.approx(0.5)
    assert workload.growth == ExponentialGrowth(doubling_s=14 * DAY)
    assert workload.slo.latency_s == 5.0
    assert workload.pool == "main"
    assert workload.resolution_s == 3600.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rate": "0 req/s"}, "more than 0"),
        ({"rate": "-1 req/s"}, "at least 0"),
        ({"rate": "12"}, "without a unit"),
        ({"rate": "12 req"}, "not a unit of a rate"),
        ({"resolution": "0.5 s"}, "at least 1 s"),
        ({"timeout": "0 s"}, "more than 0"),
        ({"slo": {"latency": "5 s", "share": "101 %"}}, "at most 1"),
        ({"growth": {"kind": "logistic", "ceiling": 2, "midpoint": "1 d"}}, "greater than 2"),
        ({"growth": {"kind": "logistic", "ceiling": 5}}, "midpoint"),
        ({"growth": {"kind": "exponential", "doubling": "0 d"}}, "more than 0"),
        ({"growth": {"kind": "linear"}}, "linear"),
        ({"growth": {"kind": "piecewise", "points": []}}, "at least 1 item"),
        (
            {"growth": {"kind": "piecewise", "points": [{"after": "2 d", "factor": 2}, {"after": "1 d", "factor": 3}]}},
            "out of order",
        ),
        ({"growth": {"kind": "piecewise", "points": [{"after": "2 d", "factor": 0}]}}, "more than 0"),
        ({"seasonality": {"kind": "hour_of_week", "weights": [1.0] * 167}}, "167 weights. Expected 168"),
        ({"seasonality": {"kind": "hour_of_week", "weights": [1.0] * 167 + [-1.0]}}, "at least 0"),
        ({"seasonality": {"kind": "hour_of_week", "weights": [0.0] * 168}}, "every weight is 0"),
        ({"path": "trace.csv"}, "path"),
    ],
)
def test_what_cannot_be_demand_is_refused_with_what_is_allowed(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read({**POISSON, **change})
    assert said in str(refused.value)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../etc/passwd"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="not a time zone"):
        read({"kind": "replay", "path": "a.csv", "timezone": zone, **COMMON})


def test_growth_passes_through_what_its_parameters_say() -> None:
    # given each kind of growth, when asked for its factor, then the numbers in its description hold
    at = np.array([0.0, 10 * DAY, 20 * DAY, 1e6 * DAY])
    assert growth_factor(NoGrowth(), at).tolist() == [1.0] * 4
    assert growth_factor(ExponentialGrowth(doubling_s=10 * DAY), at)[:3] == pytest.approx([1, 2, 4])
    logistic = growth_factor(LogisticGrowth(ceiling=8, midpoint_s=10 * DAY), at)
    assert logistic == pytest.approx([1, 4, 7, 8])
    points = (GrowthPoint(after_s=10 * DAY, factor=4), GrowthPoint(after_s=20 * DAY, factor=1))
    piecewise = growth_factor(PiecewiseGrowth(points=points), np.append(at, [5 * DAY, 15 * DAY]))
    assert piecewise == pytest.approx([1, 4, 1, 1, 2, 2])


def test_a_phase_may_change_what_a_request_is_like_but_not_when_requests_come() -> None:
    shape = {"kind", "rate", "rate_per_s", "resolution", "growth", "seasonality", "path", "interval", "timezone"}
    assert shape <= DEMAND_KEYS
    assert not DEMAND_KEYS & (set(Demand.model_fields) | {"timeout", "response", "log"})
