"""Cost against attainment: a point a candidate with its 95 % intervals, and the front of those worth a thought."""

from typing import Any

from sim.report import canvas
from sim.report.canvas import Plot, Size
from sim.report.comparison_words import COSTS
from sim.report.numbers import share, usd
from sim.study.comparison import Comparison, Row

_MOST_NAMES = 12  # assumption: more names than these hide each other; those of the front are told alone then


def pareto(comparison: Comparison) -> Plot | None:
    """The figure; None where no candidate has both a cost and an attainment."""
    rows = [row for row in comparison.rows if None not in _point(comparison, row)]
    if not rows:
        return None
    named = [row for row in rows if len(rows) <= _MOST_NAMES or row.front]
    replications = comparison.replications

    def paint(figure: Any, size: Size) -> None:
        axes = figure.add_subplot()
        figure.subplots_adjust(right=0.97)
        for row in rows:
            x, y = row.intervals[comparison.cost], row.intervals["slo_attainment"]
            axes.errorbar(
                x.mean, 100 * (y.mean or 0.0), xerr=x.half or 0.0, yerr=100 * (y.half or 0.0), fmt="o", lw=1.0,
                color=_colour(comparison, row), ms=8 if row is comparison.best else 5.5, zorder=3,
            )  # fmt: skip
        front = sorted(_point(comparison, row) for row in rows if row.front)
        axes.plot([x for x, _ in front], [100 * y for _, y in front], color=canvas.INK, alpha=0.4, lw=1.0, zorder=1)
        if comparison.promised is not None:
            axes.axhline(100 * comparison.promised, color=canvas.INK, lw=0.9, ls=(0, (4, 2)), zorder=0.5)
        axes.margins(0.18, 0.14)
        _limits(axes)
        _write_names(figure, axes, _names(comparison, named), size.text * 0.9)
        canvas.value_axis(axes, "requests within the SLO, %", from_zero=False)
        axes.grid(axis="x")
        axes.set_xlabel(f"{COSTS[comparison.cost]}, USD")
        _plain_ticks(axes)

    dashes = "" if comparison.promised is None else f" The dashes are the promise, {share(comparison.promised)}."
    several = len({_point(comparison, row) for row in rows if row.front}) > 1
    line = " The line joins those that no other beats in both." if several else ""
    sentence = (
        f"Means of {replications} replications with 95 % intervals; all candidates share their random numbers. Up and "
        f"left is better.{line}{dashes}"
    )
    return canvas.plot(
        "pareto", "What does holding the SLO cost?", _found(comparison), sentence, paint, _csv(comparison, rows)
    )


def _found(comparison: Comparison) -> str:
    """How many hold the SLO, and how far apart they are."""
    held = [row.intervals[comparison.cost].mean or 0.0 for row in comparison.rows if row.held]
    if not held:
        return "No candidate holds the SLO"
    many = f"{len(held)} of {len(comparison.rows)} candidates hold the SLO"
    low, high = usd(min(held)), usd(max(held))
    return f"{many}, for {low}" if low == high else f"{many}, for {low} to {high}"


def _point(comparison: Comparison, row: Row) -> Any:
    return row.intervals[comparison.cost].mean, row.intervals["slo_attainment"].mean


def _names(comparison: Comparison, named: list[Row]) -> list[tuple[Any, str]]:
    """Points from the lowest attainment up, each with the names of its first candidates and how many more are there."""
    names: dict[Any, list[str]] = {}
    for row in named:
        names.setdefault(_point(comparison, row), []).append(row.name)
    said = {
        point: ", ".join(own[:3]) + (f" and {len(own) - 3} more" if len(own) > 3 else "")
        for point, own in names.items()
    }
    return sorted(said.items(), key=lambda entry: (entry[0][1], entry[0][0]))


def _write_names(figure: Any, axes: Any, names: list[tuple[Any, str]], points: float) -> None:
    """Each name up and left of its point, where the front has nothing, or down and right of it where it would leave the
    axes; farther away where another name stands in its way.

    points: size of the letters, in points.
    """
    figure.draw_without_rendering()  # so that places on the page are known
    line, letter = 1.25 * points, 0.6 * points  # assumption: the mean width of a letter
    edge = axes.get_window_extent().x0 * 72 / figure.dpi
    taken: list[tuple[float, float, float]] = []
    for (x, y), name in names:
        at, height = (value * 72 / figure.dpi for value in axes.transData.transform((x, 100 * y)))
        width = letter * len(name)
        away = -1 if at - width < edge else 1
        left, right = (at - width, at) if away > 0 else (at, at + width)
        up = 5.0 if away > 0 else -5.0 - points
        while any(abs(height + up - other) < line and left < end and begin < right for begin, end, other in taken):
            up += 0.25 * line * away
        taken.append((left, right, height + up))
        leader = {"arrowstyle": "-", "color": canvas.INK, "alpha": 0.35, "lw": 0.7}
        leader["relpos"] = (1.0, 0.0) if away > 0 else (0.0, 1.0)  # of the name: the corner next to its point
        axes.annotate(
            name, (x, 100 * y), xytext=(-5 * away, up), textcoords="offset points", fontsize=points, va="bottom",
            ha="right" if away > 0 else "left", arrowprops=leader if abs(up) > 2 * line else None,
        )  # fmt: skip


def _colour(comparison: Comparison, row: Row) -> Any:
    if row.held is False:
        return canvas.VARIABLE
    return canvas.QUALITY if row is comparison.best else canvas.FIXED


def _limits(axes: Any) -> None:
    """Room for names, and at least a hundredth of the cost from left to right."""
    left, right = axes.get_xlim()
    least = 0.01 * max(abs(left), abs(right))
    if right - left < least:
        axes.set_xlim((left + right - least) / 2, (left + right + least) / 2)
    low, high = axes.get_ylim()
    span = max(high - low, 0.02)
    axes.set_ylim(low - 0.05 * span, high + 0.08 * span)


def _plain_ticks(axes: Any) -> None:
    """Few ticks of money as plain numbers, and no share above 100 %."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: "" if value > 100 + 1e-9 else f"{value:.7g}"))


def _csv(comparison: Comparison, rows: list[Row]) -> str:
    cost = COSTS[comparison.cost]
    lines = [f"candidate,{cost} [USD],lo [USD],hi [USD],within SLO [1],lo [1],hi [1],on front"]
    for row in rows:
        x, y = row.intervals[comparison.cost], row.intervals["slo_attainment"]
        numbers = ",".join("" if v is None else f"{v:.12g}" for v in (x.mean, x.lo, x.hi, y.mean, y.lo, y.hi))
        name = row.name.replace('"', '""')
        lines.append(f'"{name}",{numbers},{"yes" if row.front else "no"}')
    return "\n".join(lines) + "\n"
