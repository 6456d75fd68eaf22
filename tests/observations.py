"""What controllers are shown in tests."""

import math
from typing import Any

import numpy as np

from sim.policy import Observation

_EACH = ("age_s", "ready_for_s", "utilisation", "in_flight", "mean_in_flight", "completed_per_s", "queued")


def pool(n: int, *, ready: Any = None, **given: Any) -> Observation:
    """n replicas, ready for long, just scraped; of all that is not given nothing is known.

    ready: how many, the first ones, or a flag for each (None: all). What is of each replica is given as one number for
    those that are ready (NaN for others; the age for all), or as one for each.
    """
    flags = np.arange(n) < (n if ready is None else ready) if np.ndim(ready) == 0 else np.array(ready, np.bool_)
    usual = {"age_s": 1000.0, "ready_for_s": 500.0}
    columns = {name: given.pop(name, usual.get(name, math.nan)) for name in _EACH}
    shown = dict.fromkeys(_EACH, flags) | {"age_s": np.full(n, True)}
    each = {
        name: np.array(value, np.float64) if np.ndim(value) else np.where(shown[name], value, math.nan)
        for name, value in columns.items()
    }
    whole = {
        "target_replicas": n, "queued_shared": 0, "arrived_per_s": math.nan, "sample_age_s": 0.0, "window_s": 15.0,
        "latency_s": math.nan,
    }  # fmt: skip
    return Observation(**{**whole, **given}, ready=flags, **each)
