"""A pool's plant with known answers: starts in parts, shared nodes, grace, supply, spot machines, failures."""

from itertools import count

import numpy as np
import pytest

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet import cluster_autoscaler, karpenter
from sim.fleet.cluster_autoscaler import NodeView
from sim.fleet.fleet import Fleet, Site
from sim.fleet.nodes import ClusterAutoscaler, Karpenter, NodeType
from sim.fleet.parameters import Machine, Model
from sim.fleet.plant import Plant
from sim.fleet.startup import DiskLoad, Image, ObjectStoreLoad, Startup
from sim.fleet.startup_work import StartupScrapes
from sim.fleet.trouble import Failures, Spot, StockOuts, Supply, Waves, ZoneLosses
from sim.streams import Streams

MACHINE = Machine(
    name="m", accelerator="none", price_usd_per_h=1.0, memory_bytes=16e9, provisioning_s=60.0,
    billing_increment_s=0.0, billing_minimum_s=0.0, source="test",
)  # fmt: skip
MODEL = Model(name="x", memory_bytes=1e9, load_s=30.0)
HOUR_S, MONTH_S = 3600.0, 365.25 / 12 * 86_400


class Plane:
    """A data plane that remembers who takes requests, and who was lost with what was on it."""

    def __init__(self, drains_at_once):
        self.up, self.failed, self.drains_at_once = set(), [], drains_at_once

    def ready(self, slot):
        self.up.add(slot)

    def drain(self, slot):
        self.up.discard(slot)
        return self.drains_at_once

    def fail(self, slot):
        self.up.discard(slot)
        self.failed.append(slot)


class Stage:
    """A clock, a fleet on it, and what was said."""

    def __init__(self, slots=32, zones=("",), drains_at_once=True, seed=1, **plant):
        self.clock, self.plane, self.said = Clock(), Plane(drains_at_once), []
        streams = Streams(seed)
        site = Site(Plant(machine=MACHINE, model=MODEL, **plant), zones, lambda what: streams.key(f"fleet/main/{what}"))
        self.fleet = Fleet(self.clock, self.plane, "main", 0, slots, MACHINE, MODEL, self.note, count(1), site)

    def note(self, kind, subject, detail, before, after):
        self.said.append((self.clock.now / 1e9, kind, subject, detail))

    def at(self, seconds, action):
        self.clock.call_at(to_ns(seconds), Rank.CONTROL, action)

    def scale(self, *steps):
        for at_s, replicas in steps:
            self.at(at_s, lambda replicas=replicas: self.fleet.scale_to(replicas, "test"))

    def play(self, seconds):
        self.clock.play(lambda t, rank: True, self.clock.at(to_ns(seconds), Rank.REVIEW))
        return self

    def when(self, *kinds):
        return [(at_s, kind) for at_s, kind, *_ in self.said if kind in kinds]

    @property
    def billed_s(self):
        return self.fleet.billed_ns(self.clock.now) / 1e9


# --- starts


def test_a_start_is_the_sum_of_its_parts_and_the_source_s_figures_come_out():
    # EQUATIONS: 70 billion weights in 16 bits are 140 GB, 4.4 s at 32 GB/s at the least, 15 to 30 s in practice
    floor = DiskLoad(size_bytes=140e9, bandwidth_bytes_per_s=32e9)
    assert floor.seconds(99.0, 1e9) == pytest.approx(4.375)
    assert 15 <= DiskLoad(size_bytes=140e9).seconds(99.0, 1e9) <= 30
    assert ObjectStoreLoad(bandwidth_bytes_per_s=2e9, overhead_s=3.0).seconds(99.0, 10e9) == 8.0
    startup = Startup(image=Image(size_bytes=10e9, bandwidth_bytes_per_s=1e8), load=floor, warm_up_s=2.0)
    assert startup.spans(99.0, 1e9, pulled=False) == pytest.approx((100.0, 4.375, 2.0))
    assert startup.spans(99.0, 1e9, pulled=True) == pytest.approx((0.0, 4.375, 2.0))


def test_a_replica_with_an_image_to_pull_and_a_warm_up_is_ready_that_much_later():
    stage = Stage(startup=Startup(image=Image(size_bytes=1e9, bandwidth_bytes_per_s=1e8), warm_up_s=5.0))
    stage.scale((0, 1))
    stage.play(200)
    assert stage.when("replica_ready") == [(60 + 10 + 30 + 5, "replica_ready")]


def test_a_node_pulls_an_image_once():
    stage = Stage(startup=Startup(image=Image(size_bytes=1e9, bandwidth_bytes_per_s=1e8)), nodes=Karpenter(replicas=4))
    stage.scale((0, 1), (200, 2))
    stage.play(300)
    # a batch that ends after a second, a node, 10 s of image and 30 s of model; then the model alone
    assert stage.when("replica_ready") == [(1 + 60 + 10 + 30, "replica_ready"), (230, "replica_ready")]


def test_the_work_of_a_start_is_seen_as_load_until_it_is_over_and_never_above_one():
    scrapes = StartupScrapes(2, to_ns(10), 0, Startup(busy_s=25.0, busy_share=0.6))
    slots, ready_ns = np.array([0, 1]), np.array([to_ns(10), to_ns(10)])
    seen = []
    for t in (10, 20, 30, 40, 50):
        sample = scrapes.place(to_ns(t))
        sample[:] = 0
        sample[1, 0] = to_ns(t) * 7 // 10  # the second is busy for 70 % of the time besides
        values, *_ = scrapes.read(to_ns(t), slots, ready_ns, ready_ns)
        seen.append(values[2].tolist())
    # 25 s from 10 s on: two whole intervals, half of the third
    assert np.isnan(seen[0]).all()
    assert seen[1:] == [
        pytest.approx([0.6, 1.0]), pytest.approx([0.6, 1.0]), pytest.approx([0.3, 1.0]), pytest.approx([0.0, 0.7]),
    ]  # fmt: skip


def test_looking_ahead_sees_the_same_starts_as_looking_tick_by_tick():
    startup = Startup(busy_s=25.0)
    slots, ready_ns = np.array([0, 1]), np.array([to_ns(12), -1])
    one, many = (StartupScrapes(2, to_ns(10), 0, startup) for _ in range(2))
    for scrapes in (one, many):
        scrapes.place(to_ns(13))[:] = 0
    samples = np.zeros((4, 3, 5), np.int64)
    samples[:, 0, 0] = np.arange(1, 5) * to_ns(2)
    ahead, _, _, span_s = many.read_ahead(to_ns(20), to_ns(10), samples, slots, ready_ns, ready_ns)
    assert span_s == 7.0
    for k in range(4):
        one.place(to_ns(20 + 10 * k))[:] = samples[k]
        values, *_ = one.read(to_ns(20 + 10 * k), slots, ready_ns, ready_ns)
        np.testing.assert_array_equal(values[2], ahead[k, 2])


# --- nodes

SMALL, LARGE = (
    NodeType(name=name, replicas=places, price_usd_per_h=price, provisioning_s=60.0)
    for name, places, price in (("small", 2, 2.0), ("large", 8, 6.0))
)


def test_the_cluster_autoscaler_wastes_least_and_karpenter_pays_least_for_full_nodes():
    types = (SMALL, LARGE)
    # 2 fill a small node; 4 fill two small ones; 8 fill either: the large one costs 6, four small ones 8
    assert cluster_autoscaler.launches(2, types) == [0]
    assert cluster_autoscaler.launches(4, types) == [0, 0]
    assert cluster_autoscaler.launches(8, types) == [1]
    assert cluster_autoscaler.launches(0, types) == []
    # Karpenter puts 4 on one node, for which only the large one has room; the last 2 of 10 get a small one
    assert karpenter.launches(4, types) == [1]
    assert karpenter.launches(10, types) == [1, 0]


def test_a_node_is_unneeded_below_the_threshold_and_when_what_it_holds_fits_elsewhere():
    def going(*used, zones=None):
        nodes = [NodeView(i, zones[i] if zones else 0, n, 4) for i, n in enumerate(used)]
        return cluster_autoscaler.unneeded(nodes, 0.5)

    assert going(2, 2) == []  # exactly the threshold
    assert going(1, 3) == [0]
    assert going(1, 4) == []  # no room elsewhere
    assert going(0, 4) == [0]
    assert going(1, 1) == [0]  # the other one takes it in, and so stays
    assert going(1, 2, zones=(0, 1)) == []  # room in another zone is none
    assert going(1, 3, 1, 4) == [0]  # one place is left on the second node, and two replicas cannot share it


def test_karpenter_deletes_empty_nodes_then_moves_the_fewest_and_replaces_by_what_is_cheaper():
    types = (SMALL, LARGE)

    def node(number, used, kind, spot=False, quiet_since_ns=0):
        return NodeView(number, 0, used, kind.replicas, kind.price_usd_per_h, quiet_since_ns, spot)

    def goes(*nodes, may=9, only_empty=False):
        return [tuple(c) for c in karpenter.consolidate(nodes, types, may, only_empty)]

    assert goes(node(1, 0, SMALL), node(2, 0, LARGE), node(3, 8, LARGE)) == [(1, None), (2, None)]
    assert goes(node(1, 0, SMALL), node(2, 0, LARGE), may=1) == [(1, None)]
    assert goes(node(1, 1, SMALL), node(2, 5, LARGE)) == [(1, None)]
    assert goes(node(1, 2, LARGE), node(2, 8, LARGE)) == [(1, 0)]
    assert goes(node(1, 2, LARGE, spot=True)) == []
    assert goes(node(1, 1, SMALL)) == []
    assert goes(node(1, 1, SMALL), node(2, 5, LARGE), only_empty=True) == []
    assert goes(node(1, 0, SMALL, quiet_since_ns=-1)) == []
    # in per cent, rounded up: one of one, one of ten, two of eleven
    assert [karpenter.allowed(n, 0.1) for n in (0, 1, 10, 11)] == [0, 1, 1, 2]


def test_the_cluster_autoscaler_adds_at_a_scan_and_removes_what_is_unneeded_for_ten_minutes():
    stage = Stage(nodes=ClusterAutoscaler(replicas=2))
    stage.scale((3, 3), (1000, 2))
    stage.play(3000)
    # pending at 3 s, seen by the scan at 10 s: two nodes of two places
    assert stage.when("node_requested") == [(10, "node_requested")] * 2
    assert stage.when("node_ready") == [(70, "node_ready")] * 2
    assert stage.when("replica_ready") == [(100, "replica_ready")] * 3
    # the first node to come up takes the first two; at 1000 s the third replica goes, and the scan at 1010 s finds its
    # node unneeded
    assert stage.when("node_released") == [(1610, "node_released")]
    assert stage.billed_s == (3000 - 10) + (1610 - 10)


def test_an_idle_node_goes_at_the_first_scan_after_the_unneeded_time():
    stage = Stage(nodes=ClusterAutoscaler(replicas=2))
    stage.scale((0, 4), (2003, 2), (2004, 1))
    stage.play(5000)
    # 2003 s: two go, the youngest; 2004 s: one more. Unneeded since the scan at 2010 s, gone at 2610 s
    assert [at_s for at_s, kind in stage.when("node_released")] == [2610]
    assert stage.billed_s == (5000 - 10) + (2610 - 10)


def test_nothing_goes_for_ten_minutes_after_a_node_was_added():
    stage = Stage(nodes=ClusterAutoscaler(unneeded_time_s=60.0))
    stage.scale((0, 2), (100, 1))
    stage.play(2000)
    assert [at_s for at_s, kind in stage.when("node_released")] == [610]


def test_karpenter_collects_pending_replicas_for_a_second_of_quiet_and_ten_at_most():
    stage = Stage(nodes=Karpenter())
    stage.scale((0, 1), (0.5, 2), (5, 3))
    stage.play(30)
    assert [at_s for at_s, _ in stage.when("node_requested")] == [1.5, 1.5, 6]

    stage = Stage(nodes=Karpenter())
    stage.scale(*((0.9 * i, i + 1) for i in range(15)))
    stage.play(30)
    requested = [at_s for at_s, _ in stage.when("node_requested")]
    assert requested == pytest.approx([10] * 12 + [0.9 * 14 + 1] * 3)


def test_karpenter_gives_an_empty_node_back_at_its_next_look_and_a_node_s_idle_room_is_paid_until_then():
    stage = Stage(nodes=Karpenter(replicas=4))
    stage.scale((0, 1), (1002, 0))
    stage.play(2000)
    assert stage.when("node_released") == [(1010, "node_released")]
    assert stage.billed_s == 1009  # one node, whoever was on it
    assert stage.fleet.bill.places_ns(stage.clock.now) == to_ns(4 * 1009)


def test_karpenter_replaces_a_node_by_a_cheaper_one_before_it_drains():
    stage = Stage(nodes=Karpenter(types=(SMALL, LARGE)))
    stage.scale((0, 8), (1001, 2))
    stage.play(3000)
    said = stage.when("node_requested", "node_ready", "replica_draining", "node_released")
    assert said[:2] == [(1, "node_requested"), (61, "node_ready")]
    # six go at 1001 s; a small node is asked for at the next look and is there a minute later
    assert said[2:8] == [(1001, "replica_draining")] * 6
    assert said[8:] == [
        (1010, "node_requested"), (1070, "node_ready"), (1070, "replica_draining"), (1070, "replica_draining"),
        (1070, "node_released"),
    ]  # fmt: skip
    assert stage.fleet.ready_count == 2
    sums = {tariff.sku: ns / 1e9 for tariff, ns in stage.fleet.bill.by_tariff(stage.clock.now).items()}
    assert sums == {"large": 1069.0, "small": 1990.0}


# --- draining, supply, spot, failures


def test_what_has_not_drained_when_its_grace_is_over_is_lost():
    stage = Stage(drains_at_once=False, grace_s=30.0)
    stage.scale((0, 2), (200, 1))
    stage.at(210, lambda: None)
    stage.play(300)
    assert stage.when("replica_draining", "replica_lost", "replica_released") == [
        (200, "replica_draining"), (230, "replica_lost"), (230, "replica_released"),
    ]  # fmt: skip
    assert stage.plane.failed == [1]
    assert stage.billed_s == 300 + 230


def test_what_has_drained_in_time_is_not_lost():
    stage = Stage(drains_at_once=False, grace_s=30.0)
    stage.scale((0, 2), (200, 1))
    stage.at(229, lambda: stage.fleet.drained(1))
    stage.play(300)
    assert stage.plane.failed == []


def test_beyond_the_quota_replicas_wait_unbilled_for_a_machine_in_the_order_in_which_they_came():
    stage = Stage(supply=Supply(quota=2))
    stage.scale((0, 4), (500, 1), (600, 3))
    stage.play(1000)
    assert stage.when("machine_waiting")[:2] == [(0, "machine_waiting")] * 2
    assert [at_s for at_s, _ in stage.when("replica_ready")] == [90, 90, 690]
    assert stage.billed_s == 1000 + 500 + 400


def test_during_a_stock_out_machines_wait_and_come_when_it_is_over():
    stage = Stage(seed=3, supply=Supply(stock_outs=StockOuts(per_month=30, duration_s=2 * HOUR_S)))
    stage.scale((0, 1))
    stage.play(40 * 86_400)
    outs = [at_s for at_s, _ in stage.when("stock_out")]
    first = outs[0]

    stage = Stage(seed=3, supply=Supply(stock_outs=StockOuts(per_month=30, duration_s=2 * HOUR_S)))
    stage.scale((0, 1), (first + 60, 2))
    stage.play(first + 3 * HOUR_S)
    ready = [at_s for at_s, _ in stage.when("replica_ready")]
    assert ready == pytest.approx([90, first + 2 * HOUR_S + 90])
    # a Poisson process of 30 a month over 40 days, less those that fall into another: 3 standard errors
    mean = 40 * 86_400 / (MONTH_S / 30 + 2 * HOUR_S)
    assert abs(len(outs) - mean) < 3 * mean**0.5


def test_half_of_the_machines_on_spot_terms_cost_two_fifths():
    stage = Stage(spot=Spot(share=0.5, discount=0.6, interruptions_per_month=0))
    stage.scale((0, 5))
    stage.play(1000)
    billed = {tariff: ns / 1e9 for tariff, ns in stage.fleet.bill.by_tariff(stage.clock.now).items()}
    assert {(t.sku, t.price_usd_per_h): s for t, s in billed.items()} == {("m", 1.0): 3000.0, ("m spot", 0.4): 2000.0}


def test_a_spot_machine_drains_from_its_notice_on_is_lost_two_minutes_later_and_is_replaced_at_its_notice():
    stage = Stage(drains_at_once=False, spot=Spot(share=1.0, interruptions_per_month=300))
    stage.scale((0, 1))
    stage.play(10 * HOUR_S)
    (notice, *_), (lost, *_) = stage.when("spot_notice"), stage.when("machine_lost")
    assert lost[0] == pytest.approx(notice[0] + 120)
    requested = [at_s for at_s, _ in stage.when("replica_requested")]
    assert requested[1] == notice[0]
    assert stage.fleet.target == 1


def test_spot_machines_are_taken_back_as_often_as_stated():
    stage = Stage(slots=300, spot=Spot(share=1.0, interruptions_per_month=2.0))
    stage.scale((0, 100))
    stage.play(MONTH_S)
    # 100 machines, always replaced at once: a Poisson number of mean 200, three standard errors
    assert abs(len(stage.when("spot_notice")) - 200) < 3 * 200**0.5


def test_a_wave_hits_the_spot_machines_of_its_zone_alone():
    stage = Stage(
        zones=("a", "b"), spot=Spot(share=1.0, interruptions_per_month=0, waves=Waves(per_month=10, share=1.0))
    )
    stage.scale((0, 6))
    stage.play(3 * MONTH_S)
    waves = {at_s for at_s, _ in stage.when("spot_notice")}
    assert abs(len(waves) - 60) < 3 * 60**0.5
    for wave in waves:
        hit = {int(who.split("/")[1]) for at_s, kind, who, _ in stage.said if (at_s, kind) == (wave, "spot_notice")}
        assert len(hit) == 3


def test_machines_fail_as_often_as_stated_and_are_replaced():
    stage = Stage(slots=300, failures=Failures(mtbf_s=10 * 86_400))
    stage.scale((0, 100))
    stage.play(20 * 86_400)
    assert abs(len(stage.when("machine_lost")) - 200) < 3 * 200**0.5
    assert len(stage.plane.failed) <= len(stage.when("machine_lost"))
    assert stage.fleet.target == 100


def test_a_failed_machine_s_place_counts_against_the_quota_until_it_is_repaired():
    stage = Stage(supply=Supply(quota=1), failures=Failures(mtbf_s=HOUR_S, repair_s=600.0))
    stage.scale((0, 1))
    stage.play(24 * HOUR_S)
    lost = [at_s for at_s, _ in stage.when("machine_lost")]
    granted = [at_s for at_s, _ in stage.when("machine_granted")]
    assert granted == pytest.approx([at_s + 600 for at_s in lost[: len(granted)]])
    assert len(granted) > 5


def test_a_lost_zone_takes_its_replicas_and_others_come_up_in_the_zones_that_are_left():
    stage = Stage(
        zones=("a", "b", "c"), failures=Failures(zone_losses=ZoneLosses(at_s=(1000.0,), duration_s=HOUR_S, zone="b"))
    )
    stage.scale((0, 6))
    stage.play(2000)
    assert sorted(stage.plane.failed) == [1, 4]
    assert stage.fleet.ready_count == 6
    assert {slot % 3 for slot in stage.plane.up} == {0, 2}


def test_a_pool_in_one_zone_loses_everything_and_waits_until_it_is_back():
    stage = Stage(failures=Failures(zone_losses=ZoneLosses(at_s=(1000.0,), duration_s=HOUR_S)))
    stage.scale((0, 2))
    stage.play(6000)
    assert [at_s for at_s, _ in stage.when("replica_ready")] == [90, 90, 4690, 4690]
    assert stage.billed_s == 2 * 1000 + 2 * (6000 - 4600)


def test_a_node_takes_all_of_its_replicas_with_it():
    stage = Stage(
        nodes=Karpenter(replicas=4), failures=Failures(zone_losses=ZoneLosses(at_s=(1000.0,), duration_s=60.0))
    )
    stage.scale((0, 4))
    stage.play(3000)
    assert sorted(stage.plane.failed) == [0, 1, 2, 3]
    # a batch that ends at 1001 s, a zone that is back at 1060 s, a node, a model
    assert [at_s for at_s, _ in stage.when("replica_ready")][4:] == [1060 + 60 + 30] * 4
