"""The autoscalers' parameters at the door: what is read, what is written back, what is refused and where."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from pydantic import TypeAdapter, ValidationError

from sim.policy.autoscaling import Autoscaler, Fixed, HorizontalPodAutoscaler

DOOR: TypeAdapter[Any] = TypeAdapter(Autoscaler)


def typed(**given: Any) -> Any:
    return DOOR.validate_python({"kind": "hpa", "max_replicas": 10, "target": "70 %", **given}, context={"door": True})


def test_parameters_read_back_as_they_were_written() -> None:
    for controller in (
        typed(),
        typed(metric="in_flight", target=4, scale_up={"stabilisation": "1 min"}, initial_replicas=2),
    ):
        again = DOOR.validate_python(controller.model_dump(mode="json"), context={"door": True})
        assert again == controller
    assert typed(min_replicas=2).initial_replicas == 2


def test_the_options_in_conf_are_the_defaults() -> None:
    folder = Path(__file__).parents[2] / "conf" / "autoscaler"
    options = {p.stem: OmegaConf.to_container(OmegaConf.load(p)) for p in sorted(folder.glob("*.yaml"))}
    assert {"fixed", "hpa"} <= options.keys()
    read = {name: DOOR.validate_python(options[name], context={"door": True}) for name in ("fixed", "hpa")}
    assert read["hpa"] == HorizontalPodAutoscaler(max_replicas=read["hpa"].max_replicas, target=0.8)
    assert isinstance(read["fixed"], Fixed)


@pytest.mark.parametrize(
    ("given", "where", "says"),
    [
        ({"min_replicas": 11}, ("max_replicas",), "less than min_replicas (11)"),
        ({"min_replicas": 0}, ("min_replicas",), "at least 1"),
        ({"min_replicas": -1}, ("min_replicas",), "at least 1"),
        ({"initial_replicas": 11}, ("initial_replicas",), "from 1 to 10"),
        ({"target": "120 %"}, ("target",), "at most 100 %"),
        ({"target": 70}, ("target",), '"70 %"'),
        ({"target": "0 %"}, ("target",), "more than 0 %"),
        ({"target": "70.5 %"}, ("target",), "whole per cent"),
        ({"metric": "in_flight", "target": "70 %"}, ("target",), "requests in flight per replica"),
        ({"metric": "in_flight", "target": 0}, ("target",), "at least 0.001"),
        ({"tolerance": "100 %"}, ("tolerance",), "less than 100 %"),
        ({"sync_period": "0 s"}, ("sync_period",), "more than 0"),
        ({"sync_period": 15}, ("sync_period",), "without a unit"),
        ({"scale_up": {"policies": []}}, ("scale_up", "policies"), "at least one such as"),
        ({"scale_down": {"stabilisation": "2 h"}}, ("scale_down", "stabilisation"), '"1 h"'),
        (
            {"scale_up": {"policies": [{"type": "pods", "value": 1, "period": "31 min"}]}},
            ("scale_up", "policies", 0, "period"),
            '"30 min"',
        ),
        (
            {"scale_up": {"policies": [{"type": "pods", "value": 0, "period": "1 min"}]}},
            ("scale_up", "policies", 0, "value"),
            "select: disabled",
        ),
    ],
)
def test_what_is_refused_and_where(given: dict[str, Any], where: tuple[str | int, ...], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        typed(**given)
    errors = caught.value.errors()
    assert [(e["loc"][1:], says in e["msg"]) for e in errors] == [(where, True)], errors


def test_a_fixed_size_below_zero_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 0"):
        DOOR.validate_python({"kind": "fixed", "replicas": -1})
