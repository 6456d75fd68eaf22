"""Time of a first run on a new machine: a short run with an empty kernel cache, beside the same with a full one."""

import tempfile

from tests.benchmarks.children import command, play

LIMITS = {"compile_s": ("<=", 20.0)}


def measure() -> dict[str, float]:
    """cold_s and warm_s of the same short run, and compile_s, their difference."""
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as out:
        quick = ["phases=production", "learning=none", "horizon=1 d"]
        run = [*command(), "run", *quick, "--quiet", "--json", "--out", out]
        cold, warm = (play(run, {"POC2SCALE_CACHE": cache}) for _ in range(2))
    return {"cold_s": cold.wall_s, "warm_s": warm.wall_s, "compile_s": cold.wall_s - warm.wall_s}
