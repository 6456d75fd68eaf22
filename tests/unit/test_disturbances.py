"""Storms of demand: known factors and times, what copies and jobs carry, conf's options in any scenario, events."""

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.clock.calendar import NS_PER_S, Calendar
from sim.scenario import load
from sim.scenario.dump import dump
from sim.streams import Streams
from sim.workload.attributes import Tenants, ZipfKeys
from sim.workload.block import Block
from sim.workload.disturbances import Batch, Surge
from sim.workload.disturbed import Envelope, disturbed
from sim.workload.parameters import PoissonWorkload, Slo
from sim.workload.source import arrival_source
from sim.world import simulate

HOUR = 3600 * NS_PER_S
COMMON: dict[str, Any] = {
    "timeout_s": 30.0, "slo": Slo(latency_s=5.0, share=0.99), "prompt_tokens": 100, "output_tokens": 10,
    "response_bytes": 2e3, "log_bytes": 1e3,
}  # fmt: skip
CROWD: dict[str, Any] = {"start_s": 3600.0, "factor": 10.0, "rise_s": 60.0, "hold_s": 900.0, "fall_s": 600.0}


class Given:
    """A source of blocks that the test made."""

    def __init__(self, *blocks: Block) -> None:
        self.notes: list[str] = []
        self._blocks = iter(blocks)

    def next_block(self) -> Block | None:
        return next(self._blocks, None)


def day(hours: float = 24, zone: str = "UTC", start: datetime = datetime(2026, 1, 5)) -> Calendar:
    return Calendar(start, zone, round(hours * HOUR))


def seconds(*times: float) -> np.ndarray:
    return np.array([round(t * NS_PER_S) for t in times], dtype=np.int64)


def one_block(times: np.ndarray, calendar: Calendar, **columns: Any) -> Given:
    return Given(Block(0, times, None, None, calendar.horizon_ns, **columns))


def all_of(source: Any, column: str = "arrival_ns") -> np.ndarray:
    return np.concatenate([getattr(block, column) for block in iter(source.next_block, None)])


def test_a_surge_is_a_trapezium_in_time() -> None:
    envelope = Envelope(Surge(**CROWD), day())
    # before, begin, half-way up, top, end of the plateau, half-way down, end, after
    at = envelope.at(seconds(0, 3600, 3630, 3660, 4560, 4860, 5160, 9000))
    assert at.tolist() == [1.0, 1.0, 5.5, 10.0, 10.0, 5.5, 1.0, 1.0]


def test_a_surge_without_ramps_is_a_step_whose_end_is_not_part_of_it() -> None:
    envelope = Envelope(Surge(start_s=10.0, factor=0.0, rise_s=0.0, hold_s=5.0, fall_s=0.0), day())
    assert envelope.at(seconds(9.999999999, 10, 14.999999999, 15)).tolist() == [1.0, 0.0, 0.0, 1.0]


def test_a_surge_comes_again_and_touches_nothing_in_between() -> None:
    envelope = Envelope(Surge(**{**CROWD, "every_s": 7200.0}), day())
    assert envelope.at(seconds(3600 + 100, 7000, 10_800 + 100, 14_000)).tolist() == [10.0, 1.0, 10.0, 1.0]
    assert envelope.touches(4 * HOUR // 3, 2 * HOUR)
    assert not envelope.touches(round(1.5 * HOUR), round(2.9 * HOUR))


def test_a_surge_without_a_start_begins_at_its_share_of_the_scenario() -> None:
    half = Surge(factor=2.0, rise_s=0.0, hold_s=60.0, fall_s=0.0)
    assert half.begins_ns(day(10)).tolist() == [5 * HOUR]
    assert half.model_copy(update={"start_s": 60.0}).begins_ns(day(10)).tolist() == [60 * NS_PER_S]


@pytest.mark.parametrize(
    ("hours", "zone", "start", "at_h"),
    [
        (48, "UTC", datetime(2026, 1, 5), 36),  # half-way is midnight, noon comes twelve hours later
        (26, "UTC", datetime(2026, 1, 5), 13),  # half-way is 13:00, and the next noon comes after the end
        (46, "UTC", datetime(2026, 1, 5, 13), 23),  # half-way is noon
        (48, "Europe/Berlin", datetime(2026, 3, 28), 35),  # the night has an hour less
    ],
)
def test_a_surge_with_an_hour_begins_at_the_next_one_on_the_wall(
    hours: float, zone: str, start: datetime, at_h: int
) -> None:
    noon = Surge(factor=2.0, rise_s=0.0, hold_s=60.0, fall_s=0.0, start_hour=12)
    assert noon.begins_ns(day(hours, zone, start)).tolist() == [at_h * HOUR]
    assert noon.occasions(day(hours, zone, start)) == 1


def test_a_whole_factor_makes_exactly_as_many_of_each_request_within_the_spread() -> None:
    # given three requests, the second of them within a plateau of factor 4
    calendar = day(1)
    storm = Surge(start_s=100.0, factor=4.0, rise_s=0.0, hold_s=100.0, fall_s=0.0, spread_s=2.0)
    base = one_block(seconds(50, 150, 300), calendar, key=np.array([7, 8, 9]), tenant=np.array([0, 1, 2], np.int32))
    blocks = list(iter(disturbed(base, [storm], "main", calendar, Streams(1)).next_block, None))
    got = np.concatenate([block.arrival_ns for block in blocks])
    # then it is there with three copies, none before it or later than the spread, with all that it carries
    assert got.size == 6
    assert got[[0, 1, 5]].tolist() == seconds(50, 150, 300).tolist()
    assert ((got[2:5] > 150 * NS_PER_S) & (got[2:5] < 152 * NS_PER_S)).all()
    assert np.concatenate([b.key for b in blocks if b.key is not None]).tolist() == [7, 8, 8, 8, 8, 9]
    assert np.concatenate([b.tenant for b in blocks if b.tenant is not None]).tolist() == [0, 1, 1, 1, 1, 2]


def test_two_surges_at_once_multiply() -> None:
    calendar = day(1)
    storms = [Surge(start_s=0.0, factor=f, rise_s=0.0, hold_s=3600.0, fall_s=0.0) for f in (3.0, 2.0)]
    assert all_of(disturbed(one_block(seconds(5, 10), calendar), storms, "main", calendar, Streams(1))).size == 12


def test_nothing_comes_in_silence_and_nothing_after_the_horizon() -> None:
    calendar = day(1)
    silence = Surge(start_s=0.0, factor=0.0, rise_s=0.0, hold_s=1800.0, fall_s=0.0)
    crowd = Surge(start_s=3000.0, factor=100.0, rise_s=0.0, hold_s=3600.0, fall_s=0.0, spread_s=10.0)
    base = one_block(seconds(5, 1799, 1800, 3599), calendar)
    got = all_of(disturbed(base, [silence, crowd], "main", calendar, Streams(1)))
    assert got[0] == 1800 * NS_PER_S
    # the last request's 99 copies are spread over ten seconds, of which one is left
    assert 2 < got.size < 40
    assert got[-1] < HOUR


def test_a_job_comes_at_its_civil_hour_on_both_sides_of_a_clock_change() -> None:
    # given a job on Sundays at 04:00 in Paris, over the 29 March 2026, whose night has no 02:30
    calendar = day(24 * 15, "Europe/Paris", datetime(2026, 3, 21))
    job = Batch(requests=10, weekday="sunday", hour=4, duration_s=3600.0)
    civil = [calendar.civil(t) for t in job.begins_ns(calendar).tolist()]
    assert [(c.month, c.day, c.hour) for c in civil] == [(3, 22, 4), (3, 29, 4), (4, 5, 0 + 4)][: len(civil)]
    assert len(civil) >= 2
    # and each of its requests lies in its own tenth of the hour
    calm = one_block(np.empty(0, dtype=np.int64), calendar)
    got = all_of(disturbed(calm, [job], "main", calendar, Streams(1)))
    places = [(t - begin) // (360 * NS_PER_S) for begin in job.begins_ns(calendar) for t in got[:20] if t >= begin]
    assert places[:10] == list(range(10))
    assert got.size == 10 * len(civil)


def test_a_job_carries_what_the_latest_requests_before_it_carried() -> None:
    # given contents that are other ones each hour, when a job comes at four in the morning
    calendar = day(6)
    times = np.arange(1, 6 * 3600, dtype=np.int64) * NS_PER_S
    base = one_block(times, calendar, key=times // HOUR)
    job = Batch(requests=1000, hour=5, duration_s=600.0)
    blocks = list(iter(disturbed(base, [job], "main", calendar, Streams(1)).next_block, None))
    at = np.concatenate([b.arrival_ns for b in blocks])
    keys = np.concatenate([b.key for b in blocks if b.key is not None])
    own = keys[(at % NS_PER_S != 0)]
    # then it asks for contents of the last 4,096 s alone: of hours 3, 4 and 5, mostly of hour 4
    assert own.size == 1000
    assert set(own.tolist()) == {3, 4, 5}
    assert (own == 4).sum() > 700


def test_surges_do_not_multiply_jobs_and_a_job_goes_to_each_workload() -> None:
    calendar = day(6)
    storms = [Batch(requests=500, hour=2, duration_s=60.0), Surge(**{**CROWD, "hold_s": 10_000.0})]
    for name in ("chat", "search"):
        calm = one_block(np.empty(0, dtype=np.int64), calendar)
        assert all_of(disturbed(calm, storms, name, calendar, Streams(1))).size == 500


def test_without_storms_the_source_is_the_very_same() -> None:
    source = one_block(seconds(1), day(1))
    assert disturbed(source, [], "main", day(1), Streams(1)) is source


def test_a_storm_draws_from_a_stream_of_its_own() -> None:
    workload = PoissonWorkload(
        rate_per_s=1.0, keys=ZipfKeys(catalogue=50), tenants=Tenants(count=3), **COMMON
    )  # fmt: skip
    calm = all_of(arrival_source(workload, "main", day(2), Streams(1)))
    got = all_of(disturbed(arrival_source(workload, "main", day(2), Streams(1)), [Surge(**CROWD)], "main", day(2),
                           Streams(1)))  # fmt: skip
    # every request of the base is still there, at its nanosecond
    assert np.isin(calm, got).all()
    assert got.size > calm.size


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"factor": 1.0}, "factor of 1"),
        ({"rise_s": 0.0, "hold_s": 0.0, "fall_s": 0.0}, "no time at all"),
        ({"every_s": 1000.0}, "before it is over"),
    ],
)
def test_a_surge_that_means_nothing_is_refused(changed: dict[str, float], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Surge(**{**CROWD, **changed})


@pytest.mark.parametrize(("weekday", "duration_s"), [(None, 23.5 * 3600), ("friday", 167.5 * 3600)])
def test_a_job_that_is_not_over_before_the_next_one_is_refused(weekday: Any, duration_s: float) -> None:
    with pytest.raises(ValidationError, match="comes again every"):
        Batch(requests=1, weekday=weekday, duration_s=duration_s)


@pytest.mark.parametrize("option", ["flash_crowd", "slow_drip", "weekly_batch", "retry_storm"])
@pytest.mark.parametrize("scenario", ["document_assistant", "realtime_vision", "recommendation"])
def test_a_storm_is_chosen_in_any_scenario_and_what_is_printed_loads_again(scenario, option, tmp_path) -> None:
    chosen = load(scenario, f"disturbance={option}")
    assert list(chosen.disturbances) == [option]
    retries = {workload.retry.kind for workload in chosen.workloads.values()}
    assert retries == ({"exponential"} if option == "retry_storm" else {"none"})
    path = tmp_path / "scenario.yaml"
    path.write_text(dump(chosen), encoding="utf-8")
    assert load(str(path)) == chosen


def test_a_storm_is_chosen_over_a_scenario_that_was_printed(tmp_path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(dump(load("realtime_vision", "disturbance=flash_crowd")), encoding="utf-8")
    assert load(str(path), "disturbance=retry_storm") == load("realtime_vision", "disturbance=retry_storm")
    assert load(str(path), "disturbance=none") == load("realtime_vision")


def test_a_scenario_without_storms_prints_none() -> None:
    assert "disturbance" not in dump(load("realtime_vision"))


SHORT = (
    "document_assistant", "horizon=12 h", "phases=production", "workload.rate=60 req/min", "autoscaler=fixed",
    "workload.launches=[]", "learning=none", "workload.growth={kind: none}", "workload.seasonality={kind: flat}",
)  # fmt: skip


def test_begin_and_end_of_a_storm_are_events_and_its_crowd_is_served() -> None:
    typed = ("disturbance=flash_crowd", "disturbances.flash_crowd.start=3 h")
    run, calm = simulate(load(*SHORT, *typed)), simulate(load(*SHORT))
    told = run.events[run.events["kind"].str.startswith("disturbance")]
    assert told[["at_s", "kind", "subject", "before", "after"]].to_numpy().tolist() == [
        [10_800.0, "disturbance_begins", "flash_crowd", 1.0, 10.0],
        [10_800.0 + 60 + 900 + 600, "disturbance_ends", "flash_crowd", 10.0, 1.0],
    ]
    # and the extra area of the trapezium, 9 * (15 min + half of 11 min) at about one request a second, is offered
    more = run.totals["offered"] - calm.totals["offered"]
    base = 9 * (900 + 330)
    assert abs(more - base) < 5 * np.sqrt(81 * 1230)  # each request of the base, Poisson, brings nine more


def test_both_engines_play_the_same_storm() -> None:
    typed = (*SHORT, "horizon=1 h", "disturbance=retry_storm", "disturbances.retry_storm.start=10 min",
             "workload.rate=10 req/min")  # fmt: skip
    exact, reference = (simulate(load(*typed, f"engine={engine}")) for engine in ("exact", "reference"))
    assert exact.totals == reference.totals
    assert exact.totals["offered"] > 500
    assert exact.timeseries.equals(reference.timeseries)


def test_a_gate_may_ask_for_traffic_that_only_a_storm_brings() -> None:
    from sim.config import InputError

    typed = ("document_assistant", "phases.scale.gate.all=[{kind: traffic, at_least: 100 req/s}]")
    with pytest.raises(InputError, match="beyond all demand"):
        load(*typed)
    crowd = load(*typed, "disturbance=flash_crowd", "disturbances.flash_crowd.factor=1000")
    assert crowd.phases["scale"].gate is not None


def test_the_report_tells_what_storms_are_assumed_and_when_they_came() -> None:
    from sim.report.facts import gather
    from sim.report.storms import storm_events, storm_rows

    typed = ("disturbance=flash_crowd", "disturbances.flash_crowd.start=3 h", "horizon=6 h", "workload.rate=1 req/min")
    facts = gather(simulate(load(*SHORT, *typed)))
    ((name, said),) = storm_rows(facts)
    assert name == "storm flash crowd"
    assert "10 times the demand from 3 h on: rise 60 s" in said
    assert [(at_s, what) for at_s, what, _ in storm_events(facts)] == [
        (10_800.0, "storm flash crowd begins"), (12_360.0, "storm flash crowd ends"),
    ]  # fmt: skip
