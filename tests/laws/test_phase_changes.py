"""Laws of changes between phases that fall close together: what is needed is never taken away, what is over is over."""

import pytest

from sim.scenario import Scenario, load
from sim.study.scale import with_scale_check
from sim.world import simulate

PLAIN = ("cache=none", "admission=none", "learning=none", "value=none", "incidents=none", "phases=production")
STAFF = "staff: {}"


def life(phases: str, *more: str) -> Scenario:
    """Phases by name on four replicas that take 150 s to come, from 23:00 on 1 March 2026, for a day."""
    return load(
        "document_assistant", *PLAIN, "name=changes", "start='2026-03-01 23:00'", "timezone=UTC", "horizon=26 h",
        "workload.rate=30 req/min", "workload.growth={kind: none}", "workload.seasonality={kind: flat}",
        "autoscaler=fixed", "autoscaler.replicas=3", "pool.machine.provisioning=60 s", "pool.model.load=90 s",
        f"phases={phases}", "~phases.production", *more,
    )  # fmt: skip


def phase(serving: str, start: str = "", override: str = "") -> str:
    begin = f"start: '2026-03-02 {start}', " if start else ""
    patch = f", override: {override}" if override else ""
    return f"{{{begin}exposure: 1.0, serving: {serving}, {STAFF}{patch}}}"


@pytest.mark.parametrize("seconds_before", [30, 90, 149])
def test_a_fleet_that_boots_for_the_next_phase_outlives_the_overlap_that_ends_meanwhile(seconds_before: int) -> None:
    # given an own pool, a managed endpoint beside which it runs on for an hour, and the own pool again, decided while
    # that hour ends
    managed, minutes = 2 * 60, 3 * 60 + 2
    decided_s = {"rented": 60.0 * managed, "back": 60.0 * minutes + 30 + 150 - seconds_before}
    scenario = life(
        f"{{own: {phase('pool')}, rented: {phase('managed', '01:00')}, back: {phase('pool', '02:00')}}}",
        "hosting.managed.overlap=1 h", "hosting.pool.overlap=0 s",
    )  # fmt: skip

    # when it is played
    run = simulate(scenario, decided_s=decided_s)

    # then the last phase takes effect, at the latest when replicas asked for at its decision are ready
    spans = {name: start_s for name, start_s, _ in run.phases_effective}
    assert list(spans) == ["own", "rented", "back"]
    assert decided_s["back"] <= spans["back"] <= decided_s["back"] + 150
    served = run.timeseries[run.timeseries["phase"] == "back"]
    assert served["replicas_ready"].iloc[-1] == 3.0


def test_a_phase_that_is_never_decided_stays_away() -> None:
    scenario = life(f"{{own: {phase('pool')}, next: {phase('managed', '01:00')}}}")

    run = simulate(scenario, decided_s={"next": None})

    assert [name for name, *_ in run.phases_effective] == ["own"]
    assert "next never took effect" in " ".join(run.notes)


def test_the_scale_check_plays_the_phases_that_the_run_went_through_and_no_others() -> None:
    # given a gate that twice the traffic would open, and the run's own does not
    gate = "{every: 1 d, window: 1 d, all: [{kind: traffic, at_least: 45 req/min}]}"
    busier = phase("pool", override="{autoscaler: {replicas: 2}}").replace("exposure", f"gate: {gate}, exposure")
    scenario = life(f"{{own: {phase('pool')}, busier: {busier}}}", "horizon=4 d")
    assert [name for name, *_ in simulate(scenario, decided_s={"busier": 3600.0}).phases_effective] == ["own", "busier"]

    # when the run is checked at other traffic
    checked = with_scale_check(simulate(scenario))

    # then no factor goes where the run did not
    assert checked.scale_check is not None
    assert [entry["name"] for entry in checked.scale_check["phases"]] == ["own"]
    assert not [said for said in checked.scale_check["said"] if "did not take effect" in said]


def test_another_model_begins_fresh() -> None:
    # given an API whose model is right 80 % of the time, and then a model of one's own that is right 90 % when fresh
    learning = "{kind: supervised, quality: 90 %, drift: {kind: linear, loss: 10 %, over: 1 d}}"
    api = phase("api", override="{workload: {learning: {quality: 80 %, drift: {kind: none}}}}")
    scenario = life(
        f"{{rented: {api}, own: {phase('pool', '02:00')}}}",
        f"+workload.learning={learning}", "record.interval=10 min",
    )  # fmt: skip

    # when it is played
    run = simulate(scenario)

    # then quality steps up to that of a fresh model, at the moment at which the own pool takes over
    quality = run.timeseries.set_index(["phase", "start_s"])["quality"]
    assert quality["rented"].to_list() == pytest.approx([0.8] * len(quality["rented"]), rel=1e-12)
    start_s = run.phases_effective[1][1]
    assert 0.9 - 0.1 * 600 / 86_400 <= quality["own"].iloc[0] <= 0.9
    replaced = run.events[run.events["kind"] == "model_replaced"]
    assert replaced["at_s"].to_list() == [start_s]
