"""Experiments on measured data: skipped with a reason where the data are not, and fits that are what they say."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.data import Skipped, measured
from experiments.settings import read
from experiments.x_resnet50.sweep import Batch, Fit, fit, period_ms, read_sweeps
from experiments.x_resnet50.system import felt, system

ROOT = Path(__file__).parents[2]


def ask(*typed: str, **environment: str) -> subprocess.CompletedProcess[str]:
    rest = {name: value for name, value in os.environ.items() if name != "SIM_DATA"}
    return subprocess.run(
        [sys.executable, "-m", "experiments", *typed],
        cwd=ROOT, env=rest | environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_without_the_data_the_experiment_is_skipped_and_says_what_to_do():
    answer = ask("X-RESNET50", "--small")

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("X-RESNET50: skipped. SIM_DATA is not set; let it name a folder")


def test_a_folder_without_the_file_is_said_to_be_one(tmp_path):
    answer = ask("X-RESNET50", "--small", "--json", SIM_DATA=str(tmp_path))

    assert answer.returncode == 0, answer.stderr
    assert "does not hold nvidia_dle_latency" in json.loads(answer.stdout)["X-RESNET50"]["skipped"]


def test_a_file_below_the_folder_is_found(tmp_path, monkeypatch):
    (tmp_path / "some.csv").write_text("a\n")
    monkeypatch.setenv("SIM_DATA", str(tmp_path))

    assert measured("some.csv") == tmp_path / "some.csv"
    with pytest.raises(Skipped, match=r"other\.csv"):
        measured("other.csv")


def test_both_sweeps_of_a_gpu_are_read_and_other_models_left_out(tmp_path):
    file = tmp_path / "sweeps.csv"
    file.write_text(
        "source_readme,scenario,gpu,batch,concurrency,throughput_per_s,p50_ms,p99_ms,avg_ms\n"
        "mine,Offline,DGX-1 (1x V100 32GB),2.0,,900.0,,2.3,2.2\n"
        "mine,Online,DGX-1 (1x V100 32GB),,16.0,4000.0,4.0,4.5,4.1\n"
        "other,Offline,DGX-1 (1x V100 32GB),2.0,,900.0,,2.3,2.2\n"
    )

    sweeps = read_sweeps(file, "mine")

    assert sweeps["v100"].batches == (Batch(2, 2.2, 2.3),)
    assert sweeps["v100"].clients == ((16, 4000.0, 4.0, 4.5),)
    assert sweeps["t4"] == ((), ())


def test_the_fit_finds_the_line_and_the_spread_that_made_the_sweep():
    sigma = 0.05
    over_mean = math.exp(2.3263478740408408 * sigma - sigma**2 / 2)

    fitted = fit(tuple(Batch(b, 2 + 0.5 * b, (2 + 0.5 * b) * over_mean) for b in (1, 2, 4, 8, 16)))

    assert fitted.base_ms == pytest.approx(2)
    assert fitted.per_item_ms == pytest.approx(0.5)
    assert fitted.cv == pytest.approx(math.sqrt(math.expm1(sigma**2)))


@pytest.mark.parametrize("clients", [16, 64, 256])
def test_two_groups_in_alternation_wait_for_two_batches(clients):
    fitted = Fit(2.0, 0.5, 0.0)

    form = {"warm_up_s": 2.0, "span_s": 4.0}

    steady = felt(system(read(ROOT / "experiments" / "x_resnet50"), form), fitted, clients, form)

    # a user who does not think asks again a nanosecond later, and a service takes whole nanoseconds
    assert steady.mean_ms == pytest.approx(period_ms(fitted, clients), abs=5e-6)
    assert steady.p99_ms == pytest.approx(steady.p50_ms)
    assert steady.per_s * period_ms(fitted, clients) / 1e3 == pytest.approx(
        clients, rel=0.02
    )  # a batch cut off at each end
