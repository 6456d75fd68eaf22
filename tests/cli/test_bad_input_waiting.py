"""Wrong input about batches, queues, priorities and patience, as a user types it.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses

BATCHING, QUEUE, PATIENCE = "pool.batching", "pool.queue", "workload.patience"
TWO = ["pools={small: {}, large: {}}", "workload.pool=small"]

# (what is typed, how the line that names it begins, words that the line must say)
SAID = {
    "unknown kind of batching": (
        [f"{BATCHING}.kind=dynmic"], f"{BATCHING}.kind: dynmic",
        ["Did you mean dynamic?", "Allowed: none, dynamic, when_idle, adaptive"],
    ),
    "batching in a word": ([f"{BATCHING}=none"], f"{BATCHING}: none", ["not a group of keys", "{kind: none}"]),
    "batches of nobody": ([f"{BATCHING}.max_batch_size=0"], f"{BATCHING}.max_batch_size: 0", ["at least 1"]),
    "batches of everybody": (
        [f"{BATCHING}={{kind: when_idle, max_batch_size: 5000}}"], f"{BATCHING}.max_batch_size: 5000",
        ["at most 4,096"],
    ),
    "a delay where nobody waits": (
        [f"{BATCHING}={{kind: when_idle, max_queue_delay: 5 ms}}"], f"{BATCHING}.max_queue_delay", ["unknown key"],
    ),
    "a misspelt preference": (
        [f"{BATCHING}.prefered_sizes=[4]"], f"{BATCHING}.prefered_sizes",
        ["Did you mean pool.batching.preferred_sizes?"],
    ),
    "preferred sizes out of order": (
        [f"{BATCHING}.preferred_sizes=[4,2]"], BATCHING, ["out of order", "type [2, 4]"],
    ),
    "a preferred size twice": ([f"{BATCHING}.preferred_sizes=[4,4]"], BATCHING, ["out of order", "type [4]"]),
    "a preferred size above the largest": (
        [f"{BATCHING}.preferred_sizes=[4,16]"], BATCHING, ["16 above max_batch_size 8", "max_batch_size: 16"],
    ),
    "a preferred size of nothing": (
        [f"{BATCHING}.preferred_sizes=[0]"], f"{BATCHING}.preferred_sizes.0: 0", ["at least 1"],
    ),
    "preferred sizes outside of a list": (
        [f"{BATCHING}.preferred_sizes=4"], f"{BATCHING}.preferred_sizes: 4", ["Put brackets around"],
    ),
    "adaptive to nothing": ([f"{BATCHING}={{kind: adaptive}}"], f"{BATCHING}.target: missing", ["90 s"]),
    "a target that no batch meets": (
        [f"{BATCHING}={{kind: adaptive, target: 3 ms}}"], BATCHING,
        ["below the fastest service of a request alone, 2.127 s", "Type a longer target"],
    ),
    "a decrease that grows": (
        [f"{BATCHING}={{kind: adaptive, target: 5 s, decrease: 1.1}}"], f"{BATCHING}.decrease: 1.1", ["less than 1"],
    ),
    "a step of nothing": (
        [f"{BATCHING}={{kind: adaptive, target: 5 s, step: 0}}"], f"{BATCHING}.step: 0", ["at least 1"],
    ),
    "an adaptive batch with no room to form": (
        [f"{BATCHING}={{kind: adaptive, target: 5 s, max_queue_delay: 1 s}}"], QUEUE, ["no room for a batch of 4096"],
    ),
    "overflow to an unknown pool": (
        [*TWO, "pools.small.queue.overflow=lagre"], "pools.small.queue.overflow: lagre",
        ["no such pool", "Did you mean large?", "Type reject, large"],
    ),
    "overflow to itself": (
        [f"{QUEUE}.overflow=main"], f"{QUEUE}.overflow: main", ["the pool itself", "Type reject"],
    ),
    "overflow in a circle": (
        [*TWO, "pools.small.queue.overflow=large", "pools.large.queue.overflow=small"],
        "pools.small.queue.overflow: large", ["overflows itself, to small", "pools.large.queue.overflow=reject"],
    ),
    "overflow in a phase to nowhere": (
        ["phases.scale.override.pool.queue.overflow=nowhere"], "phases.scale.override.pool.queue.overflow: nowhere",
        ["no such pool"],
    ),
    "overflow to a name that is none": ([f"{QUEUE}.overflow='a b'"], f"{QUEUE}.overflow: a b", ["not a name"]),
    "priority above all": (["workload.priority=8"], "workload.priority: 8", ["at most 7"]),
    "priority below all": (["workload.priority=-1"], "workload.priority: -1", ["at least 0"]),
    "priority in words": (["workload.priority=high"], "workload.priority: high", ["not a whole number"]),
    "patience of no time": (
        [f"{PATIENCE}={{kind: exponential, mean: 0 s}}"], f"{PATIENCE}.mean: 0 s", ["more than 0"],
    ),
    "patience without a unit": (
        [f"{PATIENCE}={{kind: constant, mean: 5}}"], f"{PATIENCE}.mean: 5", ["without a unit", "90 s"],
    ),
    "patience without a length": ([f"{PATIENCE}={{kind: constant}}"], f"{PATIENCE}.mean: missing", ["90 s"]),
    "patience in a word": ([f"{PATIENCE}=5 s"], f"{PATIENCE}: 5 s", ["{kind: exponential, mean: 5 s}"]),
    "unknown patience": (
        [f"{PATIENCE}={{kind: exponental, mean: 5 s}}"], f"{PATIENCE}.kind: exponental", ["Did you mean exponential?"],
    ),
    "patience without its spread": (
        [f"{PATIENCE}={{kind: lognormal, mean: 5 s, cv: 0}}"], PATIENCE, ["a cv above 0", "{kind: constant}"],
    ),
    "patience with a spread too many": (
        [f"{PATIENCE}={{kind: exponential, mean: 5 s, cv: 1}}"], f"{PATIENCE}.cv", ["unknown key"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_wrong_waiting_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


RIGHT = {
    "none": [f"{BATCHING}={{kind: none}}"],
    "dynamic without its name": [f"{BATCHING}={{max_batch_size: 4}}"],
    "preferred": [f"{BATCHING}.preferred_sizes=[4,8]", f"{BATCHING}.max_queue_delay=50 ms"],
    "when idle": [f"{BATCHING}.kind=when_idle"],
    "adaptive": ["pool=adaptive"],
    "overflow": [*TWO, "pools.small.queue.overflow=large"],
    "priority": ["workloads={gold: {priority: 7}, silver: {}}"],
    "patience": [f"{PATIENCE}={{kind: lognormal, mean: 5 s, cv: 2}}"],
    "patience in a phase": [f"phases.scale.override.{PATIENCE}={{kind: constant, mean: 5 s}}"],
}


@pytest.mark.parametrize("typed", RIGHT.values(), ids=RIGHT.keys())
def test_what_a_user_may_type_about_waiting_is_taken(typed, capsys):
    assert cli.main(["check", *typed]) == 0, capsys.readouterr().err
