"""Estimates of experiments, and the tolerances that they are judged by."""

import json
import random
from pathlib import Path

import pytest

from experiments.estimates import Estimate, ratio
from experiments.judgement import judge
from experiments.settings import read


@pytest.mark.parametrize(
    ("tolerance", "value", "passed"),
    [
        ({"kind": "exact"}, 2.0, True),
        ({"kind": "exact"}, 2.1, False),
        ({"kind": "absolute", "within": 0.1}, 2.09, True),
        ({"kind": "absolute", "within": 0.1}, 1.8, False),
        ({"kind": "relative", "within": 0.1}, 2.19, True),
        ({"kind": "relative", "within": 0.1}, 2.3, False),
        ({"kind": "at_most"}, 1.0, True),
        ({"kind": "at_most"}, 2.1, False),
        ({"kind": "at_most", "times": 2}, Estimate(2.1, 0.1, 9), True),
        ({"kind": "at_most", "times": 2}, Estimate(2.3, 0.1, 9), False),
        ({"kind": "at_least"}, 3.0, True),
        ({"kind": "at_least"}, 1.9, False),
        ({"kind": "at_least", "times": 2}, Estimate(1.9, 0.1, 9), True),
        ({"kind": "at_least", "times": 2}, Estimate(1.7, 0.1, 9), False),
        ({"kind": "standard_errors", "times": 2}, Estimate(1.85, 0.1, 9), True),
        ({"kind": "standard_errors", "times": 2}, Estimate(2.25, 0.1, 9), False),
        # Student's 99 % quantile with 4 degrees of freedom is 4.604
        ({"kind": "interval", "level": 0.99}, Estimate(2.45, 0.1, 5), True),
        ({"kind": "interval", "level": 0.99}, Estimate(2.47, 0.1, 5), False),
    ],
)
def test_a_value_passes_within_its_tolerance(tolerance, value, passed, tmp_path):
    expected = {"key": {"value": 2.0, "tolerance": tolerance, "source": "test"}}
    (tmp_path / "expected.json").write_text(json.dumps(expected))

    (row,) = judge(tmp_path, {"key": value})

    assert row.passed is passed


def test_an_experiment_that_leaves_a_value_out_is_no_experiment(tmp_path):
    (tmp_path / "expected.json").write_text("{}")

    with pytest.raises(KeyError, match="key"):
        judge(tmp_path, {"key": 1.0})


def test_the_interval_of_a_ratio_covers_as_often_as_it_says():
    # given parts of very unequal size whose ratio is 3 on average
    draw = random.Random(1)
    covered = 0
    for _ in range(400):
        below = [draw.uniform(1, 10) for _ in range(20)]
        above = [3 * b + draw.gauss(0, 2) for b in below]
        estimate = ratio(above, below)
        covered += abs(estimate.value - 3) <= estimate.half_width(0.95)

    assert 0.92 <= covered / 400 <= 0.98


def test_a_case_of_a_config_is_loaded_as_a_scenario():
    scenario = read(Path(__file__).parents[2] / "experiments" / "x_mmc").load("r10_c16", horizon="60 s")

    assert scenario.horizon_s == 60.0
    assert scenario.workloads["main"].rate_per_s == 10.0
    assert scenario.pools["main"].autoscaler.replicas == 16
    assert scenario.pools["main"].service.distribution == "exponential"
