"""The verbs as a user types them: what they print, where, and with which exit code."""

import errno
import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim import cli

COMMAND = [sys.executable, "-m", "sim.cli"]
ROOT = Path(cli.__file__).resolve().parent.parent
LOAD = importlib.import_module("sim.scenario.load")  # the module, which the function of that name hides
# Many requests, of which a first window closes at once: a run that is stopped while they flow.
LONG = [
    "phases=production", "horizon=7 d", "phases.production.exposure=1", "workload.rate=100 req/s",
    "record.interval=1 min", "learning=none", "engine=reference", "--quiet",
]  # fmt: skip
SHORT = [
    "phases=production",
    "horizon=1 d",
    "phases.production.exposure=5 %",
    "learning=none",
    "autoscaler=fixed",
    "autoscaler.replicas=1",
]


# The command, which says so once its run has closed a first window.
SAYS_WHEN_IT_RUNS = """
import contextlib, sys
from sim import cli
from sim.report import terminal

@contextlib.contextmanager
def told(stream, *, quiet):
    said = []
    yield lambda progress: said or said.append(print("requests flow", file=sys.stderr, flush=True))

terminal.progress_bar = told
sys.exit(cli.main())
"""


def command(*typed: str, cwd: Path, **more):
    return execute([*COMMAND, *typed], cwd, **more)


def execute(words: list[str], cwd: Path, **more):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, **more)


def test_help_names_every_verb_and_loads_no_heavy_package(tmp_path):
    watch = "import sys; from sim import cli; cli.main(['--help']); print(sorted(sys.modules), file=sys.stderr)"

    result = execute([sys.executable, "-c", watch], tmp_path)

    assert all(verb in result.stdout for verb in ("run", "check", "list"))
    for heavy in ("numpy", "pandas", "numba", "hydra", "omegaconf", "pydantic", "simpy", "matplotlib", "yaml"):
        assert f"'{heavy}'" not in result.stderr, heavy


def test_without_a_verb_the_help_goes_to_standard_error(capsys):
    code = cli.main([])

    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert "usage" in err


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"poc2scale {sim.__version__}\n"


@pytest.mark.parametrize("verb", ["run", "check", "list"])
def test_every_verb_explains_itself(verb, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([verb, "--help"])

    assert stop.value.code == 0
    assert f"poc2scale {verb}" in capsys.readouterr().out


def test_list_shows_every_group_and_its_default(capsys):
    assert cli.main(["list"]) == 0

    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert "document_assistant*" in lines["scenario"]
    there = {path.stem for path in (ROOT / "conf" / "autoscaler").glob("*.yaml")}
    assert {name + "*" * (name == "hpa") for name in there} == set(lines["autoscaler"])
    assert all(sum(option.endswith("*") for option in options) == 1 for options in lines.values())


def test_list_of_a_group_says_one_line_about_each_option(capsys):
    for group in sorted(p.name for p in (ROOT / "conf").iterdir() if p.is_dir()):
        assert cli.main(["list", group]) == 0
        for line in capsys.readouterr().out.splitlines():
            assert len(line.removeprefix("*").split(maxsplit=1)) == 2, f"{group}: {line} has no comment"


def test_check_prints_a_scenario_that_runs_again_as_it_is(capsys, tmp_path):
    assert cli.main(["check", "autoscaler=fixed", "workload.timeout=50 s"]) == 0
    first = capsys.readouterr().out
    path = tmp_path / "scenario.yaml"
    path.write_text(first)

    assert cli.main(["check", f"scenario={path}"]) == 0

    assert capsys.readouterr().out == first
    assert "timeout: 50 s" in first


def test_check_says_what_each_phase_changes(capsys):
    assert cli.main(["check", "phases.scale.override.autoscaler.max_replicas=40"]) == 0

    out = capsys.readouterr().out
    tail = out[out.index("# What each phase changes") :]
    assert "scale: exposure 1, served by committed" in tail
    assert "max_replicas: 40" in tail


def test_check_writes_nothing(tmp_path):
    result = command("check", cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_options_may_stand_between_overrides(capsys, tmp_path):
    code = cli.main(["run", "seed=-1", "--out", str(tmp_path), "timezone=nowhere", "--json"])

    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert "seed" in err
    assert "timezone" in err


def test_wrong_input_in_a_process_of_its_own_leaves_no_traceback_and_no_file(tmp_path):
    result = command("run", "workload.rate=12 req", cwd=tmp_path)

    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == "1 problem; nothing was written."
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_leaves_is_no_error(tmp_path):
    shell = f"{sys.executable} -m sim.cli list | true; exit ${{PIPESTATUS[0]}}"

    result = execute(["bash", "-c", shell], tmp_path)

    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "outputs/x"), 3, "outputs/x: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "outputs"), 3, "outputs: Permission denied"),
        (sim.RunError("the ledger does not add up"), 3, "the ledger does not add up"),
        (MemoryError(), 3, "out of memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_a_run_that_cannot_go_on_ends_in_one_line(error, code, words, capsys, monkeypatch):
    def broken(*_):
        raise error

    monkeypatch.setattr(LOAD, "load", broken)

    assert cli.main(["run"]) == code

    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert words in err


def test_a_bug_is_called_one_and_its_traceback_kept_in_a_file(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(LOAD, "load", lambda *_: 1 / 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert cli.main(["check"]) == 3

    err = capsys.readouterr().err
    assert "a bug" in err
    assert "Traceback" not in err
    (log,) = tmp_path.iterdir()
    assert str(log) in err
    assert "ZeroDivisionError" in log.read_text()


def test_a_bug_shows_its_traceback_where_asked(capsys, monkeypatch):
    monkeypatch.setattr(LOAD, "load", lambda *_: 1 / 0)
    monkeypatch.setenv("POC2SCALE_DEBUG", "1")

    assert cli.main(["check"]) == 3
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused_before_anything_runs(capsys, tmp_path):
    tmp_path.chmod(0o500)

    assert cli.main(["run", "--out", str(tmp_path / "outputs")]) == 3
    assert "Permission denied" in capsys.readouterr().err


def test_run_prints_one_json_object_and_writes_the_folder_it_names(tmp_path):
    result = command("run", *SHORT, "--json", cwd=tmp_path)

    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert [phase["name"] for phase in summary["phases"]] == ["production"]
    assert (summary["scenario"], summary["seed"]) == ("document_assistant", 1)
    run_dir = tmp_path / summary["run_dir"]
    assert {"scenario.yaml", "summary.json", "manifest.json"} <= {p.name for p in run_dir.iterdir()}
    again = command("check", f"scenario={run_dir / 'scenario.yaml'}", cwd=tmp_path)
    assert again.returncode == 0, again.stderr


def test_a_missed_slo_is_exit_code_1_only_when_asked(capsys, tmp_path):
    hopeless = ["run", *SHORT, "workload.slo.latency=1 ms", "--json", "--out", str(tmp_path)]

    assert cli.main(hopeless) == 0
    capsys.readouterr()
    assert cli.main([*hopeless, "--fail-on-slo"]) == 1

    out, err = capsys.readouterr()
    assert "production: SLO missed" in err
    json.loads(out)


def test_a_full_disk_is_one_line_and_leaves_no_run(capsys, tmp_path):
    def small_files() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    # Kernels compiled before, since their cache would not fit either.
    assert cli.main(["run", *SHORT, "--json", "--out", str(tmp_path / "first")]) == 0, capsys.readouterr().err

    result = command("run", *SHORT, "--json", cwd=tmp_path, preexec_fn=small_files)

    assert result.returncode == 3, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert "File too large" in result.stderr
    assert not [p for p in (tmp_path / "outputs").rglob("*") if p.is_file()]


def test_ctrl_c_stops_a_long_run_cleanly(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", SAYS_WHEN_IT_RUNS, "run", *LONG], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored under a background shell
    )  # fmt: skip
    assert process.stderr.readline() == "requests flow\n"

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert out == ""
    assert err.strip().splitlines()[-1] == "poc2scale: interrupted; nothing was written."
    assert "Traceback" not in err
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
