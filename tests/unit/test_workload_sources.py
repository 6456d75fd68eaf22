"""Arrivals block by block: ids, ends, notes, determinism, civil time."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.clock.calendar import NS_PER_S, Calendar
from sim.config import InputError
from sim.streams import Purpose, Streams, uniform_pair
from sim.workload.block import Block
from sim.workload.growth import ExponentialGrowth, HourOfWeekSeasonality
from sim.workload.parameters import CountsWorkload, PoissonWorkload, ReplayWorkload, Slo
from sim.workload.source import arrival_source

HOUR = 3600 * NS_PER_S
COMMON: dict[str, Any] = {
    "timeout_s": 30.0, "slo": Slo(latency_s=5.0, share=0.99), "prompt_tokens": 100, "output_tokens": 10,
    "response_bytes": 2e3, "log_bytes": 1e3,
}  # fmt: skip


def day(hours: float = 24, zone: str = "UTC", start: datetime = datetime(2026, 1, 5)) -> Calendar:
    return Calendar(start, zone, round(hours * HOUR))


def poisson(**more: Any) -> PoissonWorkload:
    return PoissonWorkload(**{"rate_per_s": 2.0, **more}, **COMMON)


def counts_file(folder: Path, starts: list[str], counts: list[int], interval_s: float = 60.0) -> CountsWorkload:
    path = folder / "counts.csv"
    pd.DataFrame({"interval_start": starts, "count": counts}).to_csv(path, index=False)
    return CountsWorkload(path=str(path), interval_s=interval_s, **COMMON)


def blocks(workload: Any, calendar: Calendar, seed: int = 1, size: int = 65_536, name: str = "main") -> Iterator[Block]:
    source = arrival_source(workload, name, calendar, Streams(seed), size)
    return iter(source.next_block, None)


def arrivals(workload: Any, calendar: Calendar, seed: int = 1, name: str = "main") -> np.ndarray:
    return np.concatenate([b.arrival_ns for b in blocks(workload, calendar, seed, name=name)])


def test_blocks_cover_the_horizon_and_number_requests_from_zero() -> None:
    # given about 173,000 arrivals, when they are taken block by block
    all_blocks = list(blocks(poisson(), day()))
    # then blocks are full but the last, ids are consecutive, times ascend, and the last block reaches the horizon
    assert [len(b.arrival_ns) for b in all_blocks[:-1]] == [65_536] * (len(all_blocks) - 1)
    assert [b.first_id for b in all_blocks] == [65_536 * i for i in range(len(all_blocks))]
    assert all_blocks[-1].until_ns == 24 * HOUR
    before = 0
    for block in all_blocks:
        assert (np.diff(block.arrival_ns, prepend=before) >= 0).all()
        assert block.arrival_ns[-1] <= block.until_ns
        before = block.until_ns
    assert all_blocks[-1].arrival_ns[-1] < 24 * HOUR
    assert all_blocks[0].arrival_ns.dtype == np.int64
    assert all_blocks[0].prompt_tokens is None


def test_a_source_that_is_finished_stays_finished() -> None:
    source = arrival_source(poisson(rate_per_s=1e-9), "main", day(), Streams(1))
    block = source.next_block()
    assert block is not None
    assert (len(block.arrival_ns), block.until_ns) == (0, 24 * HOUR)
    assert source.next_block() is None
    assert source.next_block() is None


def test_seed_replication_and_name_each_give_other_arrivals_and_the_same_ones_again() -> None:
    first = arrivals(poisson(), day())
    assert np.array_equal(first, arrivals(poisson(), day()))
    assert not np.array_equal(first[:10], arrivals(poisson(), day(), seed=2)[:10])
    assert not np.array_equal(first[:10], arrivals(poisson(), day(), name="chat")[:10])


def test_a_longer_horizon_only_adds_arrivals() -> None:
    short, long = arrivals(poisson(), day(10)), arrivals(poisson(), day(24))
    assert np.array_equal(long[: len(short)], short)


def test_poisson_interarrival_times_are_the_draws_of_the_requests() -> None:
    # given a constant rate, when the first arrivals are compared with -ln u(request) / rate by hand
    got = arrivals(poisson(rate_per_s=2.0), day())[:1000]
    key = Streams(1).key("arrivals/main")
    uniforms = [u for i in range(500) for u in uniform_pair(key, i, 0, Purpose.ARRIVAL)]
    by_hand = np.cumsum(-np.log(uniforms)) / 2.0 * NS_PER_S
    # then they agree to the nanosecond
    assert np.abs(got - by_hand).max() <= 1.0


def test_doubling_the_rate_keeps_the_draws_and_halves_the_times() -> None:
    # common random numbers: compared scenarios differ in the rate alone
    slow, fast = arrivals(poisson(rate_per_s=1.0), day()), arrivals(poisson(rate_per_s=2.0), day())
    assert np.abs(fast[: len(slow)] * 2 - slow).max() <= 2


def test_no_arrival_falls_in_an_hour_of_weight_zero_and_clock_changes_are_real() -> None:
    # given demand at 09:00-10:00 civil time alone, over both Sundays of the 2026 clock changes in Paris
    weights = [1.0 if h % 24 == 9 else 0.0 for h in range(168)]
    workload = poisson(seasonality=HourOfWeekSeasonality(weights=tuple(weights)))
    for start, utc_hours in ((datetime(2026, 3, 28), [8, 31]), (datetime(2026, 10, 24), [7, 32])):
        calendar = day(48, "Europe/Paris", start)
        got = arrivals(workload, calendar)
        # then arrivals come in that hour by the clock on the wall, 23 or 25 hours after the day before
        assert {calendar.civil(int(t)).hour for t in got} == {9}
        offset = calendar.civil(0).utcoffset()
        assert offset is not None
        hours = sorted(set((got // HOUR - offset.seconds // 3600).tolist()))
        assert hours == utc_hours
        # and its rate is 24 times the mean
        assert len(got) == pytest.approx(2 * 24 * 7200, rel=0.02)


def test_growth_beyond_the_clock_is_refused_before_anything_runs() -> None:
    workload = poisson(growth=ExponentialGrowth(doubling_s=3600.0))
    with pytest.raises(InputError, match=r"workloads\.chat\.rate: .*at most 1e9 req/s"):
        arrival_source(workload, "chat", day(24 * 10), Streams(1))


def test_each_interval_has_exactly_its_count(tmp_path: Path) -> None:
    # given counts with an empty interval and a large one, when they become arrivals
    workload = counts_file(tmp_path, [f"2026-01-05 00:0{i}" for i in range(5)], [3, 0, 100_000, 1, 7])
    got = list(blocks(workload, day(1)))
    # then each minute has its count, inside the minute
    times = np.concatenate([b.arrival_ns for b in got])
    assert np.bincount(times // (60 * NS_PER_S)).tolist() == [3, 0, 100_000, 1, 7]
    assert (np.diff(times) >= 0).all()
    assert [b.first_id for b in got] == [0, 65_536]
    assert got[-1].until_ns == HOUR


def test_missing_intervals_are_zero_and_said(tmp_path: Path) -> None:
    starts = ["2026-01-05 00:00", "2026-01-05 00:01", "2026-01-05 00:04", "2026-01-05 00:06"]
    workload = counts_file(tmp_path, starts, [1, 2, 3, 4])
    source = arrival_source(workload, "main", day(7 / 60), Streams(1))
    assert source.notes == [
        f"{workload.path}: 3 minutes missing, taken as zero: 2026-01-05 00:02 to 2026-01-05 00:04 (2), "
        "2026-01-05 00:05 to 2026-01-05 00:06 (1) (UTC)."
    ]
    times = np.concatenate([b.arrival_ns for b in iter(source.next_block, None)])
    assert np.bincount(times // (60 * NS_PER_S)).tolist() == [1, 2, 0, 0, 3, 0, 4]


def test_a_scenario_longer_than_its_file_is_said(tmp_path: Path) -> None:
    workload = counts_file(tmp_path, ["2026-01-05 01:00"], [5], interval_s=3600.0)
    source = arrival_source(workload, "main", day(3, "Europe/Paris"), Streams(1))
    assert "covers 2026-01-05 02:00 to 2026-01-05 03:00 (Europe/Paris)" in source.notes[0]


def test_a_count_elsewhere_moves_no_arrival_of_an_earlier_interval(tmp_path: Path) -> None:
    starts = ["2026-01-05 00:00", "2026-01-05 00:01"]
    a = arrivals(counts_file(tmp_path, starts, [500, 10]), day(1))
    b = arrivals(counts_file(tmp_path, starts, [500, 99]), day(1))
    assert np.array_equal(a[:500], b[:500])


def test_a_replay_hands_over_times_and_tokens_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("arrival_s,prompt_tokens,output_tokens\n" + "".join(f"{i}.5,{i},{2 * i}\n" for i in range(10)))
    got = list(blocks(ReplayWorkload(path=str(path), **COMMON), day(1), size=4))
    assert [len(b.arrival_ns) for b in got] == [4, 4, 2, 0]
    assert [b.first_id for b in got] == [0, 4, 8, 10]
    tokens = [(b.prompt_tokens, b.output_tokens) for b in got if b.prompt_tokens is not None]
    assert np.concatenate([p for p, _ in tokens]).tolist() == list(range(10))
    assert np.concatenate([o for _, o in tokens if o is not None]).tolist() == list(range(0, 20, 2))
    assert tokens[0][0].dtype == np.int32
    assert got[-1].until_ns == HOUR
