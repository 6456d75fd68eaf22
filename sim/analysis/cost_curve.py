"""The cost curve of a whole life: serving cost a day against requests a day, with its break points and jumps."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sim.analysis.elasticity import MIN_DAYS, MIN_LOG_RANGE, days_left_out
from sim.analysis.segments import MIN_SEGMENT_DAYS, BrokenLine, Estimate, broken_line

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_UNKNOWN: dict[str, Any] = {"breaks": [], "slopes": [], "jumps": [], "lines": []}


def cost_curve(days: "pd.DataFrame", serving: Mapping[str, str], generator: "np.random.Generator") -> dict[str, Any]:
    """Break points of the cost curve over the complete days of all phases together, ready for JSON.

    The cost is serving cost, commitments included, so that a jump is a change of price and never of what is counted.
    days: `daily_table`; serving: phase -> serving mode, in order of taking effect; generator: a stream of its own.
    Keys, each estimate with its 95 % interval lo, hi (how: `sim.analysis.segments`):

    breaks: {requests_per_day, lo, hi}, ascending, where the elasticity changes;
    slopes: {from, to, value, lo, hi}, the elasticity between two numbers of requests a day;
    jumps: {phase, before, after, requests_per_day, factor, lo, hi}: `phase` brought the serving mode `after`; at the
    same traffic a day costs `factor` times as much as under `before` (at requests_per_day, where the modes' days meet);
    lines: {serving, phases, points: [{requests_per_day, serving_usd}]}, the fitted curve of each stretch of one mode;
    days: how many were used. Where there is no curve the lists are empty and `reason` says why; `note` says what was
    left out.
    """
    import numpy as np

    complete = days[days["complete"]]
    requests, cost = (complete[name].to_numpy(dtype=np.float64) for name in ("offered", "serving_usd"))
    stretches = _stretches(serving)
    phase = complete["phase"].to_numpy()
    used = (requests > 0) & (cost > 0)
    note = days_left_out(int(np.sum(requests <= 0)), int(np.sum((requests > 0) & (cost <= 0))))
    members = [used & np.isin(phase, phases) for _, phases in stretches]
    short = [i for i, chosen in enumerate(members) if 0 < chosen.sum() < MIN_SEGMENT_DAYS]
    for i in short:
        used &= ~members[i]
    kept = [i for i, chosen in enumerate(members) if chosen.sum() >= MIN_SEGMENT_DAYS]
    said = [f"{', '.join(stretches[i][1])} ({members[i].sum()} complete days) left out" for i in short]
    note = "; ".join([note, *said] if note else said)
    head = {"days": int(used.sum())} | ({"note": note} if note else {})
    x = np.log(requests[used])
    reason = _too_little(x)
    if reason:
        return _UNKNOWN | head | {"reason": reason}
    mode = np.select([np.isin(phase[used], stretches[i][1]) for i in kept], range(len(kept)))
    line = broken_line(x, np.log(cost[used]), mode.astype(np.int64), generator)
    if line is None:
        return _UNKNOWN | head | {"reason": f"{len(x)} complete days are too few for {len(kept)} serving modes"}
    return _as_json(line, x, mode, [stretches[i] for i in kept]) | head


Stretch = tuple[str, list[str]]
"""A serving mode and the phases in a row that it served."""


def _stretches(serving: Mapping[str, str]) -> list[Stretch]:
    found: list[Stretch] = []
    for phase, mode in serving.items():
        if found and found[-1][0] == mode:
            found[-1][1].append(phase)
        else:
            found.append((mode, [phase]))
    return found


def _too_little(x: "NDArray[np.float64]") -> str:
    import numpy as np

    if len(x) < MIN_DAYS:
        return f"{len(x)} complete days, at least {MIN_DAYS} needed"
    if np.ptp(x) < MIN_LOG_RANGE:
        return f"ln(requests a day) spans {np.ptp(x):.3g}, at least {MIN_LOG_RANGE:g} needed"
    return ""


def _as_json(
    line: BrokenLine, x: "NDArray[np.float64]", mode: "NDArray[np.int64]", stretches: Sequence[Stretch]
) -> dict[str, Any]:
    import numpy as np

    ends = [float(x.min()), *(place.value for place in line.breaks), float(x.max())]
    spans = [(float(x[mode == m].min()), float(x[mode == m].max())) for m in range(len(stretches))]
    jumps = []
    for jump, (before, after), (old, new) in zip(line.jumps, pairwise(spans), pairwise(stretches)):
        meet = (max(before[0], after[0]) + min(before[1], after[1])) / 2  # the middle of the overlap, or of the gap
        jumps.append(
            {"phase": new[1][0], "before": old[0], "after": new[0], "requests_per_day": float(np.exp(meet))}
            | _of("factor", jump)
        )
    lines = []
    for m, ((low, high), (serving, phases)) in enumerate(zip(spans, stretches)):
        at = np.array([low, *(place.value for place in line.breaks if low < place.value < high), high])
        corners = zip(np.exp(at).tolist(), np.exp(line.at(at, m)).tolist())
        points = [{"requests_per_day": requests, "serving_usd": usd} for requests, usd in corners]
        lines.append({"serving": serving, "phases": phases, "points": points})
    return {
        "breaks": [_of("requests_per_day", place) for place in line.breaks],
        "slopes": [
            {"from": float(np.exp(a)), "to": float(np.exp(b)), "value": s.value, "lo": s.lo, "hi": s.hi}
            for (a, b), s in zip(pairwise(ends), line.slopes)
        ],
        "jumps": jumps,
        "lines": lines,
    }


def _of(name: str, logarithm: Estimate) -> dict[str, float]:
    import numpy as np

    value, lo, hi = np.exp(logarithm).tolist()
    return {name: value, "lo": lo, "hi": hi}
