"""Stages on a request's way: what is wrong with a path, how short it can be, and which pools it feeds how often."""

import pytest

from sim import load
from sim.scenario.model import fastest_s, pools_of, typical_s, visits
from sim.serving.clients import MOST_BRANCHES, MOST_STAGES, Stage, in_order, way_problem


def stages(**following):
    """Stages by name, each with the stages that follow it."""
    return {name: Stage(next=then) for name, then in following.items()}


@pytest.mark.parametrize(
    ("way", "where", "words"),
    [
        (stages(a={"a": 0.5}), ("a", "next", "a"), "leads back to itself"),
        (stages(a={"b": 0.5}), ("a", "next", "b"), "no such stage. Stages: a."),
        (stages(a={"b": 0.6, "c": 0.6}, b={}, c={}), ("a", "next"), "add up to 1.2, over 1"),
        (stages(a={"b": 0.0}, b={}), ("a", "next"), "a share of 0"),
        (stages(a={"b": 1.0}, b={"c": 1.0}, c={"b": 0.1}), ("b", "next"), "go round: b -> c -> b"),
        (stages(a={"b": 1.0}, b={"a": 1.0}), ("a", "next"), "go round: a -> b -> a"),
        (stages(a={}, b={}), ("b",), "every way begins at a"),
        (stages(a={"c": 1.0}, b={"c": 1.0}, c={}), ("b",), "no request comes here"),
        (stages(**{f"s{i}": {} for i in range(MOST_STAGES)}), (), f"Up to {MOST_STAGES - 1}"),
        (
            stages(a={f"s{i}": 0.01 for i in range(MOST_BRANCHES + 1)}, **{f"s{i}": {} for i in range(10)}),
            ("a", "next"), f"Up to {MOST_BRANCHES} may follow one",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_way_is_said_with_its_place(way, where, words):
    problem = way_problem(way)

    assert problem is not None
    assert problem[0] == where
    assert words in problem[1]


@pytest.mark.parametrize(
    "way",
    [
        {},
        stages(a={}),
        stages(a={"b": 1.0}, b={}),
        stages(a={"b": 0.1, "c": 0.2, "d": 0.7}, b={"d": 0.5}, c={"d": 1.0}, d={}),
        stages(a={"c": 1.0}, b={}, c={"b": 0.3}),
        stages(a={"b": 1 / 3, "c": 1 / 3, "d": 1 / 3}, b={}, c={}, d={}),
    ],
)
def test_a_way_that_ends_has_no_problem(way):
    assert way_problem(way) is None


def test_stages_stand_behind_all_that_lead_to_them():
    assert in_order(stages(a={"d": 0.5, "b": 0.5}, d={}, b={"c": 1.0}, c={"d": 1.0})) == ["a", "b", "c", "d"]


def world(way, **more):
    """Pools named small (0.2 s a request), large (1 s) and spare (3 s), and a way through their stages."""
    pools = {name: {"service": {"per_item": f"{s} s"}} for name, s in (("small", 0.2), ("large", 1.0), ("spare", 3.0))}
    for pool, keys in more.items():
        pools[pool] |= keys
    return load(
        "document_assistant", "phases=production", "learning=none", pools=pools, horizon="1 d",
        pool={"service": {"base": "0 s", "distribution": "constant", "cv": 0}},
        workload={"pool": "large", "timeout": "120 s", "stages": way},
    )  # fmt: skip


CASCADE = {"first": {"pool": "small", "next": {"second": 0.3}}, "second": {"fan_out": 4}}


def test_the_shortest_way_may_end_early_and_takes_the_faster_branch():
    assert fastest_s(world({}), "main") == 1.0
    assert fastest_s(world(CASCADE), "main") == 0.2
    sure = {"first": {"pool": "small", "next": {"second": 1}}, "second": {}}
    assert fastest_s(world(sure), "main") == 0.2 + 1.0
    either = {"a": {"pool": "small", "next": {"b": 0.5, "c": 0.5}}, "b": {"pool": "spare"}, "c": {}}
    assert fastest_s(world(either), "main") == 0.2 + 1.0
    assert typical_s(world(either), "main") == 0.2 + 1.0


def test_the_pools_of_a_way_come_once_in_order():
    scenario = world({"a": {"next": {"b": 1}}, "b": {"pool": "small", "next": {"c": 1}}, "c": {}})
    assert pools_of(scenario.workloads["main"]) == ["large", "small"]
    assert pools_of(world({}).workloads["main"]) == ["large"]


def test_pools_on_the_way_and_those_they_overflow_to_are_fed():
    assert world({}).feeders() == {"large": ["main"]}
    assert world(CASCADE).feeders() == {"large": ["main"], "small": ["main"]}
    spared = world(CASCADE, small={"queue": {"overflow": "spare"}})
    assert spared.feeders() == {"large": ["main"], "small": ["main"], "spare": ["main"]}


def test_visits_are_weighted_by_who_gets_there_and_in_how_many_parts():
    assert visits(world({}).workloads["main"]) == {"large": 1.0}
    assert visits(world(CASCADE).workloads["main"]) == {"small": 1.0, "large": 0.3 * 4}
    again = {"a": {"next": {"c": 0.5, "b": 0.5}}, "c": {}, "b": {"pool": "small", "next": {"c": 1}}}
    assert visits(world(again).workloads["main"]) == {"large": 1.0 + 1.0, "small": 0.5}
