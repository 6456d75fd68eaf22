"""Wrong input about the Kubernetes and Knative autoscalers, as a user types it.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written. What is no
error and may surprise, `check` remarks upon.
"""

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses

METRICS = "autoscaler.metrics=[{}]"
QUEUE = "{kind: external, name: queue, type: average_value, target: 10}"

# (what is typed, how the line that names it begins, words that the line must say)
HPA = {
    "unknown kind of metric": (
        [METRICS.format(QUEUE.replace("external", "extern"))],
        "autoscaler.metrics.0.kind: extern",
        ["Did you mean external?", "resource, pods, object, external"],
    ),
    "unknown name of a metric": (
        [METRICS.format(QUEUE.replace("queue", "queu"))],
        "autoscaler.metrics.0.name: queu",
        ["Did you mean queue?", "queue, arrivals or in_flight_total"],
    ),
    "metric without a type of target": (
        [METRICS.format("{kind: object, name: queue, target: 10}")],
        "autoscaler.metrics.0.type: missing",
        ["type a value"],
    ),
    "second of two metrics is wrong": (
        [METRICS.format(f"{QUEUE}, {{kind: resource, target: 120 %}}")],
        "autoscaler.metrics.1.target: 120 %",
        ["at most 100 %", '"70 %"'],
    ),
    "arrivals without a unit": (
        [METRICS.format(QUEUE.replace("queue", "arrivals"))],
        "autoscaler.metrics.0.target: 10",
        ["without a unit", '"12 req/s"'],
    ),
    "requests as a share": (
        [METRICS.format("{kind: pods, target: 70 %}")],
        "autoscaler.metrics.0.target: 70 %",
        ["requests in flight", "such as 4"],
    ),
    "a metric outside of a list": ([f"autoscaler.metrics={QUEUE}"], "autoscaler.metrics", ["not a list", "brackets"]),
    "zero replicas on utilisation": (
        ["autoscaler.min_replicas=0"],
        "autoscaler.min_replicas: 0",
        ["at least 1", "kind: external, name: queue"],
    ),
    "tolerance of everything": (
        ["autoscaler.scale_down.tolerance=100 %"],
        "autoscaler.scale_down.tolerance: 100 %",
        ["less than 100 %", '"10 %"'],
    ),
    "unknown behaviour": (["autoscaler.behaviour=old"], "autoscaler.behaviour: old", ["rules or legacy"]),
    "legacy with policies": (
        ["autoscaler.behaviour=legacy", "autoscaler.scale_up.select=min"],
        "autoscaler.behaviour: legacy",
        ["no policies", "behaviour: rules"],
    ),
}
KNATIVE = {
    "target as a share": (
        ["autoscaler.target=70 %"],
        "autoscaler.target: 70 %",
        ["requests in flight per replica", "such as 4"],
    ),
    "rate without a unit": (
        ["autoscaler.metric=rps", "autoscaler.target=20"],
        "autoscaler.target: 20",
        ["without a unit", '"12 req/s"'],
    ),
    "unknown metric": (["autoscaler.metric=rp"], "autoscaler.metric: rp", ["Did you mean rps?", "concurrency or rps"]),
    "no replicas at most": (
        ["autoscaler.max_replicas=0"],
        "autoscaler.max_replicas: 0",
        ["at least 1", "autoscaler=fixed"],
    ),
    "more at the start than at most": (
        ["autoscaler.initial_replicas=30"],
        "autoscaler.initial_replicas: 30",
        ["from 0 to 20"],
    ),
    "window of a day": (["autoscaler.stable_window=1 d"], "autoscaler.stable_window: 1 d", ['"1 h"']),
    "window of a second": (
        ["autoscaler.stable_window=1 s"],
        "autoscaler.stable_window: 1 s",
        ['"6 s" to "1 h"', '"60 s"'],
    ),
    "panic at once": (
        ["autoscaler.panic_threshold=100 %"],
        "autoscaler.panic_threshold: 100 %",
        ["at least 110 %", '"200 %"'],
    ),
    "rate of no change": (["autoscaler.max_scale_down_rate=1"], "autoscaler.max_scale_down_rate: 1", ["more than 1"]),
    "no grace": (
        ["autoscaler.scale_to_zero_grace=0 s"],
        "autoscaler.scale_to_zero_grace: 0 s",
        ["more than 0 s", '"30 s"'],
    ),
    "burst below none": (
        ["autoscaler.target_burst_capacity=-5"],
        "autoscaler.target_burst_capacity: -5",
        ["-1 (any number)", "200"],
    ),
    "a key of the other controller": (
        ["autoscaler.tolerance=10 %"],
        "autoscaler.tolerance",
        ["unknown key"],
    ),
}
SAID = {
    **{f"hpa: {name}": (["autoscaler=hpa", *typed], *rest) for name, (typed, *rest) in HPA.items()},
    **{f"knative: {name}": (["autoscaler=knative", *typed], *rest) for name, (typed, *rest) in KNATIVE.items()},
}


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_a_wrong_autoscaler_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


NOWHERE = "refuses requests while none is ready"
SELDOM = "decides every 2 s on metrics that come every"


@pytest.mark.parametrize("scenario", ["document_assistant", "realtime_vision"])
def test_either_is_a_choice_of_any_scenario(scenario, capsys):
    for kind in ("hpa", "knative"):
        assert cli.main(["check", f"scenario={scenario}", f"autoscaler={kind}"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "remarks"),
    [
        (["autoscaler=knative"], [NOWHERE, SELDOM]),
        (["autoscaler=knative", "autoscaler.min_replicas=1", "pool.scrape.interval=2 s"], []),
        (["autoscaler=knative", "pool.routing=shared_queue"], [SELDOM]),
        (["autoscaler=hpa", METRICS.format(QUEUE), "autoscaler.min_replicas=0"], [NOWHERE]),
        (["autoscaler=hpa"], []),
    ],
)
def test_what_may_surprise_is_remarked_upon(typed, remarks, capsys):
    assert cli.main(["check", *typed]) == 0
    out = capsys.readouterr().out
    assert [remark for remark in (NOWHERE, SELDOM) if remark in out] == remarks
