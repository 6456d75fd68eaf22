"""What experiments read off a controller's decisions."""

import math
from itertools import pairwise

import pytest

from experiments.scaling import asked, at, between, csv_of, steps
from experiments.settings import read
from experiments.x_panic_exit.run import collapses
from experiments.x_ray_oscillation import run as oscillation
from experiments.x_worldcup_final import run as final

STAIRS = [(0.0, 2), (10.0, 5), (20.0, 1), (30.0, 4)]


def test_a_staircase_has_the_value_of_its_last_step():
    assert [at(STAIRS, time_s) for time_s in (0.0, 9.9, 10.0, 25.0, 1e9)] == [2, 2, 5, 1, 4]


def test_between_two_times_stand_the_value_at_the_first_and_all_before_the_second():
    assert between(STAIRS, 5.0, 30.0) == [2, 5, 1]
    assert between(STAIRS, 10.0, 11.0) == [5]


def test_a_collapse_is_a_fall_below_what_is_needed_and_no_step_further_down():
    stairs = [(0.0, 1), (5.0, 40), (10.0, 19), (12.0, 5), (20.0, 20), (30.0, 19)]

    assert collapses(stairs, 0.0, 20) == [10.0, 30.0]
    assert collapses(stairs, 10.0, 20) == [30.0]


def test_staircases_are_written_step_by_step():
    assert csv_of({"one": STAIRS[:2]}) == "case,at_s,replicas\none,0.000,2\none,10.000,5\n"


def test_steps_are_what_the_controller_asked_for():
    # given ten busy minutes of one erlang a replica, which an HPA answers with more
    from sim import load, simulate

    scenario = load(
        "azure_llm", "workload=poisson", "pool=single_queue", "phases=production", start="2026-01-05", horizon="5 min",
        workload={"rate": "3 req/s", "growth": {"kind": "none"}, "seasonality": {"kind": "flat"}},
        pool={"service": {"base": "1 s", "per_item": "0 s"}},
    )  # fmt: skip
    life = simulate(scenario)

    found = steps(life)
    stairs = asked(life)

    assert found
    assert found[0].before == 2
    assert all(one.after == other.before for one, other in pairwise(found))
    assert stairs[0] == (0.0, 2)
    assert [count for _, count in stairs[1:]] == [step.after for step in found]


def test_the_gain_is_the_slow_time_of_a_new_replica_over_what_asks_for_one():
    from sim import Run

    settings = read(oscillation.HERE)
    for case, expected in (("thread", 11 / 3), ("look_back", 11 / 30)):
        life = object.__new__(Run)
        object.__setattr__(life, "scenario", settings.load(case))
        assert math.isclose(oscillation.gain(life), expected, rel_tol=1e-9)


@pytest.mark.parametrize(("per_minute", "replicas"), [(960.0, 1), (961.0, 2), (41_955.0, 44)])
def test_a_replica_is_planned_for_80_per_cent_of_what_it_serves(per_minute, replicas):
    assert final.replicas_for(per_minute) == replicas
