"""Wrong input of compare, sweep and tune, as a user types it.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

from pathlib import Path

import pytest

from sim import cli
from tests.cli.refusals import refused

SHORT = ["phases=production", "horizon=2 h", "learning=none"]
TWO = [*SHORT, "autoscaler=fixed,hpa"]

# (what is typed, how the line that names it begins, words that the line must say)
COMPARE = {
    "no list": (["compare", *SHORT], "compare: nothing to compare", ["autoscaler=fixed,hpa", "--candidate"]),
    "one candidate": (["compare", *SHORT, "--candidate", "a: seed=3"], "compare: nothing", ["two or more values"]),
    "one replication": (["compare", *TWO, "--replications", "1"], "--replications: 1", ["at least 2", "20"]),
    "a flood of replications": (["compare", *TWO, "--replications", "1000000"], "--replications", ["100,000"]),
    "no workers": (["compare", *TWO, "--workers", "0"], "--workers: 0", ["1 to 1024", "--workers"]),
    "unknown option of a group": (
        ["compare", *SHORT, "autoscaler=fixed,hpaa"],
        "candidate hpaa: autoscaler: hpaa",
        ["Did you mean", "hpa"],
    ),
    "unknown key": (
        ["compare", *TWO, "workload.timout=3 s"],
        "workload.timout: unknown key",
        ["Did you mean workload.timeout?"],
    ),
    "unknown key of one candidate": (
        ["compare", *TWO, "--candidate", "mine: autoscaler=hpa autoscaler.taget=50 %"],
        "candidate mine: autoscaler.taget",
        ["Did you mean autoscaler.target?"],
    ),
    "one value out of range": (
        ["compare", *SHORT, "autoscaler=hpa", "autoscaler.max_replicas=2,0"],
        "candidate max_replicas=0: autoscaler.max_replicas: 0",
        [],
    ),
    "a list of seeds": (["compare", *SHORT, "seed=1,2"], "seed: 1,2", ["share their random numbers", "--replications"]),
    "a key listed twice": (
        ["sweep", *SHORT, "autoscaler=fixed,hpa", "autoscaler=hpa,fixed"],
        "autoscaler: hpa,fixed",
        ["listed twice"],
    ),
    "an interval": (
        ["sweep", *SHORT, "workload.slo.share=interval(0.5,0.9)"],
        "workload.slo.share: interval(0.5,0.9)",
        ["poc2scale tune"],
    ),
    "an interval with units": (
        ["compare", *SHORT, "autoscaler=hpa", "autoscaler.target=interval(30 %, 90 %)"],
        "autoscaler.target: interval(30 %, 90 %)",
        ["poc2scale tune"],
    ),
    "a value listed twice": (
        ["compare", *SHORT, "autoscaler=hpa,hpa"],
        "candidate: hpa",
        ["two candidates have this name", "List each value once"],
    ),
    "too many cells": (
        ["sweep", *SHORT, "a=range(0,100)", "b=range(0,100)"],
        "a b: 10,000 combinations",
        ["At most 1,000"],
    ),
    "a candidate without a name": (
        ["compare", *TWO, "--candidate", "autoscaler=hpa"],
        "--candidate: autoscaler=hpa",
        ["half: autoscaler=hpa"],
    ),
    "two of one name": (
        ["compare", *TWO, "--candidate", "hpa: autoscaler=fixed"],
        "candidate: hpa",
        ["two candidates"],
    ),
    "until nothing known": (
        ["compare", *TWO, "--until", "price: 1 %"],
        "--until: price: 1 %",
        ["Measures: cost, serving", '"cost: 1 %"'],
    ),
    "until no share": (["compare", *TWO, "--until", "cost: soon"], "--until: cost: soon", ["a share", '"cost: 1 %"']),
    "until never": (["compare", *TWO, "--until", "cost: 0 %"], "--until: cost: 0 %", ["more than 0 %"]),
    "nothing to go on with": (["compare", *TWO, "--resume"], "--resume: nothing", ["without --resume"]),
    "no sweep to go on with": (["sweep", *TWO, "--resume"], "--resume: nothing", ["without --resume"]),
}
TUNE = {
    "nothing to search": (["tune", *SHORT], "tune: nothing to search", ["autoscaler.target=interval(30 %, 90 %)"]),
    "an interval of one end": (
        ["tune", *SHORT, "autoscaler.target=interval(30 %)"], "autoscaler.target: interval(30 %)", ["two numbers"],
    ),
    "an interval of words": (
        ["tune", *SHORT, "autoscaler.target=interval(low, high)"], "autoscaler.target: interval(low, high)", ["Type"],
    ),
    "an interval turned round": (
        ["tune", *SHORT, "autoscaler.target=interval(90 %, 30 %)"], "autoscaler.target", ["lower one first"],
    ),
    "an interval of two units": (
        ["tune", *SHORT, "pool.model.load=interval(30 s, 2 min)"], "pool.model.load", ["two units, s and min"],
    ),
    "an unknown key": (
        ["tune", *SHORT, "autoscaler=hpa", "autoscaler.taget=interval(30 %, 60 %)"], "autoscaler.taget",
        ["Did you mean autoscaler.target?"],
    ),
    "an end out of range": (
        ["tune", *SHORT, "autoscaler=hpa", "autoscaler.max_replicas=interval(0, 4)"], "candidate", ["max_replicas"],
    ),
    "no trials": (["tune", *SHORT, "a=1,2", "--trials", "0"], "--trials: 0", ["1 to 10,000", "--trials 30"]),
    "searched twice": (
        ["tune", *SHORT, "a=interval(1, 2)", "a=interval(3, 4)"], "a: searched twice", ["once"],
    ),
}  # fmt: skip


def assert_refused(
    typed: list[str], begins: str, words: list[str], capsys: pytest.CaptureFixture[str], out: Path
) -> None:
    lines = refused(capsys, out, cli.main([*typed, "--out", str(out)]))

    (line,) = [line for line in lines if line.startswith(begins)]
    for word in words:
        assert word in line


@pytest.mark.parametrize("case", COMPARE)
def test_what_cannot_be_compared_is_refused(case: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert_refused(*COMPARE[case], capsys, tmp_path)


@pytest.mark.parametrize("case", TUNE)
def test_what_cannot_be_searched_is_refused(case: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    assert_refused(*TUNE[case], capsys, tmp_path)


def test_without_optuna_tune_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert_refused(["tune", *SHORT, "a=1,2"], "tune: needs Optuna", ["pip install 'poc2scale[tune]'"], capsys, tmp_path)
