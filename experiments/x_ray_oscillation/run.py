"""X-RAY-OSCILLATION: why does a Ray Serve deployment swing from what it needs to all that it may, and what ends it?"""

from collections.abc import Mapping
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


def run(small: bool) -> dict[str, Got]:
    """Loop gain and number of swings to the maximum of each case; the range of the thread's. The small form is the
    full one.
    """
    settings = read(HERE)
    got: dict[str, Got] = {}
    for case in settings.cases:
        got[f"gain_{case}"] = gain(played(case))
        got[f"swings_{case}"] = swings(case)
    settled_s, end_s = settings.own["settled_s"], played("thread").scenario.horizon_s
    held = between(asked(played("thread")), settled_s, end_s)
    return got | {"least_thread": min(held), "most_thread": max(held)}


def gain(life: "Run") -> float:
    """How many replicas a new one asks for: what its slow first request (s) adds to the mean of the look-back period,
    over the target.
    """
    pool = life.scenario.pools["main"]
    slow_s = pool.service.mean_s(1) * pool.service.warm_up.factor
    return float(slow_s / (pool.autoscaler.look_back_period_s * pool.autoscaler.target_ongoing_requests))


def swings(case: str) -> int:
    """How often the count reaches its maximum from below, once the start is over."""
    most = played(case).scenario.pools["main"].autoscaler.max_replicas
    settled_s = read(HERE).own["settled_s"]
    return sum(
        1 for (_, before), (at_s, count) in pairwise(asked(played(case))) if at_s > settled_s and before < most == count
    )


@cache
def played(case: str) -> "Run":
    """The run of a case."""
    from sim import simulate

    return simulate(read(HERE).load(case))


def figure(got: Mapping[str, Got]) -> "Plot":
    """Count asked for over time, by case."""
    from sim.report.canvas import FIXED, QUALITY, VARIABLE, plot

    settings = read(HERE)
    end_s = played("thread").scenario.horizon_s
    finding = (
        f"500 replicas are enough; a deployment whose new replicas look like load goes to 2,000, "
        f"{got['swings_thread']:.0f} times in 20 minutes"
    )

    def paint(page: Any, size: Any) -> None:
        above, below, fontsize = two_panels(page, size, end_s, shares=(1, 1), most=2500, needed=500)
        paint_stairs(above, asked(played("thread")), end_s, color=VARIABLE)
        paint_stairs(below, asked(played("default_delays")), end_s, color=FIXED)
        paint_stairs(below, asked(played("look_back")), end_s, color=QUALITY)
        above.text(
            0.2, 2150, "looks back over 30 s; 5 s before more, 30 s before fewer", color=VARIABLE, fontsize=fontsize
        )
        below.text(0.2, 2150, "30 s before more, 600 s before fewer (defaults)", color=FIXED, fontsize=fontsize)
        below.text(14, 700, "looks back over 5 min", color=QUALITY, fontsize=fontsize)
        above.set_title(finding, loc="left", fontsize=5 if size.narrow else 9.5)

    csv = csv_of({case: asked(played(case)) for case in settings.cases})
    sentence = "Each new replica's slow first request asks for more than one replica, or for less than one."
    return plot("x-ray-oscillation", "Why does it swing?", finding, sentence, paint, csv, taller=1.15)
