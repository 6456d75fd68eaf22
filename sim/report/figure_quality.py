"""The figure of a model's life: its true quality, what the monitor saw of it, and where training mended it."""

from typing import TYPE_CHECKING, Any, NamedTuple

from sim.model.parameters import NoLearning
from sim.policy.retraining import Threshold
from sim.report import canvas, series
from sim.report.canvas import End, Plot, Size
from sim.report.facts import Facts
from sim.report.numbers import many, share, step

if TYPE_CHECKING:
    import pandas as pd

_MAX_PANELS = 4  # assumption: more panels than this do not fit a printed page
_GAP_PT = 26.0  # points between the names of two marks, so that D12 and D13 do not touch
_STEADY = 0.002  # assumption: a fifth of a per cent of the answers is no fall that anybody sees
_SEEN = (0.02, 0.98)  # shares of the monitor's estimates between which the axis reaches; assumption
_DASHED, _DOTTED = (0, (4, 2.5)), (0, (1, 1.4))


class Deploy(NamedTuple):
    """A new model in service: its mark in figures and tables, when, for which workload, quality before and after."""

    mark: str
    at_s: float
    workload: str
    before: float
    after: float


def deploys(facts: Facts) -> list[Deploy]:
    """Every deploy in the order of time; marked D1, D2, ... over all workloads."""
    events = facts.run.events
    rows = events[events["kind"] == "model_deployed"] if len(events) else events
    columns = (rows[name].tolist() for name in ("at_s", "subject", "before", "after"))
    return [Deploy(f"D{number}", *row) for number, row in enumerate(zip(*columns, strict=True), 1)]


def learners(facts: Facts) -> list[str]:
    """Workloads whose model has a quality, the busiest first."""
    windows = facts.run.timeseries
    known = windows[windows["quality"].notna()]
    counts = known.groupby("workload")["offered"].sum()
    return [str(name) for name in counts.sort_values(ascending=False, kind="stable").index]


def quality(facts: Facts) -> Plot | None:
    """True quality, the monitor's estimate, threshold and deploys, one panel a workload; None where no model learns."""
    names = learners(facts)[:_MAX_PANELS]
    if not names:
        return None
    edges = series.bin_edges(facts.calendar, facts.run.timeseries)
    table = series.qualities(facts.run.timeseries, edges)
    marks = deploys(facts)
    seen = bool(table["quality_seen"].notna().any())
    sentence = f"Share of right answers (mean of each {step(series.grain_s(edges))})"
    sentence += (
        ": the green line is the truth, the dotted one what the monitor knew at the time, late and from a sample."
        if seen else "; nobody checks answers here, so that the product itself does not know this line."
    )  # fmt: skip
    if any(_threshold(facts, name) is not None for name in names):
        sentence += " Under the dashed line the policy retrains."
    if marks:
        sentence += " Thin lines are new models put in service; the table of events explains their numbers."

    def paint(figure: Any, size: Size) -> None:
        panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
        for number, (axes, name) in enumerate(zip(panels, names, strict=True)):
            canvas.time_axis(axes, facts, labelled=number == len(names) - 1)
            rows = table[table["workload"] == name]
            label = "right answers, %" if len(names) == 1 else f"{name}: right, %"
            _panel(axes, facts, rows, name, label, size, number == 0)
            canvas.phase_bands(axes, facts, size, named=number == 0)

    head = {"workload": "workload", "start_s": "start [s]", "end_s": "end [s]", "quality": "true quality [share]",
            "quality_seen": "quality as the monitor sees it [share]"}  # fmt: skip
    csv = table.dropna(subset=["quality"])[list(head)].rename(columns=head)
    text = csv.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    taller = 1 + 0.5 * (len(names) - 1)
    return canvas.plot("quality", "Does the model stay good?", found(facts, table), sentence, paint, text, taller)


def found(facts: Facts, table: "pd.DataFrame") -> str:
    """How far quality falls, and what mends it (the figure's title)."""
    name = learners(facts)[0]
    values = table.loc[table["workload"] == name, "quality"].dropna().to_numpy()
    first, low, last = float(values[0]), float(values.min()), float(values[-1])
    whose = f" of {name}" if len(learners(facts)) > 1 else ""
    count = sum(deploy.workload == name for deploy in deploys(facts))
    if first - low < _STEADY:
        return f"Quality{whose} stays at {share(last)}"
    if not count:
        return f"Quality{whose} falls from {share(first)} to {share(low)}, and no retraining mends it"
    models = "one new model brings" if count == 1 else f"{many(count)} new models bring"
    return f"Quality{whose} falls to {share(low)} at its lowest; {models} it back, to {share(last)} at the end"


def _panel(
    axes: Any, facts: Facts, rows: "pd.DataFrame", workload: str, label: str, size: Size, first: bool
) -> None:  # fmt: skip
    import numpy as np

    start, end = rows["start_s"].to_numpy(), rows["end_s"].to_numpy()
    s, true, seen = series.stepped(start, end, 100 * rows["quality"].to_numpy(), 100 * rows["quality_seen"].to_numpy())
    x = canvas.dates(facts, s)
    (line,) = axes.plot(x, true, color=canvas.QUALITY, linewidth=1.8)
    ends = [End(_last(true), "true quality", line)]
    values = [true[np.isfinite(true)]]
    if np.isfinite(seen).any():
        (dots,) = axes.plot(x, seen, color=canvas.INK, linewidth=1.4, linestyle=_DOTTED, alpha=0.8)
        ends.append(End(_last(seen), "as monitored", dots))
        values.append(
            np.quantile(seen[np.isfinite(seen)], _SEEN)
        )  # few labels scatter far, and would flatten the truth
    limit = _threshold(facts, workload)
    if limit is not None:
        dashed = axes.axhline(100 * limit, color=canvas.INK, linewidth=1.2, linestyle=_DASHED)
        ends.append(End(100 * limit, f"limit {share(limit)}", dashed))
        values.append(np.array([100 * limit]))
    lo, hi = (float(f(np.concatenate(values))) for f in (np.min, np.max))
    room = max(0.5, 0.12 * (hi - lo))
    axes.set_ylim(max(0.0, lo - 2 * room), min(100.0 + 0.2 * room, hi + room))
    canvas.value_axis(axes, label, from_zero=False)
    event_marks(axes, facts, [d for d in deploys(facts) if d.workload == workload])
    if first or not size.narrow:
        canvas.name_ends(axes, ends, size)


def event_marks(axes: Any, facts: Facts, marks: list[Deploy], named: bool = True) -> None:
    """Thin vertical lines at deploys, with as many of their names at the foot as have room."""
    width_pt = axes.get_position().width * axes.figure.get_figwidth() * 72
    free = -1e9
    for deploy in marks:
        (x,) = canvas.dates(facts, [deploy.at_s])
        axes.axvline(x, color=canvas.INK, alpha=0.4, linewidth=0.6, zorder=0.25)
        place = width_pt * deploy.at_s / facts.horizon_s
        if named and place - free >= _GAP_PT and width_pt - place > _GAP_PT / 2:
            axes.annotate(
                deploy.mark, (x, 0.0), (2.5, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
                fontsize="small", alpha=0.8,
            )  # fmt: skip
            free = place


def _threshold(facts: Facts, workload: str) -> float | None:
    """The quality under which the last phase's policy retrains; None where it has another policy."""
    learning = facts.phases[-1].scenario.workloads[workload].learning
    if isinstance(learning, NoLearning) or not isinstance(learning.retraining, Threshold):
        return None
    return learning.retraining.below


def _last(values: Any) -> float:
    import numpy as np

    return float(values[np.isfinite(values)][-1])
