"""Several of Karpenter's nodes into one: which, by what, and what it costs meanwhile."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.fleet import karpenter
from sim.fleet.cluster_autoscaler import NodeView
from sim.fleet.karpenter import Merger
from sim.fleet.nodes import Karpenter, NodeType
from sim.fleet.trouble import Supply
from tests.unit.test_plant import Stage

ONE = NodeType(name="one", replicas=1, price_usd_per_h=1.0, provisioning_s=60.0)
FOUR = NodeType(name="four", replicas=4, price_usd_per_h=2.5, provisioning_s=60.0)
EIGHT = NodeType(name="eight", replicas=8, price_usd_per_h=4.0, provisioning_s=60.0)


def node(
    number: int, used: int, kind: NodeType, zone: int = 0, spot: bool = False, quiet_since_ns: int = 0
) -> NodeView:
    return NodeView(number, zone, used, kind.replicas, kind.price_usd_per_h, quiet_since_ns, spot, kind.name)


def ones(n: int, **more: Any) -> list[NodeView]:
    return [node(i, 1, ONE, **more) for i in range(n)]


@pytest.mark.parametrize(
    ("nodes", "types", "may", "merged"),
    [
        # four of 1 USD/h into one of 2.5; so would three, but the search tries two first, in vain (upstream)
        (ones(4), (ONE, FOUR), 9, Merger((0, 1, 2, 3), 1, 0)),
        (ones(3), (ONE, FOUR), 9, None),
        (ones(2), (ONE, FOUR), 9, None),
        # as many as one node can take, and as a budget allows
        (ones(6), (ONE, FOUR), 9, Merger((0, 1, 2, 3), 1, 0)),
        (ones(6), (ONE, FOUR, EIGHT), 9, Merger((0, 1, 2, 3, 4, 5), 2, 0)),
        (ones(6), (ONE, FOUR, EIGHT), 4, Merger((0, 1, 2, 3), 1, 0)),
        (ones(6), (ONE, FOUR, EIGHT), 3, None),
        (ones(6), (ONE, FOUR, EIGHT), 1, None),
        # two halves of one type are no merger: one of them could as well stay
        ([node(1, 2, FOUR), node(2, 2, FOUR)], (ONE, FOUR, EIGHT), 9, None),
        # two of 2.5 USD/h into one of 4: of a type that is not among them
        ([node(1, 4, FOUR), node(2, 4, FOUR)], (ONE, FOUR, EIGHT), 9, Merger((1, 2), 2, 0)),
        # what fits on others needs no new one
        ([node(1, 1, FOUR), node(2, 1, FOUR), node(3, 2, FOUR)], (ONE, FOUR), 9, Merger((1, 2), None, 0)),
        # empty ones first; those not quiet only take others in; spot nodes are not replaced; a node stands in one zone
        ([node(9, 0, ONE), *ones(4)], (ONE, FOUR), 9, None),
        (ones(4, quiet_since_ns=-1), (ONE, FOUR), 9, None),
        ([*ones(4, quiet_since_ns=-1), node(8, 1, FOUR), node(9, 1, FOUR)], (ONE, FOUR), 9, None),
        (ones(4, spot=True), (ONE, FOUR), 9, None),
        ([*ones(2), node(7, 1, ONE, zone=1), node(8, 1, ONE, zone=1)], (ONE, FOUR), 9, None),
    ],
)  # fmt: skip
def test_nodes_are_merged_where_that_is_cheaper(
    nodes: list[NodeView], types: tuple[NodeType, ...], may: int, merged: Merger | None
) -> None:
    assert karpenter.merge(nodes, types, may) == merged


VIEWS = st.lists(
    st.tuples(st.sampled_from([ONE, FOUR, EIGHT]), st.integers(1, 8), st.integers(0, 1), st.booleans()), max_size=12
)


@settings(max_examples=150)
@given(drawn=VIEWS, may=st.integers(0, 12))
def test_a_merger_houses_everybody_for_less_and_keeps_to_the_budget(drawn: list[Any], may: int) -> None:
    nodes = [node(i, min(used, kind.replicas), kind, zone, spot) for i, (kind, used, zone, spot) in enumerate(drawn)]
    types = (ONE, FOUR, EIGHT)
    merger = karpenter.merge(nodes, types, may)
    if merger is None:
        return
    going = [n for n in nodes if n.number in merger.numbers]
    assert 2 <= len(going) <= may
    new = None if merger.replacement is None else types[merger.replacement]
    for zone in (0, 1):
        room = sum(n.room for n in nodes if n.zone == zone and n.number not in merger.numbers)
        room += new.replicas if new is not None and merger.zone == zone else 0
        assert sum(n.used for n in going if n.zone == zone) <= room
    if new is not None:
        assert new.price_usd_per_h < sum(n.price_usd_per_h for n in going)
        assert all(new.price_usd_per_h < n.price_usd_per_h for n in going if n.kind == new.name)
    # those that disturb the fewest go: whoever stays holds as many replicas
    staying = [n for n in nodes if n.number not in merger.numbers]
    assert all(a.used <= b.used for a in going for b in staying)


def one_by_one(**more: Any) -> Stage:
    """Four replicas, each of which gets a small node, as they come apart."""
    stage = Stage(nodes=Karpenter(types=(ONE, FOUR), **more))
    stage.scale((0, 1), (20, 2), (40, 3), (60, 4))
    return stage.play(1000)


def test_four_nodes_become_one_that_has_booted_before_they_drain() -> None:
    stage = one_by_one(budget=1.0)
    # the last of the small nodes is there at 121 s; at the next look a large one is asked for, and is there at 190 s
    assert stage.when("node_requested") == [(t, "node_requested") for t in (1, 21, 41, 61, 130)]
    assert stage.when("node_ready") == [(t, "node_ready") for t in (61, 81, 101, 121, 190)]
    assert stage.when("node_released") == [(190, "node_released")] * 4
    assert [at_s for at_s, _ in stage.when("replica_ready")][-4:] == [190 + 30] * 4
    sums = {tariff.sku: ns / 1e9 for tariff, ns in stage.fleet.bill.by_tariff(stage.clock.now).items()}
    assert sums == {"one": 189.0 + 169.0 + 149.0 + 129.0, "four": 870.0}


@pytest.mark.parametrize("more", [{}, {"budget": 1.0, "consolidation": "when_empty"}, {"consolidation": "never"}])
def test_a_budget_of_one_node_or_a_policy_against_it_merges_nothing(more: dict[str, Any]) -> None:
    stage = one_by_one(**more)
    assert len(stage.when("node_requested")) == 4
    assert stage.when("node_released") == []


def test_where_the_one_cannot_be_had_the_others_stay_and_serve() -> None:
    stage = Stage(nodes=Karpenter(types=(ONE, FOUR), budget=1.0), supply=Supply(quota=4))
    stage.scale((0, 1), (20, 2), (40, 3), (60, 4), (500, 0))
    stage.play(1000)
    assert stage.when("machine_waiting") == []
    assert [at_s for at_s, _ in stage.when("node_requested")] == [1, 21, 41, 61]
    assert [at_s for at_s, _ in stage.when("replica_draining")] == [500] * 4
    # and once nobody is on them all go at the next look
    assert [at_s for at_s, _ in stage.when("node_released")] == [510] * 4


STEPS = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 14)), min_size=1, max_size=12)


@settings(max_examples=60)
@given(
    steps=STEPS, zones=st.sampled_from([("",), ("a", "b")]), at_once=st.booleans(), quota=st.sampled_from([None, 20])
)
def test_whatever_is_asked_for_is_there_in_the_end_and_nobody_is_billed_twice(
    steps: list[tuple[int, int]], zones: tuple[str, ...], at_once: bool, quota: int | None
) -> None:
    stage = Stage(
        nodes=Karpenter(types=(ONE, FOUR, EIGHT), budget=1.0), zones=zones, drains_at_once=at_once, grace_s=30.0,
        supply=Supply(quota=quota),
    )  # fmt: skip
    at_s = 0
    for wait_s, replicas in steps:
        at_s += wait_s
        stage.scale((at_s, replicas))
    stage.play(at_s + 6 * 3600)
    assert stage.fleet.ready_count == steps[-1][1]
    up, asked = len(stage.when("node_ready")), len(stage.when("node_requested"))
    assert up == asked  # nobody waits for a node
    # what is billed by then grows by the machines that are there, which hold all replicas and no more than a node apart
    now, bill = stage.clock.now, stage.fleet.bill
    there = {t: (bill.by_tariff(now + 10**9)[t] - ns) // 10**9 for t, ns in bill.by_tariff(now).items()}
    assert sum(n * t.replicas for t, n in there.items()) >= stage.fleet.ready_count
    assert sum(there.values()) == up - len(stage.when("node_released"))
    assert stage.fleet.ready_count > 0 or sum(there.values()) == 0
