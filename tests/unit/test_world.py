"""Worlds seen from outside: phases that change pools, several workloads, what a run says of its end."""

import pytest

import sim

# quick requests to small machines, and nothing around them
PLAIN = (
    "machine=aws_g6_xlarge", "model=llm_1b", "service=document_assistant", "api=gpt_4o_mini",
    "api.latency={median: 2.4 s, cv: 0.5}", "workload.timeout=30 s",
    "workload.prompt_tokens=1155", "workload.output_tokens=211", "workload.slo.latency=5 s",
    "pool.batching.max_queue_delay=50 ms", "pool.scrape.interval=15 s", "admission=none", "cache=none", "learning=none",
    "value=none", "incidents=none",
)  # fmt: skip
ONE_HOUR = (
    "phases=production", "horizon=1 h", "workload.seasonality={kind: flat}", "workload.growth={kind: none}", *PLAIN,
)  # fmt: skip


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


def test_a_phase_may_change_what_its_controller_gets_to_see():
    # given load that a controller must follow, and from 00:20 on scrapes that it sees only 15 minutes late
    late = PHASES.replace("override: {pool: {routing: shared_queue}}", "override: {pool: {scrape: {lag: 15 min}}}")
    busy = (
        "workload.rate=300 req/min", "autoscaler.max_replicas=12", "autoscaler.sync_period=15 s",
        "autoscaler.scale_down.stabilisation=5 min",
    )  # fmt: skip
    seen, lagged = run(*busy, PHASES.replace("routing: shared_queue", "scrape: {lag: 0 s}")), run(*busy, late)
    assert seen.requests is None
    assert lagged.timeseries["completed"].iloc[:20].tolist() == seen.timeseries["completed"].iloc[:20].tolist()
    assert not lagged.events.equals(seen.events)


def trace(tmp_path):
    path = tmp_path / "trace.csv"
    rows = [f"2026-01-01 00:{minute:02}:00.0000000,{100 + minute},{minute}\n" for minute in range(50)]
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(rows))
    return path


@pytest.mark.parametrize("engine", ["exact", "reference"])
def test_a_replayed_request_is_billed_by_its_own_tokens(tmp_path, engine):
    scenario = sim.load(
        "azure_llm", f"workload.path={trace(tmp_path)}", "phases.production.serving=api", f"engine={engine}"
    )
    ledger = sim.simulate(scenario).ledger
    prompt = ledger[ledger["sku"].str.endswith(".prompt")]["quantity"].sum()
    output = ledger[ledger["sku"].str.endswith(".output")]["quantity"].sum()
    assert prompt == pytest.approx(sum(range(100, 150)) / 1e6, rel=1e-12)
    assert output == pytest.approx(sum(range(50)) / 1e6, rel=1e-12)


@pytest.mark.parametrize("engine", ["exact", "reference"])
def test_those_whom_nobody_is_left_to_serve_time_out_when_their_patience_ends(engine):
    # given a shared queue without a replica, left for an API at 00:20
    r = run("workload.rate=60 req/min", "workload.timeout=30 s", "pool=single_queue", "pool.queue.capacity=100000",
            "autoscaler=fixed", "autoscaler.replicas=0", f"engine={engine}",
            "phases={production: {staff: {}}, b: {start: '2026-01-01 00:20', exposure: 1, serving: api, staff: {}}}",
            )  # fmt: skip
    waiting = r.timeseries.set_index("start_s")["queue_mean"]
    assert waiting[1140.0] > 1000
    assert waiting[1320.0:].max() == 0.0
    assert r.totals["timed_out"] > 1000
    assert r.timeseries["timed_out"][r.timeseries["start_s"] > 1300].sum() == 0


@pytest.mark.parametrize("engine", ["exact", "reference"])
@pytest.mark.parametrize(("column", "prompt", "output"), [("prompt_tokens", 30, 422), ("output_tokens", 2310, 30)])
def test_a_trace_with_one_column_of_tokens_takes_the_mean_for_the_other(tmp_path, engine, column, prompt, output):
    path = tmp_path / "trace.csv"
    path.write_text(f"arrival,{column}\n2026-03-02T08:00:00Z,10\n2026-03-02T08:00:30Z,20\n")
    r = sim.simulate(sim.load(
        "azure_llm", f"workload.path={path}", "phases.production.serving=api", f"engine={engine}",
        "workload.prompt_tokens=1155", "workload.output_tokens=211", "record.interval=1 s",
    ))  # fmt: skip
    billed = r.ledger[r.ledger["account"] == "serving.api"].set_index("sku")["quantity"] * 1e6
    assert [round(v, 6) for v in billed.tolist()] == [prompt, output]


def test_a_workload_that_moves_to_another_pool_leaves_no_negative_use_behind():
    r = run(
        "workload.rate=60 req/min", "pools={main: {}, fast: {machine: {price: 2 USD/h}}}",
        "phases={production: {staff: {}}, b: {start: '2026-01-01 00:20', exposure: 1, serving: pool, staff: {}, "
        "override: {workload: {pool: fast}}}}",
    )  # fmt: skip
    columns = ["replicas_ready", "replica_s", "busy_s", "capacity_per_s"]
    assert (r.timeseries[columns] >= 0).all().all()
    assert set(r.timeseries["pool"]) == {"main", "fast"}


def test_what_is_going_on_may_outgrow_292_request_years():
    # given calls that take nearly a year each, so that request-nanoseconds pass 2**63
    r = sim.simulate(sim.load(
        "document_assistant", *PLAIN, "phases=production", "phases.production.serving=api", "horizon=24 months",
        "workload={rate: 1 req/h, timeout: 365 d, growth: {kind: none}, seasonality: {kind: flat}}",
        "api.latency={median: 300 d, cv: 0}", "record.interval=1 d",
    ))  # fmt: skip
    area = (r.timeseries["in_system_mean"] * (r.timeseries["end_s"] - r.timeseries["start_s"])).sum()
    assert area * 1e9 > 2**63
    assert r.timeseries["in_system_mean"].iloc[-1] == pytest.approx(300 * 24, rel=0.1)
