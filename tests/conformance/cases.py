"""What the adapters of all reference controllers share: a case, the time at which it is, and an observation."""

import math
from collections.abc import Callable
from typing import Any

from sim.policy import Observation
from tests.observations import pool

Case = dict[str, Any]
Adapter = Callable[[Case, Case], None]
"""Runs a case, given its whole document too, and asserts that it answers as the real controller did."""

S = 1_000_000_000
NOW = 1_000_000 * S


def observed(current: int, ready: list[bool], queue: float) -> Observation:
    """Of `current` replicas asked for, of which nothing is known but who is ready and how many requests wait."""
    return pool(
        len(ready), ready=ready, target_replicas=current, age_s=math.nan, ready_for_s=math.nan, queued_shared=queue,
        window_s=60.0,
    )  # fmt: skip
