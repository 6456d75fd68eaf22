"""One small life, remembered: three days through four phases with everything on, seed 1. A change of its numbers must
be meant.

To accept a change that is meant: `python tests/golden/test_golden_run.py` from the clone writes four_phases.json again.
"""

import json
import math
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from sim.scenario import load
from sim.world import Run, simulate

GOLDEN = Path(__file__).parent / "four_phases.json"
RELATIVE = 1e-9  # sums of floats may differ by their last digits between platforms; whole numbers may not
LIFE = (
    "document_assistant", "name=four_phases", "horizon=3 d", "start='2026-03-28'", "workload.rate=20 req/min",
    "phases.mvp.gate=null", "phases.mvp.start='2026-03-28 18:00'",
    "phases.production.gate=null", "phases.production.start='2026-03-29 12:00'",
    "phases.scale.gate={window: 1 d, all: [], any: [{kind: date, from: '2026-03-30'}, unit_cost]}",
    "phases.scale.start='2026-03-29 18:00'", "phases.scale.override.autoscaler.max_replicas=6",
    "workload.launches=[{at: '2026-03-30 09:00', factor: 4, decay: 2 h}]",
    "workload.keys.catalogue=500", "cache.capacity=60", "cache.ttl=6 h",
    "workload.tenants.count=20", "admission.rate=1 req/min", "admission.burst=5",
    "learning.drift.time_constant=4 d", "learning.monitor.every=6 h", "learning.monitor.delay=3 h",
    "learning.monitor.share=20 %", "learning.retraining.cooldown=12 h", "learning.retraining.min_labels=50",
    "learning.training.duration=3 h", "learning.training.approval=1 h",
    "incidents.per_month=60", "hosting.managed.overlap=0 s", "hosting.pool.overlap=3 h",
)  # fmt: skip
FRAMES = ("timeseries", "latency_histogram", "ledger", "value", "events")


@cache
def play(seed: int = 1) -> Run:
    """The life with this seed."""
    return simulate(load(*LIFE), seed=seed)


def remembered(run: Run) -> dict[str, Any]:
    """The summary, and a few figures for every column of every frame."""
    frames = {name: {column: digest(values) for column, values in getattr(run, name).items()} for name in FRAMES}
    return {"summary": run.summary(), "phases_effective": run.phases_effective, "frames": frames}


def digest(values: Any) -> list[Any]:
    """Length and hash of texts and times; length, sum and sum weighted by place of numbers, and how many are NaN."""
    if values.dtype.kind in "iu":
        numbers = values.tolist()
        return [len(numbers), sum(numbers), sum(i * x for i, x in enumerate(numbers, 1))]
    if values.dtype.kind == "f":
        numbers = [0.0 if math.isnan(x) else x for x in values]
        weighted = math.fsum(i * x for i, x in enumerate(numbers, 1)) / max(len(numbers), 1)
        return [len(numbers), math.fsum(numbers), weighted, int(values.isna().sum())]
    text = "\n".join(map(str, values)).encode()
    return [len(values), blake2b(text, digest_size=8).hexdigest()]


def differences(got: Any, wanted: Any, where: str = "") -> list[str]:
    """Where two nested values differ."""
    if isinstance(wanted, dict) and isinstance(got, dict) and set(got) == set(wanted):
        return [line for key in wanted for line in differences(got[key], wanted[key], f"{where}.{key}")]
    if isinstance(wanted, list) and isinstance(got, list | tuple) and len(got) == len(wanted):
        return [line for i, w in enumerate(wanted) for line in differences(got[i], w, f"{where}[{i}]")]
    if isinstance(wanted, float) and isinstance(got, float):
        return [] if math.isclose(got, wanted, rel_tol=RELATIVE, abs_tol=1e-12) else [f"{where}: {got} for {wanted}"]
    return [] if got == wanted and type(got) is type(wanted) else [f"{where}: {got} for {wanted}"]


def written(folder: Path, seed: int = 1) -> dict[str, bytes]:
    """Every file that the command leaves, but the two that carry wall time."""
    from sim.cli import main

    scenario, *overrides = LIFE
    typed = ["run", f"scenario={scenario}", *overrides, f"seed={seed}", "--quiet", "--json", "--out", str(folder)]
    assert main(typed) == 0
    (home,) = (folder / "four_phases").glob(f"seed{seed}-*")
    files = (path for path in sorted(home.rglob("*")) if path.is_file())
    return {str(f.relative_to(home)): f.read_bytes() for f in files if f.name not in ("manifest.json", "run.log")}


def test_the_golden_run_is_what_it_was():
    got = remembered(play())

    assert differences(json.loads(json.dumps(got)), json.loads(GOLDEN.read_text(encoding="utf-8"))) == []


def test_the_golden_run_goes_through_all_four_phases_with_everything_on():
    run = play()
    summary = run.summary()

    assert [phase["name"] for phase in summary["phases"]] == ["poc", "mvp", "production", "scale"]
    assert [phase["serving"] for phase in summary["phases"]] == ["api", "managed", "pool", "committed"]
    assert all(phase["requests"] > 0 and phase["variable_usd"] > 0 for phase in summary["phases"])
    assert run.totals["hit"] > 0
    assert run.totals["throttled"] > 0
    assert {"model_deployed", "incident_resolved"} <= set(run.events["kind"])
    assert {"commitment", "serving.managed_premium", "training", "rca", "switching"} <= set(run.ledger["account"])
    assert set(run.value["account"]) >= {"value.answers", "value.throttled", "value.staleness"}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, second = written(tmp_path / "first"), written(tmp_path / "second")

    assert {"summary.json", "timeseries.parquet", "ledger.parquet", "events.parquet", "report.html"} <= set(first)
    assert any(name.endswith(".svg") for name in first)
    assert [name for name in first if first[name] != second.get(name)] == []
    assert set(first) == set(second)


def test_the_command_and_python_give_the_same_summary(tmp_path):
    summary = json.loads(written(tmp_path)["summary.json"])

    assert summary == json.loads(json.dumps(play().summary()))


@pytest.mark.parametrize("name", ["timeseries", "ledger", "value", "latency_histogram"])
def test_another_seed_gives_another_life(name):
    assert not getattr(play(), name).equals(getattr(play(seed=2), name))


if __name__ == "__main__":
    text = json.dumps(remembered(play()), indent=1)
    GOLDEN.write_text(text + "\n", encoding="utf-8", newline="\n")
    print(f"wrote {GOLDEN}")
