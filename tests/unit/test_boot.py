"""The time from asking for a replica to having it, on machines of its own and on nodes: as long as the plant takes."""

from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.boot import boot_s
from sim.fleet.fleet import Fleet, Site
from sim.fleet.nodes import ClusterAutoscaler, Karpenter, NodeType
from sim.fleet.parameters import Machine, Model
from sim.fleet.plant import Plant
from sim.fleet.startup import Image, Startup
from sim.scenario import load, phase_scenarios
from sim.streams import Streams
from sim.world import simulate
from sim.world.layout import lay_out
from sim.world.terms import ControlTerms

MACHINE = Machine(
    name="m", accelerator="none", price_usd_per_h=1.0, memory_bytes=16e9, provisioning_s=60.0,
    billing_increment_s=0.0, billing_minimum_s=0.0, source="test",
)  # fmt: skip
MODEL = Model(name="x", memory_bytes=1e9, load_s=30.0)
SLOW = Startup(image=Image(size_bytes=1e9, bandwidth_bytes_per_s=1e8), warm_up_s=5.0)
SMALL = NodeType(name="small", replicas=1, price_usd_per_h=1.0, provisioning_s=100.0)
LARGE = NodeType(name="large", replicas=4, price_usd_per_h=3.0, provisioning_s=300.0)
NEVER = NodeType(name="never", replicas=1, price_usd_per_h=9.0, provisioning_s=9000.0)


def plant(**more: Any) -> Plant:
    return Plant(machine=MACHINE, model=MODEL, **more)


@pytest.mark.parametrize(
    ("nodes", "every_s", "most", "at_most_s"),
    [
        ({}, 15.0, 9, 60 + 30),
        ({"startup": SLOW}, 15.0, 9, 60 + 10 + 30 + 5),
        # a batch ends after a second without another; and after ten seconds where others may come within that second
        ({"nodes": Karpenter()}, 15.0, 9, 1 + 60 + 30),
        ({"nodes": Karpenter()}, 0.5, 9, 10 + 60 + 30),
        # four replicas get the large node, which is cheaper than four small ones; one alone never does
        ({"nodes": Karpenter(types=(NEVER, SMALL, LARGE))}, 15.0, 9, 1 + 300 + 30),
        ({"nodes": Karpenter(types=(NEVER, SMALL, LARGE))}, 15.0, 1, 1 + 100 + 30),
        # a scan that has just been missed; small nodes waste nothing, and of those that waste nothing four are dearer
        ({"nodes": ClusterAutoscaler(types=(NEVER, SMALL, LARGE))}, 15.0, 3, 10 + 100 + 30),
        ({"nodes": ClusterAutoscaler(types=(NEVER, SMALL, LARGE), scan_interval_s=60.0)}, 15.0, 4, 60 + 300 + 30),
        ({"nodes": ClusterAutoscaler(), "startup": SLOW}, 15.0, 4, 10 + 60 + 45),
    ],
)
def test_a_boot_is_the_sum_of_what_it_waits_for(
    nodes: dict[str, Any], every_s: float, most: int, at_most_s: float
) -> None:
    assert boot_s(plant(**nodes), every_s, most) == pytest.approx(at_most_s)


class Plane:
    """A data plane on which nobody ever is."""

    def ready(self, slot: int) -> None:
        """It takes requests."""

    def drain(self, slot: int) -> bool:
        """It is empty."""
        return True

    def fail(self, slot: int) -> None:
        """It is gone."""


NODES = st.one_of(
    st.builds(
        Karpenter, batch_idle_s=st.sampled_from([1.0, 4.0]), batch_max_s=st.sampled_from([4.0, 11.0]),
        types=st.sampled_from([(SMALL,), (SMALL, LARGE), (LARGE, NEVER)]), consolidation=st.just("never"),
    ),
    st.builds(
        ClusterAutoscaler, scan_interval_s=st.sampled_from([3.0, 10.0]), unneeded_time_s=st.just(1e6),
        types=st.sampled_from([(SMALL,), (SMALL, LARGE), (LARGE, NEVER)]),
    ),
)  # fmt: skip


@settings(max_examples=40)
@given(
    nodes=NODES,
    every_s=st.sampled_from([0.7, 2.0, 15.0]),
    more=st.lists(st.integers(0, 5), min_size=1, max_size=8),
    at_s=st.floats(0.0, 30.0),
)
def test_no_replica_on_nodes_takes_longer(nodes: Any, every_s: float, more: list[int], at_s: float) -> None:
    clock, asked, ready = Clock(), dict[str, float](), dict[str, float]()

    def note(kind: str, subject: str, detail: str, before: float, after: float) -> None:
        times = {"replica_requested": asked, "replica_ready": ready}.get(kind)
        if times is not None:
            times[subject] = clock.now / 1e9

    there = plant(nodes=nodes, startup=SLOW)
    streams = Streams(1)
    site = Site(there, ("",), lambda what: streams.key(f"fleet/main/{what}"))
    fleet = Fleet(clock, Plane(), "main", 0, 64, MACHINE, MODEL, note, count(1), site)
    for i, extra in enumerate(more):
        wanted = sum(more[:i]) + extra
        clock.call_at(to_ns(at_s + i * every_s), Rank.CONTROL, lambda wanted=wanted: fleet.scale_to(wanted, "test"))
    clock.play(lambda t, rank: True, clock.at(to_ns(3600.0 * 4), Rank.REVIEW))
    most_s = boot_s(there, every_s, max(sum(more), 1))
    assert asked.keys() == ready.keys()
    assert all(ready[who] - asked[who] <= most_s + 1e-6 for who in asked)


# --- what controllers know of it

CROWD = "+disturbances.crowd={kind: surge, start: 1 h, factor: 10, rise: 0 s, hold: 20 min, fall: 0 s}"
WORLD = (
    "document_assistant", "phases=production", "admission=none", "cache=none", "learning=none", "value=none",
    "incidents=none", "start=2026-03-02 06:00", "horizon=2 h", "record.interval=1 min", "workload.rate=1 req/s",
    "workload.keys={kind: unique}", "workload.tenants.count=1", "pool.model.load=30 s", "autoscaler=oracle", CROWD,
)  # fmt: skip
TYPE = "[{name: n, replicas: 1, price: 6.88 USD/h, provisioning: %s}]"


def known_s(*typed: str) -> float:
    """The boot time that the autoscaler of a world's pool is told."""
    effective = phase_scenarios(load(*WORLD, *typed))
    layout = lay_out(effective)
    (phase,) = effective
    (row,) = layout.pools
    return ControlTerms(effective, layout, None, Streams(1)).of(phase, row).setting.boot_s  # type: ignore[arg-type]


def test_a_controller_is_told_of_its_pool_s_nodes_and_a_managed_endpoint_s_are_its_provider_s() -> None:
    nodes = ("pool.nodes.kind=karpenter", "pool.machine.provisioning=60 s", f"pool.nodes.types={TYPE % '9 min'}")
    assert known_s(*nodes) == 1.0 + 540.0 + 30.0
    assert known_s(*nodes, "phases.production.serving=managed") == 60.0 + 30.0


@pytest.mark.parametrize("machine_min", [2, 12])
def test_an_oracle_on_nodes_holds_as_well_as_on_machines_that_take_as_long(machine_min: int) -> None:
    own = simulate(load(*WORLD, f"pool.machine.provisioning={machine_min * 60 + 1} s"))
    nodes = simulate(
        load(*WORLD, "nodes=karpenter", "pool.nodes.consolidation=never", "pool.machine.provisioning=1 s",
             "~pool.nodes.replicas", f"+pool.nodes.types={TYPE % f'{machine_min} min'}")
    )  # fmt: skip
    boot, ready = machine_min * 60 + 1 + 30, []
    for run in (own, nodes):
        events = run.events[run.events["at_s"] <= 3600.0]
        asked = events[(events["kind"] == "scale") & (events["at_s"] <= 3600.0 - boot)]["after"].iloc[-1]
        ready.append((events["kind"] == "replica_ready").sum() - (events["kind"] == "replica_draining").sum())
        # what the crowd needs in its first minute is there when it comes: ten times the few that there were
        assert ready[-1] >= asked > 5
    assert ready[0] == ready[1]
    scaled = [run.events[run.events["kind"] == "scale"][["at_s", "after"]].to_numpy().tolist() for run in (own, nodes)]
    assert scaled[0] == scaled[1]
