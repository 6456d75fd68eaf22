"""Laws of whole worlds of calls: both engines give the same frames, nobody is lost, and every pool on the way is paid.

A run itself breaks off where conservation or Little's law does not hold (`sim.world`).
"""

from functools import cache

import pytest

from sim import load, simulate

RETRY = {
    "kind": "exponential", "max_attempts": 3, "after": ["rejected", "timed_out"], "base_delay": "1 s",
    "max_delay": "5 s", "multiplier": 2, "jitter": "full", "budget": 0.5, "saved": 20,
}  # fmt: skip
CASCADE = {
    "small": {"pool": "small", "hedge": {"after": "2 s"}, "next": {"large": 0.4}},
    "large": {"pool": "large", "fan_out": 2},
}
POOLS = {
    "small": {"service": {"base": "0 s", "per_item": "1 s"}, "autoscaler": {"replicas": 2}},
    "large": {"service": {"base": "0 s", "per_item": "3 s"}, "autoscaler": {"replicas": 6}},
}
OPEN = {"rate": "1 req/s", "growth": {"kind": "none"}, "seasonality": {"kind": "flat"}, "retry": RETRY}
LOOP = {"users": 12, "think": {"mean": "8 s", "distribution": "exponential"}}


@cache
def played(engine, kind):
    """Half an hour of a cascade through two pools, asked by open arrivals who try again, or by users who think."""
    asked = {"pool": "large", "timeout": "12 s", "stages": CASCADE, **(OPEN if kind == "poisson" else LOOP)}
    return simulate(
        load(
            "azure_llm", "autoscaler=fixed", "phases=production", f"workload={kind}", seed=3, engine=engine,
            name="calls", start="2026-01-01", timezone="UTC", horizon="30 min", record={"interval": "5 min"},
            pool={
                "service": {"distribution": "exponential", "cv": 0}, "queue": {"capacity": 4},
                "batching": {"max_batch_size": 1, "max_queue_delay": "0 s"},
            },
            pools=POOLS, workload=asked,
        )
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["poisson", "closed_loop"])
def test_both_engines_give_the_same_frames_and_totals(kind):
    reference, exact = played("reference", kind), played("exact", kind)

    assert exact.totals == reference.totals
    frames, expected = dict(exact.frames()), dict(reference.frames())
    assert frames.keys() == expected.keys()
    for name, frame in expected.items():
        assert frames[name].equals(frame), name


@pytest.mark.parametrize("kind", ["poisson", "closed_loop"])
def test_every_request_ends_once_however_often_it_was_asked(kind):
    totals = played("exact", kind).totals

    ends = ("hit", "completed", "throttled", "rejected", "timed_out", "failed", "in_system")
    assert totals["offered"] == sum(totals[end] for end in ends) > 500
    assert totals["hedges"] > 0
    assert (totals["retries"] > 0) == (kind == "poisson")


@pytest.mark.parametrize("kind", ["poisson", "closed_loop"])
def test_machines_of_both_pools_are_in_the_ledger(kind):
    ledger = played("exact", kind).ledger

    machines = ledger[ledger["account"].str.startswith("serving.machine")]
    hours = machines.groupby("resource")["quantity"].sum()
    # given replicas that are there from the start to the end
    assert hours.to_dict() == pytest.approx({"small": 2 * 0.5, "large": 6 * 0.5})
    busy = machines[machines["account"].str.endswith("busy")].groupby("resource")["quantity"].sum()
    assert (busy > 0).all()


def test_the_summary_says_how_often_clients_asked():
    run = played("exact", "poisson")
    (phase,) = run.summary()["phases"]

    assert (phase["retries"], phase["hedges"]) == (run.totals["retries"], run.totals["hedges"])
    assert phase["attempts_per_request"] == 1 + phase["retries"] / phase["requests"]


def test_capacity_is_that_of_the_narrowest_pool_on_the_way():
    """Two replicas of 1/s for each request, or six of 1/3 req/s for the 2 x 0.4 parts that it has on average."""
    capacity = played("exact", "poisson").timeseries["capacity_per_s"]

    assert capacity.to_list() == pytest.approx([2.0] * 6)
