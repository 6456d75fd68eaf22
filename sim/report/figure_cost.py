"""Figures of money: cost by account over time, and variable cost against traffic on log axes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.report import canvas, findings
from sim.report.canvas import End, Plot, Size
from sim.report.facts import Facts, nano_sums, period_edges, period_of
from sim.report.numbers import between, three, usd
from sim.report.numbers import slope as told

if TYPE_CHECKING:
    import pandas as pd


class Group(NamedTuple):
    """Accounts that are drawn together: a name, a colour, and how their names begin."""

    name: str
    colour: str | tuple[str, float]
    begins: tuple[str, ...]


GROUPS = (
    Group("people", canvas.FIXED, ("people.",)),
    Group("machines, idle", canvas.IDLE, ("serving.machine.idle",)),
    Group("machines, busy", canvas.VARIABLE, ("serving.machine.busy",)),
    Group("API fees", canvas.API, ("serving.api",)),
    Group("network", canvas.EGRESS, ("network.",)),
    Group("logs", canvas.LOGS, ("observability.",)),
)
Painted = tuple[str, str | tuple[str, float]]
"""A name and its colour, or its colour and opacity."""
_OTHER, _OTHER_FIXED = "other", "other fixed"
_FIXED = ("people", _OTHER_FIXED)
_COLOURS: dict[str, str | tuple[str, float]] = {
    "people": canvas.FIXED, _OTHER_FIXED: "#6FA8CF", **{group.name: group.colour for group in GROUPS},
    _OTHER: "#7F7F7F",
}  # fmt: skip
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_MAX_POINTS = 400  # a phase; assumption: more points make one blot, and a heavy file


def cost_over_time(facts: Facts) -> Plot:
    """All cost, fixed below variable, and variable cost alone by account; an area is an amount of money."""
    table, pace = by_group(facts), facts.drawn
    stretch = "month" if pace.unit == "month" else "day"
    steps = f", one step a {stretch}" if len(table) > 1 else ", the run as a whole"
    months = f" ({three(pace.days)} days, so that short months compare with long ones)" if stretch == "month" else ""
    accounts = _drawn(table)
    parts = [(name, colour) for name, colour in accounts if name not in _FIXED]
    both = accounts and facts.summary["totals"]["fixed_usd"] > 0 and facts.summary["totals"]["variable_usd"] > 0
    sentence = (
        f"USD per {pace.unit}{steps}{months}. "
        + ("Above all cost, below the variable part alone, by account. " if both else "")
        + "Idle machines are variable cost without requests."
    )
    natures: list[Painted] = [("fixed", canvas.FIXED), ("variable", canvas.VARIABLE)]
    whole = table.assign(fixed=facts.periods["fixed_usd"], variable=facts.periods["variable_usd"])
    layers = [(whole, natures, "all cost"), (table, parts, "variable")] if both else [(table, accounts, "cost")]

    def paint(figure: Any, size: Size) -> None:
        panels = figure.subplots(len(layers), 1, sharex=True, squeeze=False)[:, 0]
        figure.subplots_adjust(hspace=0.5 if size.narrow else 0.14)
        for number, (axes, (frame, drawn, label)) in enumerate(zip(panels, layers, strict=True)):
            canvas.time_axis(axes, facts, labelled=number == len(layers) - 1)
            ends = _stack(axes, facts, frame, drawn)
            canvas.value_axis(axes, f"{label}, USD per {pace.unit}")
            canvas.phase_bands(axes, facts, size, named=number == 0)
            canvas.name_ends(axes, ends[::-1], size)

    head = {"start_s": "start [s]", "end_s": "end [s]", "label": "period"}
    money = {name: f"{name} [USD]" for name in table.columns if name not in head}
    csv = table.rename(columns=head | money).to_csv(index=False, lineterminator="\n")
    finding = findings.balance(facts)
    return canvas.plot("cost", "What does it cost?", finding, sentence, paint, csv, 1.35 if both else 1.0)


def _stack(axes: Any, facts: Facts, table: "pd.DataFrame", drawn: Sequence[Painted]) -> list[End]:
    """Stacked steps in USD per unit of the pace, the first at the bottom."""
    import numpy as np

    x = canvas.dates(facts, np.append(table["start_s"].to_numpy(), table["end_s"].to_numpy()[-1]))
    days = (table["end_s"] - table["start_s"]).to_numpy() / 86_400
    low, ends = np.zeros(len(table) + 1), []
    for name, colour in drawn:
        height = table[name].to_numpy() / days * facts.drawn.days
        high = low + np.append(height, height[-1])
        area = axes.fill_between(x, low, high, step="post", color=colour, linewidth=0)
        ends.append(End(float(low[-1] + high[-1]) / 2, name, area))
        low = high
    top = float(low.max()) * 1.06
    axes.set_ylim(0, top if top > 0 else 1.0)
    return ends


def by_group(facts: Facts) -> "pd.DataFrame":
    """USD of each period by group of accounts: start_s, end_s, label, one column a group that has any money."""
    import numpy as np

    ledger = facts.run.ledger
    edges, _ = period_edges(facts.calendar)
    belongs = period_of(ledger["at_s"].to_numpy(dtype="float64"), edges)
    kinds = {key: group_of(*key) for key in set(zip(ledger["account"], ledger["nature"]))}
    group = np.array([kinds[key] for key in zip(ledger["account"], ledger["nature"])], dtype=object)
    table = facts.periods[["start_s", "end_s", "label"]].copy()
    for name in _COLOURS:
        chosen = group == name
        if chosen.any() and ledger.loc[chosen, "amount_nano_usd"].any():
            sums = nano_sums(ledger.loc[chosen, "amount_nano_usd"], belongs[chosen], len(table))
            table[name] = sums / 1e9
    return table


def group_of(account: str, nature: str) -> str:
    """Name of the group that an account is drawn in."""
    other = _OTHER_FIXED if nature == "fixed" else _OTHER
    return next((group.name for group in GROUPS if account.startswith(group.begins)), other)


def _drawn(table: "pd.DataFrame") -> list[Painted]:
    return [(name, colour) for name, colour in _COLOURS.items() if name in table.columns]


def cost_against_traffic(facts: Facts) -> Plot:
    """Each day a point, variable cost against requests, log axes; along the diagonals cost is proportional."""
    points = daily_points(facts)
    cut = "" if bool(points["complete"].all()) else " A day that the run or a phase cuts short is a point as it is."
    sentence = (
        "Each point is a day: its variable cost against its requests, both on log axes. Along the grey diagonals "
        f"(slope 1) cost is proportional to traffic; a flatter cloud means that requests get "
        f"cheaper as they become more.{cut} "
        f"{findings.bend_interval(facts)}"
    ).strip()

    def paint(figure: Any, size: Size) -> None:
        axes = figure.add_subplot()
        axes.set_xlabel("requests a day (log scale)")
        axes.set_ylabel("variable cost, USD a day (log scale)")
        axes.grid(axis="y")
        if points.empty:
            axes.text(0.5, 0.5, "no day with requests and variable cost", transform=axes.transAxes, ha="center")
            axes.set_axis_off()
            return
        x, y = points["offered"].to_numpy(), points["variable_usd"].to_numpy()
        axes.set_xscale("log")
        axes.set_yscale("log")
        x_limits = canvas.log_axis(axes.xaxis, float(x.min()), float(x.max()))
        y_limits = canvas.log_axis(axes.yaxis, float(y.min()), float(y.max()))
        axes.set_xlim(*x_limits)
        axes.set_ylim(*y_limits)
        _diagonals(axes, x_limits, y_limits)
        _clouds(axes, facts, points, size)

    head = {"day": "day", "offered": "requests [1]", "variable_usd": "variable cost [USD]", "complete": "whole day"}
    csv = points[["day", "phase", *[c for c in head if c != "day"]]].rename(columns=head)
    text = csv.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return canvas.plot("bend", "Why does it bend?", findings.bend(facts), sentence, paint, text)


def daily_points(facts: Facts) -> "pd.DataFrame":
    """Rows of the table of days with requests and variable cost; whole days alone, where a phase has two or more."""
    import pandas as pd

    there = facts.days[(facts.days["offered"] > 0) & (facts.days["variable_usd"] > 0)]
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


def _clouds(axes: Any, facts: Facts, points: "pd.DataFrame", size: Size) -> None:
    ends = []
    for number, phase in enumerate(facts.phases):
        rows = points[points["phase"] == phase.name]
        if rows.empty:
            continue
        colour = canvas.API if phase.serving == "api" else canvas.VARIABLE
        # every other phase hollow, so that neighbours differ without their colours
        (cloud,) = axes.plot(
            rows["offered"], rows["variable_usd"], linestyle="none", marker=_MARKERS[number % len(_MARKERS)],
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
