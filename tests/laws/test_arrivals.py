"""Arrivals against theory and against recorded files. Statistical bounds hold with probability 1 - 1e-4 or more."""

import csv
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from sim.clock.calendar import NS_PER_S, Calendar
from sim.streams import Streams
from sim.workload.ends import check_file
from sim.workload.parameters import (
    CountsWorkload,
    HourOfWeekSeasonality,
    LogisticGrowth,
    PoissonWorkload,
    ReplayWorkload,
    Slo,
)
from sim.workload.rate import interval_rates
from sim.workload.source import arrival_source

ALPHA = 1e-4
HOUR = 3600 * NS_PER_S
COMMON: dict[str, Any] = {
    "timeout_s": 30.0, "slo": Slo(latency_s=5.0, share=0.99), "prompt_tokens": 100, "output_tokens": 10,
    "response_bytes": 2e3, "log_bytes": 1e3,
}  # fmt: skip


def arrivals(workload: Any, calendar: Calendar, size: int = 65_536, seed: int = 7) -> np.ndarray:
    source = arrival_source(workload, "main", calendar, Streams(seed), size)
    return np.concatenate([b.arrival_ns for b in iter(source.next_block, None)])


def counts_workload(path: Path, counts: list[int]) -> CountsWorkload:
    starts = [datetime(2026, 1, 5) + timedelta(minutes=i) for i in range(len(counts))]
    pd.DataFrame({"interval_start": starts, "count": counts}).to_parquet(path)
    return CountsWorkload(path=str(path), interval_s=60.0, **COMMON)


def test_poisson_counts_follow_the_demand_curve() -> None:
    # given growth and seasonality over four weeks, when arrivals are counted by hour
    weights = tuple(1.0 + (h % 24) / 6 for h in range(168))
    workload = PoissonWorkload(
        rate_per_s=0.05, growth=LogisticGrowth(ceiling=6, midpoint_s=14 * 86_400.0),
        seasonality=HourOfWeekSeasonality(weights=weights), **COMMON,
    )  # fmt: skip
    calendar = Calendar(datetime(2026, 10, 12), "Europe/Paris", 28 * 24 * HOUR)
    got = np.bincount(arrivals(workload, calendar) // HOUR, minlength=672)
    # then they are Poisson with that hour's rate: the dispersion statistic is chi-square with 672 degrees of freedom
    expected = interval_rates(workload, calendar, 0, 672) * 3600
    statistic = float(((got - expected) ** 2 / expected).sum())
    assert stats.chi2.ppf(ALPHA / 2, 672) < statistic < stats.chi2.ppf(1 - ALPHA / 2, 672)


def test_poisson_interarrival_times_are_exponential_and_independent() -> None:
    workload = PoissonWorkload(rate_per_s=10.0, **COMMON)
    gaps = np.diff(arrivals(workload, Calendar(datetime(2026, 1, 5), "UTC", 3 * HOUR))) / NS_PER_S
    assert stats.kstest(gaps, "expon", args=(0, 0.1)).pvalue > ALPHA
    neighbours = np.corrcoef(gaps[:-1], gaps[1:])[0, 1]
    assert abs(neighbours) < stats.norm.ppf(1 - ALPHA / 2) / np.sqrt(len(gaps))


def test_counts_are_uniform_within_their_interval(tmp_path: Path) -> None:
    # given many small intervals and a large one, when their arrivals are placed on (0, 1) of their interval
    workload = counts_workload(tmp_path / "counts.parquet", [3] * 20_000 + [50_000])
    times = arrivals(workload, Calendar(datetime(2026, 1, 5), "UTC", 400 * HOUR))
    place = times % (60 * NS_PER_S) / (60 * NS_PER_S)
    # then they are uniform, and the first and last of three follow their order statistics, Beta(1, 3) and Beta(3, 1)
    assert stats.kstest(place[60_000:], "uniform").pvalue > ALPHA
    assert stats.kstest(place[:60_000], "uniform").pvalue > ALPHA
    assert stats.kstest(place[0:60_000:3], "beta", args=(1, 3)).pvalue > ALPHA
    assert stats.kstest(place[2:60_000:3], "beta", args=(3, 1)).pvalue > ALPHA


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 3000), seed=st.integers(0, 2**63 - 1))
def test_block_size_moves_no_poisson_arrival(size: int, seed: int) -> None:
    calendar = Calendar(datetime(2026, 1, 5), "UTC", 5 * HOUR // 2)
    workload = PoissonWorkload(
        rate_per_s=0.3, resolution_s=600.0, growth=LogisticGrowth(ceiling=5, midpoint_s=3600.0), **COMMON
    )
    assert np.array_equal(arrivals(workload, calendar, size, seed), arrivals(workload, calendar, seed=seed))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 300), counts=st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_block_size_moves_no_arrival_of_a_series_of_counts(tmp_path: Path, size: int, counts: list[int]) -> None:
    calendar = Calendar(datetime(2026, 1, 5), "UTC", HOUR)
    workload = counts_workload(tmp_path / "counts.parquet", counts)
    whole = arrivals(workload, calendar)
    assert np.bincount(whole // (60 * NS_PER_S), minlength=len(counts)).tolist() == counts
    assert np.array_equal(arrivals(workload, calendar, size), whole)


def test_the_hazard_keeps_its_precision_over_many_arrivals() -> None:
    # given two million arrivals in one interval at a constant rate, when their last is compared with the sum of draws
    workload = PoissonWorkload(rate_per_s=1000.0, **COMMON)
    calendar = Calendar(datetime(2026, 1, 5), "UTC", HOUR // 2)
    one = arrivals(workload, calendar)
    many = arrivals(workload.model_copy(update={"resolution_s": 1.0}), calendar)
    # then cutting the same rate into 1,800 intervals moves nothing by more than a few nanoseconds
    assert len(one) == len(many)
    assert np.abs(one - many).max() <= 10


@pytest.fixture
def data() -> Callable[[str], Path]:
    folder = os.environ.get("SIM_DATA")
    if not folder:
        pytest.skip("SIM_DATA names no folder of real data")

    def file(name: str) -> Path:
        path = Path(folder) / name
        if not path.exists():
            pytest.skip(f"SIM_DATA has no {name}")
        return path

    return file


def whole_scenario(workload: CountsWorkload | ReplayWorkload) -> Calendar:
    ends = check_file(workload, "workload")
    start = ends.start()
    assert start is not None
    return Calendar(start, "UTC", ends.horizon_ns(start))


def test_the_world_cup_counts_are_replayed_to_the_last_request(data: Callable[[str], Path]) -> None:
    # given the requests per minute of the 1998 World Cup site
    path = data("worldcup98/worldcup98_requests_per_minute.parquet")
    workload = CountsWorkload(path=str(path), time_column="minute", interval_s=60.0, **COMMON)
    calendar = whole_scenario(workload)
    source = arrival_source(workload, "main", calendar, Streams(7))
    # then the ten minutes missing are said
    assert len(source.notes) == 1
    assert ": 10 minutes missing, taken as zero: 1998-05-08 03:22 to 1998-05-08 03:23 (1)" in source.notes[0]
    # and when all is replayed, each minute has its count, and all minutes have the published total
    minutes = calendar.horizon_ns // (60 * NS_PER_S)
    got = np.zeros(minutes, dtype=np.int64)
    total = 0
    for block in iter(source.next_block, None):
        assert block.first_id == total
        total += len(block.arrival_ns)
        if len(block.arrival_ns):
            first, last = int(block.arrival_ns[0] // (60 * NS_PER_S)), int(block.arrival_ns[-1] // (60 * NS_PER_S))
            edges = np.arange(first, last + 2) * (60 * NS_PER_S)
            got[first : last + 1] += np.diff(np.searchsorted(block.arrival_ns, edges))
    assert total == 1_352_804_107
    frame = pd.read_parquet(path)
    at = ((frame["minute"] - frame["minute"].iloc[0]) // pd.Timedelta(minutes=1)).to_numpy()
    expected = np.zeros(minutes, dtype=np.int64)
    expected[at] = frame["count"]
    assert np.array_equal(got, expected)


@pytest.mark.parametrize(("kind", "rows"), [("code", 8_819), ("conv", 19_366)])
def test_the_azure_traces_are_replayed_row_by_row(data: Callable[[str], Path], kind: str, rows: int) -> None:
    # given a published trace, when it is replayed
    path = data(f"azure_llm_2023/data/AzureLLMInferenceTrace_{kind}.csv")
    workload = ReplayWorkload(path=str(path), **COMMON)
    calendar = whole_scenario(workload)
    source = arrival_source(workload, "main", calendar, Streams(7))
    blocks = list(iter(source.next_block, None))
    # then every row arrives at its time of the file, to the 100 ns that the file has, with its tokens
    with path.open(newline="") as file:
        written = list(csv.DictReader(file))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    expected = []
    for row in written:
        moment, part = row["TIMESTAMP"].split(".")
        seconds = (datetime.fromisoformat(moment).replace(tzinfo=UTC) - epoch) // timedelta(seconds=1)
        expected.append(seconds * NS_PER_S + int(part.ljust(9, "0")))
    got = np.concatenate([b.arrival_ns for b in blocks]) + calendar.start_epoch_ns
    assert len(got) == len(written) == rows
    assert got.tolist() == expected
    prompts = np.concatenate([b.prompt_tokens for b in blocks if b.prompt_tokens is not None])
    outputs = np.concatenate([b.output_tokens for b in blocks if b.output_tokens is not None])
    assert prompts.tolist() == [int(r["ContextTokens"]) for r in written]
    assert outputs.tolist() == [int(r["GeneratedTokens"]) for r in written]
