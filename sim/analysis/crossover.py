"""The crossover: the civil month from which on variable cost is larger than fixed cost, for good."""

from typing import TYPE_CHECKING, Any

from sim.analysis.elasticity import BLOCK_DAYS, CONFIDENCE, MIN_DAYS, block_rows
from sim.clock.calendar import MONTHS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_AROUND = 2 * BLOCK_DAYS  # days on either side that a day is compared with: even weeks, so that weekdays stay in


def crossover(days: "pd.DataFrame", generator: "np.random.Generator") -> dict[str, Any]:
    """The first civil month from which on variable cost is above fixed cost in every month to the end, JSON-ready.

    days: `daily_table`; generator: a stream of its own. {month: 1 for the month of the start, label: "March 2027", lo,
    hi, lo_label, hi_label}; {month: null, lo, hi: ..., reason} where there is none. A first and a last month that are
    cut count as they are, since both costs are cut alike.

    lo, hi: 95 % interval of the month from 1,000 resamples of how the variable cost of single days departs from that of
    the four weeks around them in the same phase, by blocks of 7 days; fixed cost stays. null: beyond the end. It tells
    how much chance there is in this life's days, and nothing of what its assumptions may be wrong by.
    """
    import numpy as np
    import pandas as pd

    by_day = days.groupby("day", sort=True)[["variable_usd", "fixed_usd"]].sum()
    if by_day.empty or not (by_day.to_numpy() > 0).any():
        return _none("there is no cost")
    dates = pd.DatetimeIndex(by_day.index)
    first = dates[0]
    month = np.asarray((dates.year - first.year) * 12 + dates.month - first.month, dtype=np.int64)
    variable, fixed = (by_day[name].to_numpy(dtype=np.float64) for name in ("variable_usd", "fixed_usd"))
    fixed_by_month = np.bincount(month, fixed).astype(np.float64)
    variable_by_month = np.bincount(month, variable).astype(np.float64)
    found = int(_leads_from(variable_by_month[None, :], fixed_by_month)[0])
    labels = [_label(first.year, first.month, number) for number in range(len(fixed_by_month))]
    ends = _interval(days, dates, month, variable, fixed_by_month, found, generator)
    said = {f"{name}_label": labels[number - 1] for name, number in ends.items() if number}
    if found < len(labels):
        return {"month": found + 1, "label": labels[found]} | ends | said
    return _none(_why_none(variable_by_month, fixed_by_month, labels)) | ends | said


def _none(reason: str) -> dict[str, Any]:
    return {"month": None, "label": None, "lo": None, "hi": None, "reason": reason}


def _leads_from(variable: "Floats", fixed: "Floats") -> "NDArray[np.int64]":
    """For each row of monthly variable cost the index of the first month from which on it leads; the number of months
    where it does not in the last."""
    import numpy as np

    behind = (variable <= fixed)[:, ::-1]
    after = np.where(behind.any(axis=1), behind.argmax(axis=1), variable.shape[1])
    found: NDArray[np.int64] = variable.shape[1] - after
    return found


def _why_none(variable: "Floats", fixed: "Floats", labels: list[str]) -> str:
    import numpy as np

    share = f"variable is {100 * variable[-1] / (variable[-1] + fixed[-1]):.0f} % of the cost of the last month"
    if variable[-1] + fixed[-1] == 0:
        share = "the last month costs nothing"
    led = np.flatnonzero(variable > fixed)
    if not len(led):
        return f"fixed cost leads throughout: {share}"
    return f"variable cost led last in {labels[led[-1]]} and not at the end: {share}"


def _interval(
    days: "pd.DataFrame", index: "pd.DatetimeIndex", month: "NDArray[np.int64]", variable: "Floats",
    fixed: "Floats", found: int,
    generator: "np.random.Generator",
) -> dict[str, int | None]:  # fmt: skip
    """lo and hi, the 2.5 and 97.5 % points of the month (1-based); None beyond the end, or for too few days to tell."""
    import numpy as np
    import pandas as pd

    if len(index) < MIN_DAYS:
        return {"lo": None, "hi": None}
    usual, departure = np.zeros(len(index)), np.ones(len(index))
    for _, rows in days.groupby("phase", sort=False):
        at = index.get_indexer(pd.DatetimeIndex(rows["day"]))
        cost = rows["variable_usd"].to_numpy(dtype=np.float64)
        around = _moving_mean(cost)
        usual[at] += around
        if len(cost) >= MIN_DAYS:  # shorter phases have no four weeks to depart from
            departure[at] = np.divide(cost, around, out=np.ones_like(cost), where=around > 0)
    # each month keeps its own sum on average: the moving mean alone would smear a step of the cost into its neighbours
    level = np.bincount(month, variable) / np.maximum(np.bincount(month, usual * departure), 1e-300)
    usual *= level[month]
    resampled = departure[block_rows(len(index), generator)] * usual
    by_month = np.add.reduceat(resampled, np.searchsorted(month, np.arange(len(fixed))), axis=1)
    tail = (1 - CONFIDENCE) / 2
    lo, hi = np.quantile(_leads_from(by_month, fixed), (tail, 1 - tail), method="inverted_cdf").tolist()
    ends = {"lo": min(int(lo), found), "hi": max(int(hi), found)}
    return {name: end + 1 if end < len(fixed) else None for name, end in ends.items()}


def _moving_mean(cost: "Floats") -> "Floats":
    """Mean of each day and the two weeks on either side of it, fewer at the ends, on both sides alike."""
    import numpy as np

    so_far = np.concatenate([[0.0], np.cumsum(cost)])
    days = np.arange(len(cost))
    reach = np.minimum(np.minimum(days, days[::-1]), _AROUND)
    mean: Floats = (so_far[days + reach + 1] - so_far[days - reach]) / (2 * reach + 1)
    return mean


def _label(year: int, month: int, after: int) -> str:
    """Name of the month that many months after the given one."""
    years, index = divmod(month - 1 + after, 12)
    return f"{MONTHS[index]} {year + years}"
