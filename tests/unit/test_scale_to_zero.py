"""A pool that goes to zero replicas and comes back, in a whole run: given seldom requests, when its controller may have
none, then machines come and go with them, and all are answered.
"""

import pytest

import sim

SELDOM = (
    "pool=single_queue",
    "pool.scrape.interval=10 s",
    "autoscaler.min_replicas=0",
    "phases=production",
    "learning=none",
    "cache=none",
    "workload=poisson",
    "workload.rate=0.002 req/s",
    "workload.growth={kind: none}",
    "workload.seasonality={kind: flat}",
    "workload.timeout=1 h",
    "horizon=12 h",
    "record.interval=10 min",
)
CONTROLLERS = {
    "knative": ("autoscaler=knative", "autoscaler.sync_period=10 s"),
    "hpa": (
        "autoscaler=hpa",
        "autoscaler.sync_period=10 s",
        "autoscaler.metrics=[{kind: external, name: in_flight_total, type: average_value, target: 5}]",
    ),
}


@pytest.mark.parametrize("typed", CONTROLLERS.values(), ids=CONTROLLERS.keys())
def test_seldom_requests_find_a_machine_that_was_not_there(typed: tuple[str, ...]) -> None:
    scenario = sim.load("document_assistant", *typed, *SELDOM)
    run = sim.simulate(scenario)
    scaled = run.events[run.events["kind"] == "scale"]
    counts = scaled["after"].tolist()
    assert counts.count(0.0) >= 2
    assert counts.count(1.0) >= 2
    totals = run.timeseries[["offered", "completed", "rejected", "timed_out"]].sum()
    assert totals["offered"] > 20
    assert totals["rejected"] == totals["timed_out"] == 0
    assert totals["completed"] >= totals["offered"] - 1  # the last may still wait at the end
    # machines are paid for while they are there, and they are not there all the time
    assert 0 < run.timeseries["replicas_ready"].mean() < 0.9
