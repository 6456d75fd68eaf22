"""The scale check: the same life with half and with twice the traffic, beside itself.

The elasticity of a phase is read off days that differ in traffic, in weekday and in the product's age at once. Here all
but the traffic is the same: common random numbers, the same dates of promotion, another exposure.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sim.analysis.daily import daily_table
from sim.analysis.elasticity import MIN_DAYS, block_rows, half_width
from sim.analysis.serving_cost import words
from sim.streams import Streams

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from sim.analysis.summary import FinishedRun

_MONEY = ("variable_usd", "fixed_usd", "serving_usd")


def scale_check(runs: "Mapping[float, FinishedRun]") -> dict[str, Any]:
    """What each phase and the whole life would cost at other traffic, ready for JSON.

    runs: by the factor on exposure, 1 among them; same seed, promotion dates frozen. Keys: factors (ascending); phases
    (those that took effect in every run) and total, each {name, requests, variable_usd, fixed_usd, serving_usd:
    a number for each factor, steps: one between neighbouring factors}; said: a sentence for each that has something to
    say. serving_usd is variable cost and commitments, which fixed_usd holds too.

    A step {from, to, elasticity, lo, hi} has the arc elasticity ln(C2 / C1) / ln(N2 / N1) of serving cost C against the
    requests N that really came, so that an exposure which cannot double is no error. Its 95 % interval is a
    bootstrap by blocks of 7 days that are drawn together in both runs, the width as for the elasticity of a phase; null
    below 28 days, and `reason` where the elasticity itself is not defined. Raises ValueError without a factor of 1 or
    with fewer than two runs.
    """
    factors = sorted(runs)
    if len(factors) < 2 or 1 not in factors:
        raise ValueError(f"a scale check needs runs at a factor of 1 and at another, not at {factors}")
    plain = runs[1]
    streams = Streams(plain.seed, int(plain.manifest["replication"]))
    tables = [_table(runs[factor]) for factor in factors]
    reached = [{name for name, _, _ in runs[factor].phases_effective} for factor in factors]
    names = [name for name, _, _ in plain.phases_effective if all(name in phases for phases in reached)]
    phases = [_compared(name, factors, [table[table["phase"] == name] for table in tables], streams) for name in names]
    total = _compared("total", factors, tables, streams)
    whole = words(*(run.ledger for run in runs.values()))
    said = [sentence for entry in (*phases, total) if (sentence := _said(entry, factors, whole))]
    for missed in sorted(set().union(*reached) - set(names)):
        said.append(f"{missed} did not take effect at every factor and is not compared.")
    return {"factors": factors, "phases": phases, "total": total, "said": said}


def _table(run: "FinishedRun") -> "pd.DataFrame":
    return daily_table(run.timeseries, run.ledger, run.calendar, run.phases_effective)


def _compared(
    name: str, factors: Sequence[float], tables: "Sequence[pd.DataFrame]", streams: Streams
) -> dict[str, Any]:  # fmt: skip
    """One entry: sums by factor, and the step between each two neighbours."""
    sums = {
        "requests": [round(float(table["offered"].sum())) for table in tables],
        **{money: [float(table[money].sum()) for table in tables] for money in _MONEY},
    }
    # one stream an entry, so that an interval does not hang on which other phases there are
    steps = [
        {"from": a, "to": b} | _step(below, above, streams.generator(f"scale_check/{name}/{a:g}/{b:g}"))
        for (a, below), (b, above) in pairwise(zip(factors, tables))
    ]
    return {"name": name} | sums | {"steps": steps}


def _step(below: "pd.DataFrame", above: "pd.DataFrame", generator: "np.random.Generator") -> dict[str, Any]:
    """Arc elasticity between two runs, with its interval."""
    import numpy as np

    columns = ["offered", "serving_usd"]
    paired = below.merge(above, on=["day", "phase"], suffixes=("_below", "_above"))
    days = paired[[f"{c}_{s}" for c in columns for s in ("below", "above")]].to_numpy(dtype=np.float64)
    whole = np.array([frame[c].sum() for c in columns for frame in (below, above)], dtype=np.float64)
    if not (whole > 0).all():
        return _undefined("there are no requests or no variable cost to compare")
    if math.isclose(whole[0], whole[1], rel_tol=1e-3):  # assumption: a thousandth more traffic says nothing
        return _undefined("the traffic is the same: exposure cannot grow")
    value = float(_arc(whole))
    if len(days) < MIN_DAYS:
        return {"elasticity": value, "lo": None, "hi": None}
    many = _arc(days[block_rows(len(days), generator)].sum(axis=1))
    half = half_width(many, len(days))
    return {"elasticity": value, "lo": value - half, "hi": value + half}


def _undefined(reason: str) -> dict[str, Any]:
    return {"elasticity": None, "lo": None, "hi": None, "reason": reason}


def _arc(sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """ln(C2 / C1) / ln(N2 / N1) of sums [..., (N1, N2, C1, C2)]; not finite where it is not defined."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        n1, n2, c1, c2 = np.moveaxis(np.log(sums), -1, 0)
        arc: NDArray[np.float64] = (c2 - c1) / (n2 - n1)
    return arc


def _said(entry: Mapping[str, Any], factors: Sequence[float], whole: str) -> str:
    """What the largest factor does to a phase, in a sentence; empty where it is not defined."""
    plain = factors.index(1)
    step, last = entry["steps"][-1], len(factors) - 1
    if step["elasticity"] is None or plain == last:
        return ""
    requests, cost = (entry[key][last] / entry[key][plain] for key in ("requests", "serving_usd"))
    both = "variable cost and the commitment; " if whole != "variable cost" else ""
    between = "" if step["lo"] is None else f", 95 % interval {step['lo']:.2f} to {step['hi']:.2f}"
    where = "The whole life" if entry["name"] == "total" else f"Phase {entry['name']}"
    return (
        f"{where}: {requests:.2f} times the requests would have {cost:.2f} times the {whole} "
        f"({both}elasticity {step['elasticity']:.2f}{between})."
    )
