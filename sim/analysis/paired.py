"""Means of independent replications and of their paired differences, with Student's t intervals.

With common random numbers the r-th replications of two systems share what they can, so that the interval is that of
their differences (Law 2015, Simulation Modeling and Analysis, 5th ed., sections 9.4.1 and 10.2.1).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

LEVEL = 0.95


class ConfidenceInterval(NamedTuple):
    """A mean with its two-sided interval at LEVEL; None where it is not defined: below two values."""

    mean: float | None
    lo: float | None
    hi: float | None
    n: int

    @property
    def half(self) -> float | None:
        """Half the width."""
        return None if self.lo is None or self.hi is None else (self.hi - self.lo) / 2

    @property
    def excludes_zero(self) -> bool:
        """Whether all of the interval lies on one side of 0."""
        return self.lo is not None and self.hi is not None and (self.lo > 0 or self.hi < 0)

    def as_json(self) -> dict[str, float | int | None]:
        """Plain values."""
        return self._asdict()


NOTHING = ConfidenceInterval(None, None, None, 0)


def mean_interval(values: Sequence[float | None]) -> ConfidenceInterval:
    """Mean and interval of independent values; NOTHING where there are none or one of them is missing."""
    known = [value for value in values if value is not None]
    n = len(known)
    if n == 0 or n < len(values):
        return NOTHING
    mean = math.fsum(known) / n
    if n < 2:
        return ConfidenceInterval(mean, None, None, n)
    from scipy.special import stdtrit

    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (n - 1))
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * spread / math.sqrt(n)
    return ConfidenceInterval(mean, mean - half, mean + half, n)


def paired_difference(values: Sequence[float | None], others: Sequence[float | None]) -> ConfidenceInterval:
    """Mean and interval of values[r] - others[r]; NOTHING where one is missing. Raises ValueError on other lengths."""
    pairs = zip(values, others, strict=True)
    return mean_interval([None if a is None or b is None else a - b for a, b in pairs])
