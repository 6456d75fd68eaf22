"""What of an autoscaling laboratory is refused, and what is only remarked upon, as a user types it.

Refused: key, value, what is allowed and what to type; exit code 2; nothing written.
"""

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses, assert_said, refused
from tests.unit.manifest_examples import HPA_CPU, KNATIVE, TRACKING

SHORT = ["phases=production", "horizon=10 d"]
CONTROL, DISK = "pool.control.", "+pool.startup.load={{kind: disk, {}}}"

# (what is typed, how the line that names it begins, words that the line must say)
WRONG = {
    "a loop that begins after the end": (
        [*SHORT, CONTROL + "offset=300 d"], "pool.control.offset: 300 d", ["scenario's end, 10 d", '"15 s"'],
    ),
    "a loop that begins at the end": (
        [*SHORT, CONTROL + "offset=10 d"], "pool.control.offset: 10 d", ["not before the scenario's end"],
    ),
    "a restart after the end": (
        [*SHORT, CONTROL + "restart_at=[3 d, 900 d]"], "pool.control.restart_at.1: 900 d",
        ["not before the scenario's end, 10 d after its start", "earlier time"],
    ),
    "a model that is never loaded": (
        [*SHORT, DISK.format("size: 1000000 TB")], "pool.startup.load.size", ["lasts 10 d", "ever be ready", '"16 GB"'],
    ),
    "a disk that is too slow": (
        [*SHORT, DISK.format("bandwidth: 1 B/s")], "pool.startup.load.bandwidth: 1 B/s", ["lasts 10 d", "higher"],
    ),
    "an image that is never there": (
        [*SHORT, "+pool.startup.image={size: 1000 TB}"], "pool.startup.image.size: 1000 TB",
        ["pulling the image takes 115.7 d", "a smaller one"],
    ),
    "a warm-up without end": (
        [*SHORT, "+pool.startup.warm_up=10 d"], "pool.startup.warm_up: 10 d", ["lasts 10 d", "a shorter one"],
    ),
    "ticks longer than what is averaged": (
        ["autoscaler=knative", "autoscaler.sync_period=1 h"], "autoscaler.sync_period: 1 h",
        ["stable_window (1 min)", '"2 s"'],
    ),
    "a wait that no pool can keep": (
        ["autoscaler=queue_delay", "autoscaler.target=1 ns"], "autoscaler.target: 1 ns",
        ["a single request", "at most 10,000", "Type a target such as", "null"],
    ),
    "a quota below the least": (
        ["pool.supply.quota=1", "autoscaler.min_replicas=5"], "pool.supply.quota: 1",
        ["room for 1 replica,", "pool.supply.quota=5"],
    ),
    "zones without names": (["+pool.zones.names=null"], "pool.zones.names:", ["empty", "[...]"]),
    "a large bound": (["autoscaler.max_replicas=20000"], "autoscaler.max_replicas: 20000", ["at most 10,000"]),
    "an interval": (
        ["autoscaler.max_replicas=interval(1, 9)"], "autoscaler.max_replicas: interval(1, 9)",
        ["`poc2scale tune`", "one value"],
    ),
    "an interval with units": (
        ["autoscaler.target=interval(30 %, 90 %)"], "autoscaler.target=interval(30 %, 90 %)",
        ["`poc2scale tune` searches an interval (autoscaler.target=interval(30 %, 90 %))"],
    ),
    "a choice": (
        ["autoscaler.target=choice(30 %, 90 %)"], "autoscaler.target",
        ["`poc2scale sweep` plays every value of a list (autoscaler.target=30 %, 90 %)"],
    ),
    "a range": (["autoscaler.max_replicas=range(1, 9)"], "autoscaler.max_replicas", ["autoscaler.max_replicas=A,B,C"]),
    "a glob": (["autoscaler=glob(*)"], "autoscaler: glob(*)", ["`poc2scale sweep`"]),
    "a list": (["autoscaler=fixed,hpa"], "autoscaler: fixed,hpa", ["`poc2scale compare`"]),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), WRONG.values(), ids=WRONG.keys())
def test_refused(typed, begins, words, tmp_path, capsys) -> None:
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


FULL = "a replica serves"
# (what is typed, words of the remark; none: no remark of this kind, which the first word tells)
REMARKS = {
    "KEDA at what is served at once": (
        ["autoscaler=keda", "pool.batching.max_batch_size=4"], ["aims at 4", FULL + " 4 at once", "target: 2.8}"],
    ),
    "KEDA below it": (["autoscaler=keda", "pool.batching.max_batch_size=5"], [], FULL),
    "KEDA with another trigger": (
        ["autoscaler=keda", "autoscaler.triggers=[{type: in_flight, target: 40}, {type: arrivals, target: 1 req/s}]"],
        [], FULL,
    ),
    "Knative's default target": (["autoscaler=knative"], ["aims at 70", "autoscaler.target=8,", "70 %"]),
    "Knative below": (["autoscaler=knative", "autoscaler.target=8"], [], FULL),
    "Knative by rate": (["autoscaler=knative", "autoscaler.metric=rps"], [], FULL),
    "Ray Serve, one at a time": (
        ["autoscaler=ray_serve", "scenario=realtime_vision"], ["aims at 2", "target_ongoing_requests=0.7"],
    ),
    "HPA on requests in flight": (
        ["autoscaler.metric=in_flight", "autoscaler.target=8"], ["aims at 8", "autoscaler.target=5.6"],
    ),
    "HPA with utilisation beside": (
        ["autoscaler.metrics=[{kind: resource, target: 70 %}, {kind: pods, target: 80}]"], [], FULL,
    ),
    "HPA with metrics of requests alone": (
        ["autoscaler.metrics=[{kind: pods, target: 80}]"], ["aims at 80", "5.6 in autoscaler.metrics"],
    ),
    "HPA as it is": ([], [], FULL),
    "a fallback beyond the limit": (
        ["autoscaler=keda", "autoscaler.fallback={failure_threshold: 3, replicas: 2000}"],
        ["asks for 2,000 replicas", "max_replicas (20)", "autoscaler.max_replicas=2000"],
    ),
    "a schedule beyond the limit": (
        ["autoscaler=keda", "autoscaler.triggers=[{type: cron, timezone: UTC, start: 0 6 * * *, end: 0 20 * * *, "
         "desired_replicas: 30}]"],
        ["cron trigger asks for 30 replicas", "max_replicas (20)", "autoscaler.max_replicas=30"],
    ),
    "a schedule within the limit": (
        ["autoscaler=keda", "autoscaler.triggers=[{type: cron, timezone: UTC, start: 0 6 * * *, end: 0 20 * * *, "
         "desired_replicas: 20}]"],
        [], "cron trigger asks",
    ),
    "crossed alarms": (
        ["autoscaler=step_scaling", "autoscaler.scale_in.threshold=90 %"],
        ["utilisation of 90 % and less", "from 60 % on", "scale_in.threshold"],
    ),
    "alarms apart": (["autoscaler=step_scaling"], [], "two alarms"),
    "a tick longer than panic": (
        ["autoscaler=knative", "autoscaler.sync_period=15 s"], ["panic window is 6 s", '"autoscaler.sync_period=2 s"'],
    ),
    "one waiter asks for all": (
        ["autoscaler=queue_delay", "autoscaler.target=1 ms"], ["a single request", "more than max_replicas (20)"],
    ),
    "a wait that can be kept": (["autoscaler=queue_delay", "autoscaler.target=1 s"], [], "a single request"),
    "no spot machine": (
        ["+pool.spot={share: 0 %, waves: {per_month: 2}}"], ["spot.share of 0 %", "spot.waves", "pool.spot=null"],
    ),
    "some spot machines": (["+pool.spot={share: 50 %}"], [], "spot.share of"),
    "starts that outlast the scenario": (
        ["phases=production", "horizon=2 h", "learning=none", "pool.model.load=3 h"],
        ["the scenario lasts 2 h", "none but those"],
    ),
    "a fixed count never starts any": (
        ["phases=production", "horizon=2 h", "learning=none", "pool.model.load=3 h", "autoscaler=fixed"], [],
        "the scenario lasts",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REMARKS.values(), ids=REMARKS)
def test_remarked_upon(case, capsys) -> None:
    typed, words, *absent = case
    assert cli.main(["check", *typed]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("# note: pool main: ")]
    for word in absent:
        assert not [note for note in notes if word in note]
    if words:
        assert [note for note in notes if all(word in note for word in words)], notes


MANIFESTS = {
    "a field twice in YAML": (
        HPA_CPU.replace("minReplicas: 2", "minReplicas: 2\n  minReplicas: 4"), "m.yaml, row 7, minReplicas",
        ["twice", "Leave one"],
    ),
    "a field twice in JSON": (
        TRACKING.replace('"TargetValue": 62.5,', '"TargetValue": 62.5, "TargetValue": 10,'), "m.yaml, TargetValue",
        ["twice", "Leave one"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "begins", "words"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_that_contradicts_itself_is_refused(text, begins, words, tmp_path, monkeypatch, capsys) -> None:
    place = tmp_path / "here"
    place.mkdir()
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code = cli.main(["check", "autoscaler.manifest=m.yaml", "autoscaler.max_replicas=20"])
    assert_said(refused(capsys, place, code), begins, words)


@pytest.mark.parametrize("metric", ["rps", "concurrency"])
def test_a_limit_of_a_container_is_never_dropped_in_silence(metric, tmp_path, monkeypatch, capsys) -> None:
    text = KNATIVE.replace("metric: rps", f"metric: {metric}").replace(
        "    spec:\n", "    spec:\n      containerConcurrency: 9\n"
    )
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", "autoscaler.manifest=m.yaml"]) == 0
    assert "containerConcurrency ignored" in capsys.readouterr().err


def test_merged_fields_may_be_overridden(tmp_path, monkeypatch, capsys) -> None:
    text = "x: &a {minReplicas: 2}\n" + HPA_CPU.replace("minReplicas: 2", "<<: *a\n  minReplicas: 3")
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", "autoscaler.manifest=m.yaml"]) == 0
    assert "min_replicas: 3" in capsys.readouterr().out


VERBS = {
    "run": [], "compare": ["autoscaler=fixed,hpa"], "sweep": ["autoscaler.max_replicas=3,4"],
    "tune": ["autoscaler.max_replicas=interval(3, 4)"],
}  # fmt: skip


def _never(*_: object, **__: object) -> None:
    raise AssertionError("played before the place for its results was tried")


@pytest.mark.parametrize("verb", VERBS)
def test_a_place_that_takes_nothing_is_found_before_anything_is_played(verb, tmp_path, monkeypatch, capsys) -> None:
    def refuses(*_: object, **__: object) -> str:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.mkdtemp", refuses)
    monkeypatch.setattr("sim.world.simulate", _never)
    monkeypatch.setattr("sim.study.campaign.play", _never)
    monkeypatch.setattr("sim.study.tune.tune", _never)
    code = cli.main([verb, *VERBS[verb], "--out", str(tmp_path / "there" / "below")])
    err = capsys.readouterr().err
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert f"--out: nothing can be written in {tmp_path} (Read-only file system)" in err


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_where_results_would_go_is_found_before_anything_is_played(verb, tmp_path, monkeypatch, capsys) -> None:
    for name in ("document_assistant", f"{verb}-document_assistant"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    monkeypatch.setattr("sim.world.simulate", _never)
    monkeypatch.setattr("sim.study.campaign.play", _never)
    monkeypatch.setattr("sim.study.tune.tune", _never)
    assert cli.main([verb, *VERBS[verb], "--out", str(tmp_path)]) == 2
    assert "is a file" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 2
