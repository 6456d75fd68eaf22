"""The worlds of conf/scenario in a small form, six days through all four phases: each shows what it is there for.

Full-size runs take about a minute each; here the phases are a day or two long, gates look back on one day, labels come
within the hour, and rates are higher so that a day has enough requests for a gate.
"""

from datetime import date, timedelta
from functools import cache

import pytest

import sim
from sim.scenario import load, remarks
from sim.world import Run, simulate

LIFE = ["poc", "mvp", "production", "scale"]
QUICK_LABELS = ("learning.monitor.delay=1 h", "learning.monitor.every=1 h")
# the day on which each begins, and what else makes it small
SMALL = {
    "fraud_scoring": (date(2026, 11, 23), "workload.rate=100 req/min", "workload.launches=[]", *QUICK_LABELS),
    "image_moderation": (date(2026, 6, 13), "workload.rate=180 req/min", *QUICK_LABELS),
    "recommendation": (
        date(2026, 6, 8), "workload.rate=240 req/min", "workloads.mail.rate=120 req/min", *QUICK_LABELS,
    ),
    "realtime_vision": (date(2026, 1, 5), "workload.rate=120 req/min", *QUICK_LABELS),
}  # fmt: skip
LAUNCH = 'workload.launches=[{at: "2026-06-15", factor: 3, decay: 7 d}]'  # the first of the two, within the six days


@cache
def played(world: str) -> Run:
    """A world in its small form, its phases a day apart at the earliest."""
    begin, *more = SMALL[world]
    typed = [f"start='{begin}'", "horizon=6 d", *more]
    typed += [LAUNCH] if world == "image_moderation" else []
    for days, phase in enumerate(LIFE[1:], 1):
        typed += [f"phases.{phase}.start='{begin + timedelta(days=days)}'", f"phases.{phase}.gate.window=1 d"]
    return simulate(load(world, *typed))


def phases_of(run: Run) -> dict:
    return {phase["name"]: phase for phase in run.summary()["phases"]}


def checked(run: Run, words: str) -> dict:
    """The promotions that a condition took part in, and whether it passed."""
    return {row["phase"]: row["passed"] for row in run.gates_checked if row["condition"].startswith(words)}


@pytest.mark.parametrize("world", SMALL)
def test_a_world_lives_through_all_phases_and_loses_no_request(world):
    run = played(world)

    assert [name for name, _, _ in run.phases_effective] == LIFE
    totals = run.totals
    ends = ("hit", "completed", "throttled", "rejected", "timed_out", "failed", "in_system")
    assert totals["offered"] == sum(totals[end] for end in ends) > 100_000
    assert sum(run.ledger["amount_nano_usd"].tolist()) == round(1e9 * run.summary()["totals"]["total_usd"])


@pytest.mark.parametrize("world", SMALL)
def test_a_world_as_it_stands_loads_with_nothing_to_remark_on(world):
    scenario = load(world)

    assert list(scenario.phases) == LIFE
    assert remarks(scenario) == []


def test_payments_are_promoted_only_with_few_false_alarms_and_peak_on_black_friday():
    run = played("fraud_scoring")

    assert checked(run, "false positive rate") == {"mvp": True, "production": True, "scale": True}
    thresholds = [row for row in run.thresholds if row["name"] == "false_positive_rate"]
    assert [row["phase"] for row in thresholds] == LIFE
    # the last phase has no gate to end it, and is shorter than the week that it is judged by instead
    assert [row["value"] is None for row in thresholds] == [False, False, False, True]
    assert all(0 < row["value"] < 0.02 for row in thresholds[:-1])
    # given everybody is let in from Thursday on, then Friday has about 3 x 1.12 times the payments of Thursday
    thursday, friday = (potential_on(run, day) for day in (3, 4))
    assert 2.8 < friday / thursday < 3.6
    # and the largest merchants pass their contract, in the busiest hours of that day
    assert phases_of(run)["scale"]["throttled_share"] > 0
    assert phases_of(run)["scale"]["value_lost_usd"]["throttled"] > 0


def potential_on(run: Run, day: int) -> int:
    windows = run.timeseries
    return int(windows.loc[(windows["start_s"] // 86_400) == day, "potential"].sum())


def test_images_are_judged_in_large_batches_at_less_than_a_tenth_of_a_cent():
    run = played("image_moderation")

    assert mean_batch(run, ["production", "scale"]) > 8
    assert checked(run, "variable cost per request") == {"scale": True}
    phases = phases_of(run)
    assert phases["scale"]["variable_per_1k_usd"] < 1 < phases["poc"]["variable_per_1k_usd"]
    assert set(run.ledger.loc[run.ledger["account"] == "serving.api", "phase"]) == {"poc"}
    assert all(phase["slo_attainment"] > 0.99 for phase in phases.values())


def mean_batch(run: Run, phases: list[str]) -> float:
    """Requests a batch: a batch of b takes base + b x item exactly, so that time in service tells their number."""
    windows = run.timeseries[run.timeseries["phase"].isin(phases)]
    service = run.scenario.pools["main"].service
    requests = int(windows["completed"].sum())
    batches = (float(windows["busy_s"].sum()) - requests * service.per_item_s) / service.base_s
    return requests / batches


def test_the_home_page_is_answered_from_memory_in_time_while_mails_come_in_a_rush():
    run = played("recommendation")

    assert run.totals["hit"] > 0.3 * run.totals["offered"]
    assert checked(run, "p99 latency of home") == {"scale": True}
    home, mail = (run.timeseries[run.timeseries["workload"] == name] for name in ("home", "mail"))
    assert mail["potential"].max() > 10 * mail["potential"].mean()
    assert home["potential"].max() < 3 * home["potential"].mean()
    promised = {w["name"]: (w["slo_latency_s"], w["slo_held"]) for w in phases_of(run)["production"]["workloads"]}
    assert promised == {"home": (0.2, True), "mail": (2.0, True)}


def test_robots_see_in_time_in_every_phase_and_never_through_an_api():
    run = played("realtime_vision")

    assert [phase["serving"] for phase in run.summary()["phases"]] == ["pool", "pool", "pool", "committed"]
    assert all(phase["slo_attainment"] >= 0.99 for phase in run.summary()["phases"])
    assert "serving.api" not in set(run.ledger["account"])
    assert checked(run, "SLO attainment") == {"mvp": True, "production": True, "scale": True}


def test_robots_could_not_see_through_an_api():
    """S-19: an SLO so tight that renting by the request is out from the proof of concept on."""
    with pytest.raises(sim.InputError, match=r"shorter than the median latency of google-cloud-vision, 0\.8 s"):
        load("realtime_vision", "phases.poc.serving=api")

    (said,) = remarks(load("realtime_vision", "phases.poc.serving=api", "workload.timeout=2 s"))

    assert said == (
        "phase poc: the median latency of google-cloud-vision, 800 ms, is beyond the SLO of 50 ms of workload main: "
        "fewer than half of its answers can be in time. Type phases.poc.serving=pool, or managed or committed."
    )


def test_a_pool_slower_than_the_slo_is_remarked_on():
    said = remarks(load("realtime_vision", "workload.slo.latency=10 ms"))

    assert len(said) == len(LIFE)
    assert said[0].startswith(
        "phase poc: pool main takes 17.09 ms for a request alone, beyond the SLO of 10 ms of workload"
    )
