"""X-KEDA-ZERO: where does KEDA's drop to zero start from, when, and what does the next request pay?"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.judgement import Got
from experiments.scaling import asked, at, between, csv_of, paint_stairs, steps
from experiments.settings import read

if TYPE_CHECKING:
    from sim import Run
    from sim.report.canvas import Plot

HERE = Path(__file__).parent


def run(small: bool) -> dict[str, Got]:
    """When each case drops to zero (s after the last request) and from what, the HPA's largest other step down once its
    policy's minute holds no step up, the least count of the silence, and the latency (s) of the first request after it.

    The small form is the full one.
    """
    settings = read(HERE)
    silent_s, again_s = settings.own["silent_s"], settings.own["again_s"]
    got: dict[str, Got] = {}
    for case in settings.cases:
        down = [s for s in steps(played(case)) if silent_s <= s.at_s < again_s and s.after < s.before]
        drops = [step for step in down if step.after == 0]
        if drops:
            got[f"drop_s_{case}"] = drops[0].at_s - silent_s
            got[f"drop_from_{case}"] = drops[0].before
        got[f"least_{case}"] = min(between(asked(played(case)), silent_s, again_s))
        got[f"largest_other_step_{case}"] = max(
            step.before - step.after
            for step in down
            if step.after > 0 and step.at_s > silent_s + settings.own["period_s"]
        )
        got[f"first_latency_s_{case}"] = first_latency_s(played(case), again_s)
    return got


@cache
def played(case: str) -> "Run":
    """The run of a case."""
    from sim import simulate

    return simulate(read(HERE).load(case, workload={"path": str(HERE / "arrivals.csv")}))


def first_latency_s(life: "Run", again_s: float) -> float:
    """Latency (s) of the first request that comes after the silence."""
    log = life.requests
    assert log is not None
    times = zip(log["arrival_ns"].tolist(), log["end_ns"].tolist(), strict=True)
    arrival_ns, end_ns = min(pair for pair in times if pair[0] >= again_s * 1e9)
    return float(end_ns - arrival_ns) * 1e-9


def figure(got: Mapping[str, Got]) -> "Plot":
    """Count asked for over time, by case."""
    from sim.report.canvas import FIXED, INK, QUALITY, VARIABLE, plot, value_axis

    settings = read(HERE)
    own = settings.own
    styles = {"cooldown_300": (VARIABLE, "-"), "cooldown_1500": (FIXED, "-"), "min_1": (QUALITY, "--")}
    fell = at(asked(played("cooldown_300")), own["silent_s"] + got_s(got, "drop_s_cooldown_300") - 1)
    wait_s = got_s(got, "first_latency_s_cooldown_300")
    finding = f"KEDA drops from {fell} to none at once; who comes next waits {wait_s:.0f} s"

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        for case, (colour, style) in styles.items():
            paint_stairs(axes, asked(played(case)), played(case).scenario.horizon_s, color=colour, linestyle=style)
        axes.axvspan(own["silent_s"] / 60, own["again_s"] / 60, color=INK, alpha=0.06, linewidth=0)
        axes.set_xlim(0, 50)
        axes.set_ylim(0, 44)
        fontsize = 6 if size.narrow else 9.5
        axes.text(10.3, 43, "no requests", color=INK, fontsize=fontsize, va="top")
        axes.text(16.2, 20, "cooldown 300 s: from any count to 0", color=VARIABLE, fontsize=fontsize)
        axes.text(25, 9, "cooldown 1,500 s: the HPA gets\nto 1 first, then 0", color=FIXED, fontsize=fontsize)
        axes.text(36, 4, "at least 1", color=QUALITY, fontsize=fontsize)
        value_axis(axes, "replicas asked for")
        axes.set_xlabel("time (min)")
        axes.set_title(finding, loc="left", fontsize=6 if size.narrow else 12)
        page.subplots_adjust(right=0.97)

    csv = csv_of({case: asked(played(case)) for case in settings.cases})
    sentence = "The HPA below KEDA may take one replica a minute; the drop to zero takes all that there are."
    return plot("x-keda-zero", "From where does KEDA drop to zero?", finding, sentence, paint, csv)


def got_s(got: Mapping[str, Got], key: str) -> float:
    """A value that is a plain number."""
    value = got[key]
    assert isinstance(value, float | int)
    return float(value)
