"""How good a model's answers are as its data age, at a moment and on average over an interval; and when shocks come.

Times are int nanoseconds since the scenario's start; `cut_ns` is until when the model's data reach, so that its age at
t is t - cut. `shocks` are the moments (ns, ascending) at which a world with step drift changes; other shapes have none.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from sim.clock.calendar import NS_PER_S
from sim.model.parameters import Drift, ExponentialDrift, LinearDrift, StepDrift

if TYPE_CHECKING:
    import numpy as np


def quality(drift: Drift, fresh: float, cut_ns: int, now_ns: int, shocks: Sequence[int] = ()) -> float:
    """Share of right answers at `now_ns` >= cut_ns. fresh: of a model of age 0. A shock at that very moment counts."""
    age_s = (now_ns - cut_ns) / NS_PER_S
    if isinstance(drift, LinearDrift):
        return max(0.0, fresh - drift.loss * age_s / drift.over_s)
    if isinstance(drift, ExponentialDrift):
        return drift.floor + (fresh - drift.floor) * math.exp(-age_s / drift.time_constant_s)
    if isinstance(drift, StepDrift):
        return max(0.0, fresh - drift.loss * _between(shocks, cut_ns, now_ns))
    return fresh


def mean_quality(
    drift: Drift, fresh: float, cut_ns: int, from_ns: int, to_ns: int, shocks: Sequence[int] = ()
) -> float:
    """Exact time mean of `quality` over [from_ns, to_ns]; its value there where the interval is empty."""
    if from_ns == to_ns:
        return quality(drift, fresh, cut_ns, to_ns, shocks)
    a, b = (from_ns - cut_ns) / NS_PER_S, (to_ns - cut_ns) / NS_PER_S
    if isinstance(drift, LinearDrift):
        return _mean_linear(fresh, drift.loss / drift.over_s, a, b)
    if isinstance(drift, ExponentialDrift):
        # (e^-a - e^-b) / (b - a) with ages in time constants, without the cancellation
        span = (to_ns - from_ns) / NS_PER_S / drift.time_constant_s
        faded = math.exp(-a / drift.time_constant_s) * -math.expm1(-span) / span
        return drift.floor + (fresh - drift.floor) * min(1.0, faded)
    if isinstance(drift, StepDrift):
        return _mean_steps(fresh, drift.loss, cut_ns, from_ns, to_ns, shocks)
    return fresh


def _mean_linear(fresh: float, slope: float, a: float, b: float) -> float:
    """Mean over ages a < b (s) of fresh - slope x age, cut off at 0."""
    if fresh - slope * b >= 0.0:
        return fresh - slope * (a + b) / 2
    if fresh - slope * a <= 0.0:
        return 0.0
    left = fresh - slope * a
    return left * left / (2 * slope * (b - a))


def _mean_steps(fresh: float, loss: float, cut_ns: int, from_ns: int, to_ns: int, shocks: Sequence[int]) -> float:
    past = _between(shocks, cut_ns, from_ns)
    first = bisect_right(shocks, from_ns)
    marks = [from_ns, *shocks[first : bisect_right(shocks, to_ns)], to_ns]
    parts = (max(0.0, fresh - loss * (past + i)) * (end - begin) for i, (begin, end) in enumerate(pairwise(marks)))
    return math.fsum(parts) / (to_ns - from_ns)


def _between(shocks: Sequence[int], after_ns: int, until_ns: int) -> int:
    """Number of shocks in (after_ns, until_ns]."""
    return bisect_right(shocks, until_ns) - bisect_right(shocks, after_ns)


class Shocks:
    """Moments at which the world changes: a Poisson process whose rate may be set anew, up to the horizon.

    The k-th shock comes when the number expected so far reaches the k-th sum of unit exponentials. So the draws belong
    to the scenario and its seed alone: no retraining moves a shock, and a longer horizon only adds some.
    """

    def __init__(self, generator: "np.random.Generator", horizon_ns: int) -> None:
        """generator: of the stream drift/<workload>, used by nobody else."""
        self.times_ns: list[int] = []
        self._generator, self._horizon_ns = generator, horizon_ns
        self._sums: list[float] = []
        self._expected, self._since_ns, self._every_s = 0.0, 0, math.inf

    def steer(self, now_ns: int, drift: Drift) -> None:
        """From now on shocks come as this drift says (none but step drift has any); past ones stay."""
        self._expected += (now_ns - self._since_ns) / NS_PER_S / self._every_s
        self._since_ns, self._every_s = now_ns, drift.every_s if isinstance(drift, StepDrift) else math.inf
        del self.times_ns[bisect_right(self.times_ns, now_ns) :]
        while math.isfinite(self._every_s):
            wait_s = max(0.0, self._sum(len(self.times_ns)) - self._expected) * self._every_s
            t_ns = now_ns + max(1, round(wait_s * NS_PER_S))
            if t_ns > self._horizon_ns:
                return
            self.times_ns.append(t_ns)

    def _sum(self, k: int) -> float:
        while len(self._sums) <= k:
            last = self._sums[-1] if self._sums else 0.0
            self._sums.append(last + float(self._generator.standard_exponential()))
        return self._sums[k]
