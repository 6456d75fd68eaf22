"""The figure of what never reaches a machine: requests that the cache answers, and those that a rate limit refuses."""

from typing import Any

from sim.report import canvas, series
from sim.report.canvas import End, Plot, Size
from sim.report.facts import Facts
from sim.report.figure_quality import deploys, event_marks
from sim.report.numbers import many, share, step

_DASHED = (0, (5, 2))
_FEW = 0.001  # assumption: a share under a thousandth is no line that can be told from zero


def cache(facts: Facts) -> Plot | None:
    """Hit ratio and throttled share over time; None where there is neither a hit nor more than a few refusals."""
    windows = facts.run.timeseries
    hits, throttled, offered = (int(windows[name].sum()) for name in ("hit", "throttled", "offered"))
    throttled = throttled if throttled >= _FEW * offered else 0
    if not hits and not throttled:
        return None
    edges = series.bin_edges(facts.calendar, windows)
    table = series.kept_off(windows, edges)
    parts = []
    if hits:
        parts.append("The solid line is the share of admitted requests that the cache answers at once.")
    if throttled:
        parts.append("The dashed line is the share of all requests that a rate limit turns away.")
    if hits and deploys(facts):
        parts.append("Thin lines are new models, after which a cache may have to begin anew.")
    sentence = f"{' '.join(parts)} Mean of each {step(series.grain_s(edges))}."

    def paint(figure: Any, size: Size) -> None:
        axes = figure.add_subplot()
        canvas.time_axis(axes, facts)
        drawn: list[tuple[str, str, Any, str]] = [("hit_ratio", "cache hits", "-", canvas.INK)] if hits else []
        drawn += [("throttled_share", "turned away", _DASHED, canvas.FELT)] if throttled else []
        ends, top = [], 0.0
        for column, name, style, colour in drawn:
            s, value = series.stepped(
                table["start_s"].to_numpy(), table["end_s"].to_numpy(), 100 * table[column].to_numpy()
            )
            (line,) = axes.plot(canvas.dates(facts, s), value, color=colour, linestyle=style, linewidth=1.5)
            known = table[column].dropna()
            if len(known):
                ends.append(End(100 * float(known.iloc[-1]), name, line))
                top = max(top, 100 * float(known.max()))
        axes.set_ylim(0, top * 1.1 if top > 0 else 1.0)
        canvas.value_axis(axes, "share of requests, %")
        canvas.phase_bands(axes, facts, size)
        if hits:
            event_marks(axes, facts, deploys(facts), named=len(facts.scenario.workloads) == 1)
        canvas.name_ends(axes, ends, size)

    head = {"start_s": "start [s]", "end_s": "end [s]", "hit_ratio": "cache hits, of admitted [share]",
            "throttled_share": "turned away, of let in [share]"}  # fmt: skip
    csv = table[list(head)].dropna(how="all", subset=["hit_ratio", "throttled_share"]).rename(columns=head)
    text = csv.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    return canvas.plot("cache", "What never reaches a machine?", found(facts, hits, throttled, offered), sentence,
                       paint, text)  # fmt: skip


def found(facts: Facts, hits: int, throttled: int, offered: int) -> str:
    """How much the cache answers, by phase where that differs, and how much is turned away (the figure's title)."""
    away = f"{share(throttled / offered)} of requests are turned away by the rate limit"
    if not hits:
        return away
    said = f"The cache answers {share(hits / offered)} of {many(offered)} requests"
    phases = [p for p in facts.asked if p.said["hit_share"]]
    if len(phases) > 1:
        low, high = (f(phases, key=lambda p: float(p.said["hit_share"])) for f in (min, max))
        said += f", from {share(low.said['hit_share'])} in {low.name} to {share(high.said['hit_share'])} in {high.name}"
    return f"{said}; {away}" if throttled else said
