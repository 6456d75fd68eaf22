"""The few figures of a replication that a study keeps: what it cost, what users felt, what the controller did."""

from typing import TYPE_CHECKING, Any, NamedTuple

from sim.analysis.daily import COMMITMENT
from sim.analysis.phase_summary import judged
from sim.cost.ledger import lines_usd
from sim.record.histogram import quantiles_s
from sim.scenario import phase_scenarios

if TYPE_CHECKING:
    import pandas as pd

    from sim.fleet.fleet import Scaling
    from sim.world import Run

Figures = dict[str, Any]
"""Of one replication: a number or None for each of MEASURES, and `promises`: by "phase/workload" the share of requests
within the SLO and the share promised, for those that any request ended for."""

REVERSAL_S = 600.0  # assumption: a decision undone so soon bought nothing, as a replica takes minutes to come
_ENDS = ("hit", "completed", "rejected", "timed_out", "failed")
_UNANSWERED = ("throttled", "rejected", "timed_out", "failed")


class Measure(NamedTuple):
    """A figure: its name in a table, what kind of number it is (usd, share, s, count), and what a user may call it."""

    name: str
    kind: str
    typed: str


MEASURES = {
    "total_usd": Measure("total cost", "usd", "cost"),
    "serving_usd": Measure("serving cost", "usd", "serving"),
    "slo_attainment": Measure("within the SLO", "share", "attainment"),
    "unanswered": Measure("not answered", "share", "unanswered"),
    "latency_p50_s": Measure("latency, median", "s", "p50"),
    "latency_p99_s": Measure("latency, 99th percentile", "s", "p99"),
    "replica_hours": Measure("replica-hours billed", "count", "replica_hours"),
    "scaling_actions": Measure("scaling actions", "count", "actions"),
    "reversals": Measure("reversals within 10 min", "count", "thrash"),
    "absorb_s": Measure("longest time below the promise", "s", "absorb"),
    "requests": Measure("requests", "count", "requests"),
}


def figures_of(run: "Run") -> Figures:
    """The figures of a finished run.

    total_usd: all of the ledger; serving_usd: variable cost and commitments; slo_attainment: of all requests that
    ended, but for the throttled; unanswered: throttled, rejected, timed out or failed, of all that came; latencies: of
    answered requests; replica_hours: of machines as billed, under a commitment or not; scaling_actions: changes of a
    pool's count that a controller decided; reversals: those of them that went the other way than the one before within
    REVERSAL_S; absorb_s: see `absorb_s`.
    """
    windows, ledger, histogram = run.timeseries, run.ledger, run.latency_histogram
    p50, p99 = quantiles_s(histogram["bucket"].to_numpy(), histogram["count"].to_numpy(), (0.5, 0.99))
    ended = sum(int(windows[name].sum()) for name in _ENDS)
    offered = int(windows["offered"].sum())
    unanswered = sum(int(windows[name].sum()) for name in _UNANSWERED)
    serving = (ledger["nature"] == "variable") | (ledger["account"] == COMMITMENT)
    return {
        "total_usd": lines_usd(ledger),
        "serving_usd": lines_usd(ledger, serving),
        "slo_attainment": int(windows["good"].sum()) / ended if ended else None,
        "unanswered": unanswered / offered if offered else None,
        "latency_p50_s": p50 if p50 == p50 else None,
        "latency_p99_s": p99 if p99 == p99 else None,
        "replica_hours": float(ledger.loc[ledger["account"].str.startswith("serving.machine."), "quantity"].sum()),
        "scaling_actions": len(run.scalings),
        "reversals": _reversals(run.scalings),
        "absorb_s": _longest_below_s(run),
        "requests": offered,
        "promises": _promises(run),
    }


def absorb_s(windows: "pd.DataFrame", promised: float) -> float:
    """Longest time, s, that the attainment of one workload stayed below its promise, in the windows of the record.

    windows: in order of time, with start_s, end_s, good, in_system and how requests ended. A window in which nothing
    ended is below the promise where requests are waiting at its end, and ends the time otherwise. As long as windows
    are, so coarse is the answer.
    """
    ended = windows[list(_ENDS)].sum(axis=1)
    below = (windows["good"] < promised * ended - 1e-9) | ((ended == 0) & (windows["in_system"] > 0))
    longest, since = 0.0, None
    for start_s, end_s, missed in zip(windows["start_s"], windows["end_s"], below):
        since = (start_s if since is None else since) if missed else None
        if since is not None:
            longest = max(longest, end_s - since)
    return longest


def _longest_below_s(run: "Run") -> float:
    """The worst of all workloads, each phase by its own promise."""
    lived_in = phase_scenarios(run.scenario)
    return max(
        (
            absorb_s(own, lived_in[str(phase)].workloads[str(workload)].slo.share)
            for (phase, workload), own in run.timeseries.groupby(["phase", "workload"], sort=False, observed=True)
        ),
        default=0.0,
    )


def _promises(run: "Run") -> dict[str, list[float]]:
    lived_in = phase_scenarios(run.scenario)
    held = {}
    for phase, _, _ in run.phases_effective:
        for entry in judged(run.timeseries[run.timeseries["phase"] == phase], lived_in[phase]):
            if entry["slo_attainment"] is not None:
                held[f"{phase}/{entry['name']}"] = [entry["slo_attainment"], entry["slo_share"]]
    return held


def _reversals(scalings: "list[Scaling]") -> int:
    last: dict[str, tuple[float, float]] = {}
    count = 0
    for pool, at_s, by in scalings:
        if pool in last:
            before_s, before = last[pool]
            count += before * by < 0 and at_s - before_s <= REVERSAL_S
        last[pool] = (at_s, by)
    return count
