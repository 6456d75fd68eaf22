"""With every non-linear mechanism off, variable cost grows exactly as traffic does; with one on, it does not.

What makes cost bend: steps of capacity and idle machines (here an API serves), tiers and free volumes (one price a GB),
logs that are kept and so lag behind (no price for keeping), caches, quotas and labels (none).
"""

from functools import cache
from typing import Any

import pytest

import sim

LINEAR = (
    "horizon=60 d", "phases=production", "phases.production.serving=api", "workload.rate=1 req/min",
    "workload.growth={kind: exponential, doubling: 15 d}", "price.egress={free: 0 GB, tiers: [{price: 0.09 USD/GB}]}",
    "price.logs.ingest={free: 0 GB, tiers: [{price: 0.5 USD/GB}]}", "price.logs.storage=0 USD/GB/month", "cache=none",
    "admission=none", "learning=none", "api=gpt_4o_mini", "workload.prompt_tokens=1155", "workload.output_tokens=211",
)  # fmt: skip
# about 90 GB in the first month, for nothing, and 370 in the second
FREE_VOLUME = (*LINEAR, "workload.response=1 MB", "price.egress={free: 100 GB, tiers: [{price: 9 USD/GB}]}")


@cache
def _summary(*typed: str) -> dict[str, Any]:
    return sim.simulate(sim.load("document_assistant", *typed)).summary()


def test_without_non_linear_mechanisms_the_elasticity_is_one() -> None:
    summary = _summary(*LINEAR)
    (phase,) = summary["phases"]
    slope = phase["elasticity"]
    # what was offered before midnight and answered after it moves a day by some 3 s of 86,400: far under 0.01
    assert slope["value"] == pytest.approx(1, abs=0.01)
    assert slope["hi"] - slope["lo"] < 0.01
    assert summary["cost_curve"]["breaks"] == []
    assert [row["value"] for row in summary["cost_curve"]["slopes"]] == [pytest.approx(1, abs=0.01)]
    for row in summary["drivers"]:
        assert row["elasticity"] == pytest.approx(1, abs=0.01), row
        assert row["bend"] == pytest.approx(0, abs=0.01), row


def test_a_free_volume_alone_bends_it_upwards() -> None:
    summary = _summary(*FREE_VOLUME)
    slope = summary["phases"][0]["elasticity"]
    assert slope["lo"] > 1
    assert slope["value"] > 1.1
    assert summary["drivers"][0]["mechanism"] == "egress"


def test_idle_machines_alone_bend_it_downwards_and_are_named() -> None:
    summary = _summary(*LINEAR, "phases.production.serving=pool", "autoscaler=fixed")
    assert summary["phases"][0]["elasticity"]["hi"] < 0.5
    assert summary["drivers"][0]["mechanism"] == "idle"
