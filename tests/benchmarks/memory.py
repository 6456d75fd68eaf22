"""Peak memory against the number of requests: 1e6 and 2e7 requests in the same hundred hours."""

from tests.benchmarks.children import python

HORIZON_S = 360_000
LIMITS = {"peak_mb_2e7_requests": ("<=", 500.0), "growth": ("<=", 1.1)}
CODE = """
from sim import simulate
from tests.benchmarks.textbook import mm8
simulate(mm8("exact", {horizon}, {rate}))
"""


def measure() -> dict[str, float]:
    """peak_mb of both, and growth: the second over the first."""
    python(CODE.format(horizon=3600, rate=1.0))
    few, many = (python(CODE.format(horizon=HORIZON_S, rate=n / HORIZON_S)) for n in (1e6, 2e7))
    return {
        "peak_mb_1e6_requests": few.peak_mb, "peak_mb_2e7_requests": many.peak_mb,
        "growth": many.peak_mb / few.peak_mb, "wall_s_1e6_requests": few.wall_s, "wall_s_2e7_requests": many.wall_s,
    }  # fmt: skip
