"""The request log as a user gets it: in the run's folder when the run is whole, and nowhere when it is not."""

import os
import signal
import subprocess
import sys

import pandas as pd
import pytest
from test_verbs import COMMAND, LONG, ROOT, SHORT

from sim import cli

# The command with row groups of a hundred requests; it says so once some of them are in the file.
SAYS_WHEN_IT_LOGS = """
import contextlib, pathlib, sys
from sim import cli
from sim.record import request_log
from sim.report import terminal

request_log.ROWS = 100
said = []

def look(progress):
    if not said and any(p.is_file() and p.stat().st_size > 4 for p in pathlib.Path(".").rglob("*")):
        said.append(print("requests are logged", file=sys.stderr, flush=True))

@contextlib.contextmanager
def told(stream, *, quiet):
    yield look

terminal.progress_bar = told
sys.exit(cli.main())
"""


def folder(path, name):
    (run,) = (path / name / "document_assistant").glob("seed*")
    return run


def run(out, *typed):
    assert cli.main(["run", *SHORT, *typed, "--out", str(out), "--json"]) == 0


def test_a_run_writes_its_requests_and_a_sample_of_them(tmp_path):
    for name, share in (("all", "all"), ("few", "20 %")):
        run(tmp_path / name, f"record.requests={share}")

    every, few = (pd.read_parquet(folder(tmp_path, name) / "requests.parquet") for name in ("all", "few"))
    windows = pd.read_parquet(folder(tmp_path, "few") / "timeseries.parquet")
    assert len(every) == windows["offered"].sum()
    assert len(few.merge(every)) == len(few)
    assert abs(len(few) - 0.2 * len(every)) < 5 * (0.2 * 0.8 * len(every)) ** 0.5
    visits = pd.read_parquet(folder(tmp_path, "few") / "pools.parquet")
    assert visits["visits"].sum() == pd.read_parquet(folder(tmp_path, "few") / "pool_histogram.parquet")["count"].sum()
    assert set(visits["pool"]) == {"main"}
    assert "requests: 20 %" in (folder(tmp_path, "few") / "scenario.yaml").read_text()
    assert not list(tmp_path.rglob(".*"))


def test_a_run_that_records_none_leaves_no_file_of_them(tmp_path):
    run(tmp_path)

    assert list(tmp_path.rglob("summary.json"))
    assert not list(tmp_path.rglob("requests.parquet"))


def started(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", SAYS_WHEN_IT_LOGS, "run", *LONG, "record.requests=all"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored under a background shell
    )  # fmt: skip
    assert process.stderr.readline() == "requests are logged\n"
    return process


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_takes_its_log_with_it(how, tmp_path):
    process = started(tmp_path)

    process.send_signal(how)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (130, ""), err
    assert err.strip().splitlines()[-1] == "poc2scale: interrupted; nothing was written."
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_leaves_what_was_there_as_it_was(tmp_path):
    run(tmp_path / "outputs", "record.requests=all")
    kept = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and not p.name.startswith(".")}

    process = started(tmp_path)
    process.kill()
    process.communicate(timeout=60)

    after = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and not p.name.startswith(".")}
    assert after == kept


def test_a_disk_that_fills_up_while_requests_are_logged_is_one_line(tmp_path):
    def small_files() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    # the kernels are compiled by then, since their cache would not fit either
    run(tmp_path / "first")

    result = subprocess.run(
        [*COMMAND, "run", *SHORT, "workload.rate=20 req/s", "phases.production.exposure=1", "record.requests=all",
         "--json"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
        preexec_fn=small_files,
    )  # fmt: skip

    assert (result.returncode, result.stdout) == (3, ""), result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "File too large" in result.stderr
    assert not (tmp_path / "outputs").exists()
