"""Peak memory against the number of requests: 1e6 and 2e7 in the same hundred hours, without and with a log of each."""

from tests.benchmarks.children import python

HORIZON_S = 360_000
LIMITS = {
    "peak_mb_2e7_requests": ("<=", 500.0), "growth": ("<=", 1.1), "growth_logged": ("<=", 1.1),
    "peak_mb_2e7_logged": ("<=", 500.0),
}  # fmt: skip
CODE = """
from sim import simulate
from tests.benchmarks.textbook import mm8
simulate(mm8("exact", {horizon}, {rate}, {requests!r}))
"""


def measure() -> dict[str, float]:
    """peak_mb of all, and growth: the second over the first."""
    python(CODE.format(horizon=3600, rate=1.0, requests="all"))
    figures = {}
    for requests, ending in (("none", "requests"), ("all", "logged")):
        few, many = (
            python(CODE.format(horizon=HORIZON_S, rate=n / HORIZON_S, requests=requests)) for n in (1e6, 2e7)
        )  # fmt: skip
        figures |= {
            f"peak_mb_1e6_{ending}": few.peak_mb, f"peak_mb_2e7_{ending}": many.peak_mb,
            "growth" if requests == "none" else "growth_logged": many.peak_mb / few.peak_mb,
            f"wall_s_1e6_{ending}": few.wall_s, f"wall_s_2e7_{ending}": many.wall_s,
        }  # fmt: skip
    return figures
