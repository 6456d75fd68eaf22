"""Cascades by confidence: the share that goes on, beside closed forms of the beta distribution, and who goes on."""

import math
from statistics import mean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import load, simulate
from sim.serving.cascade import Below, Confidence, Measured, shares

thresholds = st.floats(0.01, 1.0)


def below(threshold, **confidence):
    return shares({"large": Below(confidence_below=threshold)}, Confidence(**confidence))["large"]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95, 1.0])
def test_the_share_below_is_the_polynomial_of_whole_shapes(threshold):
    """For alpha 6 and beta 2 it is the chance of six or more successes in seven trials."""
    at_least_six = 7 * threshold**6 * (1 - threshold) + threshold**7

    assert below(threshold, alpha=6.0, beta=2.0) == pytest.approx(at_least_six, rel=1e-12)


@settings(max_examples=50, deadline=None)
@given(thresholds, st.floats(0.1, 50.0))
def test_the_share_below_is_a_power_where_one_shape_is_one(threshold, shape):
    assert below(threshold, alpha=shape, beta=1.0) == pytest.approx(threshold**shape, rel=1e-9)
    assert below(threshold, alpha=1.0, beta=shape) == pytest.approx(
        -math.expm1(shape * math.log1p(-threshold)) if threshold < 1 else 1.0, rel=1e-9
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(thresholds, min_size=1, max_size=4, unique=True), st.floats(0.5, 20.0), st.floats(0.5, 20.0))
def test_all_who_are_below_some_threshold_go_on_once(limits, alpha, beta):
    confidence = Confidence(alpha=alpha, beta=beta)
    onward = {f"stage{i}": Below(confidence_below=limit) for i, limit in enumerate(limits)}

    found = shares(onward, confidence)

    assert sum(found.values()) == pytest.approx(confidence.share_below(max(limits)), abs=1e-12)
    assert [onward[name].confidence_below for name in found] == sorted(limits)
    assert min(found.values()) >= 0.0


def test_a_measured_share_is_what_was_measured_and_linear_in_between():
    table = (Measured(threshold=0.5, share=0.05), Measured(threshold=0.9, share=0.65), Measured(threshold=1, share=1))

    assert below(0.5, measured=table) == 0.05
    assert below(0.9, measured=table) == 0.65
    assert below(0.8, measured=table) == pytest.approx(0.05 + 0.6 * 0.3 / 0.4)


def test_the_engine_passes_on_those_of_little_confidence():
    """Constant services of 0.2 s and 1 s and nobody waits, so that the mean latency tells the share that went on.

    It must lie within four standard errors of ten replications, which a right answer misses once in 300 (Student's t
    with nine degrees of freedom).
    """
    stages = {
        "small": {"pool": "small", "next": {"large": {"confidence_below": 0.8}}, "confidence": {"alpha": 6, "beta": 2}},
        "large": {"pool": "large"},
    }

    def passed_on(seed):
        scenario = load(
            "azure_llm", "pool=single_queue", "autoscaler=fixed", "phases=production", "workload=poisson", seed=seed,
            name="cascade", start="2026-01-01", timezone="UTC", horizon="2000 s", record={"interval": "100 s"},
            workload={
                "rate": "1 req/s", "timeout": "365 d", "pool": "large", "stages": stages,
                "growth": {"kind": "none"}, "seasonality": {"kind": "flat"},
            },
            autoscaler={"replicas": 40},
            pool={"service": {"base": "0 s", "per_item": "1 s", "distribution": "constant", "cv": 0}},
            pools={"small": {"service": {"per_item": "200 ms"}}, "large": {}},
        )  # fmt: skip
        rows = simulate(scenario).timeseries
        rows = rows[rows["start_s"] >= 200]
        return rows["latency_sum_s"].sum() / rows["completed"].sum() - 0.2

    seen = [passed_on(seed) for seed in range(1, 11)]

    assert mean(seen) == pytest.approx(7 * 0.8**6 - 6 * 0.8**7, abs=4 * stdev(seen) / math.sqrt(10))
