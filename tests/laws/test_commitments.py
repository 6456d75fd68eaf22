"""Laws of commitments: each is paid from its making to its end, to the nanosecond, and pays for machines once."""

import math

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sim.scenario import Scenario, load
from sim.world import simulate

HORIZON_S, DISCOUNT, PRICE = 7200.0, 0.41, 2.0
HOUR_S = 3600.0
PLAIN = (
    "machine=aws_g6_xlarge", "model=llm_1b", "service=document_assistant", "api=gpt_4o_mini", "admission=none",
    "cache=none", "value=none", "autoscaler=fixed", "autoscaler.replicas=3",
    "phases=production", "~phases.production", "name=commitments", "start='2026-03-02 00:00'", "timezone=UTC",
    f"horizon={HORIZON_S:g} s", "workload.rate=5 req/min", "workload.growth={kind: none}",
    "workload.seasonality={kind: flat}", "pool.model.load=0 s", "hosting.committed.discount=41 %",
    "hosting.managed.overlap=0 s", "hosting.pool.overlap=0 s", "hosting.committed.overlap=0 s",
    "pool.machine.billing_increment=0 s", "pool.machine.billing_minimum=0 s",
)  # fmt: skip
few = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip


STILL = ("learning=none", "incidents=none")


def life(phases: list[tuple[str, str]], *more: str, still: bool = True, every: int = 10) -> Scenario:
    """Phases so many minutes apart, each a way to serve and its overrides."""
    entries = []
    for number, (serving, override) in enumerate(phases):
        start = f"start: '2026-03-02 {number * every // 60:02d}:{number * every % 60:02d}', " if number else ""
        entries.append(f"p{number}: {{{start}exposure: 1.0, serving: {serving}, staff: {{}}, override: {override}}}")
    return load("document_assistant", *PLAIN, *(STILL if still else ()), f"phases={{{', '.join(entries)}}}", *more)


def of(ledger: pd.DataFrame, account: str, *by: str) -> dict:
    """Quantities of an account by the labels, those without any left out."""
    own = ledger[ledger["account"].str.startswith(account)]
    return {key: hours for key, hours in own.groupby(list(by))["quantity"].sum().items() if hours > 1e-12}


MACHINES = {
    "small": f"{{pool: {{machine: {{name: small, price: {PRICE} USD/h}}}}}}",
    "large": f"{{pool: {{machine: {{name: large, price: {5 * PRICE} USD/h}}}}}}",
}


@few
@given(
    st.lists(st.tuples(st.sampled_from(["pool", "committed", "managed"]), st.sampled_from(["small", "large"])),
             min_size=2, max_size=5),
    st.integers(1, 4), st.sampled_from([300.0, 1200.001, 86_400.0]), st.sampled_from([0.0, 0.001, 20.003]),
)  # fmt: skip
def test_commitments_are_paid_by_the_machine_from_their_making_to_their_end(phases, base, term_s, boot_s):
    # given phases that change the way to serve and the machine, with starts that fall between milliseconds
    scenario = life(
        [(serving, MACHINES[machine]) for serving, machine in phases], f"hosting.committed.base_replicas={base}",
        f"hosting.committed.term={term_s} s", f"pool.machine.provisioning={boot_s} s",
    )  # fmt: skip

    # when it is played
    run = simulate(scenario)

    # then each machine's contract is paid while it is wanted, for its term at least, as summed span by span
    owed: dict[str, float] = {}
    for machine in ("small", "large"):
        begun = until = -math.inf
        for (serving, of_phase), (_, start, end) in zip(phases, run.phases_effective):
            if serving == "committed" and of_phase == machine:
                if until <= start:
                    begun = start
                until = max(end, begun + term_s)
                owed[machine] = owed.get(machine, 0.0) + base * (end - start)
            elif until > start:
                owed[machine] = owed.get(machine, 0.0) + base * (min(end, until) - start)
    paid = of(run.ledger, "commitment", "sku")
    assert paid == pytest.approx({name: s / HOUR_S for name, s in owed.items() if s > 0}, abs=1e-8)
    prices = run.ledger[run.ledger["account"] == "commitment"].groupby("sku")["unit_price_usd"].unique()
    assert {name: list(of_name) for name, of_name in prices.items()} == {
        name: [pytest.approx((PRICE if name == "small" else 5 * PRICE) * (1 - DISCOUNT))] for name in prices.index
    }
    # and covers no more hours of that machine than are paid
    covered = of(run.ledger, "serving.machine.covered_", "sku")
    assert all(hours <= paid.get(name, 0.0) + 1e-9 for name, hours in covered.items())
    # and every hour of a machine's life is in the ledger once
    lives = run.events[run.events["kind"].isin(["replica_requested", "replica_released"])]
    lived_s = 0.0
    for _, rows in lives.groupby("subject"):
        lived_s += (rows["at_s"].iloc[1] if len(rows) == 2 else HORIZON_S) - rows["at_s"].iloc[0]
    assert sum(of(run.ledger, "serving.machine.", "sku").values()) == pytest.approx(lived_s / HOUR_S, abs=1e-8)


def test_to_and_fro_keeps_one_contract_while_it_runs_and_makes_another_when_it_is_over():
    modes = ["pool", "committed", "pool", "committed"]
    small = [(mode, MACHINES["small"]) for mode in modes]
    for term_s, contracts_h in ((7200, 110 / 60), (300, 100 / 60)):
        run = simulate(life(small, "hosting.committed.base_replicas=1", f"hosting.committed.term={term_s} s",
                            "pool.machine.provisioning=0 s"))  # fmt: skip
        # then, made at 0:10 and at 0:30: the one bridges the ten minutes between, the other ends with its phase
        assert of(run.ledger, "commitment", "sku") == pytest.approx({"small": contracts_h})
        assert of(run.ledger, "serving.machine.covered_", "sku") == pytest.approx({"small": contracts_h})


def test_a_pool_that_nobody_uses_any_more_is_given_up():
    # given two pools with a commitment each, until one workload moves to the other's
    phases = [("committed", "{}"), ("committed", "{workloads: {two: {pool: a}}}"), ("pool", "{}")]
    run = simulate(life(phases, "pools.a={}", "pools.b={}", "workloads.one.pool=a", "workloads.two.pool=b",
                        "hosting.committed.base_replicas=2", "hosting.committed.term=15 min",
                        "pool.machine.provisioning=0 s"))  # fmt: skip
    # then b's ends with its term, and a's with the phase
    assert of(run.ledger, "commitment", "resource") == pytest.approx({"a": 2 * 20 / 60, "b": 2 * 15 / 60})
    covered = of(run.ledger, "serving.machine.covered_", "resource")
    assert covered["a"] == pytest.approx(2 * 20 / 60)
    assert covered["b"] <= 2 * 15 / 60


def test_a_machine_that_is_changed_is_not_covered_by_the_old_ones_contract():
    run = simulate(life([("committed", MACHINES["small"]), ("committed", MACHINES["large"])],
                        "hosting.committed.base_replicas=2", "hosting.committed.term=1 h",
                        "pool.machine.provisioning=0 s"))  # fmt: skip
    assert of(run.ledger, "commitment", "sku") == pytest.approx({"small": 2.0, "large": 2 * 110 / 60})
    assert of(run.ledger, "serving.machine.covered_", "sku") == pytest.approx({"small": 20 / 60, "large": 2 * 110 / 60})
    assert {name for name in run.ledger["sku"] if name} >= {"small", "large"}


def test_idle_committed_machines_are_idle():
    # given three replicas of which two are committed to, and then all
    for base in (2, 3):
        run = simulate(life([("committed", MACHINES["small"])], f"hosting.committed.base_replicas={base}"))
        # then the share of idle hours is that of machines, whoever pays for them
        busy = run.timeseries["busy_s"].sum() / run.timeseries["replica_s"].sum()
        assert run.summary()["phases"][0]["idle_share"] == pytest.approx(1 - busy, rel=1e-9)


TRAINED = (
    "learning=periodic", "workload.learning.retraining.period=1 h", "workload.learning.training.duration=15 min",
    "workload.learning.training.approval=0 s", "workload.learning.training.machines=2",
    "workload.learning.training.price=3 USD/h", "workload.learning.monitor={kind: none}",
)  # fmt: skip


def test_what_began_before_a_phase_is_billed_on_the_terms_of_its_start():
    # given a training from 1:00 to 1:15, a phase from 1:10 with dearer ones on more machines, and work on incidents,
    # an hour each, that begins in both
    learning = "{training: {machines: 5, price: 100 USD/h}}"
    dearer = f"{{workloads: {{main: {{learning: {learning}}}}}, incidents: {{rate: 900 USD/h}}}}"
    incidents = "incidents={kind: poisson, per_month: 10000, hours: 1, cv: 0, engineers: 3, rate: 100 USD/h}"
    phases = [("pool", "{}"), ("pool", dearer)]
    run = simulate(life(phases, *TRAINED, incidents, "horizon=3 h", still=False, every=70))

    # then what of it falls into the new phase is paid as agreed
    ((_, _, changed), *_) = run.phases_effective
    started = run.events.loc[run.events["kind"] == "training_started", "at_s"]
    assert started.tolist() == [3600.0, 7200.0]
    assert changed == 4200.0
    lines = run.ledger[run.ledger["account"] == "training"]
    agreed = lines[lines["unit_price_usd"] == 3.0]
    assert agreed["quantity"].sum() == pytest.approx(2 * 900 / HOUR_S)
    assert set(agreed["phase"]) == {"p0", "p1"}
    assert lines.loc[lines["unit_price_usd"] == 100.0, "quantity"].sum() == pytest.approx(5 * 900 / HOUR_S)
    # and so is the hour of each engineer who began before it
    work = run.ledger[run.ledger["account"] == "rca"]
    resolved = run.events.loc[run.events["kind"] == "incident_resolved", "at_s"]
    began = int((resolved - HOUR_S < changed).sum())
    assert began > 0
    agreed = work[work["unit_price_usd"] == 100.0]
    assert agreed["quantity"].sum() == pytest.approx(began)
    assert set(agreed["phase"]) == {"p0", "p1"}
    assert work.loc[work["unit_price_usd"] == 900.0, "quantity"].sum() > 0
