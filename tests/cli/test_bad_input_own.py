"""Wrong input about a user's own disciplines: refused with key, value, what is allowed and what to type."""

import pytest

from tests.cli.refusals import assert_check_refuses

ROUTING, ORDER, REFERENCE = "pool.routing", "pool.queue.order", "engine=reference"

# (what is typed, how the line that names it begins, words that the line must say)
SAID = {
    "a router under the compiled engine": (
        [f"{ROUTING}={{kind: own, name: mine}}"], f"{ROUTING}.kind: own: the compiled engine",
        ["Type engine=reference", "power_of_two"],
    ),
    "an order under the compiled engine": (
        [f"{ORDER}={{kind: own, name: mine}}"], f"{ORDER}.kind: own: the compiled engine",
        ["Type engine=reference", "order: null"],
    ),
    "a phase's router under the compiled engine": (
        [f"phases.scale.override.{ROUTING}={{kind: own, name: mine}}"],
        f"phases.scale.override.{ROUTING}.kind: own", ["Type engine=reference"],
    ),
    "a router that nobody registered": (
        [REFERENCE, f"{ROUTING}={{kind: own, name: mine}}"], f"{ROUTING}.name: mine: no such discipline",
        ["There are none", "disciplines={'mine': function}", "the group poc2scale.disciplines"],
    ),
    "an order that nobody registered": (
        [REFERENCE, f"{ORDER}={{kind: own, name: mine}}"], f"{ORDER}.name: mine: no such discipline",
        ["disciplines={'mine': function}"],
    ),
    "a pool of several": (
        [REFERENCE, "pools={a: {}, b: {routing: {kind: own, name: mine}}}", "workload.pool=a"],
        "pools.b.routing.name: mine: no such discipline", ["There are none"],
    ),
    "own alone": ([f"{ROUTING}=own"], f"{ROUTING}: own: own needs the name", ["{kind: own, name: NAME}"]),
    "a router without a name": ([f"{ROUTING}={{kind: own}}"], f"{ROUTING}.name: missing", ["type a value"]),
    "a path of modules as a name": (
        [REFERENCE, f"{ROUTING}={{kind: own, name: os.system}}"], f"{ROUTING}.name: os.system", ["not a name"],
    ),
    "an unknown key": (
        [f"{ROUTING}={{kind: own, name: mine, nme: a}}"], f"{ROUTING}.nme: unknown key", ["Allowed here: kind, name"],
    ),
    "an order in a word": (
        [f"{ORDER}=lifo"], f"{ORDER}: lifo: not a group of keys", ["{kind: own, name: NAME}", "null"],
    ),
    "an order of another kind": ([f"{ORDER}={{kind: lifo, name: a}}"], f"{ORDER}.kind: lifo", ["Allowed: own"]),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_a_wrong_discipline_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)
