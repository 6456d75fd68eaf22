"""One phase of a summary: what its requests met, what it cost, what its answers were worth, and what judged it."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sim.cost.ledger import lines_usd
from sim.scenario.model import Scenario, is_call

if TYPE_CHECKING:
    import pandas as pd

_ENDS = ("hit", "completed", "rejected", "timed_out", "failed")
_HOURS = (
    ("busy", ("serving.machine.busy", "serving.machine.covered_busy")),
    ("idle", ("serving.machine.idle", "serving.machine.covered_idle")),
)
_LOST = ("throttled", "shed", "staleness")
_ROUNDING = 1e-12  # "99.9 %" times 0.01 is a hair above 0.999, and 999 of 1,000 keep that promise


def ends(windows: "pd.DataFrame") -> dict[str, Any]:
    """How the requests of all workloads together met their end: shares of those offered, and the SLO's attainment."""
    counts = ("offered", "hit", "throttled", "rejected", "timed_out")
    offered, hit, throttled, rejected, timed_out = (int(windows[name].sum()) for name in counts)
    wrong = {"wrong_hit_share": ratio(int(windows["wrong_hit"].sum()), offered)} if "wrong_hit" in windows else {}
    return {
        "slo_attainment": _attainment(windows),
        "shed_share": ratio(rejected, offered),
        "timed_out_share": ratio(timed_out, offered),
        "hit_share": ratio(hit, offered),
        "throttled_share": ratio(throttled, offered),
        **wrong,
    }


def tries(windows: "pd.DataFrame", scenario: Scenario) -> dict[str, Any]:
    """What clients did beside asking once, of all workloads together; nothing where none of them has calls.

    retries: decided on, be they made before the end or not; hedges: second copies of a part of a request;
    attempts_per_request: by clients, so that hedges are no part of it.
    """
    if not any(is_call(workload) for workload in scenario.workloads.values()):
        return {}
    offered, retries, hedges = (int(windows[name].sum()) for name in ("offered", "retries", "hedges"))
    return {"retries": retries, "hedges": hedges, "attempts_per_request": ratio(offered + retries, offered)}


def judged(windows: "pd.DataFrame", scenario: Scenario) -> list[dict[str, Any]]:
    """Each workload of a phase against its own promise, as the phase's scenario has it.

    slo_held: whether at least the promised share of the requests that ended did so in time; None where none ended. The
    only place where this is decided.
    """
    entries = []
    for name, workload in scenario.workloads.items():
        own = windows[windows["workload"] == name]
        attained, promised = _attainment(own), workload.slo.share
        entries.append({
            "name": name,
            "requests": int(own["offered"].sum()),
            "slo_attainment": attained,
            "slo_share": promised,
            "slo_latency_s": workload.slo.latency_s,
            "slo_held": None if attained is None else attained >= promised - _ROUNDING,
        })  # fmt: skip
    return entries


def _attainment(windows: "pd.DataFrame") -> float | None:
    """Share of the requests that ended, but for the throttled, that were answered within their SLO's latency.

    Throttled requests broke their quota: they were promised nothing, and have a share of their own.
    """
    return ratio(int(windows["good"].sum()), sum(int(windows[name].sum()) for name in _ENDS))


def latency(histogram: "pd.DataFrame", phase: str) -> dict[str, float | None]:
    """Percentiles of the latency of the requests that a phase answered, seconds."""
    from sim.record.histogram import quantiles_s

    of_phase = (histogram["phase"] == phase).to_numpy()
    buckets, counts = (histogram[name].to_numpy()[of_phase] for name in ("bucket", "count"))
    values = quantiles_s(buckets, counts, (0.5, 0.95, 0.99))
    return {f"latency_p{p}_s": number(value) for p, value in zip((50, 95, 99), values, strict=True)}


def money(lines: "pd.DataFrame", requests: int) -> dict[str, float | None]:
    """Sums by nature, the share of machine hours that were idle, and cost per 1,000 offered requests.

    idle_share counts all machines that a phase billed, under a commitment or not, whatever their prices; None where it
    billed none.
    """
    fixed, variable = (lines_usd(lines, lines["nature"] == nature) for nature in ("fixed", "variable"))
    hours = {part: float(lines.loc[lines["account"].isin(accounts), "quantity"].sum()) for part, accounts in _HOURS}
    return {
        "fixed_usd": fixed,
        "variable_usd": variable,
        "idle_share": ratio(hours["idle"], hours["idle"] + hours["busy"]),
        "variable_per_1k_usd": ratio(1000 * variable, requests),
        "total_per_1k_usd": ratio(1000 * lines_usd(lines), requests),
    }


def losses(lines: "pd.DataFrame") -> tuple[str, ...]:
    """Why value was lost in a run, also those reasons that never came: wrong hits only where there were some.

    lines: all rows of the value ledger.
    """
    return (*_LOST, "wrong_hits") if (lines["account"] == "value.wrong_hits").any() else _LOST


def worth(lines: "pd.DataFrame", *, valued: bool, lost: tuple[str, ...] = _LOST) -> dict[str, Any]:
    """What answers earned, and what was lost to throttling, to shedding, to a stale model and to wrong hits.

    lines: rows of the value ledger; valued: whether anything in the run has a value. Where nothing has, both are None.
    """
    if not valued:
        return {"value_usd": None, "value_lost_usd": None}
    return {
        "value_usd": lines_usd(lines, lines["nature"] == "earned"),
        "value_lost_usd": {name: lines_usd(lines, lines["account"] == f"value.{name}") for name in lost},
    }


def quality(windows: "pd.DataFrame") -> dict[str, float | None] | None:
    """True quality of a phase's answers and what its monitor saw; None where no workload learns.

    mean: over the answered requests, of which wrong hits are not right (over time where none was answered); end,
    seen_end: in the last window that has one, the monitor's newest estimate for seen_end. Several workloads count by
    their answers in the phase.
    """
    known = windows[windows["quality"].notna()]
    if known.empty:
        return None
    length = known["end_s"] - known["start_s"]
    answered = known["hit"] + known["completed"]
    weight = answered if answered.sum() > 0 else length
    wrong = known.get("wrong_hit", 0)
    last = {name: _last(windows, name) for name in ("quality", "quality_seen")}
    return {
        "mean": ratio(float((known["quality"] * (weight - wrong)).sum()), float(weight.sum())),
        "end": last["quality"],
        "seen_end": last["quality_seen"],
    }


def _last(windows: "pd.DataFrame", column: str) -> float | None:
    """The newest number of a column, the mean over the workloads by their answers in the phase."""
    values, weights = [], []
    for _, own in windows.groupby("workload"):
        newest = own.sort_values("start_s")[column].dropna()
        if len(newest):
            values.append(float(newest.iloc[-1]))
            weights.append(float((own["hit"] + own["completed"]).sum()))
    if not values:
        return None
    weights = weights if sum(weights) > 0 else [1.0] * len(values)
    return ratio(sum(v * w for v, w in zip(values, weights)), sum(weights))


def retrainings(events: "pd.DataFrame", start_s: float, end_s: float) -> int:
    """Models that went live from `start_s` up to, but not at, `end_s`."""
    deployed = (events["kind"] == "model_deployed") & (events["at_s"] >= start_s) & (events["at_s"] < end_s)
    return int(deployed.sum())


def of_phase(rows: Iterable[Mapping[str, Any]], phase: str) -> list[dict[str, Any]]:
    """The rows that name a phase, without its name, and with None for what JSON cannot hold."""
    return [
        {key: number(value) if isinstance(value, float) else value for key, value in row.items() if key != "phase"}
        for row in rows
        if row["phase"] == phase
    ]


def ratio(above: float, below: float) -> float | None:
    """A share, or None where there is nothing to be a share of."""
    return number(above / below) if below else None


def number(value: float | None) -> float | None:
    """A number that JSON can hold, or None."""
    return None if value is None or not math.isfinite(value) else float(value)
