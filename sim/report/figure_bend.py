"""The figure of the cost curve: each day's serving cost against its requests, with the diagonals and the bends."""

from typing import TYPE_CHECKING, Any

from sim.report import canvas, findings
from sim.report.canvas import Plot, Size
from sim.report.facts import Facts
from sim.report.numbers import between, many, three, usd
from sim.report.numbers import slope as told
from sim.report.turning import breaks, curve_note, fitted_lines, jumps

if TYPE_CHECKING:
    import pandas as pd

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_MAX_POINTS = 400  # a phase; assumption: more points make one blot, and a heavy file


def cost_against_traffic(facts: Facts) -> Plot:
    """Each day a point, serving cost against requests, log axes; along the diagonals cost is proportional."""
    points, whole = daily_points(facts), findings.judged(facts)
    cut = "" if bool(points["complete"].all()) else " A day that the run or a phase cuts short is a point as it is."
    sentence = (
        f"Each point is a day: its {whole} against its requests, both on log axes. Along the grey diagonals "
        f"(slope 1) cost is proportional to traffic; a flatter cloud means that requests get "
        f"cheaper as they become more.{cut} {_broken(facts)} {_jumped(facts)} {_committed(facts)} "
        f"{findings.bend_interval(facts)}"
    )
    sentence = " ".join(sentence.split())

    def paint(figure: Any, size: Size) -> None:
        if not size.narrow:
            figure.subplots_adjust(right=0.775)  # room for names with their slopes
        axes = figure.add_subplot()
        axes.set_xlabel("requests a day (log scale)")
        axes.set_ylabel(f"{whole}, USD a day (log scale)")
        axes.grid(axis="y")
        if points.empty:
            axes.text(0.5, 0.5, f"no day with requests and {whole}", transform=axes.transAxes, ha="center")
            axes.set_axis_off()
            return
        x, y = points["offered"].to_numpy(), points["serving_usd"].to_numpy()
        axes.set_xscale("log")
        axes.set_yscale("log")
        x_limits = canvas.log_axis(axes.xaxis, float(x.min()), float(x.max()))
        y_limits = canvas.log_axis(axes.yaxis, float(y.min()), float(y.max()))
        axes.set_xlim(*x_limits)
        axes.set_ylim(*y_limits)
        _diagonals(axes, x_limits, y_limits)
        _breaks(axes, facts, x_limits)
        _clouds(axes, facts, points, size)
        _fitted(axes, facts)

    head = {"day": "day", "offered": "requests [1]", "serving_usd": f"{whole} [USD]", "complete": "whole day"}
    csv = points[["day", "phase", *[c for c in head if c != "day"]]].rename(columns=head)
    text = csv.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return canvas.plot("bend", "Why does it bend?", findings.bend(facts), sentence, paint, text)


def daily_points(facts: Facts) -> "pd.DataFrame":
    """Rows of the table of days with requests and serving cost; whole days alone, where a phase has two or more."""
    import pandas as pd

    there = facts.days[(facts.days["offered"] > 0) & (facts.days["serving_usd"] > 0)]
    parts = []
    for phase in facts.phases:
        rows = there[there["phase"] == phase.name]
        whole = rows[rows["complete"]]
        rows = whole if len(whole) >= 2 else rows
        parts.append(rows.iloc[:: -(-len(rows) // _MAX_POINTS) or 1])
    return pd.concat(parts, ignore_index=True) if parts else there


def _diagonals(axes: Any, x_limits: tuple[float, float], y_limits: tuple[float, float]) -> None:
    """Lines of equal cost per request, at round costs, about five of them."""
    import math

    lo, hi = math.log10(y_limits[0] / x_limits[1]), math.log10(y_limits[1] / x_limits[0])
    step = max(1, math.ceil((hi - lo) / 5))
    multiples = (1, 2, 5) if hi - lo < 2 else (1,)
    highest = y_limits[1] / 10 ** (0.055 * math.log10(y_limits[1] / y_limits[0]))  # room for the words
    decades = range(math.floor(lo), math.floor(hi) + 1, step)
    for cost in (part * 10.0**exponent for exponent in decades for part in multiples):
        if not lo <= math.log10(cost) <= hi:
            continue
        axes.plot(x_limits, [cost * x for x in x_limits], color=canvas.INK, alpha=0.28, lw=0.9)
        x = min(x_limits[1], highest / cost)
        if x > x_limits[0] * (x_limits[1] / x_limits[0]) ** 0.25 and cost * x > y_limits[0] * 1.2:
            axes.annotate(
                f"{usd(round(cost * 1000, 9))} per 1,000", (x, cost * x), (-6, 0), textcoords="offset points",
                ha="right", va="bottom", fontsize="small", alpha=0.75,
            )  # fmt: skip


def _broken(facts: Facts) -> str:
    """What the vertical lines are, in a sentence; empty where the curve has no break."""
    found = breaks(facts)
    if not fitted_lines(facts):
        return curve_note(facts)
    if not found:
        return "The black line is fitted to all days: it has no break, only a jump where the way of serving changes."
    places = ", ".join(
        f"{_about(point['requests_per_day'])} requests a day (95 %: {_about(point['lo'])} to {_about(point['hi'])})"
        for point in found
    )
    return f"The black line is fitted to all days; it breaks at the numbered lines: {places}."


def _jumped(facts: Facts) -> str:
    """By how much the level jumped where the way of serving changed, where that is surely no chance."""
    sure = [jump for jump in jumps(facts) if jump["lo"] > 1 or jump["hi"] < 1]
    said = "; ".join(f"{three(jump['factor'])} times with {jump['phase']}" for jump in sure)
    return f"At the same traffic a change of serving multiplied a day's cost: {said}." if said else ""


def _committed(facts: Facts) -> str:
    """What serving cost is, where there is a commitment; else empty."""
    if not findings.committed(facts):
        return ""
    return "Serving cost is variable cost and the commitment, whose machines serve too; by nature that is fixed cost."


def _about(requests: float) -> str:
    return many(float(f"{requests:.3g}"))


def _breaks(axes: Any, facts: Facts, x_limits: tuple[float, float]) -> None:
    """Vertical lines where the whole curve breaks, their intervals as shades, numbered from the left."""
    for number, point in enumerate(breaks(facts), 1):
        at, lo, hi = (float(point[key]) for key in ("requests_per_day", "lo", "hi"))
        axes.axvspan(max(lo, x_limits[0]), min(hi, x_limits[1]), color=canvas.INK, alpha=0.08, linewidth=0, zorder=0.1)
        axes.axvline(at, color=canvas.INK, linewidth=1.0, linestyle=(0, (2, 2)), zorder=0.3)
        axes.annotate(
            str(number), (at, 0.0), (4, 5), xycoords=("data", "axes fraction"), textcoords="offset points", ha="left",
            va="bottom",
        )  # fmt: skip


def _fitted(axes: Any, facts: Facts) -> None:
    """The broken line over the traffic of each way of serving, at the level of that way."""
    for line in fitted_lines(facts):
        x, y = ([float(point[key]) for point in line["points"]] for key in ("requests_per_day", "serving_usd"))
        axes.plot(x, y, color=canvas.INK, linewidth=1.6, zorder=3)


def _clouds(axes: Any, facts: Facts, points: "pd.DataFrame", size: Size) -> None:
    ends = []
    for number, phase in enumerate(facts.phases):
        rows = points[points["phase"] == phase.name]
        if rows.empty:
            continue
        colour = canvas.VARIABLE if phase.on_machines else canvas.API
        # every other phase hollow, so that neighbours differ without their colours
        (cloud,) = axes.plot(
            rows["offered"], rows["serving_usd"], linestyle="none", marker=_MARKERS[number % len(_MARKERS)],
            markersize=4.2 if len(points) > 9 else 7, color=colour, alpha=0.6, markeredgewidth=0.9,
            markerfacecolor="none" if number % 2 else colour,
        )  # fmt: skip
        slope = phase.said["elasticity"]
        name = phase.name
        if slope["value"] is not None:
            name += f": {told(slope['value'])}"
            name += "" if size.narrow else f"\n{between(slope['lo'], slope['hi'])}"
        ends.append((cloud, name))
    few, sloped = size.narrow, any(":" in name for _, name in ends)
    axes.legend(
        [cloud for cloud, _ in ends], [name for _, name in ends],
        title=("phase: slope" if few else "phase: slope,\n95 % interval") if sloped else "phase",
        loc="lower left" if few else "upper left", bbox_to_anchor=(-0.02, 1.02) if few else (1.02, 1.0),
        alignment="left",
        ncols=2 if few and len(ends) > 2 else 1, handlelength=1.0, borderaxespad=0.0,
        columnspacing=1.2, handletextpad=0.5, labelspacing=0.6,
    )  # fmt: skip
