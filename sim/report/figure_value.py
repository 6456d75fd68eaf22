"""The figure of value: what answers earned beside what they cost, and what was lost and why."""

from typing import TYPE_CHECKING, Any

from sim.clock.calendar import DAY_S
from sim.report import canvas
from sim.report.canvas import End, Plot, Size
from sim.report.facts import Facts, nano_sums, period_edges, period_of
from sim.report.numbers import share, three, usd

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

LOSSES = (
    ("value.staleness", "stale model", canvas.QUALITY),
    ("value.shed", "shed or late", canvas.FELT),
    ("value.throttled", "turned away", canvas.API),
)
"""Accounts of lost value: the account, what it is called, its colour."""
_DASHED = (0, (5, 2))
_SMALL = 0.01  # assumption: an area under a hundredth of the whole is no area to see
_NEARLY = 0.99  # assumption: from here on a part is told as nearly all


def value(facts: Facts) -> Plot | None:
    """Value earned against all cost, and below it value lost by reason; None where answers have no value."""
    lines = facts.run.value
    if lines.empty or not lines["amount_nano_usd"].any():
        return None
    table = by_period(facts)
    whole = sum(float(table[name].sum()) for _, name, _ in LOSSES)
    losses = [loss for loss in LOSSES if whole and table[loss[1]].sum() >= _SMALL * whole]
    sentence = (
        f"USD per {facts.drawn.unit}. Value is what the scenario says a right answer is worth; it is no income of the "
        "ledger and never netted with cost."
    )
    if losses:
        sentence += " Below, on a scale of its own, the value that was lost, by reason"
        sentence += "." if len(losses) == len(LOSSES) else "; what is too little to see is in the data."

    def paint(figure: Any, size: Size) -> None:
        panels = figure.subplots(2 if losses else 1, 1, sharex=True, squeeze=False,
                                 height_ratios=(1.5, 1) if losses else (1,))[:, 0]  # fmt: skip
        figure.subplots_adjust(hspace=0.5 if size.narrow else 0.14)
        for number, axes in enumerate(panels):
            canvas.time_axis(axes, facts, labelled=number == len(panels) - 1)
        ends = _earned(panels[0], facts, table)
        canvas.value_axis(panels[0], f"USD per {facts.drawn.unit}", from_zero=bool((table["earned"] >= 0).all()))
        canvas.phase_bands(panels[0], facts, size)
        canvas.name_ends(panels[0], ends, size)
        if losses:
            ends = _lost(panels[1], facts, table, losses)
            canvas.value_axis(panels[1], "lost" if size.narrow else f"lost, per {facts.drawn.unit}")
            canvas.phase_bands(panels[1], facts, size, named=False)
            canvas.name_ends(panels[1], ends[::-1], size)

    head = {"start_s": "start [s]", "end_s": "end [s]", "label": "period", "earned": "value earned [USD]",
            "cost": "all cost [USD]", **{name: f"value lost, {name} [USD]" for _, name, _ in LOSSES}}  # fmt: skip
    text = table[list(head)].rename(columns=head).to_csv(index=False, lineterminator="\n")
    return canvas.plot("value", "Is it worth it?", found(facts), sentence, paint, text, 1.3 if losses else 1.0)


def by_period(facts: Facts) -> "pd.DataFrame":
    """USD of each period: start_s, end_s, label, earned, cost, and a column for each reason of loss."""
    lines = facts.run.value
    edges, _ = period_edges(facts.calendar)
    belongs = period_of(lines["at_s"].to_numpy(dtype="float64"), edges)
    table = facts.periods[["start_s", "end_s", "label"]].copy()
    table["cost"] = facts.periods["fixed_usd"] + facts.periods["variable_usd"]
    wanted = [("earned", (lines["nature"] == "earned").to_numpy())]
    wanted += [(name, (lines["account"] == account).to_numpy()) for account, name, _ in LOSSES]
    for name, chosen in wanted:
        table[name] = nano_sums(lines.loc[chosen, "amount_nano_usd"], belongs[chosen], len(table)) / 1e9
    return table


def lost_usd(facts: Facts) -> dict[str, float]:
    """Value lost by reason over the whole run, USD: throttled, shed, staleness."""
    sums = {"throttled": 0.0, "shed": 0.0, "staleness": 0.0}
    for phase in facts.phases:
        for reason, amount in (phase.said["value_lost_usd"] or {}).items():
            sums[reason] = sums.get(reason, 0.0) + float(amount or 0.0)
    return sums


def earned_usd(facts: Facts) -> float:
    """Value earned over the whole run, USD."""
    return sum(float(phase.said["value_usd"] or 0.0) for phase in facts.phases)


def found(facts: Facts) -> str:
    """Whether answers were worth their cost, and what was lost (the figure's title)."""
    earned, cost, lost = earned_usd(facts), facts.total_usd, lost_usd(facts)
    if earned >= cost > 0:
        ratio = earned / cost
        said = f"Answers are worth {usd(earned)}, {three(ratio)} times what they cost"
    else:
        said = f"Answers are worth {usd(earned)} and cost {usd(cost)}"
    total = sum(lost.values())
    if total <= 0:
        return said
    reason = max(lost, key=lambda name: lost[name])
    most = {"throttled": "to the rate limit", "shed": "to full queues and lateness", "staleness": "to stale models",
            "wrong_hits": "to wrong hits of the cache"}  # fmt: skip
    part = "nearly all" if lost[reason] > _NEARLY * total else share(lost[reason] / total)
    return f"{said}; {usd(total)} more was lost, {part} of it {most.get(reason, reason)}"


def _earned(axes: Any, facts: Facts, table: "pd.DataFrame") -> list[End]:
    ends, lo, hi = [], 0.0, 0.0
    for name, label, colour, style in (("earned", "value", canvas.QUALITY, "-"), ("cost", "cost", canvas.INK, _DASHED)):
        x, height = _steps(facts, table, name)
        (line,) = axes.plot(x, height, drawstyle="steps-post", color=colour, linestyle=style, linewidth=1.7)
        ends.append(End(float(height[-1]), label, line))
        lo, hi = min(lo, float(height.min())), max(hi, float(height.max()))
    axes.set_ylim(1.08 * lo, 1.08 * hi if hi > 0 else 1.0)
    return ends


def _lost(axes: Any, facts: Facts, table: "pd.DataFrame", losses: list[tuple[str, str, str]]) -> list[End]:
    import numpy as np

    ends, low = [], np.zeros(len(table) + 1)
    for _, name, colour in losses:
        x, height = _steps(facts, table, name)
        high = low + height
        area = axes.fill_between(x, low, high, step="post", color=colour, alpha=0.75, linewidth=0)
        ends.append(End(float(low[-1] + high[-1]) / 2, name, area))
        low = high
    top = float(low.max())
    axes.set_ylim(0, 1.08 * top if top > 0 else 1.0)
    axes.locator_params(axis="y", nbins=3)
    return ends


def _steps(
    facts: Facts, table: "pd.DataFrame", name: str
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":  # fmt: skip
    """Dates of the periods' edges, and USD per unit of the pace; the last value twice."""
    import numpy as np

    x = canvas.dates(facts, np.append(table["start_s"].to_numpy(), table["end_s"].to_numpy()[-1]))
    height = table[name].to_numpy() / (table["end_s"] - table["start_s"]).to_numpy() * DAY_S * facts.drawn.days
    return x, np.append(height, height[-1])
