"""What a phase's entry says of its answers: hits, quality, value, gates and thresholds."""

import pytest
from test_summary import DAY_S, HOUR_S, NAN, TWO, Run, calendar_of, phase_of, scenario_of

from sim.analysis.summary import summarise


def test_cache_hits_count_as_answers_and_throttled_requests_break_no_promise() -> None:
    run = Run(calendar_of(1), [("poc", 0.0, DAY_S)])
    run.window(0.0, DAY_S, "poc", 1000, hit=300, completed=500, good=780, throttled=100, rejected=60, timed_out=40)
    poc = phase_of(run)
    assert poc["slo_attainment"] == 780 / 900
    assert (poc["hit_share"], poc["throttled_share"], poc["shed_share"]) == (0.3, 0.1, 0.06)
    assert poc["workloads"][0]["slo_attainment"] == 780 / 900


def test_quality_is_that_of_answers_and_its_end_that_of_the_last_window_that_has_one() -> None:
    run = Run(calendar_of(2), [("poc", 0.0, DAY_S), ("mvp", DAY_S, 2 * DAY_S)])
    run.window(0.0, HOUR_S, "poc", 300, hit=100, completed=200, quality=0.9, quality_seen=NAN)
    run.window(HOUR_S, 2 * HOUR_S, "poc", 100, quality=0.8, quality_seen=0.88)
    run.window(2 * HOUR_S, DAY_S, "poc", 100)
    run.window(DAY_S, 2 * DAY_S, "mvp", 100)
    poc, mvp = summarise(run)["phases"]
    assert poc["quality"]["mean"] == pytest.approx((300 * 0.9 + 100 * 0.8) / 400)
    assert (poc["quality"]["end"], poc["quality"]["seen_end"]) == (0.8, 0.88)
    assert mvp["quality"] is None


def test_quality_without_answers_is_a_mean_over_time_and_one_that_no_monitor_sees_is_null() -> None:
    run = Run(calendar_of(1), [("poc", 0.0, DAY_S)])
    run.window(0.0, 3 * HOUR_S, "poc", 0, quality=0.9)
    run.window(3 * HOUR_S, 4 * HOUR_S, "poc", 0, quality=0.7)
    assert phase_of(run)["quality"] == {"mean": pytest.approx(0.85), "end": 0.7, "seen_end": None}


def test_several_workloads_weigh_by_their_answers() -> None:
    run = Run(calendar_of(1), [("poc", 0.0, DAY_S)], scenario=scenario_of(*TWO))
    run.window(0.0, DAY_S, "poc", 300, "chat", quality=0.9, quality_seen=0.88)
    run.window(0.0, DAY_S, "poc", 100, "search", quality=0.5)
    quality = phase_of(run)["quality"]
    assert (quality["mean"], quality["end"]) == (pytest.approx(0.8), pytest.approx(0.8))
    assert quality["seen_end"] == 0.88


def test_a_model_that_goes_live_as_a_phase_begins_is_of_that_phase() -> None:
    run = Run(calendar_of(2), [("poc", 0.0, DAY_S), ("mvp", DAY_S, 2 * DAY_S)])
    run.happened = [(5.0, "model_deployed"), (6.0, "training_started"), (DAY_S, "model_deployed")]
    assert [phase["retrainings"] for phase in summarise(run)["phases"]] == [1, 1]


def test_value_is_told_beside_cost_and_never_in_it() -> None:
    run = Run(calendar_of(2), [("poc", 0.0, DAY_S), ("mvp", DAY_S, 2 * DAY_S)])
    run.worth.post(DAY_S, "value.answers", "earned", 100, "request", 0.5, "poc", workload="main")
    run.worth.post(DAY_S, "value.throttled", "lost", 10, "request", 0.5, "poc", workload="main")
    run.worth.post(DAY_S, "value.staleness", "lost", 100, "request", 0.01, "poc", workload="main")
    run.lines.post(DAY_S, "serving.api", "variable", 1, "request", 4.0, "poc")
    summary = summarise(run)
    poc, mvp = summary["phases"]
    assert (poc["value_usd"], mvp["value_usd"]) == (50.0, 0.0)
    assert poc["value_lost_usd"] == {"throttled": 5.0, "shed": 0.0, "staleness": 1.0}
    assert poc["variable_usd"] == 4.0
    assert (summary["totals"]["value_usd"], summary["totals"]["total_usd"]) == (50.0, 4.0)
    assert summary["totals"]["value_lost_usd"] == poc["value_lost_usd"]


def test_a_phase_has_its_serving_mode_its_gate_and_its_thresholds() -> None:
    run = Run(calendar_of(2), [("poc", 0.0, DAY_S), ("mvp", DAY_S, 2 * DAY_S)])
    gate = {"condition": "traffic 2.31 req/s >= 2 req/s", "value": 2.31, "passed": True}
    held = {"name": "bulk_cost", "measure": "unit_cost", "value": 4e-4, "limit": 1e-3, "passed": True, "said": "held"}
    unknown = held | {"name": "chat_p99", "value": NAN, "passed": None, "said": "not known"}
    run.gates_checked = [{"phase": "mvp"} | gate]
    run.thresholds = [{"phase": "poc"} | unknown, {"phase": "mvp"} | held]
    poc, mvp = summarise(run)["phases"]
    assert (poc["gate"], mvp["gate"]) == ([], [gate])
    assert (poc["thresholds"], mvp["thresholds"]) == ([unknown | {"value": None}], [held])
    assert (poc["serving"], mvp["serving"]) == tuple(run.scenario.phases[name].serving for name in ("poc", "mvp"))


def test_the_scale_check_is_there_where_it_was_made() -> None:
    run = Run(calendar_of(1), [("poc", 0.0, DAY_S)])
    assert summarise(run)["scale_check"] is None
    run.scale_check = {"said": ["twice as much"]}
    assert summarise(run)["scale_check"] == {"said": ["twice as much"]}
