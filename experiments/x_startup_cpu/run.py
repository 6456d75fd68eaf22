"""X-STARTUP-CPU: does the work of starting look like load, so that an HPA runs away, and what stops it?"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.judgement import Got
from experiments.scaling import asked, csv_of, paint_stairs, steps
from experiments.settings import read

if TYPE_CHECKING:
    from sim import Run
    from sim.report.canvas import Plot

HERE = Path(__file__).parent


def run(small: bool) -> dict[str, Got]:
    """The largest count that each case asks for, and in how many steps those with and without the period differ.

    The small form is the full one.
    """
    settings = read(HERE)
    got: dict[str, Got] = {f"largest_{case}": max(count for _, count in asked(played(case))) for case in settings.cases}
    with_it, without = steps(played("period")), steps(played("no_period"))
    return got | {"steps_that_the_period_changes": len(set(with_it) ^ set(without))}


@cache
def played(case: str) -> "Run":
    """The run of a case."""
    from sim import simulate

    settings = read(HERE)
    return simulate(settings.load(case, workload={"path": str(HERE / "arrivals.csv")}))


def figure(got: Mapping[str, Got]) -> "Plot":
    """Count asked for over time, by case, and how many the load needs."""
    from sim.report.canvas import FIXED, INK, QUALITY, VARIABLE, plot, value_axis

    settings = read(HERE)
    styles = {"period": (VARIABLE, "-"), "ready_late": (FIXED, "-"), "patient": (QUALITY, "-")}
    words = {
        "period": "ready before its start is over, with the\nperiod of 300 s or without: to the maximum, twice",
        "ready_late": "ready when its start is over",
        "patient": "scale-up stabilised over 180 s",
    }
    end_s = played("period").scenario.horizon_s
    finding = f"Work of starting that is taken for load asks for {got['largest_period']:.0f} replicas where 15 serve"

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        for case, (colour, style) in styles.items():
            paint_stairs(axes, asked(played(case)), end_s, color=colour, linestyle=style)
        axes.axvline(10, color=INK, linewidth=0.6, linestyle=":")
        axes.set_xlim(0, end_s / 60)
        axes.set_ylim(0, 75)
        fontsize = 6 if size.narrow else 9.5
        for case, place in (("period", (20.3, 50)), ("ready_late", (20.3, 10)), ("patient", (20.3, 19))):
            axes.text(*place, words[case], color=styles[case][0], fontsize=fontsize, va="center")
        axes.text(10.2, 72, "more load", color=INK, fontsize=fontsize, va="top")
        value_axis(axes, "replicas asked for")
        axes.set_xlabel("time (min)")
        axes.set_title(finding, loc="left", fontsize=6 if size.narrow else 12)
        page.subplots_adjust(right=0.97)

    csv = csv_of({case: asked(played(case)) for case in settings.cases})
    sentence = "A replica's start keeps it busy for two minutes; 15 replicas hold the target."
    return plot("x-startup-cpu", "Does the work of starting look like load?", finding, sentence, paint, csv)
