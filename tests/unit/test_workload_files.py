"""Data files: what is read from them, and what is said when they are wrong."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.clock.calendar import NS_PER_S, Calendar
from sim.config import InputError
from sim.streams import Streams
from sim.workload.ends import check_file
from sim.workload.parameters import CountsWorkload, ReplayWorkload, Slo
from sim.workload.source import arrival_source

COMMON: dict[str, Any] = {
    "timeout_s": 30.0, "slo": Slo(latency_s=5.0, share=0.99), "prompt_tokens": 100, "output_tokens": 10,
    "response_bytes": 2e3, "log_bytes": 1e3,
}  # fmt: skip
CALENDAR = Calendar(datetime(2023, 11, 16, 18, 0), "UTC", 2 * 3600 * NS_PER_S)
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
GOOD = "2023-11-16 18:15:46.6805900,374,44\n"
LATER = "2023-11-16 18:15:50.9951690,396,109\n"
COUNTS = "interval_start,count\n"

Write = Callable[[str | bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(content: str | bytes) -> str:
        path = tmp_path / "trace.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return file


def replay(path: str | None, calendar: Calendar = CALENDAR, **more: Any) -> list[Any]:
    source = arrival_source(ReplayWorkload(path=path, **more, **COMMON), "main", calendar, Streams(1))
    return list(iter(source.next_block, None))


def counts(path: str | None, calendar: Calendar = CALENDAR, **more: Any) -> Any:
    workload = CountsWorkload(path=path, **{"interval_s": 60.0, **more}, **COMMON)
    return arrival_source(workload, "main", calendar, Streams(1))


def told(read: Callable[[], object]) -> list[str]:
    with pytest.raises(InputError) as error:
        read()
    return [str(p) for p in error.value.problems]


BAD_TRACES = {
    "empty": ("", "the file is empty"),
    "blank": ("\n \n", "the file is empty"),
    "header alone": (AZURE, "no rows"),
    "truncated": (AZURE + GOOD + "2023-11-16 18:1", "row 3: 2023-11-16 18:1: 1 column where the header has 3"),
    "too many columns": (AZURE + GOOD + "2023-11-16 18:16:00,1,2,3\n", "row 3: 2023-11-16 18:16:00,1,2,3: 4 columns"),
    "out of order": (AZURE + LATER + GOOD, "row 3, column TIMESTAMP: 2023-11-16 18:15:46.6805900: out of order"),
    "binary": (bytes(range(256)), "a binary file"),
    "late binary": ((AZURE + GOOD * 4000).encode() + b"\xff\xfe,1,1\n", "Row #4002"),
    "compressed": (gzip.compress(AZURE.encode()), "gunzip"),
    "damaged parquet": (b"PAR1" + b"\0" * 100, "truncated or damaged parquet"),
    "NaN time": (AZURE + GOOD + "NaN,1,1\n", "row 3, column TIMESTAMP: NaN: not a time stamp"),
    "NaN tokens": (AZURE + GOOD + "2023-11-16 18:16:00,NaN,1\n", "row 3, column ContextTokens: NaN: not a whole"),
    "no tokens": (AZURE + "2023-11-16 18:16:00,,1\n" + LATER, "row 2, column ContextTokens: nothing: not a whole"),
    "negative tokens": (AZURE + GOOD + "2023-11-16 18:16:00,1,-4\n", "row 3, column GeneratedTokens: -4: not a whole"),
    "fractional tokens": (AZURE + "2023-11-16 18:16:00,1.5,4\n", "row 2, column ContextTokens: 1.5: not a whole"),
    "too many tokens": (AZURE + "2023-11-16 18:16:00,1,2147483648\n", "from 0 to 2,147,483,647"),
    "impossible day": (AZURE + "2023-02-30 18:16:00,1,1\n", "row 2, column TIMESTAMP: 2023-02-30 18:16:00: not a time"),
    "wrong columns": ("a,b\n1,2\n", "a,b: wrong columns. Expected those of the Azure LLM trace, TIMESTAMP"),
    "semicolons": (AZURE.replace(",", ";") + "1;2;3\n", "separated by commas"),
    "both times": ("arrival,arrival_s\n1,2\n", "or our own: arrival (time stamp) or arrival_s"),
    "one name twice": ("arrival,arrival\n1,2\n", "two columns have this name"),
    "zones, one without": (
        AZURE + "2023-11-16 18:16:00Z,1,1\n2023-11-16 18:17:00,1,1\n",
        "row 3, column TIMESTAMP: 2023-11-16 18:17:00: mixed time zones: row 2 has offset Z",
    ),
    "zones, two": (
        AZURE + "2023-11-16 18:16:00+00:00,1,1\n2023-11-16 20:17:00+02:00,1,1\n",
        "mixed time zones: row 2 has offset +00:00",
    ),
    "before the start": (
        AZURE + "2023-11-15 18:16:00,1,1\n" * 2 + GOOD,
        "row 2, column TIMESTAMP: 2023-11-15 18:16: before the scenario's start, 2023-11-16 18:00 UTC (rows before it: "
        "2). Type start=null",
    ),
    "after the end": (
        AZURE + GOOD + "2023-11-16 20:00:00,1,1\n",
        "row 3, column TIMESTAMP: 2023-11-16 20:00: after the scenario's end, 2023-11-16 20:00 UTC",
    ),
    "negative seconds": ("arrival_s\n1\n-1\n", "row 3, column arrival_s: -1: not seconds since the start"),
    "words for seconds": ("arrival_s\n1\nsoon\n", "row 3, column arrival_s: soon: not seconds"),
}


@pytest.mark.parametrize(("content", "said"), BAD_TRACES.values(), ids=BAD_TRACES)
def test_a_bad_trace_is_refused_with_its_row(write: Write, content: str | bytes, said: str) -> None:
    problems = told(lambda: replay(write(content)))
    assert any(said in p for p in problems), problems


BAD_COUNTS = {
    "negative": (COUNTS + "2023-11-16 18:00:00,-1\n", "row 2, column count: -1: not a whole number"),
    "fractional": (COUNTS + "2023-11-16 18:00:00,1.5\n", "row 2, column count: 1.5: not a whole number"),
    "NaN": (COUNTS + "2023-11-16 18:00:00,nan\n", "row 2, column count: nan: not a whole number"),
    "infinite": (COUNTS + "2023-11-16 18:00:00,inf\n", "row 2, column count: inf: not a whole number"),
    "duplicate": (COUNTS + "2023-11-16 18:00,1\n" * 2, "row 3, column interval_start: 2023-11-16 18:00: duplicate"),
    "out of order": (
        COUNTS + "2023-11-16 18:01,1\n2023-11-16 18:00,1\n",
        "row 3, column interval_start: 2023-11-16 18:00: out of order",
    ),
    "off the grid": (
        COUNTS + "2023-11-16 18:00,1\n2023-11-16 18:01:30,1\n",
        "2023-11-16 18:01:30: not a whole number of intervals of 60 s",
    ),
    "past the end": (COUNTS + "2023-11-16 19:59:30,1\n", "after the scenario's end"),
    "wrong columns": ("minute,requests\n2023-11-16 18:00,1\n", "workload.time_column: interval_start: "),
}


@pytest.mark.parametrize(("content", "said"), BAD_COUNTS.values(), ids=BAD_COUNTS)
def test_bad_counts_are_refused_with_their_row(write: Write, content: str, said: str) -> None:
    problems = told(lambda: counts(write(content)))
    assert any(said in p for p in problems), problems


def test_a_missing_column_names_the_columns_there_are_and_what_to_type(write: Write) -> None:
    problems = told(lambda: counts(write("minute,count\n2023-11-16 18:00,1\n")))
    assert len(problems) == 1
    assert "Its columns are: minute, count. Type workload.time_column=NAME" in problems[0]


def test_all_problems_are_told_at_once_and_a_flood_is_counted(write: Write) -> None:
    # given 500 rows with two wrong cells each, when the trace is read
    problems = told(lambda: replay(write(AZURE + "x,1,y\n" * 500)))
    # then twenty are told in the order of the file, and the rest counted
    assert len(problems) == 21
    assert problems[-1].endswith("... and 980 more.")


def test_row_numbers_count_lines_even_after_blank_and_malformed_ones(write: Write) -> None:
    problems = told(lambda: replay(write(AZURE + GOOD + "\n" + "short\n" + GOOD + "bad,1,1\n\n\n")))
    assert [p.split("trace.csv, ")[1].split(":")[0] for p in problems] == ["row 4", "row 6, column TIMESTAMP"]


def test_no_file_named_says_what_to_type() -> None:
    assert told(lambda: replay(None)) == [
        "workload.path: this workload is read from a file and none is named; type workload.path=FILE; see docs/data.md"
    ]
    chat = CountsWorkload(interval_s=60.0, **COMMON)
    problems = told(lambda: check_file(chat, "workloads.chat"))
    assert problems[0].startswith("workloads.chat.path")
    assert "type workloads.chat.path=FILE" in problems[0]


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    assert "no such file" in told(lambda: replay(str(tmp_path / "none.csv")))[0]
    assert "a folder" in told(lambda: replay(str(tmp_path)))[0]


@pytest.mark.parametrize("case", ["empty", "header alone", "truncated", "binary", "wrong columns", "out of order"])
def test_checking_a_file_finds_what_its_ends_show(write: Write, case: str) -> None:
    path = write(BAD_TRACES[case][0])
    assert told(lambda: check_file(ReplayWorkload(path=path, **COMMON), "workload"))


def test_the_ends_of_a_trace_give_start_and_horizon(write: Write) -> None:
    # given a trace whose last arrival stands on a whole minute
    path = write(AZURE + GOOD + LATER + "2023-11-16 18:17:00.0000000,1,1\r\n\r\n")
    # when its ends are read
    ends = check_file(ReplayWorkload(path=path, **COMMON), "workload")
    # then the start is floored to the minute and the horizon lies after that arrival
    assert ends.first == datetime(2023, 11, 16, 18, 15, 46, 680590, tzinfo=UTC)
    start = ends.start()
    assert start == datetime(2023, 11, 16, 18, 15, tzinfo=UTC)
    assert ends.horizon_ns(start) == 3 * 60 * NS_PER_S
    blocks = replay(path, Calendar(start, "UTC", ends.horizon_ns(start)))
    assert blocks[0].arrival_ns.tolist() == [46_680_590_000, 50_995_169_000, 120 * NS_PER_S]


def test_the_ends_of_counts_reach_to_the_end_of_the_last_interval(write: Write) -> None:
    workload = CountsWorkload(path=write(COUNTS + "2023-11-16 18:00,5\n"), interval_s=900.0, **COMMON)
    ends = check_file(workload, "workload")
    start = ends.start()
    assert start is not None
    assert ends.last == datetime(2023, 11, 16, 18, 15, tzinfo=UTC)
    assert ends.horizon_ns(start) == 900 * NS_PER_S


def test_the_ends_of_relative_times_say_nothing_about_the_date(write: Write) -> None:
    ends = check_file(ReplayWorkload(path=write("arrival_s\n0\n60\n"), **COMMON), "workload")
    assert ends.start() is None
    assert ends.horizon_ns(datetime(2026, 1, 1, tzinfo=UTC)) == 120 * NS_PER_S


def test_seconds_in_text_are_exact_to_the_nanosecond(write: Write) -> None:
    calendar = Calendar(datetime(2026, 1, 1), "UTC", 10**8 * NS_PER_S)
    (block, _) = replay(write("arrival_s\n0\n1e-3\n0.30000000000000004\n87654321.123456789\n"), calendar)
    assert block.arrival_ns.tolist() == [0, 1_000_000, 300_000_000, 87_654_321_123_456_789]
    assert block.prompt_tokens is None


def test_our_own_format_in_parquet_and_in_text_means_the_same(write: Write, tmp_path: Path) -> None:
    # given the same arrivals as CSV with an offset and as parquet with a zone
    text = "output_tokens,arrival,colour\n7,2023-11-16T20:00:00.000000001+02:00,red\n8,2023-11-16T20:30:00+02:00,blue\n"
    stamps = pd.to_datetime(["2023-11-16T18:00:00.000000001Z", "2023-11-16T18:30:00Z"], format="ISO8601")
    parquet = tmp_path / "trace.parquet"
    pd.DataFrame({"arrival": stamps.as_unit("ns"), "output_tokens": [7, 8]}).to_parquet(parquet)
    # when both are replayed, then arrivals and tokens are the same
    a, b = replay(write(text))[0], replay(str(parquet))[0]
    assert a.arrival_ns.tolist() == b.arrival_ns.tolist() == [1, 1800 * NS_PER_S]
    assert a.output_tokens.tolist() == b.output_tokens.tolist() == [7, 8]
    assert a.prompt_tokens.tolist() == [100, 100]  # no such column: the mean of the workload


def test_a_column_that_is_not_used_is_said(write: Write) -> None:
    workload = ReplayWorkload(path=write("arrival_s,prompt_token\n0,5\n"), **COMMON)
    source = arrival_source(workload, "main", CALENDAR, Streams(1))
    assert source.notes[0].endswith("columns that are not used: prompt_token.")


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("arrival", [1, 2], "column arrival holds int64. Expected time stamps"),
        ("arrival_s", [True, False], "column arrival_s holds bool"),
        ("arrival_s", [1.0, np.nan], "row 2, column arrival_s: nothing: not seconds"),
        ("arrival", [pd.Timestamp(2023, 11, 16, 18), None], "row 2, column arrival: nothing: not a time stamp"),
    ],
)
def test_a_parquet_column_of_the_wrong_type_or_with_gaps(tmp_path: Path, column: str, values: Any, said: str) -> None:
    path = tmp_path / "trace.parquet"
    pd.DataFrame({column: values}).to_parquet(path)
    problems = told(lambda: replay(str(path)))
    assert any(said in p for p in problems), problems


def test_civil_times_without_an_offset_are_read_in_the_zone_of_the_workload(write: Write) -> None:
    path = write(AZURE + "2023-11-16 19:15:00,1,1\n")
    assert replay(path, timezone="Europe/Paris")[0].arrival_ns.tolist() == [900 * NS_PER_S]


@pytest.mark.parametrize("hour", ["2023-03-26 02:30:00", "2023-10-29 02:30:00"])
def test_an_hour_that_a_clock_change_skips_or_repeats_is_refused(write: Write, hour: str) -> None:
    problems = told(lambda: replay(write(AZURE + f"{hour},1,1\n"), timezone="Europe/Paris"))
    assert "skipped or happens twice in Europe/Paris" in problems[0]
