"""Pending replicas whose node is lost before it is ready: another node is asked for, whoever adds nodes."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.fleet.nodes import ClusterAutoscaler, Karpenter, NodeType
from sim.fleet.startup import Startup
from sim.fleet.trouble import Failures, Spot, Supply, Waves, ZoneLosses
from tests.unit.test_plant import Stage

KINDS = {"karpenter": Karpenter, "cluster_autoscaler": ClusterAutoscaler}
ONE, FOUR, EIGHT = (
    NodeType(name=name, replicas=places, price_usd_per_h=price, provisioning_s=60.0)
    for name, places, price in (("one", 1, 1.0), ("four", 4, 2.5), ("eight", 8, 4.0))
)
NEVER = 1e-6  # a month
WAITS_S = 71.0  # a batch of at most 10 s or a scan every 10 s, then 60 s to boot, and rounding
TROUBLE = {"machine_lost", "spot_notice"}


@pytest.mark.parametrize(("kind", "asked_s"), [("karpenter", 31), ("cluster_autoscaler", 40)])
def test_a_node_that_is_lost_with_its_zone_while_it_boots_is_asked_for_again(kind: str, asked_s: int) -> None:
    failures = Failures(zone_losses=ZoneLosses(at_s=(30.0,), duration_s=20.0))
    stage = Stage(nodes=KINDS[kind](replicas=4), failures=failures)
    stage.scale((0, 2))
    stage.play(3600)
    # it waits until the zone is back at 50 s
    assert [at_s for at_s, _ in stage.when("node_requested")][1:] == [asked_s]
    assert [at_s for at_s, _ in stage.when("replica_ready")] == [50 + 60 + 30] * 2


@pytest.mark.parametrize(("kind", "asked_s"), [("karpenter", 31), ("cluster_autoscaler", 40)])
def test_a_spot_node_that_is_noticed_while_it_boots_is_asked_for_again(kind: str, asked_s: int) -> None:
    waves = Waves(per_month=NEVER, at_s=(30.0,), share=1.0)
    spot = Spot(share=1.0, interruptions_per_month=0.0, waves=waves)
    stage = Stage(nodes=KINDS[kind](replicas=4), spot=spot)
    stage.scale((0, 2))
    stage.play(3600)
    assert [at_s for at_s, _ in stage.when("replica_ready")] == [asked_s + 60 + 30] * 2


def test_who_waits_moves_in_where_a_node_stays_after_all() -> None:
    # from 110 s on a spot node of one place boots for the replica that is left on a node of four, and is wanted back
    # while another replica waits
    waves = Waves(per_month=NEVER, at_s=(150.5,), share=1.0)
    stage = Stage(nodes=Karpenter(types=(ONE, FOUR)), spot=Spot(share=0.5, interruptions_per_month=0.0, waves=waves))
    stage.scale((0, 4), (100, 1), (150, 2))
    stage.play(3600)
    assert [at_s for at_s, _ in stage.when("node_requested")] == [1, 110]
    assert stage.when("replica_ready")[-1] == (150.5 + 30, "replica_ready")


def left_waiting(stage: Stage, down: list[tuple[float, float]]) -> list[tuple[str, float, float]]:
    """Replicas that waited for a node longer than one takes, while nothing happened and no zone was lost."""
    ends = {"replica_starting", "replica_released"}
    since = {who: at_s for at_s, kind, who, _ in stage.said if kind == "replica_requested"}
    until: dict[str, float] = {}
    for at_s, kind, who, _ in stage.said:
        if kind in ends:
            until.setdefault(who, at_s)
    troubles = sorted({at_s for at_s, kind, *_ in stage.said if kind in TROUBLE} | {t for span in down for t in span})
    found = []
    for who, asked_s in since.items():
        end_s = until.get(who, stage.clock.now / 1e9)
        marks = [asked_s, *(t for t in troubles if asked_s < t < end_s), end_s]
        for quiet_s, next_s in pairwise(marks):
            if next_s - quiet_s > WAITS_S and not any(a <= quiet_s < b for a, b in down):
                found.append((who, quiet_s, next_s))
    return found


STEPS = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 14)), min_size=1, max_size=10)
TIMES = st.lists(st.integers(1, 2400), max_size=6, unique=True)


@settings(max_examples=80)
@given(
    kind=st.sampled_from(sorted(KINDS)), steps=STEPS, zones=st.sampled_from([("",), ("a", "b")]), losses=TIMES,
    lasts_s=st.sampled_from([5, 100, 700]), waves=TIMES, wave_share=st.sampled_from([0.5, 1.0]),
    spot_share=st.sampled_from([0.0, 0.5, 1.0]), notice_s=st.sampled_from([0.0, 30.0, 120.0]),
    mtbf_s=st.sampled_from([None, 400.0, 3600.0]), at_once=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_nobody_is_left_waiting_for_a_node_that_nobody_has_asked_for(
    kind: str, steps: list[tuple[int, int]], zones: tuple[str, ...], losses: list[int], lasts_s: int,
    waves: list[int], wave_share: float, spot_share: float, notice_s: float, mtbf_s: float | None, at_once: bool,
    seed: int,
) -> None:  # fmt: skip
    zone_losses = ZoneLosses(at_s=tuple(map(float, losses or [10**7])), duration_s=float(lasts_s))
    times = Waves(per_month=NEVER, at_s=tuple(map(float, waves)), share=wave_share)
    more = {"budget": 1.0} if kind == "karpenter" else {}
    stage = Stage(
        nodes=KINDS[kind](types=(ONE, FOUR, EIGHT), **more), zones=zones, drains_at_once=at_once, seed=seed,
        grace_s=30.0, startup=Startup(warm_up_s=5.0), supply=Supply(),
        spot=Spot(share=spot_share, interruptions_per_month=0.0, notice_s=notice_s, waves=times),
        failures=Failures(mtbf_s=mtbf_s, zone_losses=zone_losses),
    )  # fmt: skip
    at_s = 0
    for wait_s, replicas in steps:
        at_s += wait_s
        stage.scale((at_s, replicas))
    stage.play(at_s + 3600)
    assert left_waiting(stage, [(float(t), float(t + lasts_s)) for t in sorted(losses)]) == []
