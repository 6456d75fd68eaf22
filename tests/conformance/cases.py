"""What the adapters of all reference controllers share: a case, the time at which it is, and an observation."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from sim.policy import Observation

Case = dict[str, Any]
Adapter = Callable[[Case, Case], None]
"""Runs a case, given its whole document too, and asserts that it answers as the real controller did."""

S = 1_000_000_000
NOW = 1_000_000 * S


def observed(current: int, ready: list[bool], queue: float) -> Observation:
    """Of `current` replicas asked for, of which nothing is known but who is ready and how many requests wait."""
    none = np.full(len(ready), math.nan)
    return Observation(
        target_replicas=current,
        ready=np.array(ready, dtype=np.bool_),
        age_s=none,
        ready_for_s=none,
        utilisation=none,
        in_flight=none,
        mean_in_flight=none,
        completed_per_s=none,
        queued_shared=queue,  # type: ignore[arg-type]
        arrived_per_s=math.nan,
        sample_age_s=0.0,
        window_s=60.0,
    )
