"""Wrong input about caches, as a user types it: sizes, answers' bytes, caches of replicas, classes of similarity.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses

IN_BYTES = ["cache.capacity=null"]
CLASS = "cache.classes.similar"

# (what is typed, how the line that names it begins, words that the line must say)
SAID = {
    "no size at all": (["cache.capacity=null"], "cache", ["without a size", "capacity: 100000", "memory: 2 GB"]),
    "two sizes": (["cache.memory=2 GB"], "cache.memory: 2 GB", ["a second limit", "capacity: null", "memory: null"]),
    "memory of nothing": ([*IN_BYTES, "cache.memory=0 GB"], "cache.memory: 0 GB", ["more than 0"]),
    "memory without a unit": ([*IN_BYTES, "cache.memory=5"], "cache.memory: 5", ["without a unit", '"40 GB"']),
    "memory for less than an answer": (
        [*IN_BYTES, "cache.memory=3 kB"], "cache.entry: 4 kB",
        ["room for 0.75 answers", "1 to 10,000,000", "or memory"],
    ),
    "memory for too many": ([*IN_BYTES, "cache.memory=1 TB"], "cache.entry: 4 kB", ["room for 2.5e+08 answers"]),
    "sizes that do not matter": (
        ["cache.entry_cv=1"], "cache.entry_cv: 1", ["counts answers", "entry_cv: 0", "capacity: null"],
    ),
    "spread below zero": (
        [*IN_BYTES, "cache.memory=1 GB", "cache.entry_cv=-1"], "cache.entry_cv: -1", ["at least 0", "at most 10"],
    ),
    "eviction that nobody knows": (["cache.kind=lrfu"], "cache.kind: lrfu", ["lru", "s3fifo"]),
    "least frequently used of none": (["cache=lfu", "cache.capacity=0"], "cache.capacity: 0", ["at least 1"]),
    "time to live below zero": (["cache=s3fifo", "cache.ttl=-1 h"], "cache.ttl: -1 h", ["more than 0"]),
    "scope that nobody knows": (["cache.scope=pod"], "cache.scope: pod", ["shared or replica"]),
    "replicas of an API": (
        ["cache.scope=replica"], "cache.scope: replica",
        ["serves phase poc", "no replicas", "phases.poc.override.cache.scope=shared"],
    ),
    "replicas behind one queue": (
        ["cache.scope=replica", "phases.poc.serving=pool", "pool.routing=shared_queue"], "cache.scope: replica",
        ["one queue for all replicas", "pool.routing=least_outstanding"],
    ),
    "more than a run holds": (
        ["cache.scope=replica", "phases.poc.serving=pool", "cache.capacity=4000000"], "cache.capacity: 4000000",
        ["4,000,000 answers in each of up to", "5,000,000 in all", "smaller capacity"],
    ),
    "classes that do not add up": (
        ["cache=semantic", f"{CLASS}.share=60 %"], "cache.classes", ["add up to 1.13", "sum is 1"],
    ),
    "a class above one": (["cache=semantic", f"{CLASS}.hit=140 %"], f"{CLASS}.hit: 140 %", ["at most 100 %"]),
    "wrong below zero": (["cache=semantic", f"{CLASS}.wrong=-3 %"], f"{CLASS}.wrong: -3 %", ["at least 0"]),
    "nothing ever found": (
        ["cache=semantic", f"{CLASS}.hit=0 %", "cache.classes.same.hit=0 %"], "cache.classes",
        ["no class is ever answered", "cache=none"],
    ),
    "a semantic cache by entries": (["cache=semantic", "+cache.capacity=5"], "cache.capacity", ["unknown key"]),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_a_wrong_cache_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


@pytest.mark.parametrize(
    "typed",
    [
        ["cache=lfu"], ["cache=s3fifo", "cache.capacity=null", "cache.memory=20 MB", "cache.entry_cv=1.5"],
        ["cache=semantic", "cache.classes.similar.hit=45 %"],
        ["cache.scope=replica", "phases.poc.override.cache.scope=shared"],
    ],
)  # fmt: skip
def test_a_cache_of_each_kind_is_taken(typed, capsys):
    assert cli.main(["check", *typed]) == 0

    assert "cache:" in capsys.readouterr().out
