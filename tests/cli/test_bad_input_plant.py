"""Wrong input about a pool's plant, as a user types it: starts, nodes, grace, quotas, spot machines, failures.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses

KARPENTER, SPOT = "pool.nodes.kind=karpenter", "pool.spot.share=50 %"
ONE = "{name: a, replicas: 2, price: 1 USD/h, provisioning: 1 min}"
TYPES = f"[{ONE}, {{name: %s, replicas: %s, price: 1 USD/h, provisioning: 1 min}}]"

# (what is typed, how the line that names it begins, words that the line must say)
SAID = {
    "image without a unit": (["pool.startup.image.size=10"], "pool.startup.image.size: 10", ["40 GB"]),
    "image of no size": (["pool.startup.image.size=0 GB"], "pool.startup.image.size: 0 GB", ["more than 0"]),
    "image over a dead line": (
        ["pool.startup.image={size: 10 GB, bandwidth: 0 MB/s}"], "pool.startup.image.bandwidth: 0 MB/s",
        ["more than 0", "GB/s"],
    ),
    "bandwidth that is a size": (
        ["pool.startup.image={size: 10 GB, bandwidth: 1 GB}"], "pool.startup.image.bandwidth: 1 GB",
        ['"2 GB/s" or "10 Gbit/s"'],
    ),
    "model on tape": (
        ["pool.startup.load.kind=tape"], "pool.startup.load.kind: tape", ["Allowed: fixed, disk, object_store"],
    ),
    "fixed load with a size": (
        ["pool.startup.load={kind: fixed, size: 3 GB}"], "pool.startup.load.size", ["unknown key"],
    ),
    "busy before it starts": (["pool.startup.busy=-3 s"], "pool.startup.busy: -3 s", ["at least 0"]),
    "busy with nothing": (
        ["pool.startup={busy: 40 s, busy_share: 0 %}"], "pool.startup.busy_share: 0 %", ["Type a share above 0 %"],
    ),
    "misspelt kind of nodes": (
        ["pool.nodes.kind=karpneter"], "pool.nodes.kind: karpneter",
        ["Did you mean karpenter?", "Allowed: own, cluster_autoscaler, karpenter"],
    ),
    "places on an own machine": (["pool.nodes={kind: own, replicas: 2}"], "pool.nodes.replicas", ["unknown key"]),
    "more places than memory": (
        [KARPENTER, "pool.nodes.replicas=9"], "pool: ", ["9 replicas of", "135 GB", "Type fewer nodes.replicas"],
    ),
    "node without places": ([KARPENTER, "pool.nodes.replicas=0"], "pool.nodes.replicas: 0", ["at least 1"]),
    "type without places": (
        [KARPENTER, f"pool.nodes.types={TYPES % ('b', 0)}"], "pool.nodes.types.1.replicas: 0", ["at least 1"],
    ),
    "two types of one name": (
        [KARPENTER, f"pool.nodes.types={TYPES % ('a', 4)}"], "pool.nodes: ", ["two node types are called a"],
    ),
    "places of what types replace": (
        [KARPENTER, "pool.nodes.replicas=2", f"pool.nodes.types={TYPES % ('b', 4)}"], "pool.nodes: ",
        ["Type replicas inside each type"],
    ),
    "type without a name": (
        [KARPENTER, "pool.nodes.types=" + TYPES % ("''", 4)], "pool.nodes: ", ["called ''", "such as g6.12xlarge"],
    ),
    "type called as another's spot machine": (
        [KARPENTER, f"pool.nodes.types={TYPES % ('a spot', 4)}"], "pool.nodes: ", ["called 'a spot'"],
    ),
    "machines that live for a nanosecond": (
        ["pool.failures.mtbf=1 ns"], "pool.failures.mtbf: 1 ns", ["at least 1 min", '"200 d"', "null means never"],
    ),
    "batches that end before they may": (
        ["pool.nodes={kind: karpenter, batch_idle: 20 s}"], "pool.nodes: ", ["batch_max 10 s", "Type a longer"],
    ),
    "scans without a pause": (
        ["pool.nodes={kind: cluster_autoscaler, scan_interval: 0 s}"], "pool.nodes.scan_interval: 0 s", ["more than 0"],
    ),
    "the other one's key": (
        ["pool.nodes={kind: cluster_autoscaler, budget: 10 %}"], "pool.nodes.budget", ["unknown key", "unneeded_time"],
    ),
    "budget above all": ([KARPENTER, "pool.nodes.budget=130 %"], "pool.nodes.budget: 130 %", ["at most 100 %"]),
    "grace that is no time": (["pool.grace=soon"], "pool.grace: soon", ["not a duration", "90 s"]),
    "grace in a phase": (
        ["phases.scale.override.pool.grace=-1 s"], "phases.scale.override.pool.grace: -1 s", ["at least 0"],
    ),
    "no machine at all": (["pool.supply.quota=0"], "pool.supply.quota: 0", ["at least 1"]),
    "quota below the least": (
        ["pool.supply.quota=1", "autoscaler.min_replicas=3"], "pool.supply.quota: 1",
        ["never asks for fewer than 3", "Type pool.supply.quota=3"],
    ),
    "stock-outs without an end": (
        ["pool.supply.stock_outs.per_month=2"], "pool.supply.stock_outs.duration: missing", ["90 s"],
    ),
    "stock-outs that never come": (
        ["pool.supply.stock_outs={per_month: 0, duration: 6 h}"], "pool.supply.stock_outs.per_month: 0",
        ["more than 0"],
    ),
    "spot share above all": (["pool.spot.share=150 %"], "pool.spot.share: 150 %", ["at most 100 %"]),
    "spot machines for nothing": (
        [SPOT, "pool.spot.discount=100 %"], "pool.spot.discount: 100 %", ["less than 100 %", '"60 %"'],
    ),
    "notice without a share": (["pool.spot.notice=2 min"], "pool.spot.share: missing", ["type a value"]),
    "waves without a rate": ([SPOT, "pool.spot.waves.share=50 %"], "pool.spot.waves.per_month: missing", ["type"]),
    "spot misspelt": (["pool.spott.share=3 %"], "pool.spott", ["Did you mean pool.spot?"]),
    "failures of nothing": (["pool.failures.repair=1 h"], "pool.failures: ", ["nothing ever fails", "mtbf: 200 d"]),
    "failing all the time": (["pool.failures.mtbf=0 s"], "pool.failures.mtbf: 0 s", ["more than 0"]),
    "zones lost never": (
        ["pool.failures.zone_losses.duration=1 h"], "pool.failures.zone_losses: ", ["no zone is ever lost", "[30 d]"],
    ),
    "zone lost after the end": (
        ["pool.failures.zone_losses.at=[900 d]"], "pool.failures.zone_losses.at.0: 900 d",
        ["not before the scenario's end", "730 d", "Type an earlier time"],
    ),
    "zone of a pool without": (
        ["pool.failures.zone_losses={at: [3 d], zone: a}"], "pool.failures.zone_losses.zone: a",
        ["no such zone", "pool.zones.names=[a,b,c]"],
    ),
    "zone that is not there": (
        ["pool.zones.names=[east,west]", "pool.failures.zone_losses={at: [3 d], zone: eats}"],
        "pool.failures.zone_losses.zone: eats", ["Did you mean east?", "Zones: east, west"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_a_wrong_plant_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


TYPED = {
    "karpenter": ["pool.nodes.kind=karpenter"],
    "cluster autoscaler": ["pool.nodes.kind=cluster_autoscaler"],
    "types": [KARPENTER, f"pool.nodes.types={TYPES % ('b', 4)}"],
    "spot": [SPOT, "pool.spot.waves.per_month=0.5"],
    "disk": ["pool.startup.load={kind: disk, size: 140 GB}", "pool.startup.image.size=10 GB", "pool.startup.busy=40 s"],
    "object store": ["pool.startup.load.kind=object_store"],
    "grace": ["pool.grace=30 s"],
    "supply": ["pool.supply={quota: 20, stock_outs: {per_month: 2, duration: 6 h}}"],
    "failures": ["pool.failures={mtbf: 200 d, repair: 1 d, zone_losses: {at: [30 d], per_month: 0.01}}"],
}


@pytest.mark.parametrize("scenario", ["document_assistant", "realtime_vision"])
@pytest.mark.parametrize("typed", TYPED.values(), ids=TYPED.keys())
def test_what_the_page_says_can_be_typed(typed, scenario, capsys, tmp_path):
    assert cli.main(["check", f"scenario={scenario}", *typed]) == 0

    whole = tmp_path / "whole.yaml"
    whole.write_text(capsys.readouterr().out)
    assert cli.main(["check", f"scenario={whole}"]) == 0
    assert capsys.readouterr().out == whole.read_text()
