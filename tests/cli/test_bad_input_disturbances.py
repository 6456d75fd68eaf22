"""Wrong storms, as a user types them: each is refused with its key, its value, what is allowed and what to type; exit
code 2; nothing written.
"""

import pytest

from tests.cli.refusals import assert_check_refuses

CROWD = "disturbances.flash_crowd"
JOB = "disturbances.weekly_batch"
TWO = "workloads={chat: {}, search: {}}"

# (what is typed, how the line that names it begins, words that the line must say)
SURGES = {
    "unknown storm": (["disturbance=flash_crowds"], "disturbance: flash_crowds", ["Did you mean", "flash_crowd"]),
    "unknown kind": (
        ["disturbance=flash_crowd", f"{CROWD}.kind=tsunami"], f"{CROWD}.kind: tsunami", ["surge", "batch"],
    ),
    "storm of nothing": (["+disturbances.mine={kind: surge}"], "disturbances.mine.rise: missing", ['"90 s"']),
    "storm without a kind": (["+disturbances.mine={factor: 3}"], "disturbances.mine.kind", ["missing"]),
    "unknown key": (["disturbance=flash_crowd", f"{CROWD}.factr=3"], f"{CROWD}.factr", [f"{CROWD}.factor"]),
    "factor of one": (["disturbance=flash_crowd", f"{CROWD}.factor=1"], CROWD, ["factor of 1", "factor: 10"]),
    "factor below zero": (
        ["disturbance=flash_crowd", f"{CROWD}.factor=-2"], f"{CROWD}.factor: -2", ["out of range", "at least 0"],
    ),
    "factor beyond all crowds": (
        ["disturbance=flash_crowd", f"{CROWD}.factor=5000"], f"{CROWD}.factor: 5000", ["at most 1,000"],
    ),
    "no time at all": (
        ["disturbance=flash_crowd", f"{CROWD}.rise=0 s", f"{CROWD}.hold=0 s", f"{CROWD}.fall=0 s"], CROWD,
        ["no time at all", "10 min"],
    ),
    "over before it begins again": (
        ["disturbance=flash_crowd", f"{CROWD}.every=10 min"], CROWD, ["26 min", "10 min", "Type a longer every"],
    ),
    "too often": (
        ["disturbance=flash_crowd", f"{CROWD}.every=1 min", f"{CROWD}.rise=1 s", f"{CROWD}.hold=1 s",
         f"{CROWD}.fall=1 s"],
        f"{CROWD}.every: 1 min", ["has room for 100,000", "Type a longer every"],
    ),
    "after the end": (
        ["disturbance=flash_crowd", f"{CROWD}.start=800 d"], f"{CROWD}.start: 800 d",
        ["not before the scenario's end, 730 d", "Type an earlier one"],
    ),
    "at the end": (
        ["disturbance=flash_crowd", f"{CROWD}.start_share=100 %"], f"{CROWD}.start_share: 100 %", ["an earlier one"],
    ),
    "share above one": (
        ["disturbance=flash_crowd", f"{CROWD}.start_share=130 %"], f"{CROWD}.start_share: 130 %", ["at most 100 %"],
    ),
    "start without a unit": (
        ["disturbance=flash_crowd", f"{CROWD}.start=30"], f"{CROWD}.start: 30", ["without a unit", '"90 s"'],
    ),
    "rise backwards": (
        ["disturbance=flash_crowd", f"{CROWD}.rise=-1 min"], f"{CROWD}.rise: -1 min", ["at least 0"],
    ),
    "unknown workload": (
        [TWO, "disturbance=flash_crowd", f"{CROWD}.workloads=[chta]"], f"{CROWD}.workloads.0: chta",
        ["no such workload", "Did you mean chat?", "Workloads: chat, search"],
    ),
    "workload outside of a list": (
        ["disturbance=flash_crowd", f"{CROWD}.workloads=main"], f"{CROWD}.workloads: main", ["Put brackets around"],
    ),
    "no workload": (["disturbance=flash_crowd", f"{CROWD}.workloads=[]"], f"{CROWD}.workloads", ["at least 1"]),
    "closed loop": (
        ["workload=closed_loop", "cache=none", "disturbance=flash_crowd"], f"{CROWD}.workloads",
        ["ask when they have been answered", "number of its users"],
    ),
    "in a phase": (
        ["phases.scale.override.disturbances={}"], "phases.scale.override.disturbances", ["to the whole scenario"],
    ),
    "a list of storms": (["disturbance=[flash_crowd,slow_drip]"], "disturbance", ["no such option"]),
}  # fmt: skip

JOBS = {
    "weekday cut short": (
        ["disturbance=weekly_batch", f"{JOB}.weekday=mon"], f"{JOB}.weekday: mon", ["Did you mean monday?", "sunday"],
    ),
    "25th hour": (["disturbance=weekly_batch", f"{JOB}.hour=24"], f"{JOB}.hour: 24", ["at most 23"]),
    "job of nothing": (["disturbance=weekly_batch", f"{JOB}.requests=0"], f"{JOB}.requests: 0", ["at least 1"]),
    "half a request": (["disturbance=weekly_batch", f"{JOB}.requests=1.5"], f"{JOB}.requests: 1.5", ["whole number"]),
    "job in no time": (
        ["disturbance=weekly_batch", f"{JOB}.duration=0 s"], f"{JOB}.duration: 0 s", ["more than 0"],
    ),
    "job longer than a week": (
        ["disturbance=weekly_batch", f"{JOB}.duration=8 d"], JOB, ["comes again every week", "at most 167 h"],
    ),
    "daily job longer than a day": (
        ["disturbance=weekly_batch", f"{JOB}.weekday=null", f"{JOB}.duration=30 h"], JOB, ["every day", "at most 23 h"],
    ),
    "job that never comes": (
        ["disturbance=weekly_batch", "phases=production", "horizon=20 h", "learning=none", "workload.launches=[]",
         f"{JOB}.weekday=sunday"],
        f"{JOB}.weekday: sunday", ["no sunday, 2:00", "longer horizon"],
    ),
}  # fmt: skip

SAID = {**SURGES, **JOBS}


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_a_wrong_storm_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)
