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
from scipy import optimize, stats

from sim.clock.calendar import NS_PER_S, Calendar
from sim.streams import Streams
from sim.workload.ends import check_file
from sim.workload.growth import HourOfWeekSeasonality, LogisticGrowth
from sim.workload.interarrival import Client, Interarrival
from sim.workload.occasions import Spikes
from sim.workload.parameters import (
    ClientMixWorkload,
    CountsWorkload,
    PoissonWorkload,
    RenewalWorkload,
    ReplayWorkload,
    Slo,
)
from sim.workload.rate import DemandCurve
from sim.workload.source import arrival_source

ALPHA = 1e-4
DEEP = 1e-6  # where many laws are tested at once
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
    expected = DemandCurve(workload, calendar, Streams(7).key("spikes/main")).rates(0, 672) * 3600
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


LAWS = [(kind, cv) for kind in ("gamma", "weibull") for cv in (0.1, 0.4, 1.0, 2.0, 5.0, 20.0)]


def law(kind: str, cv: float) -> Any:
    """The law of gaps with mean 1, by scipy: for Weibull with a shape found here anew."""
    if kind == "gamma":
        return stats.gamma(cv**-2, scale=cv**2)
    shape = optimize.brentq(lambda c: stats.weibull_min.std(c) / stats.weibull_min.mean(c) - cv, 0.1, 50)
    return stats.weibull_min(shape, scale=1 / stats.weibull_min.mean(shape))


def operational(workload: Any, calendar: Calendar, times: np.ndarray) -> np.ndarray:
    """Integrated rate from the start to each of `times`, by the demand curve."""
    curve = DemandCurve(workload, calendar, Streams(7).key("spikes/main"))
    length_s = curve.length_ns / NS_PER_S
    until = np.concatenate(([0.0], np.cumsum(curve.rates(0, curve.intervals) * length_s)))
    return np.interp(times / NS_PER_S, np.arange(len(until)) * length_s, until)


@pytest.mark.parametrize(("kind", "cv"), LAWS)
def test_gaps_in_operational_time_follow_the_stated_law_and_are_independent(kind: str, cv: float) -> None:
    # given about 40,000 renewal arrivals along a curve that grows, has days and nights, and a spike now and then
    weights = tuple(0.2 + (h % 24) / 12 for h in range(168))
    workload = RenewalWorkload(
        rate_per_s=0.01, growth=LogisticGrowth(ceiling=6, midpoint_s=14 * 86_400.0),
        seasonality=HourOfWeekSeasonality(weights=weights), spikes=Spikes(per_year=50, factor=4, decay_s=7200.0),
        interarrival=Interarrival(kind=kind, cv=cv), **COMMON,
    )  # fmt: skip
    calendar = Calendar(datetime(2026, 10, 12), "Europe/Paris", 20 * 24 * HOUR)
    # when their gaps are taken in operational time, where a nanosecond is about 1e-10
    gaps = np.diff(operational(workload, calendar, arrivals(workload, calendar)))
    # then they follow the law; of a very skewed one, whose gaps are mostly below a nanosecond, those above 1e-6
    truth = law(kind, cv)
    seen = gaps > 1e-6
    below = truth.cdf(1e-6)
    assert stats.binomtest(int((~seen).sum()), len(gaps), below).pvalue > DEEP
    assert stats.kstest((truth.cdf(gaps[seen]) - below) / (1 - below), "uniform").pvalue > DEEP
    ranks = stats.rankdata(gaps)
    neighbours = np.corrcoef(ranks[:-1], ranks[1:])[0, 1]
    assert abs(neighbours) < stats.norm.ppf(1 - DEEP / 2) / np.sqrt(len(gaps))


@pytest.mark.parametrize(("kind", "cv"), [("gamma", 3.0), ("gamma", 0.3), ("weibull", 3.0), ("weibull", 0.3)])
def test_a_renewal_process_has_its_mean_rate_from_the_start(kind: str, cv: float) -> None:
    # given 4,000 seeds of a short stretch in which one request is expected, when arrivals are counted
    calendar = Calendar(datetime(2026, 1, 5), "UTC", 3600 * NS_PER_S)
    workload = RenewalWorkload(rate_per_s=1 / 3600, interarrival=Interarrival(kind=kind, cv=cv), **COMMON)
    times = [arrivals(workload, calendar, size=64, seed=seed) for seed in range(4000)]
    counts = np.array([len(t) for t in times])
    # then their mean is one, where a process that begins with a whole gap would have other counts
    assert abs(counts.mean() - 1) < stats.norm.ppf(1 - DEEP / 2) * counts.std() / np.sqrt(len(counts))
    # and the first gap follows the law of what is left of a gap: density (1 - F(x)) / mean
    first = np.array([t[0] / (3600 * NS_PER_S) for t in times if len(t)])
    truth = law(kind, cv)
    grid = np.linspace(0, 1, 20_001)
    remaining = np.concatenate(([0.0], np.cumsum(truth.sf((grid[:-1] + grid[1:]) / 2)) / 20_000))
    assert stats.kstest(np.interp(first, grid, remaining / remaining[-1]), "uniform").pvalue > DEEP
    assert DEEP < stats.binom.cdf(len(first), 4000, remaining[-1]) < 1 - DEEP


@pytest.mark.parametrize("kind", ["gamma", "weibull"])
def test_with_a_cv_of_one_renewal_arrivals_are_poisson(kind: str) -> None:
    workload = RenewalWorkload(rate_per_s=5.0, interarrival=Interarrival(kind=kind, cv=1.0), **COMMON)
    calendar = Calendar(datetime(2026, 1, 5), "UTC", 6 * HOUR)
    times = arrivals(workload, calendar)
    assert stats.kstest(np.diff(times) / NS_PER_S, "expon", args=(0, 0.2)).pvalue > DEEP
    dispersion = float(((np.bincount(times // (60 * NS_PER_S)) - 300.0) ** 2 / 300.0).sum())
    assert stats.chi2.ppf(DEEP, 360) < dispersion < stats.chi2.ppf(1 - DEEP, 360)


@pytest.mark.parametrize("cv", [0.5, 2.0])
def test_counts_of_a_renewal_process_disperse_by_its_squared_cv(cv: float) -> None:
    # given windows of 400 expected requests, when their counts are compared with Var / mean -> cv ** 2 (Cox 1962)
    workload = RenewalWorkload(rate_per_s=4.0, interarrival=Interarrival(kind="gamma", cv=cv), **COMMON)
    calendar = Calendar(datetime(2026, 1, 5), "UTC", 100 * HOUR)
    counts = np.bincount(arrivals(workload, calendar) // (100 * NS_PER_S), minlength=3600)
    # then the index agrees within its sampling error and the 3 % by which 400 falls short of infinity
    error = stats.norm.ppf(1 - DEEP / 2) * np.sqrt(2 / 3600)
    assert counts.var() / counts.mean() == pytest.approx(cv**2, rel=error + 0.03)


CLIENTS = (
    Client(share=0.6, cv=1.0, interarrival="gamma"), Client(share=0.3, cv=4.0, interarrival="weibull"),
    Client(share=0.1, cv=0.3, interarrival="gamma"),
)  # fmt: skip


def test_a_mix_of_clients_is_its_streams_merged_with_their_shares_and_laws() -> None:
    # given three clients, when their arrivals are told apart by tenant
    workload = ClientMixWorkload(rate_per_s=2.0, clients=CLIENTS, **COMMON)
    calendar = Calendar(datetime(2026, 1, 5), "UTC", 10 * HOUR)
    source = arrival_source(workload, "main", calendar, Streams(7))
    blocks = list(iter(source.next_block, None))
    times, tenant = np.concatenate([b.arrival_ns for b in blocks]), np.concatenate([b.tenant for b in blocks])
    assert (np.diff(times) >= 0).all()
    for i, client in enumerate(CLIENTS):
        # then each has gaps of its own law at its share of the rate
        gaps = np.diff(times[tenant == i]) / NS_PER_S * (2.0 * client.share)
        truth = law(client.interarrival, client.cv)
        seen = gaps > 1e-6
        below = truth.cdf(1e-6)
        assert stats.kstest((truth.cdf(gaps[seen]) - below) / (1 - below), "uniform").pvalue > DEEP
        # and as many arrivals as that, by the normal limit of its count
        mean = 72_000 * client.share
        assert abs((tenant == i).sum() - mean) < stats.norm.ppf(1 - DEEP / 2) * client.cv * np.sqrt(mean) * 1.05


def test_a_client_is_the_same_in_every_mix() -> None:
    # given a mix and another in which the last client behaves otherwise, when both arrive
    def of_client(mix: tuple[Client, ...], i: int) -> list[int]:
        workload = ClientMixWorkload(rate_per_s=2.0, clients=mix, **COMMON)
        source = arrival_source(workload, "main", Calendar(datetime(2026, 1, 5), "UTC", HOUR), Streams(7))
        return [int(t) for b in iter(source.next_block, None) for t in b.arrival_ns[b.tenant == i]]

    other = (*CLIENTS[:2], Client(share=0.1, cv=3.0, interarrival="gamma"))
    assert of_client(CLIENTS, 1) == of_client(other, 1)
    assert of_client(CLIENTS, 2) != of_client(other, 2)


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 3000), seed=st.integers(0, 2**63 - 1), kind=st.sampled_from(["gamma", "weibull"]))
def test_block_size_moves_no_renewal_arrival_and_none_of_a_mix(size: int, seed: int, kind: Any) -> None:
    calendar = Calendar(datetime(2026, 1, 5), "UTC", 5 * HOUR // 2)
    curve: dict[str, Any] = {
        "rate_per_s": 0.5, "resolution_s": 600.0, "growth": LogisticGrowth(ceiling=5, midpoint_s=3600.0),
        "spikes": Spikes(per_year=900, factor=5, decay_s=600.0), **COMMON,
    }  # fmt: skip
    workloads: list[Any] = [
        RenewalWorkload(interarrival=Interarrival(kind=kind, cv=3.0), **curve),
        ClientMixWorkload(clients=CLIENTS, **curve),
    ]
    for workload in workloads:
        assert np.array_equal(arrivals(workload, calendar, size, seed), arrivals(workload, calendar, seed=seed))


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
