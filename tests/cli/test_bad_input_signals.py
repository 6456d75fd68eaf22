"""Wrong input about what controllers scale on, and KEDA's cpu and cron triggers, as a user types it.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

import pytest
import yaml

from sim import cli
from tests.cli.refusals import assert_check_refuses, assert_said, refused
from tests.unit.manifest_examples import KEDA_BY_THE_CLOCK

KEDA, OUT = "autoscaler=keda", "autoscaler.scale_out"
TRIGGER, CRON = (
    "autoscaler.triggers=[{}]",
    "{type: cron, timezone: UTC, start: 0 6 * * *, end: 0 20 * * *, desired_replicas: 4}",
)
ARRIVALS = ["autoscaler=step_scaling", f"{OUT}.metric=arrivals", "autoscaler.scale_in=null"]
STEPS = OUT + ".steps=[{lower: 0 req/min, upper: 60 req/min, adjustment: 10}, {lower: 60 req/min, adjustment: 30}]"

# (what is typed, how the line that names it begins, words that the line must say)
WRONG = {
    "arrivals of a trigger without a unit": (
        [KEDA, TRIGGER.format("{type: arrivals, target: 2}")], "autoscaler.triggers.0.target: 2",
        ["without a unit", '"12 req/s"'],
    ),
    "an alarm's arrivals without a unit": (
        [*ARRIVALS, f"{OUT}.threshold=120", STEPS], f"{OUT}.threshold: 120", ["without a unit", '"12 req/s"'],
    ),
    "an alarm's arrivals as a share": (
        [*ARRIVALS, f"{OUT}.threshold=60 %", STEPS], f"{OUT}.threshold: 60 %", ['"%" is not a unit of a rate'],
    ),
    "a step of arrivals without a unit": (
        [*ARRIVALS, f"{OUT}.threshold=120 req/min", OUT + ".steps=[{lower: 0, upper: 60, adjustment: 10}, "
         "{lower: 60, adjustment: 30}]"],
        f"{OUT}.steps.0.upper: 60", ["without a unit", "are rates"],
    ),
    "a second step of arrivals in another unit": (
        [*ARRIVALS, f"{OUT}.threshold=120 req/min", STEPS.replace("{lower: 60 req/min", "{lower: 60 %")],
        f"{OUT}.steps.1.lower: 60 %", ['"%" is not a unit of a rate', "are rates"],
    ),
    "a rate for a queue": (
        ["autoscaler=step_scaling", f"{OUT}.metric=queue", f"{OUT}.threshold=5 req/s"], f"{OUT}.threshold: 5 req/s",
        ["not a unit"],
    ),
    "cpu and no replica": (
        [KEDA, TRIGGER.format("{type: cpu, target: 60 %}"), "autoscaler.min_replicas=0"], "autoscaler.triggers",
        ["never scales to zero", "min_replicas: 1", "{type: in_flight, target: 4}"],
    ),
    "cpu and a fallback": (
        [KEDA, TRIGGER.format("{type: cpu, target: 60 %}"), "autoscaler.fallback={failure_threshold: 3, replicas: 4}"],
        "autoscaler.fallback", ["stands in for cpu", "Type null"],
    ),
    "cpu in requests": (
        [KEDA, TRIGGER.format("{type: cpu, target: 4 req/s}")], "autoscaler.triggers.0.target: 4 req/s",
        ['not a unit', '"70 %"'],
    ),
    "cpu without a target": (
        [KEDA, TRIGGER.format("{type: cpu}")], "autoscaler.triggers.0.target: missing", ["type a value"],
    ),
    "a type that is nearly one": (
        [KEDA, TRIGGER.format("{type: crn, target: 60 %}")], "autoscaler.triggers.0.type: crn",
        ["Did you mean cron?", "Allowed: queue, arrivals, in_flight, cpu, cron"],
    ),
    "a trigger without a type": (
        [KEDA, TRIGGER.format("{target: 4}")], "autoscaler.triggers.0.type: missing", ["Say which"],
    ),
    "a key of another trigger": (
        [KEDA, TRIGGER.format(CRON.replace("desired_replicas: 4", "desired_replicas: 4, target: 3"))],
        "autoscaler.triggers.0.target: unknown key", ["timezone, start, end, desired_replicas"],
    ),
    "a place that is no time zone": (
        [KEDA, TRIGGER.format(CRON.replace("UTC", "Springfield"))], "autoscaler.triggers.0.timezone: Springfield",
        ["IANA", "Europe/Paris"],
    ),
    "a time of day for a schedule": (
        [KEDA, TRIGGER.format(CRON.replace("0 6 * * *", "'06:00'"))], "autoscaler.triggers.0.start: 06:00",
        ["5: minute, hour", '"0 6 * * mon-fri"'],
    ),
    "a time zone within a schedule": (
        [KEDA, TRIGGER.format(CRON.replace("0 6 * * *", "'TZ=Asia/Tokyo 0 6 * * *'"))],
        "autoscaler.triggers.0.start: TZ=Asia/Tokyo 0 6 * * *", ['timezone: Asia/Tokyo', '"0 6 * * *"'],
    ),
    "a time zone within a schedule, as cron itself has it": (
        [KEDA, TRIGGER.format(CRON.replace("0 20 * * *", "'CRON_TZ=UTC 0 20 * * *'"))],
        "autoscaler.triggers.0.end: CRON_TZ=UTC 0 20 * * *", ['timezone: UTC', '"0 20 * * *"'],
    ),
    "an hour that no day has": (
        [KEDA, TRIGGER.format(CRON.replace("0 20", "0 25"))], "autoscaler.triggers.0.end: 0 25 * * *",
        ['"25" is no hour', "0 to 23"],
    ),
    "a day that no month has": (
        [KEDA, TRIGGER.format(CRON.replace("0 20 * * *", "0 20 31 feb *"))], "autoscaler.triggers.0.end: 0 20 31 feb *",
        ["would never come"],
    ),
    "an end at its start": (
        [KEDA, TRIGGER.format(CRON.replace("0 20", "0 6"))], "autoscaler.triggers.0.end: 0 6 * * *",
        ["the same as start", "a later time"],
    ),
    "fewer than none": (
        [KEDA, TRIGGER.format(CRON.replace("4}", "-4}"))], "autoscaler.triggers.0.desired_replicas: -4",
        ["at least 0", "such as 10"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_signal_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


MANIFESTS = {
    "no time zone": (
        KEDA_BY_THE_CLOCK.replace("        timezone: Asia/Kolkata\n", ""),
        "m.yaml, spec.triggers[0].metadata.timezone: missing", ["Type timezone"],
    ),
    "a time zone that is none": (
        KEDA_BY_THE_CLOCK.replace("Asia/Kolkata", "Asia/Nowhere"),
        "m.yaml, spec.triggers[0].metadata.timezone: Asia/Nowhere", ["IANA"],
    ),
    "a schedule that is none": (
        KEDA_BY_THE_CLOCK.replace("30 20 * * *", "30 20 * *"), "m.yaml, spec.triggers[0].metadata.end: 30 20 * *",
        ["4 fields"],
    ),
    "cores": (
        KEDA_BY_THE_CLOCK.replace("metricType: Utilization", "metricType: AverageValue"),
        "m.yaml, spec.triggers[1].metricType: AverageValue", ["share of time busy", "Type Utilization"],
    ),
    "no metricType": (
        KEDA_BY_THE_CLOCK.replace("      metricType: Utilization\n", ""),
        "m.yaml, spec.triggers[1].metricType: missing",
        ["Type one of Utilization"],
    ),
    "more than all of it": (
        KEDA_BY_THE_CLOCK.replace('"65"', '"165"'), "m.yaml, spec.triggers[1].metadata.value: 165",
        ["1 to 100 per cent"],
    ),
    "cpu alone and none at all": (
        KEDA_BY_THE_CLOCK[: KEDA_BY_THE_CLOCK.index("    - type: cron")]
        + KEDA_BY_THE_CLOCK[KEDA_BY_THE_CLOCK.index("    - type: cpu") :],
        "m.yaml, spec.triggers", ["never scales to zero"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "begins", "words"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_wrong_trigger_of_a_manifest_is_refused(text, begins, words, tmp_path, monkeypatch, capsys):
    place = tmp_path / "here"
    place.mkdir()
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code = cli.main(["run", "autoscaler.manifest=m.yaml", "--out", str(place)])
    assert_said(refused(capsys, place, code), begins, words)


@pytest.mark.parametrize("scenario", ["document_assistant", "realtime_vision"])
def test_a_schedule_and_an_alarm_on_arrivals_read_back(scenario, capsys, tmp_path):
    triggers = TRIGGER.format(CRON + ", {type: cpu, target: 60 %}, {type: arrivals, target: 120 req/min}")
    for typed in ([KEDA, triggers], [*ARRIVALS, f"{OUT}.threshold=120 req/min", STEPS]):
        assert cli.main(["check", f"scenario={scenario}", *typed]) == 0
        first = capsys.readouterr().out
        whole = tmp_path / "whole.yaml"
        whole.write_text(first)
        assert cli.main(["check", f"scenario={whole}"]) == 0
        assert _policy(capsys.readouterr().out) == _policy(first)


def _policy(text: str) -> object:
    return yaml.safe_load(text)["autoscaler"]
