"""What single requests carry: content keys by popularity, with drift, or of a trace; and tenants."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.clock.calendar import NS_PER_DAY, NS_PER_S, Calendar
from sim.config import InputError
from sim.streams import Purpose, Streams
from sim.workload.attributes import Tenants, TraceKeys, ZipfKeys
from sim.workload.ends import check_file
from sim.workload.interarrival import Client, Interarrival
from sim.workload.parameters import (
    ClientMixWorkload,
    CountsWorkload,
    PoissonWorkload,
    RenewalWorkload,
    ReplayWorkload,
    Slo,
)
from sim.workload.source import arrival_source
from sim.workload.zipf import ZipfTable

ALPHA = 1e-6
COMMON: dict[str, Any] = {
    "timeout_s": 30.0, "slo": Slo(latency_s=5.0, share=0.99), "prompt_tokens": 100, "output_tokens": 10,
    "response_bytes": 2e3, "log_bytes": 1e3,
}  # fmt: skip
DAY = Calendar(datetime(2026, 1, 5), "UTC", NS_PER_DAY)
ZIPF = ZipfKeys(catalogue=1000, exponent=1.0)


def poisson(**more: Any) -> PoissonWorkload:
    return PoissonWorkload(**{"rate_per_s": 1.0, **more}, **COMMON)


def taken(workload: Any, calendar: Calendar = DAY, size: int = 65_536, name: str = "main") -> dict[str, np.ndarray]:
    source = arrival_source(workload, name, calendar, Streams(1), size)
    blocks = list(iter(source.next_block, None))
    found = {}
    for column in ("arrival_ns", "key", "tenant", "prompt_tokens"):
        parts = [getattr(b, column) for b in blocks]
        if all(p is not None for p in parts):
            found[column] = np.concatenate(parts)
    return found


def zipf(n: int, exponent: float) -> np.ndarray:
    weights = np.arange(1, n + 1, dtype=float) ** -exponent
    return weights / weights.sum()


def cells(table: ZipfTable) -> np.ndarray:
    """Probability of each rank that the cells of an alias table add up to."""
    n = len(table.stay)
    stay = np.clip(table.stay, 0, 1)
    return (stay + np.bincount(table.alias, weights=1 - stay, minlength=n)) / n


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0, 10.0])
@pytest.mark.parametrize("n", [1, 2, 3, 1000, 100_000])
def test_the_alias_table_holds_the_zipf_law_exactly(n: int, exponent: float) -> None:
    assert cells(ZipfTable(n, exponent)) == pytest.approx(zipf(n, exponent), rel=1e-9, abs=1e-12)


def test_a_catalogue_of_ten_million_is_exact_too() -> None:
    table = ZipfTable(10_000_000, 0.8)
    assert (table.stay.nbytes + table.alias.nbytes) == 120_000_000
    assert np.abs(cells(table) - zipf(10_000_000, 0.8)).max() < 1e-12


@pytest.mark.parametrize("exponent", [0.6, 1.0, 1.4])
def test_keys_are_asked_for_by_their_popularity(exponent: float) -> None:
    # given a million requests, when the keys of the 200 first ranks and of all others are counted
    ranks = ZipfTable(1000, exponent).ranks(Streams(5).key("keys/main"), 0, 1_000_000, Purpose.KEY)
    seen = np.bincount(np.minimum(ranks, 200))
    p = zipf(1000, exponent)
    expected = np.append(p[:200], p[200:].sum()) * 1e6
    # then they follow the law, and neighbours (who share a Philox call) are independent of each other
    assert stats.chisquare(seen, expected).pvalue > ALPHA
    table = np.histogram2d(ranks[::2] < 10, ranks[1::2] < 10, bins=2)[0]
    assert stats.chi2_contingency(table).pvalue > ALPHA


def test_without_drift_a_key_is_a_rank_and_unique_keys_and_one_tenant_are_not_drawn() -> None:
    got = taken(poisson(keys=ZIPF))
    assert got["key"].dtype == np.int64
    assert set(got["key"]) <= set(range(1000))
    assert "tenant" not in got
    assert set(taken(poisson())) == {"arrival_ns"}


def test_drift_replaces_its_share_of_the_catalogue_each_day_on_a_rolling_basis() -> None:
    # given equally popular contents, 10 % replaced a day, when 40 days pass
    calendar = Calendar(datetime(2026, 1, 5), "UTC", 40 * NS_PER_DAY)
    keys = ZipfKeys(catalogue=500, exponent=0.0, drift=0.1)
    got = taken(poisson(rate_per_s=0.2, keys=keys), calendar)
    rank, age = got["key"] % 500, got["key"] // 500
    at_days = got["arrival_ns"] / NS_PER_DAY
    # then every rank is replaced every ten days, four times in all, and never goes back
    changes = np.zeros(500)
    first = np.zeros(500)
    for r in range(500):
        ages = age[rank == r]
        assert (np.diff(ages) >= 0).all()
        changes[r] = ages[-1] - ages[0]
        first[r] = at_days[rank == r][np.argmax(ages > ages[0])]
    assert set(changes) <= {3, 4}
    # and a tenth of the ranks is replaced on each of the first ten days
    days = np.bincount(np.minimum(first.astype(int), 9), minlength=10)
    assert stats.chisquare(days).pvalue > ALPHA


def test_tenants_have_zipf_shares_and_leave_arrivals_and_keys_alone() -> None:
    plain, shared = taken(poisson(keys=ZIPF)), taken(poisson(keys=ZIPF, tenants=Tenants(count=5, exponent=1.0)))
    assert shared["tenant"].dtype == np.int32
    assert stats.chisquare(np.bincount(shared["tenant"]), zipf(5, 1.0) * len(shared["tenant"])).pvalue > ALPHA
    assert np.array_equal(plain["arrival_ns"], shared["arrival_ns"])
    assert np.array_equal(plain["key"], shared["key"])
    # and the same request's key and tenant have nothing to do with each other
    table = np.histogram2d(shared["tenant"] == 0, shared["key"] < 10, bins=2)[0]
    assert stats.chi2_contingency(table).pvalue > ALPHA


def test_keys_of_two_workloads_are_drawn_apart() -> None:
    a, b = taken(poisson(keys=ZIPF)), taken(poisson(keys=ZIPF), name="chat")
    assert not np.array_equal(a["key"][:50], b["key"][:50])


def every_kind(folder: Path) -> list[Any]:
    (folder / "counts.csv").write_text("interval_start,count\n2026-01-05 00:00,700\n2026-01-05 00:02,300\n")
    (folder / "trace.csv").write_text("arrival_s\n" + "".join(f"{i}\n" for i in range(1000)))
    clients = (Client(share=0.7, cv=3, interarrival="gamma"), Client(share=0.3, cv=2, interarrival="weibull"))
    drawn: dict[str, Any] = {"keys": ZipfKeys(catalogue=50, drift=0.5), **COMMON}
    tenants = Tenants(count=3)
    return [
        PoissonWorkload(rate_per_s=0.02, tenants=tenants, **drawn),
        RenewalWorkload(rate_per_s=0.02, tenants=tenants, interarrival=Interarrival(kind="gamma", cv=2), **drawn),
        ClientMixWorkload(rate_per_s=0.02, clients=clients, **drawn),
        CountsWorkload(path=str(folder / "counts.csv"), interval_s=60.0, tenants=tenants, **drawn),
        ReplayWorkload(path=str(folder / "trace.csv"), tenants=tenants, **drawn),
    ]


def test_every_kind_of_arrivals_has_keys_and_tenants_that_block_size_does_not_move(tmp_path: Path) -> None:
    for workload in every_kind(tmp_path):
        whole = taken(workload)
        assert len(whole["key"]) == len(whole["tenant"]) == len(whole["arrival_ns"]) > 500
        assert set(whole["tenant"]) == set(range(workload.tenant_count))
        for size in (1, 7, 512):
            parts = taken(workload, size=size)
            assert all(np.array_equal(parts[column], whole[column]) for column in whole), (workload.kind, size)


def trace(path: Path, contents: list[Any], **more: Any) -> ReplayWorkload:
    pd.DataFrame({"arrival_s": range(len(contents)), "key": contents, "prompt_tokens": 3}).to_csv(path, index=False)
    return ReplayWorkload(path=str(path), **{"keys": TraceKeys(), **more}, **COMMON)


def test_equal_cells_of_a_trace_are_equal_keys_in_every_format(tmp_path: Path) -> None:
    # given the same keys as text, as whole numbers in CSV and in parquet, and as a category in parquet
    text = taken(trace(tmp_path / "a.csv", ["x", "y", "x", "ä z", "y"]))["key"]
    assert (text[0], text[1]) == (text[2], text[4])
    assert len(set(text)) == 3
    digits = taken(trace(tmp_path / "b.csv", [12, 7, 12]))["key"]
    for keys in (np.array([12, 7, 12]), pd.Categorical(["12", "7", "12"])):
        pd.DataFrame({"arrival_s": [0, 1, 2], "content": keys}).to_parquet(tmp_path / "c.parquet")
        workload = trace(tmp_path / "d.csv", [1], keys=TraceKeys(column="content"))
        got = taken(workload.model_copy(update={"path": str(tmp_path / "c.parquet")}))["key"]
        # then a key is the same number wherever its cell says the same, from 0 to 2**63 - 1
        assert np.array_equal(got, digits)
    assert digits.tolist() == [7147430899830323819, 184498939294601447, 7147430899830323819]  # on every machine


def test_trace_keys_come_with_their_requests_in_blocks_of_any_size(tmp_path: Path) -> None:
    workload = trace(tmp_path / "a.csv", [f"k{i % 7}" for i in range(100)], tenants=Tenants(count=2))
    whole, parts = taken(workload), taken(workload, size=9)
    assert np.array_equal(whole["key"], parts["key"])
    assert np.array_equal(whole["tenant"], parts["tenant"])
    assert np.array_equal(whole["key"][:7], whole["key"][7:14])
    assert set(whole["prompt_tokens"]) == {3}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["a", "", "b"], "row 3, column key: nothing: no content key. Expected text or a whole number in every row."),
        (["a", " ", "b"], "row 3, column key: ' ': no content key"),
    ],
)
def test_an_empty_key_is_refused_with_its_row(tmp_path: Path, keys: list[str], said: str) -> None:
    with pytest.raises(InputError) as error:
        arrival_source(trace(tmp_path / "a.csv", keys), "main", DAY, Streams(1))
    assert said in str(error.value)


def test_a_column_of_keys_that_is_not_there_or_of_fractions_is_refused(tmp_path: Path) -> None:
    workload = trace(tmp_path / "a.csv", ["a"], keys=TraceKeys(column="hash"))
    for read in (
        lambda: arrival_source(workload, "chat", DAY, Streams(1)),
        lambda: check_file(workload, "workloads.chat"),
    ):
        with pytest.raises(InputError) as error:
            read()
        said = str(error.value)
        assert said.startswith("workloads.chat.keys.column: hash: ")
        assert "Its columns are: arrival_s, key, prompt_tokens. Type workloads.chat.keys.column=NAME." in said
    pd.DataFrame({"arrival_s": [0.0], "key": [0.5]}).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"column key holds double\. Expected text or whole numbers"):
        taken(workload.model_copy(update={"path": str(tmp_path / "b.parquet"), "keys": TraceKeys()}))


def test_the_last_row_is_looked_at_before_a_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="last row, column key: nothing: no content key"):
        check_file(trace(tmp_path / "a.csv", ["a", "b", ""]), "workload")


def test_a_day_of_seconds_is_as_long_as_the_drift_thinks() -> None:
    # given a catalogue of one content that is wholly replaced each day, when ten days pass, then it had 10 or 11 keys
    calendar = Calendar(datetime(2026, 1, 5), "UTC", 10 * 86_400 * NS_PER_S)
    got = taken(poisson(rate_per_s=0.1, keys=ZipfKeys(catalogue=1, drift=1.0)), calendar)
    assert len(set(got["key"])) == 11
