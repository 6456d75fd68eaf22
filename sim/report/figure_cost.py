"""Figures of money over time: fixed against variable cost with their crossover, and variable cost by group."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.clock.calendar import DAY_S
from sim.cost.ledger import lines_usd
from sim.report import canvas, findings
from sim.report.canvas import End, Plot, Size
from sim.report.facts import Facts, nano_sums, period_edges, period_of
from sim.report.groups import OTHER, VARIABLE, Group, group_of
from sim.report.numbers import share, three, usd
from sim.report.turning import crossing

if TYPE_CHECKING:
    import pandas as pd

_SMALL = 0.01  # assumption: an area under a hundredth of the whole is no area to see, and joins the others
_DASHED = (0, (5, 2))


def cost_over_time(facts: Facts) -> Plot:
    """Fixed and variable cost of each period as two lines, and where the one overtakes the other for good."""
    table, there = facts.periods, crossing(facts)
    sentence = (
        f"{_pace_words(facts)} Fixed cost is paid whatever the traffic (people, development, training, commitments); "
        "variable cost is what serving takes, idle machines included where no commitment pays for them."
    )
    if there is not None:
        sentence += " The vertical line is the month from which on variable cost leads"
        sentence += "; the shade is its 95 % interval." if there.lo_s < there.hi_s else "."

    def paint(figure: Any, size: Size) -> None:
        axes = figure.add_subplot()
        canvas.time_axis(axes, facts)
        ends = _lines(axes, facts, table)
        if there is not None:
            _crossover(axes, facts, there.at_s, there.lo_s, there.hi_s, size)
        canvas.value_axis(axes, f"USD per {facts.drawn.unit}")
        canvas.phase_bands(axes, facts, size)
        canvas.name_ends(axes, ends, size)

    head = {"start_s": "start [s]", "end_s": "end [s]", "label": "period", "fixed_usd": "fixed [USD]",
            "variable_usd": "variable [USD]"}  # fmt: skip
    csv = table[list(head)].rename(columns=head).to_csv(index=False, lineterminator="\n")
    return canvas.plot("cost", "What does it cost?", findings.balance(facts), sentence, paint, csv)


def _lines(axes: Any, facts: Facts, table: "pd.DataFrame") -> list[End]:
    import numpy as np

    x = canvas.dates(facts, np.append(table["start_s"].to_numpy(), table["end_s"].to_numpy()[-1]))
    days = (table["end_s"] - table["start_s"]).to_numpy() / DAY_S
    ends, top = [], 0.0
    for nature, colour, style in (("fixed", canvas.FIXED, "-"), ("variable", canvas.VARIABLE, _DASHED)):
        height = table[f"{nature}_usd"].to_numpy() / days * facts.drawn.days
        height = np.append(height, height[-1])
        axes.fill_between(x, 0, height, step="post", color=colour, alpha=0.13, linewidth=0)
        (line,) = axes.plot(x, height, drawstyle="steps-post", color=colour, linestyle=style, linewidth=1.8)
        ends.append(End(float(height[-1]), nature, line))
        top = max(top, float(height.max()))
    axes.set_ylim(0, top * 1.2 if top > 0 else 1.0)
    return ends


def _crossover(axes: Any, facts: Facts, at_s: float, lo_s: float, hi_s: float, size: Size) -> None:
    """The line where variable cost takes the lead, its interval as a shade, and a word beside it."""
    at, lo, hi = canvas.dates(facts, [at_s, lo_s, hi_s])
    if lo < hi:
        axes.axvspan(lo, hi, color=canvas.VARIABLE, alpha=0.10, linewidth=0, zorder=0.15)
    axes.axvline(at, color=canvas.INK, linewidth=1.1, linestyle=(0, (2, 2)), zorder=0.3)
    left = at_s > facts.horizon_s / 2
    axes.annotate(
        "variable leads" if size.narrow else "from here variable cost leads", (at, 1.0),
        (-5 if left else 5, -4), xycoords=("data", "axes fraction"), textcoords="offset points",
        ha="right" if left else "left", va="top",
    )  # fmt: skip


def variable_money(facts: Facts) -> Plot | None:
    """Variable cost of each period as stacked areas, one a group of accounts; None where nothing was spent so."""
    table = by_group(facts)
    groups = [group for group in (*VARIABLE, OTHER) if group.name in table.columns]
    if not groups:
        return None
    drawn, table = _joined(table, groups)
    sentence = (
        f"{_pace_words(facts)} An area is an amount of money; together they are all variable cost. "
        "Idle machines are variable cost without requests; those under a commitment are fixed cost, and not in it."
    )

    def paint(figure: Any, size: Size) -> None:
        axes = figure.add_subplot()
        canvas.time_axis(axes, facts)
        ends = _stack(axes, facts, table, drawn)
        canvas.value_axis(axes, f"variable cost, USD per {facts.drawn.unit}")
        canvas.phase_bands(axes, facts, size)
        canvas.name_ends(axes, ends[::-1], size)

    csv = _csv(table)
    return canvas.plot("variable", "Where does the variable money go?", largest(facts), sentence, paint, csv)


def largest(facts: Facts) -> str:
    """The group that takes most of all variable cost, and of that of the last phase (the figure's title)."""
    sums = group_sums(facts)
    total = sum(sums.values())
    if not total:
        return "No variable cost"
    name = max(sums, key=lambda group: sums[group])
    words = {group.name: group.plainly for group in (*VARIABLE, OTHER)}
    said = f"{share(sums[name] / total)} of the {usd(total)} of variable cost goes to {words[name]}"
    last = facts.phases[-1].name if len(facts.phases) > 1 else None
    late = group_sums(facts, last) if last else {}
    if not late or not sum(late.values()):
        return said
    most = max(late, key=lambda group: late[group])
    part = share(late[most] / sum(late.values()))
    return f"{said}, {part} in {last}" if most == name else f"{said}; in {last} {part} to {words[most]}"


def group_sums(facts: Facts, phase: str | None = None) -> dict[str, float]:
    """USD of variable cost by group of accounts, in all or in one phase; groups without money are left out."""
    lines = facts.run.ledger
    chosen = lines[lines["nature"] == "variable"]
    if phase is not None:
        chosen = chosen[chosen["phase"] == phase]
    groups = chosen["account"].map(lambda account: group_of(account).name)
    sums = {str(name): lines_usd(lines) for name, lines in chosen.groupby(groups, sort=False)}
    return {name: amount for name, amount in sums.items() if amount}


def by_group(facts: Facts) -> "pd.DataFrame":
    """Variable cost (USD) of each period by group: start_s, end_s, label, one column a group that has any money."""
    import numpy as np

    ledger = facts.run.ledger
    ledger = ledger[ledger["nature"] == "variable"]
    edges, _ = period_edges(facts.calendar)
    belongs = period_of(ledger["at_s"].to_numpy(dtype="float64"), edges)
    names = {account: group_of(account).name for account in ledger["account"].unique()}
    group = np.array([names[account] for account in ledger["account"]], dtype=object)
    table = facts.periods[["start_s", "end_s", "label"]].copy()
    for known in (*VARIABLE, OTHER):
        chosen = group == known.name
        if chosen.any() and ledger.loc[chosen, "amount_nano_usd"].any():
            table[known.name] = nano_sums(ledger.loc[chosen, "amount_nano_usd"], belongs[chosen], len(table)) / 1e9
    return table


def _joined(table: "pd.DataFrame", groups: Sequence[Group]) -> "tuple[list[Group], pd.DataFrame]":
    """The groups that are large enough to see, and the table with the rest of them added up as other."""
    whole = float(table[[group.name for group in groups]].to_numpy().sum())
    small = [group for group in groups if abs(float(table[group.name].sum())) < _SMALL * whole]
    if len(small) < 2:
        return list(groups), table
    names = [group.name for group in small]
    joined = table.drop(columns=names).assign(**{OTHER.name: table[names].sum(axis=1)})
    return [*(group for group in groups if group not in small), OTHER], joined


def _stack(axes: Any, facts: Facts, table: "pd.DataFrame", drawn: Sequence[Group]) -> list[End]:
    """Stacked steps in USD per unit of the pace, the first at the bottom."""
    import numpy as np

    x = canvas.dates(facts, np.append(table["start_s"].to_numpy(), table["end_s"].to_numpy()[-1]))
    days = (table["end_s"] - table["start_s"]).to_numpy() / DAY_S
    low, ends = np.zeros(len(table) + 1), []
    for group in drawn:
        height = table[group.name].to_numpy() / days * facts.drawn.days
        high = low + np.append(height, height[-1])
        area = axes.fill_between(x, low, high, step="post", color=group.colour, linewidth=0)
        ends.append(End(float(low[-1] + high[-1]) / 2, group.name, area))
        low = high
    top = float(low.max()) * 1.06
    axes.set_ylim(0, top if top > 0 else 1.0)
    return ends


def _csv(table: "pd.DataFrame") -> str:
    head = {"start_s": "start [s]", "end_s": "end [s]", "label": "period"}
    money = {name: f"{name} [USD]" for name in table.columns if name not in head}
    return str(table.rename(columns=head | money).to_csv(index=False, lineterminator="\n"))


def _pace_words(facts: Facts) -> str:
    """USD per month, one step a month (30.4 days, ...)."""
    pace = facts.drawn
    stretch = "month" if pace.unit == "month" else "day"
    steps = f", one step a {stretch}" if len(facts.periods) > 1 else ", the run as a whole"
    months = f" ({three(pace.days)} days, so that short months compare with long ones)" if stretch == "month" else ""
    return f"USD per {pace.unit}{steps}{months}."
