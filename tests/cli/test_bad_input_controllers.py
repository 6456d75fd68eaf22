"""Wrong input about controllers, as a user types it: limits, targets, timetables, forecasts, policies, control loops.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

from pathlib import Path

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses

WINDOW = "autoscaler.windows=[{{days: {}, from: '{}', to: '{}', replicas: 2}}]"

# (what is typed, how the line that names it begins, words that the line must say)
CASES = {
    "max below min": (
        ["autoscaler=queue_delay", "autoscaler.min_replicas=5", "autoscaler.max_replicas=2"],
        "autoscaler.max_replicas: 2", ["less than min_replicas (5)", "at least 5"],
    ),
    "no replica for what measures replicas": (
        ["autoscaler=llm_aware", "autoscaler.min_replicas=0"], "autoscaler.min_replicas: 0", ["at least 1"],
    ),
    "a start outside the limits": (
        ["autoscaler=slo_feedback", "autoscaler.initial_replicas=99"], "autoscaler.initial_replicas: 99",
        ["from 1 to 20"],
    ),
    "a wait without a unit": (
        ["autoscaler=queue_delay", "autoscaler.target=2"], "autoscaler.target: 2", ["without a unit", '"90 s"'],
    ),
    "no time to be busy in": (
        ["autoscaler=queue_delay", "autoscaler.max_utilisation=0 %"], "autoscaler.max_utilisation: 0 %", ['"80 %"'],
    ),
    "the largest latency of all": (
        ["autoscaler=slo_feedback", "autoscaler.quantile=100 %"], "autoscaler.quantile: 100 %",
        ["at most 99.99 %", '"95 %"'],
    ),
    "a floor of replicas that are never busy": (
        ["autoscaler=slo_feedback", "autoscaler.most_busy=0 %"], "autoscaler.most_busy: 0 %", ["at least 1 %"],
    ),
    "a floor without an end": (
        ["autoscaler=slo_feedback", "autoscaler.most_busy=120 %"], "autoscaler.most_busy: 120 %", ["100 %"],
    ),
    "a gain that swings": (
        ["autoscaler=slo_feedback", "autoscaler.gain=50"], "autoscaler.gain: 50", ["at most 10", "0.5"],
    ),
    "an error that is no factor": (
        ["autoscaler=slo_feedback", "autoscaler.most_error=1"], "autoscaler.most_error: 1", ["more than 1"],
    ),
    "more to spare than there is": (
        ["autoscaler=llm_aware", "autoscaler.spare_queue=5"], "autoscaler.spare_queue: 5", ["less than queue (5)"],
    ),
    "no places": (
        ["autoscaler=llm_aware", "autoscaler.concurrency=0"], "autoscaler.concurrency: 0", ["at least 1", "null"],
    ),
    "a season of no whole steps": (
        ["autoscaler=predictive", "autoscaler.step=7 h"], "autoscaler.season: 1 d", ["whole number of steps"],
    ),
    "less than two seasons": (
        ["autoscaler=predictive", "autoscaler.history=30 h"], "autoscaler.history: 30 h",
        ["two seasons", "Type at least 2 d."],
    ),
    "a history that takes for ever to fit": (
        ["autoscaler=predictive", "autoscaler.step=1 min"], "autoscaler.history: 14 d", ["5,000 steps", "longer step"],
    ),
    "a fit every minute": (
        ["autoscaler=predictive", "autoscaler.refit=1 min"], "autoscaler.refit: 1 min", ["at least 1 h", '"7 d"'],
    ),
    "an unknown day": (
        ["autoscaler=scheduled", WINDOW.format("mon-fry", "08:00", "20:00")], "autoscaler.windows.0.days: mon-fry",
        ["no day", "weekdays"],
    ),
    "no time of day": (
        ["autoscaler=scheduled", WINDOW.format("mon", "8 am", "20:00")], "autoscaler.windows.0.from: 8 am",
        ['"08:30"', "in quotes"],
    ),
    "beyond midnight": (
        ["autoscaler=scheduled", WINDOW.format("mon", "08:00", "25:00")], "autoscaler.windows.0.to: 25:00",
        ['"24:00"'],
    ),
    "a window of no length": (
        ["autoscaler=scheduled", WINDOW.format("mon", "08:00", "08:00")], "autoscaler.windows.0.to: 08:00",
        ["no time at all"],
    ),
    "a timetable without a window": (
        ["autoscaler=scheduled", "autoscaler.windows=[]"], "autoscaler.windows", ["at least 1 entry"],
    ),
    "an oracle of less than nothing": (
        ["autoscaler=oracle", "autoscaler.min_replicas=-1"], "autoscaler.min_replicas: -1", ["at least 0"],
    ),
    "a policy that nobody offers": (
        ["autoscaler=plugin", "autoscaler.name=mine"], "autoscaler.name: mine",
        ["no such policy", "poc2scale.policies"],
    ),
    "ticks more than a period late": (
        ["pool.control.jitter=150 %"], "pool.control.jitter: 150 %", ["at most 100 %"],
    ),
    "a controller that restarts all the time": (
        ["pool.control.restart_every=1 s"], "pool.control.restart_every: 1 s", ["at least 1 min", "null means never"],
    ),
    "an unknown key of the control loop": (
        ["pool.control.jiter=10 %"], "pool.control.jiter", ["Did you mean pool.control.jitter?"],
    ),
    "a key of another controller": (
        ["autoscaler=oracle", "autoscaler.tolerance=10 %"], "autoscaler.tolerance", ["unknown key", "stretch"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), CASES.values(), ids=CASES.keys())
def test_refused(typed, begins, words, tmp_path, capsys):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


def test_a_list_whose_one_entry_is_refused_is_not_called_empty_besides(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "autoscaler=scheduled", WINDOW.format("mon", "08:00", "25:00")]) == 2

    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith("autoscaler.windows.0.to: 25:00")
    assert others == ["1 problem; nothing was written."]


@pytest.mark.parametrize("world", ["document_assistant", "realtime_vision"])
@pytest.mark.parametrize("kind", ["llm_aware", "oracle", "predictive", "queue_delay", "scheduled", "slo_feedback"])
def test_every_controller_can_be_chosen(
    kind: str, world: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", f"scenario={world}", f"autoscaler={kind}"]) == 0
