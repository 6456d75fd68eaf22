"""Gates between phases: what is asked, what a window shows, whether it fires, and gates that never can."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sim.lifecycle.checks import check, value_text, wanted
from sim.lifecycle.conditions import (
    Condition,
    CostReductionCondition,
    DateCondition,
    FalsePositiveRateCondition,
    LatencyP99Condition,
    QualityCondition,
    RequestsCondition,
    SloAttainmentCondition,
    TrafficCondition,
    UnitCostCondition,
    ValueCondition,
)
from sim.lifecycle.gates import Gate, gate_rows, judge, threshold_rows
from sim.lifecycle.impossible import LifeFacts, PhaseFacts, gate_problems
from sim.lifecycle.measures import Measures
from sim.lifecycle.parameters import Phase
from sim.scenario.choices import conf_folder

DAY_S = 86_400.0
PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 4, 2, tzinfo=PARIS)


def week(**changes):
    values = {
        "now": NOW, "span_s": 7 * DAY_S, "offered": {"main": 1_397_088}, "ended": {"main": 1_390_000},
        "good": {"main": 1_380_000}, "p99_s": {"main": 0.184}, "quality_seen": {"main": 0.912},
        "false_positive_rate": {"main": 0.0061}, "value_usd": {"main": 1400.0}, "variable_usd": 1117.67,
        "total_usd": 20_000.0, "baseline_unit_cost_usd": 0.02,
    }  # fmt: skip
    return Measures(**values | changes)


def typed(node):
    return TypeAdapter(Condition).validate_python(node, context={"door": True})


# --- what a window says about a condition


@pytest.mark.parametrize(
    ("condition", "text", "passed"),
    [
        (DateCondition(from_=datetime(2026, 4, 1)), "date 2026-04-02 >= 2026-04-01", True),
        (DateCondition(from_=datetime(2026, 4, 2)), "date 2026-04-02 >= 2026-04-02", True),
        (DateCondition(from_=datetime(2026, 4, 3, 9)), "date 2026-04-02 00:00:00 < 2026-04-03 09:00:00", False),
        (TrafficCondition(at_least_per_s=2.0), "traffic 2.31 req/s >= 2 req/s", True),
        (TrafficCondition(at_least_per_s=0.5), "traffic 139 req/min >= 30 req/min", True),
        (TrafficCondition(at_least_per_s=2.5), "traffic 2.31 req/s < 2.5 req/s", False),
        (RequestsCondition(at_least=1_000_000), "requests 1,400,000 req >= 1,000,000 req", True),
        (RequestsCondition(at_least=1_397_089), "requests 1,397,088 req < 1,397,089 req", False),
        (QualityCondition(at_least=0.9), "quality 91.2 % >= 90 %", True),
        (SloAttainmentCondition(at_least=0.995), "SLO attainment 99.3 % < 99.5 %", False),
        (LatencyP99Condition(at_most_s=0.2), "p99 latency 184 ms <= 200 ms", True),
        (LatencyP99Condition(at_most_s=0.1), "p99 latency 184 ms > 100 ms", False),
        (FalsePositiveRateCondition(at_most=0.01), "false positive rate 0.61 % <= 1 %", True),
        (UnitCostCondition(at_most_usd=0.001), "variable cost per request 0.0008 USD <= 0.001 USD", True),
        (UnitCostCondition(at_most_usd=0.0005), "variable cost per request 0.0008 USD > 0.0005 USD", False),
        (CostReductionCondition(at_least=0.2), "cost reduction 28.4 % >= 20 %", True),
        (ValueCondition(at_least_usd_per_day=150.0), "value 200 USD/day >= 150 USD/day", True),
        (ValueCondition(at_least_usd_per_day=201.0), "value 200 USD/day < 201 USD/day", False),
    ],
)
def test_a_check_says_a_true_sentence(condition, text, passed):
    c = check(condition, week())
    assert (c.text, c.passed, c.measure) == (text, passed, condition.kind)


def test_no_two_numbers_look_alike_where_they_differ():
    c = check(TrafficCondition(at_least_per_s=2.0), week(offered={"main": 1_209_599}))  # one request short
    assert c.text == "traffic 1.9999983 req/s < 2 req/s"
    assert not c.passed


def test_dates_are_civil_in_the_zone_of_the_scenario():
    # given midnight in Paris in summer, 22:00 UTC of the day before
    now = datetime(2026, 4, 1, tzinfo=PARIS)
    assert check(DateCondition(from_=datetime(2026, 4, 1)), week(now=now)).passed
    aware = check(DateCondition(from_=datetime(2026, 4, 1, tzinfo=UTC)), week(now=now))
    assert (aware.passed, aware.text) == (False, "date 2026-04-01 00:00:00 < 2026-04-01 02:00:00")


@pytest.mark.parametrize(
    ("condition", "without"),
    [
        (QualityCondition(at_least=0.5), {"quality_seen": {"main": None}}),
        (QualityCondition(at_least=0.5), {"quality_seen": {}}),
        (SloAttainmentCondition(at_least=0.5), {"ended": {"main": 0}}),
        (LatencyP99Condition(at_most_s=1e3), {"p99_s": {"main": None}}),
        (FalsePositiveRateCondition(at_most=1.0), {"false_positive_rate": {}}),
        (UnitCostCondition(at_most_usd=1.0), {"offered": {"main": 0}}),
        (CostReductionCondition(at_least=0.01), {"baseline_unit_cost_usd": None}),
        (CostReductionCondition(at_least=0.01), {"offered": {"main": 0}}),
        (ValueCondition(at_least_usd_per_day=0.0), {"value_usd": {}}),
        (QualityCondition(at_least=0.5, workload="chat"), {}),
    ],
)
def test_what_is_not_known_does_not_pass(condition, without):
    c = check(condition, week(**without))
    assert c.passed is None
    assert c.value is None
    assert " not known yet, needs " in c.text
    assert not judge(Gate(all=(condition,)), {}, week(**without)).fired


def test_of_several_workloads_the_worst_counts_and_is_named():
    both = week(
        quality_seen={"chat": 0.95, "fraud": 0.88}, p99_s={"chat": 0.1, "fraud": 0.3},
        ended={"chat": 100, "fraud": 100}, good={"chat": 90, "fraud": 99}, offered={"chat": 604_800, "fraud": 604_800},
    )  # fmt: skip
    assert check(QualityCondition(at_least=0.9), both).text == "quality of fraud 88 % < 90 %"
    assert check(LatencyP99Condition(at_most_s=0.2), both).text == "p99 latency of fraud 300 ms > 200 ms"
    assert check(SloAttainmentCondition(at_least=0.95), both).text == "SLO attainment of chat 90 % < 95 %"
    assert check(QualityCondition(at_least=0.9, workload="chat"), both).text == "quality of chat 95 % >= 90 %"
    assert check(TrafficCondition(at_least_per_s=2.0), both).text == "traffic 2 req/s >= 2 req/s"
    assert (
        check(TrafficCondition(at_least_per_s=2.0, workload="chat"), both).text == "traffic of chat 1 req/s < 2 req/s"
    )
    assert check(QualityCondition(at_least=0.9), week(quality_seen={"chat": 0.95, "fraud": None})).passed is None


# --- whether a gate fires

MEETS, MISSES, UNKNOWN = (
    TrafficCondition(at_least_per_s=1.0),
    TrafficCondition(at_least_per_s=9.0),
    QualityCondition(at_least=0.1),
)
CASES = st.lists(st.sampled_from([MEETS, MISSES, UNKNOWN]), max_size=4)


@given(CASES, CASES)
def test_a_gate_fires_when_all_of_all_pass_and_one_of_any(needed, enough):
    if not needed and not enough:
        return
    verdict = judge(Gate(all=tuple(needed), any=tuple(enough)), {}, week(quality_seen={}))
    assert verdict.fired == (all(c is MEETS for c in needed) and (not enough or MEETS in enough))
    assert [c.passed for c in verdict.checks] == [
        {id(MEETS): True, id(MISSES): False, id(UNKNOWN): None}[id(c)] for c in (*needed, *enough)
    ]


def test_a_gate_may_name_a_threshold_and_say_what_fired():
    gate = Gate(all=("busy", QualityCondition(at_least=0.9)))
    verdict = judge(gate, {"busy": TrafficCondition(at_least_per_s=2.0)}, week())
    assert verdict.fired
    assert verdict.said == "traffic 2.31 req/s >= 2 req/s; quality 91.2 % >= 90 %"
    assert gate_rows("mvp", verdict) == [
        {"phase": "mvp", "condition": "traffic 2.31 req/s >= 2 req/s", "value": pytest.approx(2.31), "passed": True},
        {"phase": "mvp", "condition": "quality 91.2 % >= 90 %", "value": 0.912, "passed": True},
    ]
    with pytest.raises(ValueError, match="no gate is called 'buzy'; there are: busy"):
        judge(Gate(all=("buzy",)), {"busy": MEETS}, week())


def test_a_window_that_is_not_whole_yet_says_nothing_but_the_date():
    young = week(span_s=6 * DAY_S)
    assert not judge(Gate(all=(MEETS,)), {}, young).fired
    assert judge(Gate(any=(MEETS, DateCondition(from_=datetime(2026, 4, 1)))), {}, young).fired
    # a week in which clocks go forward is an hour short, and whole
    assert judge(Gate(all=(MEETS,)), {}, week(span_s=7 * DAY_S - 3600)).fired


def test_the_first_windows_cost_is_what_a_reduction_is_measured_against():
    first = week(total_usd=27_941.76)
    assert first.unit_cost_usd == pytest.approx(0.02)
    now = week(baseline_unit_cost_usd=first.unit_cost_usd, total_usd=27_941.76 * 0.75)
    assert check(CostReductionCondition(at_least=0.25), now).value == pytest.approx(0.25)


# --- thresholds


def default_gates():
    tree = yaml.safe_load((conf_folder() / "gates" / "default.yaml").read_text(encoding="utf-8"))
    return {name: typed(node) for name, node in tree.items()}


def test_the_four_default_thresholds_are_the_sources():
    assert default_gates() == {
        "unit_cost": UnitCostCondition(at_most_usd=0.001),
        "latency_p99": LatencyP99Condition(at_most_s=0.2),
        "false_positive_rate": FalsePositiveRateCondition(at_most=0.01),
        "cost_reduction": CostReductionCondition(at_least=0.2),
    }


def test_thresholds_are_passed_missed_or_do_not_apply():
    rows = threshold_rows("scale", default_gates(), week(p99_s={"main": 1.5}, false_positive_rate={}), 7 * DAY_S)
    assert {row["name"]: row["passed"] for row in rows} == {
        "unit_cost": True, "latency_p99": False, "false_positive_rate": None, "cost_reduction": True,
    }  # fmt: skip
    assert list(rows[0]) == ["phase", "name", "measure", "value", "limit", "passed", "said"]
    assert rows[1]["said"] == "p99 latency 1,500 ms > 200 ms"
    assert rows[2]["said"] == "false positive rate not measured, asked for at most 1 %"


@pytest.mark.parametrize("name", ["unit_cost", "latency_p99", "false_positive_rate", "cost_reduction"])
@pytest.mark.parametrize("days", [6, 7])
def test_a_threshold_says_what_a_gate_of_that_name_says_of_the_same_window(name, days):
    measures, named = week(span_s=days * DAY_S), default_gates()
    (checked,) = judge(Gate(all=(name,)), named, measures).checks

    row = next(row for row in threshold_rows("poc", named, measures, 7 * DAY_S) if row["name"] == name)

    assert (row["value"], row["limit"], row["passed"]) == (checked.value, checked.limit, checked.passed)
    assert (row["said"] == checked.text) == (days == 7)


@given(st.floats(0.0, 2.0), st.floats(0.001, 1.0))
def test_value_and_limit_as_shown_stand_as_they_do(value, limit):
    # the text of a check is true when read back: no rounding puts a value on the other side of its limit
    condition = QualityCondition(at_least=limit)
    shown, wanted_share = (
        float(text.replace(",", "").removesuffix(" %").removeprefix("at least "))
        for text in (value_text(condition, value), wanted(condition))
    )
    assert wanted_share == pytest.approx(100 * limit, rel=1e-12)
    if abs(value - limit) > 1e-12:
        assert (shown >= wanted_share) == (value >= limit)


def test_only_what_compares_with_the_first_window_says_so():
    asked = Gate(all=("cost_reduction", QualityCondition(at_least=0.5)), any=("unit_cost",))
    assert [c.compares for c in asked.conditions(default_gates())] == [True, False, False]


# --- what is typed


def phase(**changes):
    return Phase.model_validate({"exposure": "10 %", "serving": "api"} | changes, context={"door": True})


NODES = [
    {"kind": "date", "from": "2026-04-01"},
    {"kind": "date", "from": "2026-04-01 09:30"},
    {"kind": "traffic", "at_least": "40 req/min", "workload": "chat"},
    {"kind": "requests", "at_least": 1000},
    {"kind": "quality", "at_least": "90 %"},
    {"kind": "slo_attainment", "at_least": 0.99},
    {"kind": "latency_p99", "at_most": "200 ms"},
    {"kind": "false_positive_rate", "at_most": "1 %"},
    {"kind": "unit_cost", "at_most": "0.001 USD"},
    {"kind": "cost_reduction", "at_least": "20 %"},
    {"kind": "value", "at_least": "200 USD/day"},
    "unit_cost",
]


@pytest.mark.parametrize("node", NODES)
def test_a_gate_is_dumped_so_that_it_reads_again(node):
    p = phase(start="2026-04-01", gate={"every": "1 d", "window": "14 d", "all": [node], "any": [node]})
    as_text = p.model_dump(mode="json", by_alias=True)
    assert as_text["gate"]["window"] == "14 d"
    assert Phase.model_validate(as_text, context={"door": True}, by_alias=True, by_name=False) == p
    as_numbers = p.model_dump(by_alias=True)
    assert Phase.model_validate(as_numbers, by_alias=True, by_name=False) == p


def test_a_gate_looks_daily_at_the_last_week_unless_told_otherwise():
    gate = phase(gate={"all": ["unit_cost"]}).gate
    assert (gate.every_s, gate.window_s) == (DAY_S, 7 * DAY_S)
    assert phase().gate is None


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ({}, "no condition"),
        ({"all": [], "any": []}, "no condition"),
        ({"window": "12 h", "all": ["x"]}, "not whole days"),
        ({"window": "36 h", "all": ["x"]}, "not whole days"),
        ({"every": "1 h", "all": ["x"]}, "not whole days"),
        ({"every": 7, "all": ["x"]}, "without a unit"),
        ({"all": [{"kind": "revenue", "at_least": 1}]}, "not a condition.*kinds: date, traffic"),
        ({"all": [{"at_least": "2 req/s"}]}, "not a condition"),
        ({"all": [3]}, "not a condition"),
        ({"all": "unit_cost"}, "valid tuple"),
        ({"all": [{"kind": "quality", "at_least": "120 %"}]}, "at most 100 %"),
        ({"all": [{"kind": "quality", "at_most": "90 %"}]}, "at_least\n  Field required"),
        ({"all": [{"kind": "traffic", "at_least": "2"}]}, "without a unit"),
        ({"all": [{"kind": "traffic", "at_least": "0 req/s"}]}, "more than 0"),
        ({"all": [{"kind": "requests", "at_least": 0}]}, "greater than or equal to 1"),
        ({"all": [{"kind": "unit_cost", "at_most": "0 USD"}]}, "no answer is free"),
        ({"all": [{"kind": "unit_cost", "at_most": "1 USD", "workload": "chat"}]}, "not permitted"),
        ({"all": [{"kind": "latency_p99", "at_most": "0 ms"}]}, "more than 0"),
        ({"all": [{"kind": "cost_reduction", "at_least": "100 %"}]}, "can never be met"),
        ({"all": [{"kind": "value", "at_least": "200 USD"}]}, "not a unit"),
        ({"all": [{"kind": "date", "from": 20260401}]}, "not a date"),
        ({"all": [{"kind": "date", "from": "soon"}]}, "valid datetime"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(gate, message):
    with pytest.raises(ValidationError, match=message):
        phase(gate=gate)


# --- gates that can never fire

LIFE = LifeFacts(workloads=("chat", "fraud"), end=datetime(2028, 1, 1, tzinfo=PARIS), horizon_s=730 * DAY_S)
POC = PhaseFacts(
    fastest_s={"chat": 0.2, "fraud": 0.01}, quality={"fraud": 0.92}, false_positive_rate={"fraud": 0.005},
    valued=frozenset({"fraud"}),
)  # fmt: skip


def problems(gate, named=None, life=LIFE, facts=POC, exposure="2 %"):
    phases = {"poc": phase(exposure=exposure), "mvp": phase(gate=gate)}
    found = gate_problems(phases, named or {}, life, {"poc": facts} if facts else {})
    return [(".".join(path), value, message) for path, value, message in found]


@pytest.mark.parametrize(
    ("condition", "key", "message"),
    [
        ("unit_cots", "", "no such gate. Did you mean unit_cost? Gates: unit_cost."),
        ("", "", "no such gate. Gates: unit_cost."),
        ({"kind": "traffic", "at_least": "1 req/s", "workload": "chit"}, ".workload", "Did you mean chat?"),
        (
            {"kind": "quality", "at_least": "90 %", "workload": "chat"},
            ".at_least",
            "nobody monitors the quality of chat",
        ),
        ({"kind": "quality", "at_least": "95 %"}, ".at_least", "above the quality of a freshly trained model of fraud"),
        ({"kind": "false_positive_rate", "at_most": "0.1 %"}, ".at_most", "below the rate of a freshly trained model"),
        (
            {"kind": "false_positive_rate", "at_most": "1 %", "workload": "chat"},
            ".at_most",
            "no false positives of chat",
        ),
        ({"kind": "latency_p99", "at_most": "100 ms"}, ".at_most", "below the fastest answer that chat gets"),
        ({"kind": "value", "at_least": "5 USD/day", "workload": "chat"}, ".at_least", "answers of chat have no value"),
        ({"kind": "date", "from": "2028-01-01"}, ".from", "not before the scenario's end, 2028-01-01 00:00"),
    ],
)
@pytest.mark.parametrize("group", ["all", "any"])
def test_a_condition_that_can_never_be_met_is_found(group, condition, key, message):
    (found,) = problems({group: [condition]}, {"unit_cost": UnitCostCondition(at_most_usd=0.001)})
    where, _, said = found
    assert where == f"phases.mvp.gate.{group}.0{key}"
    assert message in said


@pytest.mark.parametrize(
    "condition",
    [
        {"kind": "quality", "at_least": "92 %"},
        {"kind": "false_positive_rate", "at_most": "0.5 %", "workload": "fraud"},
        {"kind": "latency_p99", "at_most": "100 ms", "workload": "fraud"},
        {"kind": "value", "at_least": "5 USD/day"},
        {"kind": "date", "from": "2027-12-31"},
        {"kind": "traffic", "at_least": "1 req/s", "workload": "chat"},
        {"kind": "cost_reduction", "at_least": "20 %"},
        "unit_cost",
    ],
)
def test_a_condition_that_can_be_met_is_not(condition):
    assert problems({"all": [condition]}, {"unit_cost": UnitCostCondition(at_most_usd=0.001)}) == []


def test_a_named_threshold_is_judged_where_a_gate_uses_it_and_its_workload_always():
    named = {"best": QualityCondition(at_least=0.99), "odd": TrafficCondition(at_least_per_s=1.0, workload="web")}
    assert [where for where, _, _ in problems({"all": ["best"]}, named)] == [
        "gates.odd.workload",
        "phases.mvp.gate.all.0",
    ]


def test_a_window_longer_than_the_scenario_never_closes():
    life = LifeFacts(("chat",), LIFE.end, horizon_s=10 * DAY_S)
    assert [(w, v) for w, v, _ in problems({"window": "14 d", "every": "21 d", "all": ["x"]}, {"x": MEETS}, life)] == [
        ("phases.mvp.gate.window", "14 d"),
        ("phases.mvp.gate.every", "21 d"),
    ]
    (found,) = problems({"all": [{"kind": "cost_reduction", "at_least": "20 %"}]}, life=life)
    assert "compares two windows" in found[2]


def test_a_phase_that_lets_nobody_in_measures_nothing():
    (found,) = problems({"all": [{"kind": "traffic", "at_least": "1 req/s"}]}, exposure="0 %")
    assert "phase poc lets nobody in" in found[2]
    assert problems({"all": [{"kind": "date", "from": "2027-01-01"}]}, exposure="0 %") == []


def test_the_first_phase_waits_for_nothing():
    phases = {"poc": phase(gate={"all": ["x"]})}
    ((path, _, message),) = gate_problems(phases, {"x": MEETS}, LIFE, {})
    assert path == ("phases", "poc", "gate")
    assert "Leave its gate out" in message


def test_without_a_phases_facts_only_what_holds_all_along_is_judged():
    gate = {"all": [{"kind": "quality", "at_least": "99 %"}, {"kind": "date", "from": "2030-01-01"}]}
    assert [where for where, _, _ in problems(gate, facts=None)] == ["phases.mvp.gate.all.1.from"]
