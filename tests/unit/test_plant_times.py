"""Storms of the plant that come at given times, at a share of the scenario, or at the peak of a pool's demand."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.clock.calendar import NS_PER_S, Calendar
from sim.config import InputError
from sim.fleet.trouble import Waves, ZoneLosses
from sim.scenario import Scenario, load, phase_scenarios
from sim.streams import Streams
from sim.workload.expected import expected
from sim.workload.growth import ExponentialGrowth, HourOfWeekSeasonality
from sim.workload.occasions import Launch, Spikes
from sim.workload.parameters import CountsWorkload, PoissonWorkload, ReplayWorkload, Slo
from sim.workload.source import arrival_source
from sim.world import simulate
from sim.world.layout import lay_out
from sim.world.plant_times import PlantTimes

HOUR_S, DAY_S = 3600.0, 86_400.0
HOUR_NS = 3600 * NS_PER_S
MONDAY = datetime(2026, 1, 5)
COMMON: dict[str, Any] = {
    "timeout_s": 30.0, "slo": Slo(latency_s=5.0, share=0.99), "prompt_tokens": 100, "output_tokens": 10,
    "response_bytes": 2e3, "log_bytes": 1e3,
}  # fmt: skip
RICH = PoissonWorkload(
    rate_per_s=0.1, resolution_s=420.0, growth=ExponentialGrowth(doubling_s=DAY_S),
    seasonality=HourOfWeekSeasonality(weights=tuple(1.0 + hour % 24 for hour in range(168))),
    launches=(Launch(at="2026-01-05 12:34", factor=5.0, decay_s=HOUR_S),),
    spikes=Spikes(per_year=500.0, factor=3.0, decay_s=HOUR_S), **COMMON,
)  # fmt: skip


def calendar(hours: float) -> Calendar:
    return Calendar(MONDAY, "UTC", round(hours * HOUR_NS))


def edges(*hours: float) -> Any:
    return np.array([round(hour * HOUR_NS) for hour in hours], dtype=np.int64)


# --- what is expected


def test_what_is_expected_of_a_constant_rate_is_the_rate_times_the_time() -> None:
    steady = PoissonWorkload(rate_per_s=2.0, **COMMON)
    found = expected(steady, "main", calendar(24), Streams(1), edges(0, 0.5, 7, 7.25, 24))
    assert found == pytest.approx([3600, 46_800, 1800, 120_600], rel=1e-12)


@settings(max_examples=15)
@given(cuts=st.lists(st.floats(0.0, 72.0), max_size=8), resolution_s=st.sampled_from([1.0, 420.0, 3600.0, 7200.0]))
def test_stretches_add_up_however_time_is_cut(cuts: list[float], resolution_s: float) -> None:
    workload = RICH.model_copy(update={"resolution_s": resolution_s})
    cut = expected(workload, "main", calendar(72), Streams(1), edges(0, *sorted(cuts), 72))
    whole = expected(workload, "main", calendar(72), Streams(1), edges(0, 72))
    assert cut.sum() == pytest.approx(whole[0], rel=1e-9)
    assert (cut >= 0.0).all()


def test_arrivals_are_poisson_around_what_is_expected() -> None:
    cal, streams = calendar(48), Streams(3)
    marks = edges(*range(49))
    mean = expected(RICH, "main", cal, streams, marks)
    source, came = arrival_source(RICH, "main", cal, streams), np.zeros(48)
    while (block := source.next_block()) is not None:
        came += np.diff(np.searchsorted(block.arrival_ns, marks))
    # the sum of 48 squared standard scores has mean 48 and variance 2 * 48 + sum of 1 / mean: within 5 of its sigmas
    assert abs(((came - mean) ** 2 / mean).sum() - 48.0) < 5.0 * np.sqrt(96.0 + (1.0 / mean).sum())


def test_what_is_expected_of_files_is_what_they_hold(tmp_path: Path) -> None:
    counts, trace = tmp_path / "counts.csv", tmp_path / "trace.csv"
    starts = ["2026-01-05 00:00", "2026-01-05 01:00", "2026-01-05 04:00"]
    pd.DataFrame({"interval_start": starts, "count": [10, 4, 8]}).to_csv(counts, index=False)
    pd.DataFrame({"arrival_s": [0.0, 1800.0, 3600.0, 9000.0]}).to_csv(trace, index=False)
    counted = CountsWorkload(path=str(counts), interval_s=HOUR_S, **COMMON)
    replayed = ReplayWorkload(path=str(trace), **COMMON)
    cal, marks = calendar(6), edges(0, 0.5, 1, 2, 4, 4.25, 6)
    assert expected(counted, "main", cal, Streams(1), marks).tolist() == [5, 5, 4, 0, 2, 6]
    assert expected(replayed, "main", cal, Streams(1), marks).tolist() == [1, 1, 1, 1, 0, 0]


# --- when it comes


LOSS = "+pool.failures={zone_losses: {at_peak: true, duration: 10 min}}"
FLAT = ("workload.growth={kind: none}", "workload.seasonality={kind: flat}", "workload.launches=[]")
ONE_PHASE = ("document_assistant", "phases=production", "learning=none", "start=2026-01-05", "timezone=UTC", LOSS)


def lost_s(scenario: Scenario) -> list[tuple[float, ...]]:
    """Times of losses of all the pools' rows."""
    effective = phase_scenarios(scenario)
    times = PlantTimes(effective, Streams(scenario.seed))
    found = []
    for entry in lay_out(effective).pools.values():
        failures = times.of(entry).failures
        assert failures is not None
        assert failures.zone_losses is not None
        found.append(failures.zone_losses.at_s)
    return found


def weights(busy: dict[int, float]) -> str:
    return "[" + ",".join(str(busy.get(hour, 1.0)) for hour in range(168)) + "]"


@pytest.mark.parametrize(("busiest", "horizon", "at_h"), [(100, "7 d", 100), (3, "8 d", 171), (100, "3 d", 70)])
def test_the_peak_is_the_busiest_hour_of_the_scenario(busiest: int, horizon: str, at_h: int) -> None:
    busy = {70: 2.0, busiest: 5.0}
    season = f"workload.seasonality={{kind: hour_of_week, weights: {weights(busy)}}}"
    scenario = load(*ONE_PHASE, *FLAT[::2], season, f"horizon={horizon}")
    assert lost_s(scenario) == [(at_h * HOUR_S,)]


@pytest.mark.parametrize(("horizon", "at_s"), [("24 h", 11 * HOUR_S), ("1 h", 4 * 360.0), ("25 h", 12 * HOUR_S)])
def test_of_hours_alike_the_one_half_way_is_the_peak(horizon: str, at_s: float) -> None:
    assert lost_s(load(*ONE_PHASE, *FLAT, f"horizon={horizon}", "record.interval=1 min")) == [(at_s,)]


def test_the_demand_of_all_of_a_pool_s_workloads_counts() -> None:
    def season(hour: int, weight: float) -> str:
        return f"{{rate: 1 req/s, seasonality: {{kind: hour_of_week, weights: {weights({hour: weight, 50: 3.0})}}}}}"

    # each has its own busiest hour, and together they are busiest in another: 4 + 1 and 1 + 4 are less than 3 + 3
    scenario = load(*ONE_PHASE, *FLAT[::2], "horizon=7 d", f"+workloads.a={season(10, 4.0)}",
                    f"+workloads.b={season(20, 4.0)}")  # fmt: skip
    assert lost_s(scenario) == [(50 * HOUR_S,)]


@pytest.mark.parametrize(
    ("first", "exposures", "day"),
    [("pool", ("100 %", "40 %"), 0), ("pool", ("40 %", "100 %"), 2), ("api", ("100 %", "40 %"), 2)],
)
def test_a_phase_that_exposes_little_or_serves_by_api_has_no_peak(
    first: str, exposures: tuple[str, str], day: int
) -> None:
    busy = {24 * weekday + 10: 5.0 if weekday == 0 else 4.0 for weekday in (0, 2)}
    season = f"workload.seasonality={{kind: hour_of_week, weights: {weights(busy)}}}"
    scenario = load(
        *(typed for typed in ONE_PHASE if not typed.startswith("phases")), *FLAT[::2], season, "horizon=4 d",
        "~phases.production", "~phases.scale", "phases.mvp.start=2026-01-07", "phases.mvp.gate=null",
        f"phases.poc.serving={first}", "phases.mvp.serving=pool", f"phases.poc.exposure={exposures[0]}",
        f"phases.mvp.exposure={exposures[1]}",
    )  # fmt: skip
    assert set(lost_s(scenario)) == {((24 * day + 10) * HOUR_S,)}


def test_times_that_are_typed_come_before_a_share_or_the_peak() -> None:
    assert lost_s(load(*ONE_PHASE, "horizon=7 d", "pool.failures.zone_losses.at=[3 h,1 h]")) == [(10_800.0, 3600.0)]
    half = ("pool.failures.zone_losses.at_peak=false", "pool.failures.zone_losses.at_share=25 %")
    assert lost_s(load(*ONE_PHASE, "horizon=8 d", *half)) == [(2 * DAY_S,)]


@pytest.mark.parametrize("at_s", [(5.0, 9.0, 5.0), (5.0, 5.0 + 1e-11)])
def test_a_time_that_stands_twice_is_refused(at_s: tuple[float, ...]) -> None:
    for kind in (ZoneLosses, lambda **more: Waves(per_month=1, **more)):
        with pytest.raises(ValidationError, match="stands there twice"):
            kind(at_s=at_s)


# --- in whole runs


SHORT = ("document_assistant", "phases=production", "learning=none", "workload.rate=1 req/s", "horizon=3 h",
         "record.interval=1 min", "start=2026-03-02 06:00")  # fmt: skip


def events(run: Any, kind: str) -> list[tuple[float, str]]:
    found = run.events[run.events["kind"] == kind]
    return list(zip(found["at_s"], found["detail"], strict=True))


def test_a_zone_is_lost_at_the_same_peak_whoever_scales_and_in_both_engines() -> None:
    typed = (*SHORT, "disturbance=zone_loss")
    runs = [simulate(load(*typed, *more)) for more in ((), ("autoscaler=fixed",), ("engine=reference",))]
    # the last hour of the morning is the busiest, and this the first tenth of the scenario that lies in it
    assert [events(run, "zone_lost") for run in runs] == [[(7 * 1080.0, "a")]] * 3
    assert runs[0].totals["failed"] > 0
    assert runs[0].totals == runs[2].totals


def test_half_way_all_replicas_fail_and_come_back_together() -> None:
    run = simulate(load(*SHORT, "disturbance=herd_after_outage"))
    assert events(run, "zone_lost") == [(1.5 * HOUR_S, "")]
    assert [at_s for at_s, _ in events(run, "zone_back")] == [1.5 * HOUR_S + 600.0]


def test_a_spot_wave_comes_half_way_and_moves_none_of_those_at_random() -> None:
    typed = (*SHORT, "disturbance=spot_wave", "autoscaler=fixed", "autoscaler.replicas=8",
             "pool.spot.waves.per_month=2000", "pool.spot.interruptions_per_month=0")  # fmt: skip
    run, calm = (simulate(load(*typed, f"pool.spot.waves.at_share={share}")) for share in ("50 %", "null"))
    noticed, usual = (set(events(r, "spot_notice")) for r in (run, calm))
    assert [at_s for at_s, _ in noticed - usual if at_s == 1.5 * HOUR_S]
    assert {at_s for at_s, _ in usual if at_s < 1.5 * HOUR_S} == {at_s for at_s, _ in noticed if at_s < 1.5 * HOUR_S}


@pytest.mark.parametrize("option", ["zone_loss", "herd_after_outage", "spot_wave"])
@pytest.mark.parametrize(
    "scenario", ["document_assistant", "fraud_scoring", "image_moderation", "realtime_vision", "recommendation"]
)
def test_a_storm_of_the_plant_is_chosen_in_any_scenario(scenario: str, option: str) -> None:
    chosen = load(scenario, f"disturbance={option}")
    effective = phase_scenarios(chosen)
    times = PlantTimes(effective, Streams(1))
    for entry in lay_out(effective).pools.values():
        plant = times.of(entry)
        if option != "spot_wave":
            assert plant.failures is not None
            assert plant.failures.zone_losses is not None
            assert 0.0 < plant.failures.zone_losses.at_s[0] < chosen.horizon_s
        elif not entry.managed:
            assert plant.spot is not None
            assert plant.spot.waves is not None
            assert plant.spot.waves.at_s == (pytest.approx(chosen.horizon_s / 2),)


def test_a_file_that_is_wrong_is_refused_as_without_a_peak(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("interval_start,count\n2026-01-05 00:00,3\n2026-01-05 00:01,-3\n2026-01-05 00:02,1\n")
    with pytest.raises(InputError, match="row 3"):
        simulate(load("worldcup98", "disturbance=zone_loss", "phases=production", "horizon=1 h", "record=minutely",
                      f"workload.path={path}", "workload.time_column=interval_start", "start=2026-01-05"))  # fmt: skip
