"""Worlds seen from outside: phases that change pools, several workloads, what a run says of its end."""

import pytest

import sim

ONE_HOUR = ("phases=production", "horizon=1 h", "workload.seasonality={kind: flat}", "workload.growth={kind: none}")


def run(*overrides):
    return sim.simulate(sim.load("document_assistant", *ONE_HOUR, "record=minutely", *overrides))


def test_windows_add_up_to_the_totals_even_when_the_end_times_requests_out():
    # given a service so slow that many are still waiting at the end
    r = run("workload.rate=200 req/min", "autoscaler=fixed", "autoscaler.replicas=1", "workload.timeout=20 s",
            "pool.batching.max_batch_size=1", "pool.queue.capacity=50")  # fmt: skip
    sums = r.timeseries[["offered", "completed", "rejected", "timed_out"]].sum()
    assert r.totals["timed_out"] > 0
    assert r.totals["rejected"] > 0
    for name, total in sums.items():
        assert total == r.totals[name]
    ended = r.totals["completed"] + r.totals["rejected"] + r.totals["timed_out"]
    assert r.totals["offered"] == ended + r.totals["in_system"]


PHASES = (
    "phases={production: {staff: {}}, "
    "b: {start: '2026-01-01 00:20', exposure: 1, serving: pool, staff: {}, override: {pool: {routing: shared_queue}}}, "
    "c: {start: '2026-01-01 00:40', exposure: 1, serving: pool, staff: {}}}"
)


@pytest.mark.parametrize("engine", ["exact", "reference"])
def test_a_pool_may_be_left_and_come_back_to(engine):
    r = run("workload.rate=60 req/min", PHASES, f"engine={engine}")
    assert [name for name, _, _ in r.phases_effective] == ["production", "b", "c"]
    assert r.totals["completed"] + r.totals["in_system"] == r.totals["offered"] == r.totals["potential"]
    starts = [start for _, start, _ in r.phases_effective]
    # the new fleet boots while the old one serves: machine.provisioning and model.load after the date
    assert starts[1] > 1200
    assert starts[2] > 2400
    assert r.totals["rejected"] == 0


def test_a_phase_whose_replicas_are_never_ready_is_said():
    late = PHASES.replace("00:40", "00:59:59")
    r = run("workload.rate=60 req/min", late)
    assert [name for name, _, _ in r.phases_effective] == ["production", "b"]
    assert any("phase c never took effect" in note for note in r.notes)


def test_workloads_share_a_pool_or_have_their_own_and_each_keeps_its_arrivals():
    alone = run("workloads={chat: {}, search: {rate: 30 req/min}}", "record.requests=all")
    apart = run(
        "workloads={chat: {}, search: {rate: 30 req/min, pool: small}}",
        "pools={main: {}, small: {autoscaler: {max_replicas: 4}}}", "record.requests=all",
    )  # fmt: skip
    for r in (alone, apart):
        assert set(r.timeseries["workload"]) == {"chat", "search"}
        assert r.totals["completed"] + r.totals["in_system"] == r.totals["offered"]
    columns = ["workload", "request", "arrival_ns"]
    assert alone.requests[columns].equals(apart.requests[columns])
    assert set(apart.timeseries["pool"]) == {"main", "small"}


def test_an_api_serves_without_machines_and_bills_every_call():
    r = run("workload.rate=60 req/min", "phases.production.serving=api")
    api = r.ledger[r.ledger["account"] == "serving.api"]
    calls = r.totals["offered"]
    prompt, output = r.scenario.workloads["main"].prompt_tokens, r.scenario.workloads["main"].output_tokens
    expected = calls * (prompt * r.scenario.api.prompt_usd_per_mtok + output * r.scenario.api.output_usd_per_mtok) / 1e6
    assert api["amount_usd"].sum() == pytest.approx(expected, rel=1e-9)
    assert not r.ledger["account"].str.startswith("serving.machine").any()
