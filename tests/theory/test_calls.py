"""Closed loops, fan-out, hedges and retries beside their closed forms, played by the compiled engine.

Each figure comes from independent replications; a closed form must lie within four standard errors of their mean, which
a right answer misses once in 10,000 (Student's t with 9 degrees of freedom: 0.3 %).
"""

import math
from statistics import mean, stdev

import pytest

from sim import load, simulate
from sim.analysis.queueing import closed_loop_per_s

REPLICATIONS = 10


def world(horizon, replicas, *choices, workload, service=None, **nodes):
    """Servers with an exponential service of mean 1 s and one queue; nothing else plays a part."""
    return load(
        "azure_llm", "pool=single_queue", "autoscaler=fixed", "phases=production", *choices, seed=1, engine="exact",
        name="calls", start="2026-01-01", timezone="UTC", horizon=horizon, record={"interval": "100 s"},
        workload={"timeout": "365 d", **workload}, autoscaler={"replicas": replicas},
        pool={
            "service": service or {"base": "0 s", "per_item": "1 s", "distribution": "exponential", "cv": 0},
            "queue": {"capacity": 1_000_000},
        },
        **nodes,
    )  # fmt: skip


OPEN = {"growth": {"kind": "none"}, "seasonality": {"kind": "flat"}}


def played(scenario):
    """Runs of a scenario, one a seed."""
    return [simulate(scenario.model_copy(update={"seed": seed})) for seed in range(1, REPLICATIONS + 1)]


def estimate(seen):
    """Mean of what replications have seen, and its standard error."""
    return mean(seen), stdev(seen) / math.sqrt(len(seen))


def mean_latency_s(run):
    rows = after_warm_up(run)
    return rows["latency_sum_s"].sum() / rows["completed"].sum()


def after_warm_up(run):
    return run.timeseries[run.timeseries["start_s"] >= 200]


@pytest.mark.parametrize(("users", "think_s"), [(1, 2.0), (5, 4.0), (20, 8.0)])
def test_a_closed_loop_is_the_machine_repairman_model(users, think_s):
    scenario = world(
        "2200 s", 1, "workload=closed_loop",
        workload={"users": users, "think": {"mean": f"{think_s} s", "distribution": "exponential"}},
    )  # fmt: skip

    got, error = estimate([after_warm_up(run)["completed"].sum() / 2000 for run in played(scenario)])

    assert got == pytest.approx(closed_loop_per_s(users, think_s, 1.0), abs=4 * error)


def test_users_who_do_not_think_keep_every_server_busy():
    """Four users, four servers, constant service: each answers 10 requests in 10 s, and the nanoseconds between."""
    constant = {"base": "0 s", "per_item": "1 s", "distribution": "constant", "cv": 0}
    scenario = world(
        "1000 s", 4, "workload=closed_loop", service=constant,
        workload={"users": 4, "think": {"mean": "0 s", "distribution": "constant"}},
    )  # fmt: skip
    assert simulate(scenario).timeseries["completed"].sum() == 4 * 999


def test_the_slowest_part_of_a_fan_out_is_the_maximum_of_exponentials():
    """With servers to spare, the mean of the slowest of n is S H_n."""
    parts = 8
    asked = {"rate": "0.5 req/s", "stages": {"search": {"fan_out": parts}}, **OPEN}

    got, error = estimate(
        [mean_latency_s(run) for run in played(world("4000 s", 60, "workload=poisson", workload=asked))]
    )

    assert got == pytest.approx(sum(1 / k for k in range(1, parts + 1)), abs=4 * error)


def test_a_hedge_is_sent_as_often_as_the_service_is_slow_and_cuts_the_mean():
    """P(T > x) = P(S > x) P(S > x - a): mean 1 - exp(-a) + exp(-a) / 2 for an exponential S of mean 1, hedged at a."""
    after = 1.5
    asked = {"rate": "1 req/s", "stages": {"search": {"hedge": {"after": f"{after} s"}}}, **OPEN}

    runs = played(world("4000 s", 30, "workload=poisson", workload=asked))

    latency_s, error = estimate([mean_latency_s(run) for run in runs])
    rows = [after_warm_up(run) for run in runs]
    hedged, hedged_error = estimate([row["hedges"].sum() / row["offered"].sum() for row in rows])
    assert latency_s == pytest.approx(1 - math.exp(-after) + math.exp(-after) / 2, abs=4 * error)
    assert hedged == pytest.approx(math.exp(-after), abs=4 * hedged_error)


def test_a_cascade_takes_the_mean_of_its_stages_weighted_by_who_reaches_them():
    stages = {"small": {"pool": "small", "next": {"large": 0.3}}, "large": {"pool": "large"}}
    asked = {"rate": "1 req/s", "pool": "large", "stages": stages, **OPEN}
    pools = {"small": {"service": {"per_item": "200 ms"}}, "large": {}}
    scenario = world("4000 s", 40, "workload=poisson", workload=asked, pools=pools)

    got, error = estimate([mean_latency_s(run) for run in played(scenario)])

    assert got == pytest.approx(0.2 + 0.3 * 1.0, abs=4 * error)


RETRY = {
    "kind": "exponential", "max_attempts": 4, "after": ["timed_out"], "base_delay": "100 ms", "max_delay": "1 s",
    "multiplier": 2, "jitter": "full", "saved": 10,
}  # fmt: skip


def storm(budget):
    """Goodput before and long after a spike of three times the traffic, on servers that are 80 % busy without it."""
    launch = {"at": "2026-01-01 00:20", "factor": 3, "decay": "3 min"}
    asked = {"rate": "64 req/s", "timeout": "3 s", "resolution": "1 min", "launches": [launch], **OPEN}
    constant = {"base": "0 s", "per_item": "1 s", "distribution": "constant", "cv": 0}
    asked["retry"] = {**RETRY, "budget": budget}
    scenario = world("2 h", 80, "workload=poisson", service=constant, workload=asked)
    rows = simulate(scenario).timeseries
    good = rows["completed"] / rows["offered"]
    return good[rows["end_s"] <= 1200].mean(), good[rows["start_s"] >= 3600].mean()


def test_a_retry_storm_outlives_its_spike_unless_retries_have_a_budget():
    """Attempts that time out keep their servers busy: with a retry for each, the collapse feeds itself."""
    before, after = storm(1.0)
    assert before > 0.9
    assert after < 0.5
    before, after = storm(0.1)
    assert before > 0.9
    assert after > 0.9
