"""Zones in a whole run: what crosses takes longer and costs money, and a router that looks at home first saves both."""

import pytest

from sim import load, simulate

BYTES = 3000 + 1000  # of a request and its answer


def lived(engine="exact", **pool):
    """A day of light traffic on four replicas, with constant service."""
    scenario = load(
        "document_assistant", "pool=realtime", "autoscaler=fixed", "phases=production", "admission=none", "cache=none",
        "learning=none", "value=none", "incidents=none",
        engine=engine, horizon="6 h", record={"interval": "1 h", "requests": "all"}, autoscaler={"replicas": 4},
        workload={
            "rate": "0.1 req/s", "response": "1 kB", "timeout": "10 s", "growth": {"kind": "none"},
            "seasonality": {"kind": "flat"},
        },
        pool={"service": {"base": "100 ms", "per_item": "0 s", "distribution": "constant", "cv": 0}, **pool},
    )  # fmt: skip
    return simulate(scenario)


def zones(**changes):
    return {"names": ["a", "b"], "latency": "20 ms", "price": "0.02 USD/GB", "request": "3 kB", **changes}


def posted(run):
    lines = run.ledger[run.ledger["account"] == "network.inter_zone"]
    return float(lines["quantity"].sum()), float(lines["amount_usd"].sum())


@pytest.mark.parametrize("engine", ["exact", "reference"])
def test_what_crosses_takes_a_detour_and_is_billed(engine):
    run = lived(engine, routing="random", zones=zones())
    served_ns = run.requests["end_ns"] - run.requests["start_ns"]
    crossed = int((served_ns == 140_000_000).sum())
    assert set(served_ns) == {100_000_000, 140_000_000}
    assert 0.4 < crossed / len(served_ns) < 0.6
    gb, usd = posted(run)
    assert gb == pytest.approx(crossed * BYTES / 1e9, rel=1e-12)
    assert usd == pytest.approx(gb * 0.02, abs=1e-8)


def test_a_router_that_looks_at_home_first_never_crosses_while_somebody_is_ready_there():
    run = lived(routing="power_of_two", zones=zones(prefer_own=True))
    assert set(run.requests["end_ns"] - run.requests["start_ns"]) == {100_000_000}
    assert posted(run) == (0, 0)


def test_a_detour_beyond_the_patience_is_a_timeout():
    run = lived(routing="round_robin", zones=zones(latency="6 s"))
    outcomes = run.requests["outcome"].value_counts(normalize=True)
    assert set(outcomes.index) == {"completed", "timed_out"}
    assert 0.4 < outcomes["timed_out"] < 0.6


def test_zones_of_nothing_change_nothing():
    plain = lived(routing="least_outstanding")
    near = lived(routing="least_outstanding", zones=zones(latency="0 s", price="0 USD/GB"))
    assert plain.requests.equals(near.requests)
