"""X-PANIC-EXIT: why does a Knative autoscaler give up what it needs when it leaves panic, and what helps?"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.judgement import Got
from experiments.scaling import asked, between, csv_of, paint_stairs, two_panels
from experiments.settings import read

if TYPE_CHECKING:
    from sim import Run
    from sim.report.canvas import Plot

HERE = Path(__file__).parent
OPEN = ("thread", "long_window", "delay")


def run(small: bool) -> dict[str, Got]:
    """How low the count falls, how often and how soon (s after the burst) below the load; where it holds, its range.

    The small form is the full one.
    """
    own = read(HERE).own
    got: dict[str, Got] = {}
    for case in OPEN:
        stairs = asked(played(case))
        falls = collapses(stairs, own["burst_s"], own["erlangs"])
        got[f"least_{case}"] = min(count for at_s, count in stairs if at_s >= falls[0]) if falls else -1
        got[f"first_collapse_s_{case}"] = falls[0] - own["burst_s"] if falls else -1
        if case != "delay":
            got[f"collapses_{case}"] = len(falls)
    end_s = played("thread").scenario.horizon_s
    held = between(asked(played("fitting")), own["settled_s"], end_s)
    sustained = asked(played("closed"))
    reached_s = next(at_s for at_s, count in sustained if count >= own["closed"]["reached"])
    kept = between(sustained, reached_s, end_s)
    return got | {
        "least_fitting": min(held), "most_fitting": max(held), "least_closed": min(kept), "most_closed": max(kept),
    }  # fmt: skip


def collapses(stairs: list[tuple[float, int]], start_s: float, needed: int) -> list[float]:
    """The times (s) from `start_s` on at which the count falls below what is needed, having had it."""
    return [
        at_s for (_, before), (at_s, count) in pairwise(stairs) if at_s > start_s and count < needed <= before
    ]  # fmt: skip


@cache
def played(case: str) -> "Run":
    """The run of a case."""
    from sim import simulate

    settings = read(HERE)
    if case == "closed":
        closed = settings.own["closed"]
        chosen = replace(settings, choices=tuple(closed["choices"]))
        return simulate(chosen.load(case, workload=closed["values"]))
    counted = {"path": str(HERE / "arrivals.csv"), "interval": "1 min"}
    return simulate(settings.load(case, workload=counted))


def figure(got: Mapping[str, Got]) -> "Plot":
    """Count asked for over time, by case, and the load."""
    from sim.report.canvas import FIXED, INK, QUALITY, VARIABLE, plot

    settings = read(HERE)
    styles = {"thread": VARIABLE, "delay": FIXED, "fitting": QUALITY}
    end_s = played("thread").scenario.horizon_s
    peak = max(count for at_s, count in asked(played("thread")) if at_s >= settings.own["burst_s"])
    finding = (
        f"With a target that no replica serves at once, it leaves panic from {peak} to {got['least_thread']:.0f}, "
        f"{got['collapses_thread']:.0f} times"
    )

    def paint(page: Any, size: Any) -> None:
        above, below, fontsize = two_panels(page, size, end_s, shares=(3, 2), most=240, needed=settings.own["erlangs"])
        paint_stairs(above, asked(played("thread")), end_s, color=styles["thread"])
        for case in ("delay", "fitting"):
            paint_stairs(below, asked(played(case)), end_s, color=styles[case])
        above.text(0.2, 28, "needed: 20", color=INK, fontsize=fontsize)
        above.text(0.2, 212, "a target of 7 in flight for a replica that serves 1", color=VARIABLE, fontsize=fontsize)
        below.text(13, 150, "the same, scale-down delayed by 5 min", color=FIXED, fontsize=fontsize)
        below.text(9, 42, "a target of 0.7", color=QUALITY, fontsize=fontsize)
        above.set_title(finding, loc="left", fontsize=5.5 if size.narrow else 10.5)

    csv = csv_of({case: asked(played(case)) for case in settings.cases})
    sentence = "Knative holds requests in flight: enough replicas make them few, and then it keeps too few."
    return plot("x-panic-exit", "Why does it fall when it leaves panic?", finding, sentence, paint, csv, taller=1.15)
