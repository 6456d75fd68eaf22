"""Cost elasticity: by how many per cent the serving cost of a day moves when its requests move by one per cent.

Serving cost is variable cost and commitments (`sim.analysis.serving_cost`). Under 1, requests get cheaper as they
become more; over 1, dearer.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

MIN_DAYS = 28  # four blocks: fewer say nothing about how weeks vary
MIN_LOG_RANGE = 0.2  # assumption: traffic must vary by a fifth or so before a slope means anything
BLOCK_DAYS = 7  # a week, after which traffic repeats; the days of one count as one observation
RESAMPLES = 1000  # the standard deviation of so many is good to 1 / sqrt(2 x 1000), 2 %
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Elasticity:
    """Slope of ln(serving cost) on ln(requests), with its 95 % interval; all None, with a reason, where undefined.

    note: what a reader must know of a defined one (days left out), or empty.
    """

    value: float | None
    lo: float | None
    hi: float | None
    reason: str = ""
    note: str = ""

    def as_json(self) -> dict[str, float | str | None]:
        """The object of the summary: value, lo, hi; `reason` where they are null; `note` where there is one."""
        said = {"reason": self.reason, "note": self.note}
        return {"value": self.value, "lo": self.lo, "hi": self.hi} | {k: v for k, v in said.items() if v}


def elasticity(offered: "ArrayLike", serving_usd: "ArrayLike", generator: "np.random.Generator") -> Elasticity:
    """Elasticity of the serving cost of a day (USD) against its offered requests, over complete days in order.

    offered, serving_usd: [days]; generator: a stream of its own (`sim.streams`). The value is the least-squares slope
    over the days with requests and cost; days without either have no logarithm and are left out, and said. The interval
    is value -+ t s, where s is the standard deviation of the slopes of 1,000 resamples by blocks of 7 consecutive days
    (moving-block bootstrap, Kuensch 1989) and t the 97.5 % quantile of Student's distribution with one degree of
    freedom fewer than there are blocks. The plain percentile interval covers only 77 to 92 % between 28 and 60 days;
    this one 90 to 98 % (AR(1) noise of 0 to 0.8). Where errors last much longer than a week both are too narrow.
    """
    import numpy as np

    requests, cost = np.asarray(offered, dtype=np.float64), np.asarray(serving_usd, dtype=np.float64)
    if requests.ndim != 1 or requests.shape != cost.shape:
        raise ValueError(f"a day has one count and one cost, not shapes {requests.shape} and {cost.shape}")
    used = (requests > 0) & (cost > 0)
    x, y = np.log(requests[used]), np.log(cost[used])
    left_out = days_left_out(int(np.sum(requests <= 0)), int(np.sum((requests > 0) & (cost <= 0))))
    if len(x) < MIN_DAYS:
        return _undefined(f"{len(x)} complete days, at least {MIN_DAYS} needed", left_out)
    if np.ptp(x) < MIN_LOG_RANGE:
        return _undefined(f"ln(requests a day) spans {np.ptp(x):.3g}, at least {MIN_LOG_RANGE:g} needed", left_out)
    value = float(slopes_of(x, y))
    rows = block_rows(len(x), generator)
    slopes = slopes_of(x[rows], y[rows])
    half = half_width(slopes, len(x))
    return Elasticity(value, value - half, value + half, note=left_out)


def half_width(resampled: "NDArray[np.float64]", days: int) -> float:
    """Half of the 95 % interval of what was resampled by blocks of `days` days: Student's t times the spread."""
    import numpy as np
    from scipy.special import stdtrit

    spread = float(np.std(resampled[np.isfinite(resampled)], ddof=1))
    return float(stdtrit(days / BLOCK_DAYS - 1, (1 + CONFIDENCE) / 2)) * spread


def block_rows(days: int, generator: "np.random.Generator") -> "NDArray[np.int64]":
    """Rows of each resample, [RESAMPLES, days]: blocks of consecutive days, the last one cut to fit."""
    import numpy as np

    first = generator.integers(0, days - BLOCK_DAYS + 1, (RESAMPLES, -(-days // BLOCK_DAYS)))
    rows = first[:, :, None] + np.arange(BLOCK_DAYS)
    return rows.reshape(RESAMPLES, -1)[:, :days]


def slopes_of(x: "NDArray[np.float64]", y: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Least-squares slopes along the last axis; NaN where x does not vary."""
    import numpy as np

    centred = x - x.mean(axis=-1, keepdims=True)
    above, below = (centred * y).sum(axis=-1), (centred * centred).sum(axis=-1)
    result: NDArray[np.float64] = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
    return result


def _undefined(reason: str, left_out: str) -> Elasticity:
    return Elasticity(None, None, None, reason=f"{reason} ({left_out})" if left_out else reason)


def days_left_out(without_requests: int, without_cost: int) -> str:
    """What a reader must know of days that have no logarithm: "1 day without requests left out", or empty."""
    counts = ((without_requests, "without requests"), (without_cost, "without variable cost"))
    said = [f"{count} {'day' if count == 1 else 'days'} {what}" for count, what in counts if count]
    return " and ".join(said) + " left out" if said else ""
