"""Wrong routing, as a user types it: refused with key, value, what is allowed and what to type; nothing written."""

import pytest

from sim import cli
from tests.cli.refusals import refused

NAMES = "Allowed: least_outstanding, round_robin, shared_queue, random, power_of_two or affinity"
WRONG = {
    "a name that is none": (["pool.routing=ring"], "pool.routing: ring: not one of the choices", [NAMES]),
    "a name mistyped": (["pool.routing=power_of_tow"], "pool.routing: power_of_tow", ["Did you mean power_of_two?"]),
    "a number": (["pool.routing=3"], "pool.routing: 3: not one of the choices", [NAMES]),
    "nothing": (["pool.routing=null"], "pool.routing: not one of the choices", [NAMES]),
    "a kind that is none": (
        ["pool.routing={kind: affinty}"], "pool.routing.kind: affinty: not a kind that exists",
        ["Did you mean affinity?", "random, power_of_two"],
    ),
    "options without a kind": (
        ["pool.routing={by: tenant}"], "pool.routing: options without a kind", ["{kind: affinity, by:", "random"],
    ),
    "options of the name before": (["pool.routing.by=tenant"], "pool.routing: options without a kind", ["round_robin"]),
    "options where there are none": (
        ["pool.routing={kind: random, by: tenant}"], "pool.routing: random has no options",
        ["was given by", "Type routing: random"],
    ),
    "held by what nobody has": (
        ["pool.routing={kind: affinity, by: client}"], "pool.routing.by: client", ["Allowed: content or tenant"],
    ),
    "a bound below the mean": (
        ["pool.routing={kind: affinity, load_bound: 0.9}"], "pool.routing.load_bound: 0.9", ["at least 1.05"],
    ),
    "a bound beyond all": (
        ["pool.routing={kind: affinity, load_bound: 1e9}"], "pool.routing.load_bound", ["at most 1,000,000"],
    ),
    "a bound with a unit": (
        ["pool.routing={kind: affinity, load_bound: 125 %}"], "pool.routing.load_bound: 125 %", ["not a number", "1.5"],
    ),
    "an unknown option": (
        ["pool.routing={kind: affinity, bound: 2}"], "pool.routing.bound", ["Did you mean pool.routing.load_bound?"],
    ),
    "content that never comes back": (
        ["pool.routing=affinity", "workload.keys={kind: unique}"], "pool.routing.by: content",
        ["asks for something else", "workload.keys={kind: zipf}", "power_of_two"],
    ),
    "one tenant for all replicas": (
        ["pool.routing={kind: affinity, by: tenant}", "workload.tenants.count=1"], "pool.routing.by: tenant",
        ["same replica", "workload.tenants.count=20"],
    ),
    "one zone": (["pool.zones={names: [a]}"], "pool.zones: zones need at least two", ["[a, b, c]", "zones: null"]),
    "a zone named twice": (["pool.zones={names: [a, a]}"], "pool.zones: zones need", ["no two alike"]),
    "zones without names": (["pool.zones={latency: 1 ms}"], "pool.zones.names: missing", ["type a value"]),
    "a latency without a unit": (
        ["pool.zones={names: [a, b], latency: 1}"], "pool.zones.latency: 1", ["without a unit", '"90 s"'],
    ),
    "a price without a unit": (
        ["pool.zones={names: [a, b], price: 0.01}"], "pool.zones.price: 0.01", ["without a unit", "USD/GB"],
    ),
    "zones that are a number": (["pool.zones=3"], "pool.zones: 3: not a group of keys", ["Expected keys"]),
    "a router that cannot look at home": (
        ["pool.zones={names: [a, b], prefer_own: true}"], "pool.zones.prefer_own: True: routing least_outstanding",
        ["routing: power_of_two or random", "prefer_own: false"],
    ),
    "a phase's bound": (
        ["phases.scale.override.pool.routing={kind: affinity, load_bound: 0.5}"],
        "phases.scale.override.pool.routing.load_bound: 0.5", ["at least 1.05"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), WRONG.values(), ids=WRONG.keys())
def test_wrong_routing_is_refused_and_named(typed, begins, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    (line,) = refused(capsys, tmp_path, cli.main(["check", *typed]))

    assert line.startswith(begins)
    for word in words:
        assert word in line, word


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("pool.routing=power_of_two", "routing: power_of_two"),
        ("pool.routing={kind: random}", "routing: random"),
        ("pool.routing={kind: round_robin}", "routing: round_robin"),
        ("pool.routing=affinity", "kind: affinity\n    by: content\n    load_bound: 1.25"),
        ("pool.routing={kind: affinity, by: tenant}", "kind: affinity\n    by: tenant\n    load_bound: 1.25"),
        ("pool.routing.kind=affinity", "kind: affinity"),
        ("phases.scale.override.pool.routing=affinity", "        routing: affinity"),
    ],
)
def test_a_name_alone_stands_for_its_kind(typed, shown, capsys):
    assert cli.main(["check", typed]) == 0

    assert shown in capsys.readouterr().out
