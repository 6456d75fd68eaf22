"""Laws of a whole run: nothing is lost, time and money add up, and nothing but demand moves an arrival."""

from decimal import Decimal
from fractions import Fraction
from functools import cache

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scipy import stats

from sim.scenario import Scenario, load
from sim.world import simulate

NS_PER_S = 1_000_000_000
HORIZON_S = 7800  # two labelled samples and two retrainings, of which the most frequent are an hour apart
SWITCH = "2026-03-28 23:10"  # 600 s after the start
DISCOUNT, BASE = 0.41, 2
QUICK = (
    "machine=aws_g6_xlarge", "model=llm_1b", "service=document_assistant", "api=gpt_4o_mini",
    "api.latency={median: 2.4 s, cv: 0.5}", "pool.scrape.interval=15 s", "autoscaler.sync_period=15 s",
    "admission=none", "cache=none", "learning=none", "value=none", "incidents=none",
)  # fmt: skip


@cache
def base() -> Scenario:
    """A good two hours over midnight, of quick machines that bill by the minute, with nothing around them."""
    return load(
        "document_assistant", *QUICK, "phases=production", name="laws", seed=1, start="2026-03-28 23:00",
        timezone="Europe/Paris", horizon=f"{HORIZON_S} s", record={"interval": "1 min", "requests": "all"},
        workload={
            "rate": "1 req/s", "growth": {"kind": "none"}, "seasonality": {"kind": "flat"}, "keys": {"kind": "unique"},
            "tenants": {"count": 1}, "timeout": "30 s", "slo": {"latency": "5 s"},
        },
        pool={
            "machine": {"provisioning": "20 s", "billing_increment": "60 s", "billing_minimum": "120 s"},
            "model": {"load": "10 s"},
        },
    )  # fmt: skip


def scenario(changes: dict) -> Scenario:
    """The base with other values, bare numbers in the unit of their field."""
    from sim.scenario.patches import merge

    tree = merge(base().model_dump(by_alias=True), changes)
    return Scenario.model_validate(tree, by_alias=True, by_name=False)


def pool_of(**changes) -> dict:
    return {"pools": {"main": changes}}


def phases(first: str, exposures: tuple[float, float], override: dict | None = None, second: str = "pool") -> dict:
    staff = {"engineer": {"fte": 1.0, "salary": 180_000.0}}
    return {
        "phases": {
            "production": {"exposure": exposures[0], "serving": first, "staff": staff},
            "scale": {
                "start": SWITCH, "exposure": exposures[1], "serving": second, "staff": staff,
                "override": override or {},
            },
        }
    }  # fmt: skip


@st.composite
def autoscaler(draw):
    if draw(st.booleans()):
        return {"kind": "fixed", "replicas": draw(st.integers(1, 3))}
    low = draw(st.integers(1, 2))
    return {
        "kind": "hpa", "min_replicas": low, "max_replicas": low + draw(st.integers(1, 4)), "initial_replicas": None,
        "metric": "utilisation", "target": draw(st.sampled_from([0.3, 0.7])),
        "scale_down": {"stabilisation": draw(st.sampled_from([0.0, 60.0]))},
    }  # fmt: skip


CACHE = {
    "kind": "lru", "capacity": 8, "ttl": 60.0, "hit_latency": 0.005, "on_deploy": "empty", "entry": 4e3, "price": 0.125,
}  # fmt: skip
BUCKET = {"kind": "token_bucket", "rate": 0.1, "burst": 3}
LEARNING = {
    "kind": "supervised", "quality": 0.9, "drift": {"kind": "exponential", "floor": 0.5, "time_constant": 7200.0},
    "monitor": {"kind": "labels", "share": 0.2, "delay": 600.0, "every": 3600.0, "window": 50, "price": 0.01},
    "training": {
        "duration": 600.0, "machines": 2, "price": 3.0, "data": 5.0, "labels": 1.0, "approval": 60.0,
    },
    "retraining": {"kind": "periodic", "period": 3600.0},
}  # fmt: skip
THRESHOLD = {"kind": "threshold", "below": 0.85, "cooldown": 0.0, "min_labels": 5}
PER_REQUEST = {"kind": "per_request", "usd": 0.05, "wrong": 0.2}
DECISIONS = {
    "kind": "decisions", "prevalence": 0.01, "recall": 0.9, "false_positive_rate": 0.01, "true_positive": 50.0,
    "false_negative": 50.0, "false_positive": 2.0,
}  # fmt: skip
INCIDENTS = {"kind": "poisson", "per_month": 3000.0, "hours": 0.3, "cv": 1.0, "engineers": 1, "rate": 100.0}
ZIPF = {"kind": "zipf", "catalogue": 40, "exponent": 1.0, "drift": 0.5}


@st.composite
def around(draw):
    """What stands around the requests of a workload: who is let in, what is remembered, learned and earned."""
    return {
        "keys": draw(st.sampled_from([{"kind": "unique"}, ZIPF])),
        "tenants": {"count": draw(st.integers(1, 3))},
        "admission": draw(st.sampled_from([{"kind": "none"}, BUCKET])),
        "cache": draw(st.sampled_from([{"kind": "none"}, CACHE, CACHE | {"ttl": None, "on_deploy": "keep"}])),
        "learning": draw(st.sampled_from([{"kind": "none"}, LEARNING, LEARNING | {"retraining": THRESHOLD}])),
        "value": draw(st.sampled_from([{"kind": "none"}, PER_REQUEST, DECISIONS])),
    }


@st.composite
def hosting(draw):
    """Terms of the ways of hosting: contracts shorter and longer than the run, moves with and without an overlap."""
    move = {"switching": 100.0, "overlap": draw(st.sampled_from([0.0, 900.0]))}
    term = draw(st.sampled_from([1200.0, 365 * 86_400.0]))
    return {
        "api": move, "managed": move | {"premium": 0.3}, "pool": move,
        "committed": move | {"base_replicas": BASE, "discount": DISCOUNT, "term": term},
    }  # fmt: skip


@st.composite
def life(draw, patient: bool | None = None):
    """Two phases of a small product: its demand and what stands around it, queue, batches, autoscaler, and how its
    phases are served.
    """
    patient = draw(st.booleans()) if patient is None else patient
    changes = {
        "seed": draw(st.integers(0, 2**63 - 1)),
        "workloads": {
            "main": {"rate": draw(st.sampled_from([0.05, 0.4, 1.5])), "timeout": 1e6 if patient else 4.0}
            | draw(around()),
        },
        "incidents": draw(st.sampled_from([{"kind": "none"}, INCIDENTS])),
    }
    # a queue too short for a batch to form in is refused, unless nobody waits for one
    batch, delay, capacity = draw(
        st.sampled_from([(1, 0.0, 0), (4, 0.0, 0), (4, 0.0, 3), (1, 0.3, 3), (4, 0.3, 4), (4, 0.3, 100_000)])
    )
    changes |= pool_of(
        autoscaler=draw(autoscaler()),
        hosting=draw(hosting()),
        batching={"max_batch_size": batch, "max_queue_delay": delay},
        queue={"capacity": capacity},
        routing=draw(st.sampled_from(["least_outstanding", "round_robin", "shared_queue"])),
    )
    override = draw(st.sampled_from([{}, {"workloads": {"main": {"timeout": 3e5 if patient else 6.0}}}]))
    first, second = (st.sampled_from(modes) for modes in (("api", *OWN), OWN))
    return changes | phases(draw(first), (draw(st.sampled_from([0.3, 1.0])), 1.0), override, draw(second))


OWN = ("managed", "pool", "committed")

few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip


@few
@given(life(), st.sampled_from(["exact", "reference"]))
def test_what_is_offered_has_ended_or_is_in_the_system_in_every_window(changes, engine):
    run = simulate(scenario(changes | {"engine": engine}))

    ends = run.timeseries[["hit", "completed", "throttled", "rejected", "timed_out", "failed"]].sum(axis=1)
    before = run.timeseries["in_system"].shift(fill_value=0)
    assert (run.timeseries["offered"] == ends + run.timeseries["in_system"] - before).all()
    assert (run.timeseries["potential"] >= run.timeseries["offered"]).all()
    assert len(run.requests) == run.timeseries["offered"].sum() == run.totals["offered"]
    logged = run.requests["outcome"].value_counts()
    for outcome in ("hit", "completed", "throttled", "rejected", "timed_out", "in_system"):
        assert logged.get(outcome, 0) == run.totals[outcome], outcome


@few
@given(life(patient=True), st.sampled_from(["exact", "reference"]))
def test_littles_law_holds_exactly_in_every_window(changes, engine):
    run = simulate(scenario(changes | {"engine": engine}))

    inside = run.requests[~run.requests["outcome"].isin(["hit", "throttled"])]  # these never come to be served
    arrived = inside["arrival_ns"].to_numpy()
    left = np.where(inside["outcome"] == "in_system", HORIZON_S * NS_PER_S, inside["end_ns"].to_numpy())
    assert run.totals["timed_out"] == 0
    for window in run.timeseries.itertuples():
        start, end = round(window.start_s * NS_PER_S), round(window.end_s * NS_PER_S)
        spent_ns = int(np.maximum(np.minimum(left, end) - np.maximum(arrived, start), 0).sum())
        assert window.in_system_mean == spent_ns / (end - start), window.start_s
    mean = Fraction(int((left - arrived).sum()), HORIZON_S * NS_PER_S)
    widths = run.timeseries["end_s"] - run.timeseries["start_s"]
    assert abs((run.timeseries["in_system_mean"] * widths).sum() / HORIZON_S - mean) < 1e-12 * (1 + mean)


@few
@given(life(), st.sampled_from(["exact", "reference"]))
def test_billed_time_is_the_sum_over_replicas(changes, engine):
    run = simulate(scenario(changes | {"engine": engine}))

    lives = run.events[run.events["kind"].isin(["replica_requested", "replica_released"])]
    machine = run.scenario.pools["main"].machine
    billed_s = 0
    for _, rows in lives.groupby("subject"):
        requested, *released = rows["at_s"]
        if not released:
            billed_s += HORIZON_S - requested
            continue
        lived = released[0] - requested
        least = max(round(lived, 6), machine.billing_minimum_s)
        billed_s += -(-least // machine.billing_increment_s) * machine.billing_increment_s
    hours = run.ledger.loc[run.ledger["account"].str.startswith("serving.machine."), "quantity"].sum()
    assert abs(run.timeseries["replica_s"].sum() - billed_s) < 1e-6
    assert abs(hours * 3600 - billed_s) < 1e-6
    assert (run.timeseries["busy_s"] >= 0).all()
    assert run.timeseries["busy_s"].sum() <= billed_s + 1e-6


@few
@given(life(), st.sampled_from(["exact", "reference"]))
def test_the_ledger_sums_to_the_nano_dollar(changes, engine):
    run = simulate(scenario(changes | {"engine": engine}))
    summary = run.summary()

    total = sum(run.ledger["amount_nano_usd"].tolist())
    tiered = run.ledger["account"].isin(["network.egress", "observability.log_ingest"])
    for line in run.ledger[~tiered].itertuples():
        # exact decimal product, rounded once; busy and idle share a bill, so that either may be off by its rounding
        exact = Decimal(repr(line.quantity)) * Decimal(repr(line.unit_price_usd)) * 10**9
        assert abs(line.amount_nano_usd - exact) <= 1
    assert len(run.ledger) > 0
    assert nano(summary["totals"]["total_usd"]) == total
    assert nano(summary["totals"]["fixed_usd"]) + nano(summary["totals"]["variable_usd"]) == total
    assert sum(nano(phase["fixed_usd"]) + nano(phase["variable_usd"]) for phase in summary["phases"]) == total


@few
@given(life())
def test_commitments_are_paid_to_the_second_and_cover_no_more_than_they_hold(changes):
    run = simulate(scenario(changes))

    terms = run.scenario.pools["main"].hosting.committed
    first, second = (phase.serving == "committed" for phase in run.scenario.phases.values())
    starts = [start for _, start, _ in run.phases_effective]
    moved = starts[1] if len(starts) == 2 else HORIZON_S
    begins = 0 if first else moved if second else HORIZON_S
    ends = HORIZON_S if second else min(HORIZON_S, max(moved, terms.term_s)) if first else HORIZON_S
    by_account = run.ledger.groupby("account")
    hours, paid = by_account["quantity"].sum(), by_account["amount_usd"].sum()
    committed_h = BASE * max(ends - begins, 0) / 3600
    price = run.scenario.pools["main"].machine.price_usd_per_h * (1 - DISCOUNT)
    assert abs(hours.get("commitment", 0.0) - committed_h) < 1e-9
    assert abs(paid.get("commitment", 0.0) - committed_h * price) < 1e-6
    covered = [f"serving.machine.covered_{part}" for part in ("busy", "idle")]
    assert sum(hours.get(account, 0.0) for account in covered) <= committed_h + 1e-9
    assert sum(paid.get(account, 0.0) for account in covered) == 0.0


def nano(usd: float) -> int:
    return round(usd * NS_PER_S)


def test_a_life_with_everything_in_it_meets_everything():
    # given all that the lives above are drawn from, at once
    main = {"keys": ZIPF, "tenants": {"count": 3}, "admission": BUCKET, "cache": CACHE, "learning": LEARNING,
            "value": PER_REQUEST, "rate": 1.5, "timeout": 4.0}  # fmt: skip
    run = simulate(scenario(
        phases("managed", (1.0, 1.0), second="committed") | {"workloads": {"main": main}, "incidents": INCIDENTS}
        | pool_of(autoscaler={"kind": "fixed", "replicas": 1}, batching={"max_batch_size": 1},
                  queue={"capacity": 1}, service={"base": 2.0}, hosting={"committed": {"switching": 100.0}})
    ))  # fmt: skip

    assert all(run.totals[end] > 0 for end in ("hit", "completed", "throttled", "rejected"))
    assert {
        "commitment", "serving.machine.covered_busy", "serving.machine.covered_idle", "serving.managed_premium",
        "switching", "training", "labels.monitor", "rca", "cache", "network.egress", "observability.log_ingest",
    } <= set(run.ledger["account"])  # fmt: skip
    assert set(run.value["account"]) == {"value.answers", "value.throttled", "value.shed", "value.staleness"}
    assert {"training_started", "model_deployed", "incident", "incident_resolved"} <= set(run.events["kind"])
    assert run.timeseries["quality"].min() < 0.85
    assert run.timeseries["quality_seen"].notna().any()


@few
@given(life())
def test_both_engines_give_the_same_run(changes):
    exact, reference = (simulate(scenario(changes | {"engine": engine})) for engine in ("exact", "reference"))

    assert exact.totals == reference.totals
    assert exact.phases_effective == reference.phases_effective
    assert exact.gates_checked == reference.gates_checked
    assert exact.thresholds == reference.thresholds
    for name in ("requests", "timeseries", "latency_histogram", "ledger", "value", "events"):
        pd.testing.assert_frame_equal(getattr(exact, name), getattr(reference, name), check_exact=True, obj=name)


QUIET = {"seed": 11, **phases("pool", (1.0, 1.0))}
OTHER_LIVES = {
    "engine": {"engine": "reference"},
    "autoscaler": pool_of(autoscaler={"kind": "fixed", "replicas": 3}),
    "routing": pool_of(routing="round_robin", batching={"max_batch_size": 1}),
    "machines": pool_of(machine={"provisioning": 300.0}),
    "impatience": {"workloads": {"main": {"timeout": 1.0}}},
    "serving": phases("api", (1.0, 1.0)),
    "windows": {"record": {"interval": 7.0}},
    "service": pool_of(service={"distribution": "exponential", "cv": 0.0}),
    "keys and tenants": {"workloads": {"main": {"keys": ZIPF, "tenants": {"count": 9}}}},
    "cache": {"workloads": {"main": {"keys": ZIPF, "cache": CACHE}}},
    "admission": {"workloads": {"main": {"admission": BUCKET}}},
    "learning": {"workloads": {"main": {"learning": LEARNING, "value": PER_REQUEST}}},
    "managed": phases("managed", (1.0, 1.0), second="committed"),
    "gate": {"phases": {"scale": {"start": None, "gate": {"all": [{"kind": "date", "from": "2026-03-29"}]}}}},
    "incidents": {"incidents": INCIDENTS},
}


def arrivals(*changes: dict) -> pd.Series:
    from sim.scenario.patches import merge

    tree: dict = {}
    for change in (QUIET, *changes):
        tree = merge(tree, change)
    return simulate(scenario(tree)).requests.set_index("request")["arrival_ns"]


def test_nothing_but_demand_moves_an_arrival():
    usual = arrivals()

    assert len(usual) > 1000
    for name, change in OTHER_LIVES.items():
        pd.testing.assert_series_equal(arrivals(change), usual, obj=name)


def test_exposure_lets_in_fewer_of_the_same_arrivals():
    usual, half, fifth = arrivals(), arrivals(phases("pool", (0.5, 1.0))), arrivals(phases("pool", (0.2, 1.0)))

    early = usual < 600 * NS_PER_S
    for thinned, above in ((half, usual), (fifth, half)):
        pd.testing.assert_series_equal(thinned, above.loc[thinned.index])
        pd.testing.assert_series_equal(thinned[thinned >= 600 * NS_PER_S], usual[~early])
    n = int(early.sum())
    for thinned, exposure in ((half, 0.5), (fifth, 0.2)):
        let_in = int((thinned < 600 * NS_PER_S).sum())
        assert stats.binomtest(let_in, n, exposure).pvalue > 1e-6  # a true thinning fails one seed in a million
