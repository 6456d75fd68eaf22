"""Wall time and peak memory of the whole default run, report included, as a process with warm kernels."""

import tempfile

from tests.benchmarks.children import command, play
from tests.benchmarks.textbook import mm8

LIMITS = {"wall_s": ("<=", 60.0), "peak_mb": ("<=", 500.0)}
SIMPY_CUSTOMERS = 30_000


def measure() -> dict[str, float]:
    """wall_s, peak_mb, requests per second, and how many times longer SimPy's M/M/8 would take for as many."""
    from time import perf_counter

    from sim import simulate
    from tests.benchmarks.textbook import simpy_mm8

    simulate(mm8("exact", 3600))
    with tempfile.TemporaryDirectory() as out:
        child = play([*command(), "run", "--quiet", "--json", "--out", out])
        requests = _offered(out)
    begun = perf_counter()
    simpy_mm8(SIMPY_CUSTOMERS)
    simpy_s = requests * (perf_counter() - begun) / SIMPY_CUSTOMERS
    return {
        "wall_s": child.wall_s, "peak_mb": child.peak_mb, "requests": requests,
        "requests_per_s": requests / child.wall_s, "simpy_mm8_over_wall": simpy_s / child.wall_s,
    }  # fmt: skip


def _offered(out: str) -> int:
    import json
    from pathlib import Path

    (summary,) = Path(out).glob("*/latest/summary.json")
    offered: int = json.loads(summary.read_text(encoding="utf-8"))["totals"]["offered"]
    return offered
