"""compare, sweep and tune as a user types them: what they print and write, and how an interrupted one goes on."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from test_verbs import COMMAND, ROOT

from sim import cli

SHORT = ["phases=production", "horizon=2 h", "learning=none", "incidents=none"]
FILES = {"compare.csv", "compare.json", "replications.csv", "plots", "candidates"}


def played(typed: list[str], capsys: pytest.CaptureFixture[str], out: Path) -> str:
    code = cli.main([*typed, "--out", str(out), "--quiet"])

    said, err = capsys.readouterr()
    assert code == 0, err
    return said


def test_compare_says_who_wins_and_writes_a_page_that_another_number_of_workers_writes_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    typed = ["compare", *SHORT, "autoscaler=fixed", "autoscaler.replicas=2,3", "--replications", "3"]

    said = played([*typed, "--workers", "1"], capsys, tmp_path / "one")
    told = json.loads(played([*typed, "--workers", "2", "--json"], capsys, tmp_path / "two"))

    assert said.splitlines()[0].startswith("replicas=2 is the cheapest that holds the SLO")
    assert "replicas=3, the next that holds it, costs" in said
    assert "the difference is real" in said
    assert max(map(len, said.splitlines()[1:6])) <= 100
    assert (told["best"], told["replications"], told["ranked_by"]) == ("replicas=2", 3, "serving_usd")
    three = told["candidates"][1]["differences"]
    assert three["replica_hours"]["mean"] == pytest.approx(2)
    one, two = (next((tmp_path / name).glob("compare-*/seed1-*")) for name in ("one", "two"))
    assert str(two) == told["study_dir"]
    assert {p.name for p in one.iterdir()} == {*FILES, "compare.html"}
    for file in (p for p in one.rglob("*") if p.is_file()):
        assert file.read_bytes() == (two / file.relative_to(one)).read_bytes(), file
    again = cli.main(["check", f"scenario={one / 'candidates' / '2-replicas=3.yaml'}"])
    assert again == 0


def test_a_slo_that_none_can_hold_is_said_with_the_best_reached(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    typed = ["sweep", *SHORT, "workload.slo.latency=1 ms", "autoscaler=fixed", "autoscaler.replicas=1,2"]

    said = played([*typed, "--replications", "2", "--workers", "1"], capsys, tmp_path)

    assert said.startswith("No candidate holds the SLO. The best reached is")
    (folder,) = tmp_path.glob("sweep-*/seed1-*")
    assert "No candidate holds the SLO" in (folder / "sweep.html").read_text()


def test_tune_finds_the_same_again_and_writes_what_run_takes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    typed = ["tune", *SHORT, "autoscaler=fixed", "autoscaler.replicas=interval(1, 4)", "--trials", "4", "--json"]

    one, two = (
        json.loads(played([*typed, "--replications", "2", "--workers", w], capsys, tmp_path / w)) for w in ("1", "2")
    )

    assert one | {"study_dir": ""} == two | {"study_dir": ""}
    held = [trial for trial in one["trials"] if trial["slo_held"]]
    assert one["best"] == min(held, key=lambda trial: trial["cost_usd"])["overrides"]
    assert [row["name"] for row in one["final"]["candidates"]][:2] == ["tuned", "default"]
    page = re.sub(r"<[^>]*>", "", (Path(one["study_dir"]) / "tune.html").read_text())
    assert f"{len(held)} of 4 trials hold the SLO." in " ".join(page.split())
    assert cli.main(["check", f"scenario={one['study_dir']}/best.yaml"]) == 0
    assert one["best"][0].replace("autoscaler.", "").replace("=", ": ") in capsys.readouterr().out


def test_an_interrupted_study_keeps_what_is_finished_and_goes_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    typed = ["compare", *SHORT, "autoscaler=fixed", "autoscaler.replicas=2,3", "--replications", "40"]
    process = subprocess.Popen(
        [*COMMAND, *typed, "--workers", "2"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    kept = tmp_path / "outputs/compare-document_assistant/replications"
    while not list(kept.glob("*.json")) and process.poll() is None:
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert "finished replications are kept" in err
    assert "Traceback" not in err
    assert [p.name for p in (tmp_path / "outputs/compare-document_assistant").iterdir()] == ["replications"]
    finished = {p: p.stat().st_mtime_ns for p in kept.iterdir()}
    assert all(json.loads(p.read_text()) for p in finished)
    again = played([*typed[:-1], "3", "--resume", "--json", "--workers", "1"], capsys, tmp_path / "outputs")
    assert json.loads(again)["replications"] == 3
    assert all(p.stat().st_mtime_ns == at for p, at in finished.items())
