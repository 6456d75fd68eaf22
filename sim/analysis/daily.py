"""Days: requests and cost of every civil day and phase, from the windows and the ledger of a run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.clock.calendar import NS_PER_S, SLACK_S, Calendar

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

PhaseSpan = tuple[str, float, float]
"""A phase's name and the seconds since the scenario's start between which it was in effect."""

COMMITMENT = "commitment"
"""The account of what is paid for machines under a commitment, used or not (`sim.cost.hosting`)."""


def daily_table(
    timeseries: "pd.DataFrame", ledger: "pd.DataFrame", calendar: Calendar, phases: Sequence[PhaseSpan]
) -> "pd.DataFrame":
    """One row per civil day and phase that have requests, cost or time in common, by day, then by phase.

    timeseries, ledger: the frames of a run. Columns: day (naive midnight of the civil day), phase, start_s, end_s (of
    the day within the run), complete (the whole civil day, 23 to 25 hours, lies in the phase), offered, variable_usd,
    fixed_usd, and serving_usd: variable cost and commitments, which are fixed cost too (why: `serving_cost`). A ledger
    line belongs to the day that its accrual ended in, midnight to the day before. A record window that reaches over
    midnight is shared in proportion to time.
    """
    import pandas as pd

    edges = day_edges(calendar)
    offered = count_by_day(timeseries, edges, "offered")
    nano = nano_by_day(ledger, edges, "nature")
    rent = nano_by_day(ledger[ledger["account"] == COMMITMENT], edges, "account")
    spans = {name: (start_s, end_s) for name, start_s, end_s in phases}
    keys = set(offered) | {(day, name) for day, name, _ in nano} | _days_in(spans, edges)
    order = {name: index for index, name in enumerate(spans)}
    rows = sorted(keys, key=lambda key: (key[0], order.get(key[1], len(order)), key[1]))
    whole = _whole_days(calendar, len(edges) - 1)
    return pd.DataFrame(
        {
            "day": pd.to_datetime([calendar.civil(round(edges[day] * NS_PER_S)).date() for day, _ in rows]),
            "phase": pd.Series([name for _, name in rows], dtype="str"),
            "start_s": [float(edges[day]) for day, _ in rows],
            "end_s": [float(edges[day + 1]) for day, _ in rows],
            "complete": [
                whole[day] and name in spans and _covers(spans[name], edges[day], edges[day + 1]) for day, name in rows
            ],
            "offered": [offered.get(row, 0.0) for row in rows],
            "variable_usd": [nano.get((*row, "variable"), 0) / 1e9 for row in rows],
            "fixed_usd": [nano.get((*row, "fixed"), 0) / 1e9 for row in rows],
            "serving_usd": [(nano.get((*row, "variable"), 0) + rent.get((*row, COMMITMENT), 0)) / 1e9 for row in rows],
        }
    )


def day_edges(calendar: Calendar) -> "NDArray[np.float64]":
    """Seconds since the start of the run's beginning, every civil midnight in it, and its end."""
    import numpy as np

    return np.array([0, *calendar.day_starts(), calendar.horizon_ns], dtype=np.float64) / NS_PER_S


def _whole_days(calendar: Calendar, days: int) -> list[bool]:
    """Whether each day of the run is there from midnight to midnight: all but a first and a last that are cut."""
    whole = [True] * days
    for index, moment_ns in ((0, 0), (-1, calendar.horizon_ns)):
        if calendar.ns(calendar.civil(moment_ns).date()) != moment_ns:
            whole[index] = False
    return whole


def _covers(span: tuple[float, float], begin: float, end: float) -> bool:
    return span[0] <= begin + SLACK_S and end - SLACK_S <= span[1]


def _days_in(spans: dict[str, tuple[float, float]], edges: "NDArray[np.float64]") -> set[tuple[int, str]]:
    """The (day, phase) pairs that have time in common."""
    import numpy as np

    begin, end = edges[:-1], edges[1:]
    return {
        (day, name)
        for name, (a, b) in spans.items()
        for day in np.flatnonzero(np.minimum(b, end) - np.maximum(a, begin) > SLACK_S).tolist()
    }


def nano_by_day(
    ledger: "pd.DataFrame", edges: "NDArray[np.float64]", column: str
) -> dict[tuple[int, str, str], int]:  # fmt: skip
    """Nano-dollars of each (day, phase, value of a column of the ledger); days are numbered from the first.

    edges: `day_edges`. An amount that ends at midnight belongs to the day before.
    """
    sums: dict[tuple[int, str, str], int] = {}
    days = accrual_days(ledger, edges)
    for key in zip(days, ledger["phase"], ledger[column], ledger["amount_nano_usd"].tolist()):
        sums[key[:3]] = sums.get(key[:3], 0) + key[3]
    return sums


def accrual_days(ledger: "pd.DataFrame", edges: "NDArray[np.float64]") -> list[int]:
    """The number of the day that each line of a ledger belongs to; edges: `day_edges`."""
    import numpy as np

    last_before = np.searchsorted(edges, ledger["at_s"].to_numpy(dtype=np.float64) - SLACK_S, side="left") - 1
    days: list[int] = np.clip(last_before, 0, len(edges) - 2).tolist()
    return days


def count_by_day(
    timeseries: "pd.DataFrame", edges: "NDArray[np.float64]", column: str
) -> dict[tuple[int, str], float]:  # fmt: skip
    """A count of requests (a column of the time series) of each (day, phase); days are numbered from the first.

    edges: `day_edges`. The count so far is linear within a window, and differenced between midnights.
    """
    import numpy as np

    by_day: dict[tuple[int, str], float] = {}
    for (name, _), rows in timeseries.groupby(["phase", "workload"]):
        part = rows.sort_values("start_s")
        counted = part[column].to_numpy(dtype=np.float64)
        times = part[["start_s", "end_s"]].to_numpy(dtype=np.float64).ravel()
        so_far = np.cumsum(counted)
        per_day = np.diff(np.interp(edges, times, np.column_stack([so_far - counted, so_far]).ravel()))
        for day in np.flatnonzero(per_day > SLACK_S).tolist():
            key = (day, str(name))
            by_day[key] = round(by_day.get(key, 0.0) + float(per_day[day]), 6)
    return by_day
