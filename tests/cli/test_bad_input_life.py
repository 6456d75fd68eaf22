"""Wrong input about a product's life, as a user types it: gates, caches, tenants, models, hosting, demand's occasions.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses, refused

GATE = "phases.scale.gate"
OVERRIDE = "phases.scale.override"
CLIENT = "{{share: {}, cv: 1, interarrival: gamma}}"

# (what is typed, how the line that names it begins, words that the line must say)
GATES = {
    "no condition": ([f"{GATE}.all=[]"], GATE, ["no condition", "Give at least one"]),
    "neither start nor gate": (
        ["phases.mvp.start=null", "phases.mvp.gate=null"], "phases.mvp.start: missing",
        ["Only the first phase", '"2026-04-01"', "kind: traffic"],
    ),
    "both taken away": (["~phases.mvp.start", "~phases.mvp.gate"], "phases.mvp.start: missing", ["or a gate such as"]),
    "the first phase with a gate": (
        ["phases.poc.gate.all=[{kind: requests, at_least: 3}]"], "phases.poc.gate",
        ["waits for nothing", "Leave its gate out"],
    ),
    "phases out of order": (
        ["phases.mvp.start=2026-10-01"], "phases.production.start: 2026-09-01", ["not after the start of mvp"],
    ),
    "unknown gate": (
        [f"{GATE}.all=[cost_reducton]"], f"{GATE}.all.0: cost_reducton",
        ["no such gate", "Did you mean cost_reduction?", "Gates: unit_cost"],
    ),
    "unknown kind of condition": (
        [f"{GATE}.all=[{{kind: qualty, at_least: 80 %}}]"], f"{GATE}.all.0.kind: qualty",
        ["Did you mean quality?", "Allowed: date, traffic"],
    ),
    "condition without a kind": (
        [f"{GATE}.all=[{{at_least: 80 %}}]"], f"{GATE}.all.0.kind: missing", ["kinds: date, traffic"],
    ),
    "condition that is a number": ([f"{GATE}.all=[3]"], f"{GATE}.all.0: 3", ["not a condition", "kind: traffic"]),
    "condition outside of a list": (
        [f"{GATE}.any=cost_reduction"], f"{GATE}.any: cost_reduction", ["not a list", "Put brackets around"],
    ),
    "gate that is a number": ([f"{GATE}=3"], f"{GATE}: 3", ["not a group of keys"]),
    "unknown key of a gate": ([f"{GATE}.windw=7 d"], f"{GATE}.windw", ["Did you mean phases.scale.gate.window?"]),
    "condition without its limit": (
        [f"{GATE}.all=[{{kind: traffic}}]"], f"{GATE}.all.0.at_least: missing", ["12 req/s"],
    ),
    "limit without a unit": (
        [f"{GATE}.all=[{{kind: traffic, at_least: 2}}]"], f"{GATE}.all.0.at_least: 2", ["without a unit", "12 req/s"],
    ),
    "gate on an unknown workload": (
        [f"{GATE}.all=[{{kind: traffic, at_least: 2 req/s, workload: web}}]"], f"{GATE}.all.0.workload: web",
        ["no such workload", "Workloads: main"],
    ),
    "named gate on an unknown workload": (
        ["gates.speed={kind: latency_p99, at_most: 200 ms, workload: mian}"], "gates.speed.workload: mian",
        ["no such workload", "Did you mean main?"],
    ),
    "window of a day and a half": ([f"{GATE}.window=36 h"], f"{GATE}.window: 36 h", ["not whole days", "7 d"]),
    "asked twice a day": ([f"{GATE}.every=12 h"], f"{GATE}.every: 12 h", ["not whole days", "7 d"]),
    "window of nothing": ([f"{GATE}.window=0 d"], f"{GATE}.window: 0 d", ["out of range", "more than 0"]),
    "window beyond the end": (
        [f"{GATE}.window=800 d"], f"{GATE}.window: 800 d", ["longer than the scenario (730 d)", "never fires"],
    ),
    "two windows beyond the end": ([f"{GATE}.window=400 d"], f"{GATE}.window: 400 d", ["compares two windows"]),
    "date after the end": (
        [f"{GATE}.all=[{{kind: date, from: 2028-06-01}}]"], f"{GATE}.all.0.from: 2028-06-01",
        ["not before the scenario's end", "Type an earlier date"],
    ),
    "date that is none": ([f"{GATE}.all=[{{kind: date, from: soon}}]"], f"{GATE}.all.0.from: soon", ["not a date"]),
    "quality without a monitor": (
        ["learning.monitor={kind: none}", "learning.retraining={kind: never}"],
        "phases.production.gate.all.2.at_least: 80 %", ["nobody monitors", "learning=threshold"],
    ),
    "quality without a model": (
        ["learning=none"], "phases.production.gate.all.2.at_least: 80 %",
        ["nobody monitors", "leave the condition out"],
    ),
    "traffic beyond all demand": (
        [f"{GATE}.all=[{{kind: traffic, at_least: 1000 req/s}}]"], f"{GATE}.all.0.at_least: 1000 req/s",
        ["beyond all demand that phase production lets in", "Type less"],
    ),
    "quality above a fresh model's": (
        [f"{GATE}.all=[{{kind: quality, at_least: 95 %}}]"], f"{GATE}.all.0.at_least: 95 %",
        ["above the quality of a freshly trained model of main, 90 %", "Type less"],
    ),
    "faster than any answer": (
        [f"{GATE}.all=[{{kind: latency_p99, at_most: 1 ms}}]", "cache=none"], f"{GATE}.all.0.at_most: 1 ms",
        ["below the fastest answer", "Type a longer time"],
    ),
    "false positives of what decides nothing": (
        [f"{GATE}.all=[false_positive_rate]"], f"{GATE}.all.0: false_positive_rate", ["a value of kind decisions"],
    ),
    "fewer false alarms than a fresh model": (
        [f"{GATE}.all=[{{kind: false_positive_rate, at_most: 0.1 %}}]", "value=decisions"],
        f"{GATE}.all.0.at_most: 0.1 %", ["below the rate of a freshly trained model", "Type more"],
    ),
    "value that nobody has stated": (
        [f"{GATE}.all=[{{kind: value, at_least: 3 USD/day}}]", "value=none"], f"{GATE}.all.0.at_least: 3 USD/day",
        ["have no value", "value=per_request"],
    ),
    "nobody let in before a gate": (
        ["phases.poc.exposure=0 %"], "phases.mvp.gate.all.0.at_least: 500", ["lets nobody in", "Type a date instead"],
    ),
    "answers for nothing": (["gates.unit_cost.at_most=0 USD"], "gates.unit_cost.at_most: 0 USD", ["can never be met"]),
    "all of the cost saved": (
        ["gates.cost_reduction.at_least=100 %"], "gates.cost_reduction.at_least: 100 %", ["less than 100 %"],
    ),
    "attainment above all": (
        [f"{GATE}.all=[{{kind: slo_attainment, at_least: 130 %}}]"], f"{GATE}.all.0.at_least: 130 %", ["at most 100 %"],
    ),
    "gates in a phase": ([f"{OVERRIDE}.gates={{}}"], f"{OVERRIDE}.gates", ["belongs to the whole scenario"]),
}  # fmt: skip

PATH = {
    "cache of zero": (["cache.capacity=0"], "cache.capacity: 0", ["at least 1"]),
    "cache of zero in a phase": ([f"{OVERRIDE}.cache.capacity=0"], f"{OVERRIDE}.cache.capacity: 0", ["at least 1"]),
    "TTL below zero": (["cache.ttl=-1 d"], "cache.ttl: -1 d", ["out of range", "more than 0"]),
    "TTL of zero": (["cache.ttl=0 s"], "cache.ttl: 0 s", ["more than 0"]),
    "hits before they are asked for": (["cache.hit_latency=-5 ms"], "cache.hit_latency: -5 ms", ["at least 0"]),
    "answers of no size": (["cache.entry=0 B"], "cache.entry: 0 B", ["more than 0"]),
    "memory without a unit": (["cache.price=0.125"], "cache.price: 0.125", ["without a unit", "USD/GB/h"]),
    "half emptied by a deploy": (["cache.on_deploy=half"], "cache.on_deploy: half", ["Allowed: empty or keep"]),
    "unknown cache": (["cache=lruu"], "cache: lruu", ["Did you mean cache=lru?", "none"]),
    "bucket that never fills": (
        ["admission.rate=0 req/s"], "admission.rate: 0 req/s", ["at least 0.001 req/day", "admission: {kind: none}"],
    ),
    "bucket that never fills in one workload": (
        ["workloads.chat.admission.rate=0 req/s"], "workloads.chat.admission.rate: 0 req/s", ["at least 0.001 req/day"],
    ),
    "bucket of nothing": (["admission.burst=0"], "admission.burst: 0", ["at least 1"]),
    "workload of an unknown pool": (
        ["workloads={chat: {pool: gpu}, search: {}}"], "workloads.chat.pool: gpu", ["no such pool", "Pools: main"],
    ),
    "unknown way of serving": (
        ["phases.mvp.serving=serverless"], "phases.mvp.serving: serverless",
        ["Allowed: api, managed, pool or committed"],
    ),
    "commitment for nothing": (
        ["hosting.committed.discount=100 %"], "hosting.committed.discount: 100 %", ["less than 100 %"],
    ),
    "discount above all": (["hosting.committed.discount=130 %"], "hosting.committed.discount", ["at most 100 %"]),
    "premium above all": (["hosting.managed.premium=130 %"], "hosting.managed.premium: 130 %", ["at most 100 %"]),
    "base of nothing": (["hosting.committed.base_replicas=0"], "hosting.committed.base_replicas: 0", ["at least 1"]),
    "contract of no time": (["hosting.committed.term=0 d"], "hosting.committed.term: 0 d", ["more than 0"]),
    "move without a unit": (["hosting.pool.switching=20000"], "hosting.pool.switching: 20000", ["USD"]),
    "unknown way of hosting": (["hosting.onprem.switching=2 USD"], "hosting.onprem", ["unknown key", "committed"]),
}  # fmt: skip

MODEL = {
    "labels after the end": (
        ["learning.monitor.delay=800 d"], "learning.monitor.delay: 800 d", ["no label is ever seen", "less than 729 d"],
    ),
    "labels after the end in a phase": (
        [f"{OVERRIDE}.learning.monitor.delay=800 d"], f"{OVERRIDE}.learning.monitor.delay: 800 d", ["ever seen"],
    ),
    "a monitor that never looks": (
        ["learning.monitor.every=800 d"], "learning.monitor.every: 800 d", ["ever sampled", "learning=none"],
    ),
    "more labels than answers": (["learning.monitor.share=130 %"], "learning.monitor.share: 130 %", ["at most 100 %"]),
    "no labels at all": (["learning.monitor.share=0 %"], "learning.monitor.share: 0 %", ["more than 0 %", '"1 %"']),
    "drift beyond everything": (
        ["learning.drift={kind: linear, loss: 130 %, over: 30 d}"], "learning.drift.loss: 130 %", ["at most 100 %"],
    ),
    "unknown drift": (["learning.drift.kind=cliff"], "learning.drift.kind: cliff", ["Allowed: none, linear"]),
    "floor above the model": (["learning.drift.floor=95 %"], "learning.drift", ["95 %", "at most 90 %"]),
    "threshold above the model": (
        ["learning.retraining.below=95 %"], "learning.retraining", ["95 %", "for ever", "below that"],
    ),
    "threshold of nothing": (["learning.retraining.below=0 %"], "learning.retraining.below: 0 %", ["can never fire"]),
    "threshold without labels": (
        ["learning.monitor={kind: none}"], "learning.retraining", ["never fire without labels", "{kind: labels}"],
    ),
    "threshold on more labels than are kept": (
        ["learning.retraining.min_labels=2000"], "learning.retraining", ["2,000", "min_labels: 1000 or fewer"],
    ),
    "retrained before it is trained": (
        ["learning=periodic", "learning.retraining.period=1 d"], "learning.retraining",
        ["1 d", "shorter than a training with its approval, 1.5 d", "Type a longer period"],
    ),
    "trained by nobody": (["learning.training.machines=0"], "learning.training.machines: 0", ["at least 1"]),
    "trained in no time": (["learning.training.duration=0 s"], "learning.training.duration: 0 s", ["more than 0"]),
    "training without a unit": (["learning.training.price=3"], "learning.training.price: 3", ["USD/h"]),
    "model that is never right": (["learning.quality=0 %"], "learning.quality: 0 %", ["more than 0 %"]),
    "worth without a unit": (["value.usd=0.05"], "value.usd: 0.05", ["without a unit", "USD"]),
    "more frauds than payments": (
        ["value=decisions", "value.prevalence=130 %"], "value.prevalence: 130 %", ["at most 100 %"],
    ),
    "incidents below zero": (["incidents.per_month=-1"], "incidents.per_month: -1", ["more than 0"]),
    "hours with a unit": (["incidents.hours=6 h"], "incidents.hours: 6 h", ["without a unit", "1.5"]),
    "nobody on call": (["incidents.engineers=0"], "incidents.engineers: 0", ["at least 1"]),
    "monthly cost without a unit": (
        ["phases.scale.costs.tools.monthly=500"], "phases.scale.costs.tools.monthly: 500", ['"500 USD/month"'],
    ),
    "unknown cost": (
        ["phases.scale.costs.toys.monthly=5 USD/month"], "phases.scale.costs.toys", ["phases.scale.costs.tools?"],
    ),
    "cost below zero": (
        ["phases.scale.costs.data.one_off=-5 USD"], "phases.scale.costs.data.one_off: -5 USD", ["at least 0"],
    ),
}  # fmt: skip

DEMAND = {
    "nobody asks": (["workload.tenants.count=0"], "workload.tenants.count: 0", ["at least 1"]),
    "nothing to ask for": (["workload.keys.catalogue=0"], "workload.keys.catalogue: 0", ["at least 1"]),
    "the rare before the popular": (["workload.keys.exponent=-1"], "workload.keys.exponent: -1", ["at least 0"]),
    "more new than there is": (["workload.keys.drift=130 %"], "workload.keys.drift: 130 %", ["at most 100 %"]),
    "keys of a trace that is none": (
        ["workload.keys={kind: trace}"], "workload.keys", ["only a replayed trace", "{kind: zipf}"],
    ),
    "launch outside of the scenario": (
        ["workload.launches=[{at: 2028-03-01, factor: 3, decay: 7 d}]"], "workload.launches.0.at: 2028-03-01",
        ["not inside the scenario", "Type a date in between"],
    ),
    "launch that is no date": (
        ["workload.launches=[{at: soon, factor: 3, decay: 7 d}]"], "workload.launches.0.at: soon", ["not a date"],
    ),
    "holiday that is no day": (
        ["workload.holidays={dates: ['12-32'], factor: 0.5}"], "workload.holidays.dates.0: 12-32",
        ["no day of the calendar", '"12-25"'],
    ),
    "holiday in words": (
        ["workload.holidays={dates: [christmas], factor: 0.5}"], "workload.holidays.dates.0: christmas", ['"12-25"'],
    ),
    "holiday outside of a list": (
        ["workload.holidays={dates: '12-25', factor: 0.5}"], "workload.holidays.dates: 12-25", ["Put brackets around"],
    ),
    "year of eleven months": (
        ["workload.yearly=[1,1,1,1,1,1,1,1,1,1,1]"], "workload.yearly", ["11 weights", "Expected 12"],
    ),
    "year without demand": (["workload.yearly=[0,0,0,0,0,0,0,0,0,0,0,0]"], "workload.yearly", ["every weight is 0"]),
    "spikes without an end": (
        ["workload.spikes={per_year: 1000, factor: 5, decay: 30 d}"], "workload.spikes", ["10 is the most"],
    ),
    "spikes downwards": (
        ["workload.spikes={per_year: 4, factor: 0.5, decay: 6 h}"], "workload.spikes.factor: 0.5", ["more than 1"],
    ),
    "a clock": (["workload=renewal", "workload.interarrival.cv=0"], "workload.interarrival.cv: 0", ["more than 0"]),
    "unknown law": (
        ["workload=renewal", "workload.interarrival={kind: pareto, cv: 1}"], "workload.interarrival.kind: pareto",
        ["Allowed: gamma or weibull"],
    ),
    "shares of clients above one": (
        ["workload=client_mix", f"workload.clients=[{CLIENT.format('60 %')}, {CLIENT.format('60 %')}]"],
        "workload.clients", ["shares add up to 1.2", "sum is 1"],
    ),
    "a client's share above one": (
        ["workload=client_mix", f"workload.clients=[{CLIENT.format('160 %')}]"], "workload.clients.0.share: 160 %",
        ["at most 100 %"],
    ),
    "no clients": (["workload=client_mix", "workload.clients=[]"], "workload.clients", ["Expected 1 to 100"]),
    "share above one": (["phases.scale.exposure=130 %"], "phases.scale.exposure: 130 %", ["at most 100 %"]),
}  # fmt: skip

SAID = {**GATES, **PATH, **MODEL, **DEMAND}


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_a_wrong_life_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


DEMAND_KEYS = {
    "rate": "3 req/s", "resolution": "1 h", "growth": "{kind: none}", "seasonality": "{kind: flat}", "yearly": "null",
    "holidays": "null", "launches": "[]", "spikes": "null", "keys": "{kind: unique}", "tenants": "{count: 3}",
    "kind": "renewal", "interarrival": "{kind: gamma, cv: 2}", "clients": "[]", "path": "x.csv",
    "time_column": "when", "count_column": "n", "interval": "1 min", "timezone": "UTC",
}  # fmt: skip


def test_no_phase_overrides_any_key_of_demand(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = "{" + ", ".join(f"{key}: {value}" for key, value in DEMAND_KEYS.items()) + "}"

    lines = refused(capsys, tmp_path, cli.main(["check", f"{OVERRIDE}.workload={typed}"]))

    for key in DEMAND_KEYS:
        said = [line for line in lines if line.startswith(f"{OVERRIDE}.workload.{key}:")]
        assert any("a phase cannot change demand" in line and "exposure" in line for line in said), (key, said)


@pytest.mark.parametrize("typed", ["phases.{}.gate=null", "~phases.{}.gate"])
def test_a_gate_can_be_taken_away_where_there_is_a_date(typed, capsys):
    gated = ("mvp", "production", "scale")

    assert cli.main(["check", *(typed.format(name) for name in gated)]) == 0

    assert "gate:" not in capsys.readouterr().out


def test_a_scale_check_of_recorded_traffic_at_full_exposure_is_refused_before_it_runs(capsys, tmp_path):
    trace = tmp_path / "in" / "trace.csv"
    trace.parent.mkdir()
    rows = [f"2023-11-16 18:15:{s:02}.6805900,100,10\n" for s in range(8)]
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(rows))
    (tmp_path / "out").mkdir()

    code = cli.main(
        ["run", "scenario=azure_llm", f"workload.path={trace}", "--scale-check", "--out", str(tmp_path / "out")]
    )

    (line,) = refused(capsys, tmp_path / "out", code)
    assert line.startswith("--scale-check: ")
    assert "cannot be doubled" in line
    assert "Type exposures of at most 50 %" in line
