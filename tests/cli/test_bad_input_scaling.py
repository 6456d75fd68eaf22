"""Wrong input about the controllers of KEDA, Ray Serve and AWS, as a user types it.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses

KEDA, RAY = "autoscaler=keda", "autoscaler=ray_serve"
TRACKING, MAKER, STEPS = "autoscaler=target_tracking", "autoscaler=sagemaker", "autoscaler=step_scaling"
OUT = "autoscaler.scale_out"

# (what is typed, how the line that names it begins, words that the line must say)
SAID = {
    "KEDA without triggers": (
        [KEDA, "autoscaler.triggers=[]"], "autoscaler.triggers", ["no triggers", "{type: in_flight, target: 4}"],
    ),
    "a trigger of another kind": (
        [KEDA, "autoscaler.triggers=[{type: kafka, target: 4}]"], "autoscaler.triggers.0.type: kafka",
        ["Allowed: queue, arrivals, in_flight, cpu, cron"],
    ),
    "a rate for a length": (
        [KEDA, "autoscaler.triggers=[{type: queue, target: 4 req/s}]"], "autoscaler.triggers.0.target: 4 req/s",
        ["not a number of requests", "such as 4"],
    ),
    "a target of nothing": (
        [KEDA, "autoscaler.triggers=[{type: arrivals, target: 0 req/s}]"], "autoscaler.triggers.0.target: 0 req/s",
        ["out of range", "at least 0.001", '"2 req/s"'],
    ),
    "an outage without end": (
        [KEDA, "autoscaler.triggers=[{type: in_flight, target: 4, outages: [{start: 1 h}]}]"],
        "autoscaler.triggers.0.outages.0.duration: missing", [],
    ),
    "idle replicas that are some": (
        [KEDA, "autoscaler.idle_replicas=1", "autoscaler.min_replicas=2"], "autoscaler.idle_replicas: 1",
        ["no other count than 0", "keda#2314", "Type 0, or null"],
    ),
    "idle replicas below none": (
        [KEDA, "autoscaler.idle_replicas=0", "autoscaler.min_replicas=0"], "autoscaler.idle_replicas: 0",
        ["not less than min_replicas", "at least 1"],
    ),
    "a fallback without a count": (
        [KEDA, "autoscaler.fallback={failure_threshold: 3}"], "autoscaler.fallback.replicas: missing", [],
    ),
    "a fallback that behaves otherwise": (
        [KEDA, "autoscaler.fallback={failure_threshold: 3, replicas: 2, behaviour: panic}"],
        "autoscaler.fallback.behaviour: panic", ["Allowed: static, current"],
    ),
    "nobody asks for a negative count": (
        [RAY, "autoscaler.min_replicas=-1"], "autoscaler.min_replicas: -1", ["too few", "at least 0"],
    ),
    "gangs that do not fit": (
        [RAY, "autoscaler.gang_size=3"], "autoscaler.gang_size: 3",
        ["min_replicas (1)", "multiple of 3, such as 3"],
    ),
    "a target of no requests": (
        [RAY, "autoscaler.target_ongoing_requests=0"], "autoscaler.target_ongoing_requests: 0", ["more than 0"],
    ),
    "a history instead of a load": (
        [RAY, "autoscaler.look_back_period=30 d"], "autoscaler.look_back_period: 30 d",
        ["1000 times metrics_push_interval", '"10000 s"'],
    ),
    "another aggregation": (
        [RAY, "autoscaler.aggregation=median"], "autoscaler.aggregation: median", ["Allowed: mean, max or min"],
    ),
    "a delay without a unit": (
        [RAY, "autoscaler.upscale_delay=30"], "autoscaler.upscale_delay: 30", ["unit", '"90 s"'],
    ),
    "more than all of the time": (
        [TRACKING, "autoscaler.target=130 %"], "autoscaler.target: 130 %", ["at most 100 %", '"50 %"'],
    ),
    "no replica at all": ([TRACKING, "autoscaler.min_replicas=0"], "autoscaler.min_replicas: 0", ["at least 1"]),
    "looks longer than a datapoint": (
        [TRACKING, "autoscaler.sync_period=2 min"], "autoscaler.sync_period: 2 min", ['at most "60 s"'],
    ),
    "an endpoint by its utilisation": (
        [MAKER, "autoscaler.metric=utilisation"], "autoscaler.metric: utilisation", ["Allowed: requests"],
    ),
    "a share of invocations": (
        [MAKER, "autoscaler.target=70 %"], "autoscaler.target: 70 %", ["not a number of requests", "such as 70"],
    ),
    "a start outside of the bounds": (
        [MAKER, "autoscaler.initial_replicas=90"], "autoscaler.initial_replicas: 90", ["from 1 to 20"],
    ),
    "steps with a gap": (
        [STEPS, OUT + '.steps=[{lower: 0 %, upper: 10 %, adjustment: 1}, {lower: 20 %, adjustment: 2}]'],
        f"{OUT}.steps", ["a gap", "lower must be the upper"],
    ),
    "steps without an end": (
        [STEPS, OUT + ".steps=[{lower: 0 %, upper: 10 %, adjustment: 1}]"], f"{OUT}.steps",
        ["still higher", "Leave the upper bound"],
    ),
    "a step without bounds": (
        [STEPS, OUT + ".steps=[{adjustment: 1}]"], f"{OUT}.steps", ["without bounds", "{lower: 0, adjustment: 2}"],
    ),
    "a step that ends before it begins": (
        [STEPS, OUT + ".steps=[{lower: 10 %, upper: 5 %, adjustment: 1}]"], f"{OUT}.steps.0.upper: 5 %",
        ["not above lower"],
    ),
    "a scale-out that takes away": (
        [STEPS, OUT + ".steps=[{lower: 0 %, adjustment: -1}]"], f"{OUT}.steps", ["takes replicas away", "at least 0"],
    ),
    "more datapoints than there are": (
        [STEPS, f"{OUT}.datapoints_to_alarm=4"], f"{OUT}.datapoints_to_alarm: 4", ["from 1 to 3"],
    ),
    "a smallest change of a change": (
        [STEPS, f"{OUT}.adjustment=change"], f"{OUT}.min_adjustment_magnitude: 1", ["adjustment: percent, or 0"],
    ),
    "no way back from zero": (
        [STEPS, "autoscaler.min_replicas=0"], OUT, ["back from zero replicas", "metric: queue or arrivals"],
    ),
    "a threshold beyond utilisation": (
        [STEPS, f"{OUT}.threshold=70"], f"{OUT}.threshold: 70", ['"70 %"'],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_a_wrong_controller_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


@pytest.mark.parametrize("kind", ["keda", "ray_serve", "sagemaker", "step_scaling", "target_tracking"])
@pytest.mark.parametrize("scenario", ["document_assistant", "realtime_vision"])
def test_each_controller_is_chosen_by_its_name_and_reads_back(kind, scenario, capsys, tmp_path):
    assert cli.main(["check", f"scenario={scenario}", f"autoscaler={kind}"]) == 0
    whole = tmp_path / "whole.yaml"
    whole.write_text(capsys.readouterr().out)

    assert cli.main(["check", f"scenario={whole}"]) == 0

    assert f"kind: {kind}" in capsys.readouterr().out


@pytest.mark.parametrize("pool", [["pool=single_queue"], []], ids=["shared", "at replicas"])
def test_a_queue_is_seen_wherever_it_is(pool, capsys):
    triggers = "autoscaler.triggers=[{type: queue, target: 4}]"
    steps = [f"{OUT}.metric=queue", f"{OUT}.threshold=5", OUT + ".steps=[{lower: 0, adjustment: 1}]"]

    assert cli.main(["check", *pool, KEDA, triggers, "autoscaler.min_replicas=0"]) == 0
    assert (
        cli.main(["check", *pool, STEPS, *steps, f"{OUT}.adjustment=change", f"{OUT}.min_adjustment_magnitude=0"]) == 0
    )
