"""What a request costs as runs get longer and catalogues larger: ns of CPU time a request, which should not grow.

Days of 1e5 to 1e7 requests through M/M/8 and through the whole request path (1e8 too with GROWTH_MOST=1e8 in the
environment, a minute each), less what a day of 2,000 costs; and the whole path with 1e3 to 1e7 contents and a cache of
a tenth of them. Larger tables miss the processor's caches, and are built once a run, which is in these figures.
"""

import os
from collections.abc import Callable
from time import process_time
from typing import TYPE_CHECKING

from tests.benchmarks.request_path import RATE_PER_S, full_path
from tests.benchmarks.textbook import mm8

if TYPE_CHECKING:
    from sim import Scenario

LIMITS = {"mm8_longest_over_1e6": ("<=", 1.25), "full_longest_over_1e6": ("<=", 1.25)}
ROUNDS, _DAY_S = 3, 86_400.0
KEYS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def measure() -> dict[str, float]:
    """ns a request by number of requests, and by contents."""
    most = float(os.environ.get("GROWTH_MOST", "1e7"))
    lengths = [n for n in (1e5, 1e6, 1e7, 1e8) if n <= most]
    result: dict[str, float] = {}
    shapes: dict[str, Callable[[float], Scenario]] = {
        "mm8": lambda n: mm8("exact", _DAY_S, n / _DAY_S),
        "full": lambda n: full_path(_DAY_S, n / _DAY_S),
    }
    for name, shape in shapes.items():
        empty_s = _seconds(shape(2_000.0))[0]
        for n in lengths:
            spent_s, offered = _seconds(shape(n))
            result[f"{name}_{n:.0e}_requests_ns"] = (spent_s - empty_s) / offered * 1e9
        longest, middle = (result[f"{name}_{n:.0e}_requests_ns"] for n in (lengths[-1], 1e6))
        result[f"{name}_longest_over_1e6"] = longest / middle
    for keys in KEYS:
        spent_s, offered = _seconds(full_path(rate_per_s=RATE_PER_S, catalogue=keys, entries=keys // 10))
        result[f"full_{keys:.0e}_keys_ns"] = spent_s / offered * 1e9
    return result


def _seconds(scenario: "Scenario") -> tuple[float, float]:
    """CPU time of a run, the best of some, and the requests in it."""
    from sim import simulate

    best_s, offered = float("inf"), 1
    for _ in range(ROUNDS + 1):
        begun = process_time()
        offered = simulate(scenario).totals["offered"]
        best_s = min(best_s, process_time() - begun)
    return best_s, offered
