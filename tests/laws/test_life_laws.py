"""Laws of a whole life: what traffic may move (variable cost, promotions by traffic) and what it may not (the rest)."""

import pytest

from sim.scenario import Scenario, load
from sim.world import Run, simulate
from sim.world.gauges import Gauges

DAY_S = 86_400
SMALL = (
    "document_assistant", "start='2026-03-02'", "timezone=UTC", "workload.rate=6 req/min",
    "workload.seasonality={kind: flat}", "workload.growth={kind: none}", "autoscaler=fixed", "autoscaler.replicas=2",
    "incidents.per_month=60", "hosting.pool.overlap=6 h", "hosting.managed.overlap=0 s",
    "learning=periodic", "learning.retraining.period=2 d", "learning.training.duration=6 h",
    "learning.training.approval=6 h", "learning.monitor.delay=1 d",
)  # fmt: skip
DATED = (
    *SMALL, "horizon=8 d", "phases.mvp.gate=null", "phases.mvp.start='2026-03-04'", "phases.production.gate=null",
    "phases.production.start='2026-03-06'", "phases.scale.gate=null", "phases.scale.start='2026-03-08'",
)  # fmt: skip
GATED = (
    *SMALL, "horizon=30 d", "~phases.production", "~phases.scale", "phases.mvp.start=null",
    "phases.poc.exposure=50 %",
    "phases.mvp.gate={every: 1 d, window: 1 d, all: [{kind: traffic, at_least: 9 req/min}]}",
)  # fmt: skip


def fixed_by_account(scenario: Scenario) -> dict[tuple[str, str], float]:
    ledger = simulate(scenario).ledger
    fixed = ledger[ledger["nature"] == "fixed"]
    return fixed.groupby(["phase", "account"])["amount_nano_usd"].sum().to_dict()


def test_doubling_traffic_leaves_fixed_cost_as_it_is():
    # given a whole life on dates, retrained by the calendar, with as many replicas whatever the load
    usual = fixed_by_account(load(*DATED))

    doubled = fixed_by_account(load(*DATED, "workload.rate=12 req/min"))

    assert doubled == usual
    accounts = {account for _, account in usual}
    assert {"people.ml_engineer", "development", "tools", "training", "rca", "switching", "commitment"} <= accounts


def decided_s(run: Run) -> dict[str, float]:
    decided = run.events[run.events["kind"] == "phase_decided"]
    return dict(zip(decided["subject"], decided["at_s"], strict=True))


def growing(doubling_d: int) -> Run:
    growth = f"workload.growth={{kind: exponential, doubling: {doubling_d} d}}"
    return simulate(load(*GATED, growth, f"horizon={2 * doubling_d + 3} d"))


def test_the_faster_traffic_grows_the_earlier_a_gate_on_it_opens():
    # given a gate at three times the first day's traffic, and growth that doubles within 16, 8, 4 and 2 days
    opened = [decided_s(growing(days)).get("mvp", float("inf")) / DAY_S for days in (16, 8, 4, 2)]

    assert opened == sorted(opened, reverse=True)
    assert len(set(opened)) == 4
    for days, found in zip((16, 8, 4, 2), opened, strict=True):
        # traffic is three times as large after log2(3) doublings; a day's mean lags by half a day, reviews by up to one
        assert 0 <= found - 1.585 * days <= 2.5, (days, found)


def test_a_gate_says_what_it_saw_and_is_asked_at_midnight():
    run = growing(4)

    (row,) = run.gates_checked
    assert (row["phase"], row["passed"]) == ("mvp", True)
    assert row["value"] >= 9 / 60
    (event,) = run.events[run.events["kind"] == "phase_decided"].itertuples()
    assert event.at_s % DAY_S == 0
    assert event.detail == row["condition"]
    assert "traffic" in event.detail


CHEAPER = (
    "document_assistant", "start='2026-03-02'", "timezone=UTC", "horizon=20 d", "workload.rate=1 req/min",
    "workload.seasonality={kind: flat}", "workload.growth={kind: exponential, doubling: 4 d}", "autoscaler=fixed",
    "autoscaler.replicas=1", "learning=none", "incidents=none", "phases.poc.exposure=100 %", "phases.mvp.start=null",
    "~phases.production", "~phases.scale",
)  # fmt: skip
NEVER = "phases.mvp.gate={window: 2 d, all: [{kind: requests, at_least: 1000000000}, cost_reduction]}"


@pytest.mark.parametrize("window_d", [1, 3, 7])
@pytest.mark.parametrize("provisioning", ["4 min", "30 h"])
def test_a_threshold_of_the_phase_before_is_what_the_gate_of_that_name_saw(window_d, provisioning):
    # given a gate that asks by name for all that the scenario names, and machines that come at once or after a day
    asked = "[unit_cost, cost_reduction, busy, answers, there]"
    named = (
        "gates.unit_cost.at_most=1 USD", "gates.busy={kind: traffic, at_least: 1 req/min}",
        "gates.answers={kind: slo_attainment, at_least: 1 %}", "gates.there={kind: date, from: '2026-03-05'}",
        "~gates.latency_p99", "~gates.false_positive_rate",
    )  # fmt: skip
    gate = f"phases.mvp.gate={{window: {window_d} d, all: {asked}}}"

    run = simulate(load(*CHEAPER, *named, gate, f"pool.machine.provisioning={provisioning}"))

    checks = {row["condition"]: (row["value"], row["passed"]) for row in run.gates_checked}
    thresholds = {row["said"]: (row["value"], row["passed"]) for row in run.thresholds if row["phase"] == "poc"}
    assert len(checks) == 5
    assert thresholds == checks
    assert {row["passed"] for row in run.gates_checked} == {True}


def test_a_phase_that_is_shorter_than_its_window_is_not_measured():
    run = simulate(load(*DATED))

    # given phases of two days, which no gate ends: they would be judged by a week
    assert {row["passed"] for row in run.thresholds} == {None}
    assert all(" not measured, asked for " in row["said"] for row in run.thresholds)


def test_a_window_leaves_out_what_is_paid_once_at_a_phases_first_instant():
    # given the same life with and without 50,000 USD of development paid as the first phase begins
    lives = [
        simulate(load(*CHEAPER, NEVER, "phases.poc.costs.development.one_off=" + usd)) for usd in ("0 USD", "50000 USD")
    ]

    thresholds = [{row["name"]: row["value"] for row in run.thresholds} for run in lives]

    assert thresholds[0] == thresholds[1]
    assert thresholds[0]["cost_reduction"] > 0.5  # traffic doubles every four days, and most cost is fixed
    first, second = (run.summary()["totals"]["total_usd"] for run in lives)
    assert second - first == pytest.approx(50_000)


def test_a_review_reads_its_window_and_a_phases_first_one_once(monkeypatch):
    # given a gate that is asked on each of 19 midnights and never fires
    spans_d = []
    read = Gauges.measures

    def counted(self, from_ns, to_ns, *more):
        spans_d.append((to_ns - from_ns) / 1e9 / DAY_S)
        return read(self, from_ns, to_ns, *more)

    monkeypatch.setattr(Gauges, "measures", counted)
    simulate(load(*CHEAPER, NEVER))

    assert len(spans_d) == 19 + 1 + 1  # reviews, the first window, and the thresholds at the end
    assert max(spans_d) == 2


def test_a_decided_date_stands_whatever_gates_and_traffic_say():
    # given a life promoted by its traffic
    scenario = load(*GATED, "workload.growth={kind: exponential, doubling: 4 d}")
    dates = decided_s(simulate(scenario))

    # when the same dates are given to a life with a third of the traffic, which its gate would not let pass so soon
    quiet = load(*GATED, "workload.growth={kind: exponential, doubling: 4 d}", "workload.rate=2 req/min")
    free, frozen = simulate(quiet), simulate(quiet, decided_s=dates)

    assert decided_s(frozen) == dates
    assert decided_s(free).get("mvp", float("inf")) > dates["mvp"]


@pytest.mark.parametrize("at_s", [0.5 * DAY_S, 3.25 * DAY_S])
def test_a_decided_date_may_come_before_the_gates_window_is_whole(at_s):
    growing = load(*GATED, "workload.growth={kind: exponential, doubling: 9 d}")  # so that the gate could open, in time

    run = simulate(growing, decided_s={"mvp": at_s})

    assert decided_s(run) == {"mvp": at_s}
    assert run.phases_effective[1][1] >= at_s
