"""Estimates with their standard errors, from independent parts: replications, or batches of one long run."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Estimate(NamedTuple):
    """An estimated value, its standard error and the number of independent parts that it comes from."""

    value: float
    standard_error: float
    parts: int

    def half_width(self, level: float) -> float:
        """Half of the Student interval that covers the true value with this probability (0 to 1)."""
        from scipy.special import stdtrit

        return self.standard_error * float(stdtrit(self.parts - 1, (1 + level) / 2))


def ratio(above: Sequence[float], below: Sequence[float]) -> Estimate:
    """The ratio of two sums over independent parts, such as seconds waited over requests.

    above, below: one number a part. Standard error by linearisation (Cochran, Sampling Techniques, 1977, section 6.4):
    sd(above - r below) / (sqrt(n) mean(below)), so that parts of unequal size weigh as they should. Raises ValueError
    with fewer than two parts.
    """
    n = len(above)
    if n < 2 or len(below) != n:
        raise ValueError(f"a ratio needs two or more parts with both sums, not {n} and {len(below)}")
    value = math.fsum(above) / math.fsum(below)
    squares = math.fsum((a - value * b) ** 2 for a, b in zip(above, below, strict=True))
    mean_below = math.fsum(below) / n
    return Estimate(value, math.sqrt(squares / (n - 1) / n) / mean_below, n)
