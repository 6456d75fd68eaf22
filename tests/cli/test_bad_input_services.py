"""Wrong input about service times, as a user types it: laws, measured times, tables, sizes, slow first requests.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

import pytest

from tests.cli.refusals import assert_check_refuses

SERVICE = "pool.service"
TABLE = f"{SERVICE}={{{{kind: table, points: [{{}}], hardware: x, source: measured}}}}"
GAMMA, EMPIRICAL = f"{SERVICE}.distribution=gamma", f"{SERVICE}.distribution=empirical"
NO_CV = f"{SERVICE}.cv=0"

# (what is typed, how the line that names it begins, words that the line must say)
CASES = {
    "unknown law": ([f"{SERVICE}.distribution=wiebull"], f"{SERVICE}.distribution: wiebull", ["Did you mean weibull?"]),
    "gamma without spread": ([GAMMA, NO_CV], SERVICE, ["gamma needs a cv above 0", "cv: 0.3"]),
    "next to no spread": ([GAMMA, f"{SERVICE}.cv=0.001"], SERVICE, ["cv 0.001", "at least 0.02", "constant"]),
    "spread of a constant": ([f"{SERVICE}.distribution=constant"], SERVICE, ["constant has none", "Type cv: 0"]),
    "spread of measured times": (
        [EMPIRICAL, f"{SERVICE}.times=[1 s, 2 s]"], SERVICE, ["empirical has none", "Type cv: 0"],
    ),
    "empirical without times": ([EMPIRICAL, NO_CV], SERVICE, ["two or more measured times", "times: [9 ms"]),
    "times without empirical": (
        [f"{SERVICE}.times=[1 s, 2 s]"], SERVICE, ["belong to distribution: empirical", "Leave them out"],
    ),
    "times and quantiles": (
        [EMPIRICAL, NO_CV, f"{SERVICE}.times=[1 s, 2 s]",
         f"{SERVICE}.quantiles=[{{quantile: 0 %, time: 1 s}}, {{quantile: 100 %, time: 2 s}}]"],
        SERVICE, ["both times and quantiles"],
    ),
    "a time below zero": (
        [EMPIRICAL, NO_CV, f"{SERVICE}.times=[1 s, -2 s]"], f"{SERVICE}.times.1: -2 s", ["at least 0"],
    ),
    "a time without a unit": ([EMPIRICAL, NO_CV, f"{SERVICE}.times=[1 s, 2]"], f"{SERVICE}.times.1: 2", ["a unit"]),
    "times that are all zero": ([EMPIRICAL, NO_CV, f"{SERVICE}.times=[0 s, 0 s]"], SERVICE, ["every measured time"]),
    "quantiles without ends": (
        [EMPIRICAL, NO_CV, f"{SERVICE}.quantiles=[{{quantile: 50 %, time: 1 s}}, {{quantile: 99 %, time: 2 s}}]"],
        f"{SERVICE}.quantiles", ["from 0.5 to 0.99", "{quantile: 0 %"],
    ),
    "times that fall": (
        [EMPIRICAL, NO_CV, f"{SERVICE}.quantiles=[{{quantile: 0 %, time: 3 s}}, {{quantile: 100 %, time: 2 s}}]"],
        f"{SERVICE}.quantiles", ["cannot fall"],
    ),
    "a quantile above all": (
        [EMPIRICAL, NO_CV, f"{SERVICE}.quantiles=[{{quantile: 0 %, time: 1 s}}, {{quantile: 130 %, time: 2 s}}]"],
        f"{SERVICE}.quantiles.1.quantile: 130 %", ["at most 100 %"],
    ),
    "unknown kind of service": ([f"{SERVICE}.kind=tabel"], f"{SERVICE}.kind: tabel", ["Did you mean table?"]),
    "table without points": ([TABLE.format("")], f"{SERVICE}.points", ["empty", "[{batch: 1, time: 3 ms}]"]),
    "table without a request alone": (
        [TABLE.format("{batch: 2, time: 3 ms}")], f"{SERVICE}.points", ["begins with a batch of 2", "{batch: 1"],
    ),
    "table out of order": (
        [TABLE.format("{batch: 1, time: 3 ms}, {batch: 8, time: 9 ms}, {batch: 8, time: 5 ms}")], f"{SERVICE}.points",
        ["batch 8 after batch 8", "larger than the one before"],
    ),
    "batch of nobody": (
        [TABLE.format("{batch: 0, time: 3 ms}")], f"{SERVICE}.points.0.batch: 0", ["at least 1"],
    ),
    "batch in no time": (
        [TABLE.format("{batch: 1, time: 0 s}")], f"{SERVICE}.points.0.time: 0 s", ["more than 0"],
    ),
    "batches that were not measured": (
        ["service=resnet50_t4_table", "pool.batching.max_batch_size=200"], "pool.batching.max_batch_size: 200",
        ["measured for batches of 1 to 128", "Type at most 128"],
    ),
    "batches that were not measured, in a phase": (
        ["service=resnet50_t4_table", "+phases.scale.override.pool.batching.max_batch_size=200"],
        "phases.scale.override.pool.batching.max_batch_size: 200", ["Type at most 128"],
    ),
    "impatience with a table": (
        ["service=resnet50_t4_table", "workload.timeout=2 ms"], "workload.timeout: 2 ms",
        ["shorter than the fastest service", "0.003003 s"],
    ),
    "impatience with a gamma law": (
        [GAMMA, f"{SERVICE}.cv=0.1", "workload.timeout=300 ms"], "workload.timeout: 300 ms", ["the fastest service"],
    ),
    "impatience with measured times": (
        [EMPIRICAL, NO_CV, f"{SERVICE}.times=[9 ms, 10 ms, 14 ms]", "workload.timeout=400 ms"],
        "workload.timeout: 400 ms", ["the fastest service"],
    ),
    "sizes of a table": (
        [TABLE.format("{batch: 1, time: 3 ms}"), f"{SERVICE}.size_cv=1"], f"{SERVICE}.size_cv", ["unknown key"],
    ),
    "sizes below zero": ([f"{SERVICE}.size_cv=-1"], f"{SERVICE}.size_cv: -1", ["at least 0"]),
    "sizes that take no time": (
        [f"{SERVICE}.size_cv=1", f"{SERVICE}.per_item=0 s"], SERVICE, ["changes nothing", "size_cv: 0"],
    ),
    "padding to sizes that are alike": ([f"{SERVICE}.padding=true"], SERVICE, ["all sizes are alike", "size_cv: 0.5"]),
    "padding in words": ([f"{SERVICE}.padding=maybe"], f"{SERVICE}.padding: maybe", ["true or false"]),
    "warm-up of nobody": (
        [f"{SERVICE}.warm_up={{requests: 0, factor: 5}}"], f"{SERVICE}.warm_up.requests: 0", ["at least 1"],
    ),
    "warm-up that is faster": (
        [f"{SERVICE}.warm_up={{requests: 9, factor: 0.5}}"], f"{SERVICE}.warm_up.factor: 0.5", ["at least 1"],
    ),
    "warm-up without an end": ([f"{SERVICE}.warm_up={{factor: 5}}"], f"{SERVICE}.warm_up.requests", ["missing"]),
    "warm-up that is a number": ([f"{SERVICE}.warm_up=5"], f"{SERVICE}.warm_up: 5", ["group of keys"]),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), CASES.values(), ids=CASES.keys())
def test_each_is_refused_with_key_value_and_remedy(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)
