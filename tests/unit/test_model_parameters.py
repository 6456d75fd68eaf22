"""The nodes `learning` and `value` at the door: what is read, what is written back, what is refused and where."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from sim.model.checks import learning_problems, learning_remarks
from sim.model.parameters import LabelMonitor, Learning, ModelLearning, NoLearning, Training
from sim.model.value import Value

CONF = Path(__file__).parents[2] / "conf"
DAY_S = 86_400.0
ADAPTERS: dict[str, TypeAdapter[Any]] = {"learning": TypeAdapter(Learning), "value": TypeAdapter(Value)}
OPTIONS = [(group, path) for group in ADAPTERS for path in sorted((CONF / group).glob("*.yaml"))]


def typed(group: str = "learning", **given: Any) -> Any:
    if group == "learning":
        given = {"kind": "supervised", "quality": "92 %", **given}
    return ADAPTERS[group].validate_python(given, context={"door": True})


@pytest.mark.parametrize(("group", "path"), OPTIONS, ids=lambda value: getattr(value, "stem", value))
def test_every_option_is_valid_says_what_it_is_and_reads_back(group: str, path: Path) -> None:
    text = path.read_text()
    parsed = ADAPTERS[group].validate_python(yaml.safe_load(text), context={"door": True})
    assert ADAPTERS[group].validate_python(parsed.model_dump(mode="json"), context={"door": True}) == parsed
    first = text.splitlines()[0]
    assert first.startswith("# ")
    assert len(first) <= 122
    for line in text.splitlines()[1:]:
        assert "#" in line or line.rstrip().endswith(":") or line.startswith("  "), f"{path.stem}: no source: {line}"


def test_all_the_options_are_there() -> None:
    assert {path.stem for group, path in OPTIONS if group == "learning"} >= {"none", "frozen", "periodic", "threshold"}
    assert {path.stem for group, path in OPTIONS if group == "value"} == {"none", "per_request", "decisions"}


def test_the_options_in_conf_are_the_defaults() -> None:
    read = typed(**yaml.safe_load((CONF / "learning" / "threshold.yaml").read_text()))
    assert read.monitor == LabelMonitor()
    assert read.training == Training()
    assert read.retraining == type(read.retraining)(below=read.retraining.below)


LABELS = {"kind": "labels"}


@pytest.mark.parametrize(
    ("given", "where", "says"),
    [
        ({"quality": "120 %"}, ("quality",), "at most 100 %"),
        ({"quality": "0 %"}, ("quality",), "more than 0 %"),
        ({"drift": {"kind": "linear", "loss": "110 %", "over": "1 d"}}, ("drift", "linear", "loss"), "at most 100 %"),
        ({"drift": {"kind": "linear", "loss": "1 %", "over": "0 s"}}, ("drift", "linear", "over"), "more than 0"),
        ({"drift": {"kind": "linear", "loss": "1 %", "over": 100}}, ("drift", "linear", "over"), "without a unit"),
        ({"drift": {"kind": "exponential", "floor": "95 %", "time_constant": "60 d"}}, ("drift",), "at most 92 %"),
        ({"drift": {"kind": "step", "loss": "5 %", "every": "1 min"}}, ("drift", "step", "every"), "at least 1 h"),
        ({"monitor": LABELS | {"share": "0 %"}}, ("monitor", "labels", "share"), "more than 0 %"),
        ({"monitor": LABELS | {"share": "101 %"}}, ("monitor", "labels", "share"), "at most 100 %"),
        ({"monitor": LABELS | {"window": 0}}, ("monitor", "labels", "window"), "greater than or equal to 1"),
        ({"monitor": LABELS | {"every": "1 min"}}, ("monitor", "labels", "every"), "at least 1 h"),
        ({"monitor": LABELS | {"delay": "-1 d"}}, ("monitor", "labels", "delay"), "at least 0"),
        ({"training": {"duration": "0 s"}}, ("training", "duration"), "more than 0"),
        ({"training": {"machines": 0}}, ("training", "machines"), "greater than or equal to 1"),
        ({"retraining": {"kind": "periodic", "period": "1 d"}}, ("retraining",), "36 h"),
        ({"retraining": {"kind": "periodic", "period": "1 min"}}, ("retraining", "periodic", "period"), "at least 1 h"),
        ({"retraining": {"kind": "threshold", "below": "85 %"}}, ("retraining",), "monitor: {kind: labels}"),
        (
            {"monitor": LABELS, "retraining": {"kind": "threshold", "below": "92 %"}},
            ("retraining",), "retrain for ever",
        ),
        (
            {"monitor": LABELS, "retraining": {"kind": "threshold", "below": "0 %"}},
            ("retraining", "threshold", "below"), "never fire",
        ),
        (
            {"monitor": LABELS | {"window": 50}, "retraining": {"kind": "threshold", "below": "85 %"}},
            ("retraining",), "min_labels: 50",
        ),
        ({"retraining": {"kind": "weekly"}}, ("retraining",), "threshold"),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(given: dict[str, Any], where: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        typed(**given)
    errors = caught.value.errors()
    assert [(e["loc"][1:], says in e["msg"].replace("1.5 d", "36 h")) for e in errors] == [(where, True)], errors


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"kind": "per_request", "usd": "-1 USD"}, "usd"),
        ({"kind": "per_request", "usd": 0.002}, "usd"),
        (
            {
                "kind": "decisions", "prevalence": "200 %", "recall": "90 %", "false_positive_rate": "0.5 %",
                "true_positive": "50 USD", "false_negative": "50 USD", "false_positive": "2 USD",
            },
            "prevalence",
        ),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(given: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        typed("value", **given)
    assert [e["loc"][-1] for e in caught.value.errors()] == [where]


@pytest.mark.parametrize(
    ("monitor", "horizon_d", "path", "value"),
    [
        ({"delay": "800 d"}, 730, ("monitor", "delay"), "800 d"),
        ({"delay": "7 d"}, 8, ("monitor", "delay"), "7 d"),
        ({"every": "10 d"}, 10, ("monitor", "every"), "10 d"),
    ],
)
def test_labels_beyond_the_horizon_are_a_problem(monitor, horizon_d, path, value) -> None:
    learning = typed(monitor={"kind": "labels", **monitor})
    ((where, told, message),) = learning_problems(learning, horizon_d * DAY_S)
    assert (where, told) == (path, value)
    assert "Type a shorter" in message


def test_what_is_in_order_is_no_problem() -> None:
    assert list(learning_problems(typed(monitor=LABELS), 730 * DAY_S)) == []
    assert list(learning_problems(typed(), 3600.0)) == []
    assert list(learning_problems(NoLearning(), 1.0)) == []
    threshold = typed(**yaml.safe_load((CONF / "learning" / "threshold.yaml").read_text()))
    assert list(learning_remarks(threshold, 730 * DAY_S)) == []
    assert list(learning_remarks(NoLearning(), 1.0)) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"retraining": {"kind": "periodic", "period": "800 d"}}, "no retraining falls due"),
        (
            {"retraining": {"kind": "periodic", "period": "729 d"}},
            "no retrained model is ever deployed",
        ),
        ({"retraining": {"kind": "periodic", "period": "30 d"}, "drift": {"kind": "none"}}, "quality never falls"),
        (
            {
                "monitor": LABELS, "retraining": {"kind": "threshold", "below": "85 %"},
                "drift": {"kind": "exponential", "floor": "86 %", "time_constant": "60 d"},
            },
            "by chance alone",
        ),
    ],
)  # fmt: skip
def test_what_may_surprise_is_said(given: dict[str, Any], says: str) -> None:
    learning = typed(**({"drift": {"kind": "linear", "loss": "10 %", "over": "100 d"}} | given))
    said = list(learning_remarks(learning, 729.5 * DAY_S))
    assert len(said) == 1
    assert says in said[0]


def test_in_python_the_bare_defaults_are_a_model_that_nobody_watches() -> None:
    bare = ModelLearning(quality=0.9)
    assert (bare.drift.kind, bare.monitor.kind, bare.retraining.kind) == ("none", "none", "never")
