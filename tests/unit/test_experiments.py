"""The runner of experiments and the list of benchmarks: what they print, and when they say no."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def ask(module: str, *typed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", module, *typed], cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", ["X-SQRT", "x_sqrt"])
def test_an_experiment_prints_one_object_under_its_published_name(name):
    answer = ask("experiments", name, "--small", "--json")

    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout)
    assert list(result) == ["X-SQRT"]
    assert set(result["X-SQRT"]) == {"expected", "got", "tolerance", "passed"}
    assert result["X-SQRT"]["passed"] is True
    assert list(result["X-SQRT"]["got"].values()) == [3, 16, 115, 1046, 10143]
    assert result["X-SQRT"]["tolerance"]["servers_r10"] == {"kind": "exact", "allowed": 0.0}


def test_an_unknown_experiment_is_refused_with_the_names_there_are():
    answer = ask("experiments", "X-NONE")

    assert answer.returncode == 2
    assert "X-NONE" in answer.stderr
    for path in (ROOT / "experiments").glob("*/run.py"):
        assert path.parent.name.upper().replace("_", "-") in answer.stderr


def test_every_experiment_is_a_whole_folder():
    folders = [path.parent for path in (ROOT / "experiments").glob("*/run.py")]

    assert {folder.name for folder in folders} >= {
        "x_batch", "x_egress", "x_large_small", "x_logs", "x_mmc", "x_sqrt", "x_variety",
    }  # fmt: skip
    for folder in folders:
        assert {"README.md", "config.yaml", "expected.json", "figure.svg", "figure.csv"} <= {
            path.name for path in folder.iterdir()
        }
        for key, entry in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items():
            assert entry["source"], f"{folder.name}: {key} names no source"
            assert f"| {key} |" in (folder / "README.md").read_text(encoding="utf-8"), f"{folder.name}: {key}"


def test_benchmarks_are_listed_without_being_run():
    answer = ask("tests.benchmarks", "--json")

    assert answer.returncode == 0, answer.stderr
    assert {"engines", "default_run", "startup", "memory", "cold_compile", "control_plane"} <= set(
        json.loads(answer.stdout)
    )


def test_an_unknown_benchmark_is_refused():
    answer = ask("tests.benchmarks", "speed")

    assert answer.returncode == 2
    assert "engines" in answer.stderr
