"""Figures of requests: latency percentiles with the SLO, and demand with capacity and the queue below."""

import math
from typing import TYPE_CHECKING, Any

from sim.report import canvas, findings, series
from sim.report.canvas import End, Plot, Size
from sim.report.facts import Facts
from sim.report.numbers import duration, rate_unit, share, step

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_MAX_PANELS = 4  # assumption: more panels than this do not fit a printed page
_BINNED = 1.5  # a bin of two record windows or more has a quietest and a busiest one
_LOG_FROM = 30  # assumption: where latencies differ by more, a linear axis lays the median on its bottom
_RATES_LOG_FROM = 20  # assumption: demand that peaks under a twentieth of a linear axis is a flat line on its bottom
_ALL_LET_IN = 0.99  # assumption: a share kept out under a hundredth is no line to tell from the other


def latency(facts: Facts) -> Plot:
    """Median line with bands up to the 95th and the 99th percentile, one panel a workload, and the SLO."""
    edges = series.bin_edges(facts.calendar, facts.run.timeseries)
    table = series.percentiles(facts.run.latency_histogram, edges)
    names = _busiest(facts)
    each = step(series.grain_s(edges))
    sentence = (
        f"Latency of completed requests, waiting included, of each {each}: the line is the median, the bands reach to "
        f"the 95th and 99th percentile, the dashed line is the SLO ({_slo_words(facts)}). {findings.slowest(facts)}"
    ).strip()
    left_out = len(facts.scenario.workloads) - len(names)
    if left_out:
        sentence += f" The {len(names)} busiest workloads are drawn; all {left_out + len(names)} are in the data."

    def paint(figure: Any, size: Size) -> None:
        panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
        for number, (axes, name) in enumerate(zip(panels, names, strict=True)):
            canvas.time_axis(axes, facts, labelled=number == len(names) - 1)
            _percentile_panel(axes, facts, table[table["workload"] == name], name, size, number == 0)
            canvas.phase_bands(axes, facts, size, named=number == 0)

    head = {"start_s": "start [s]", "end_s": "end [s]"} | {f"p{p}_s": f"p{p} [s]" for p in series.PERCENTILES}
    csv = table.dropna().rename(columns=head).to_csv(index=False, lineterminator="\n", float_format="%.9g")
    taller = 1 + 0.55 * (len(names) - 1)
    return canvas.plot("latency", "What do users feel?", findings.felt(facts), sentence, paint, csv, taller)


def _percentile_panel(axes: Any, facts: Facts, rows: "pd.DataFrame", workload: str, size: Size, first: bool) -> None:
    import numpy as np

    slo = [phase.scenario.workloads[workload].slo.latency_s for phase in facts.phases]
    top = max([*slo, *(_finite(rows["p99_s"]))], default=1.0)
    unit, name = next(((u, n) for u, n in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")) if top >= u), (1e-9, "ns"))
    median = _finite(rows["p50_s"])
    log = bool(median) and top > _LOG_FROM * min(median)
    ends = []
    if median:
        start, end = rows["start_s"].to_numpy(), rows["end_s"].to_numpy()
        p50, p95, p99 = (rows[f"p{p}_s"].to_numpy() / unit for p in series.PERCENTILES)
        s, low, mid, high = series.stepped(start, end, p50, p95, p99)
        x = canvas.dates(facts, s)
        outer = axes.fill_between(x, mid, high, color=canvas.FELT, alpha=0.25, linewidth=0)
        inner = axes.fill_between(x, low, mid, color=canvas.FELT, alpha=0.5, linewidth=0)
        (line,) = axes.plot(x, low, color=canvas.INK, linewidth=1.3)
        last = np.flatnonzero(~np.isnan(p50))[-1]
        ends = [End(p99[last], "to 99 %", outer), End(p95[last], "to 95 %", inner), End(p50[last], "median", line)]
    else:
        axes.text(0.5, 0.5, "no request was completed", transform=axes.transAxes, ha="center")
    for phase, limit in zip(facts.phases, slo, strict=True):
        (dashed,) = axes.plot(
            canvas.dates(facts, [phase.start_s, phase.end_s]), [limit / unit] * 2, color=canvas.INK, linewidth=1.3,
            linestyle=(0, (4, 2.5)),
        )  # fmt: skip
    ends = [End(slo[-1] / unit, f"SLO {duration(slo[-1])}", dashed), *ends]
    label = f"latency, {name}" if len(facts.scenario.workloads) == 1 else f"{workload}: latency, {name}"
    if log:
        axes.set_yscale("log")
        axes.set_ylim(*canvas.log_axis(axes.yaxis, min(median) / unit, top / unit))
        canvas.value_axis(axes, f"{label} (log scale)", from_zero=False)
    else:
        axes.set_ylim(0, top / unit * 1.08)
        canvas.value_axis(axes, label)
    if first or not size.narrow:
        canvas.name_ends(axes, ends, size)


def demand(facts: Facts) -> Plot:
    """Requests let in, with each step's quietest and busiest window, and ready capacity; below it the queue."""
    edges = series.bin_edges(facts.calendar, facts.run.timeseries)
    table = series.demand(facts.run.timeseries, edges)
    window = facts.scenario.record.interval_s
    binned = series.grain_s(edges) > _BINNED * window
    band = f"; the bands reach to its quietest and busiest {step(window)}" if binned else ""
    sentence = (
        f"Requests let in (mean of each {step(series.grain_s(edges))}{band}) against what the ready replicas "
        "could serve in full batches; below, how many requests wait on average."
        f"{_market(table)}{_rented(facts)}{_scale(table)}"
    )

    def paint(figure: Any, size: Size) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
        figure.subplots_adjust(hspace=0.14)
        for axes in (upper, lower):
            canvas.time_axis(axes, facts, labelled=axes is lower)
        _rates(upper, facts, table, size, binned)
        _queue(lower, facts, table, binned)
        canvas.phase_bands(upper, facts, size)
        canvas.phase_bands(lower, facts, size, named=False)

    head = {
        "start_s": "start [s]", "end_s": "end [s]", "offered_per_s": "let in [requests/s]",
        "offered_lo_per_s": "let in, quietest window [requests/s]",
        "offered_hi_per_s": "let in, busiest window [requests/s]",
        "potential_per_s": "potential demand [requests/s]", "capacity_per_s": "ready capacity, mean [requests/s]",
        "capacity_hi_per_s": "ready capacity, largest window [requests/s]",
        "queue": "waiting, mean [requests]", "queue_hi": "waiting, worst window [requests]",
    }  # fmt: skip
    csv = table[list(head)].rename(columns=head).to_csv(index=False, lineterminator="\n", float_format="%.9g")
    question = "What happens when it grows?"
    return canvas.plot("demand", question, findings.load(facts), sentence, paint, csv, 1.3)


def _rates(axes: Any, facts: Facts, table: "pd.DataFrame", size: Size, binned: bool) -> None:
    import numpy as np

    start, end = table["start_s"].to_numpy(), table["end_s"].to_numpy()
    columns = (
        "offered_per_s",
        "offered_lo_per_s",
        "offered_hi_per_s",
        "capacity_per_s",
        "capacity_hi_per_s",
        "potential_per_s",
    )
    top = max(_finite(table[["offered_hi_per_s", "capacity_hi_per_s"]]), default=0.0)
    factor, unit = rate_unit(top)
    s, mean, lo, hi, ready, most, potential = series.stepped(
        start, end, *(table[c].to_numpy() * factor for c in columns)
    )
    x = canvas.dates(facts, s)
    ends = []
    label = {"s": "requests per second", "min": "requests per minute"}.get(unit, f"requests per {unit}")
    highest = _highest(table) * factor
    if _dwarfed(table):
        lowest = min(rate for rate in _finite(mean) if rate > 0)
        axes.set_yscale("log")  # from the power of ten below demand, so that a tick lies on either side of it
        axes.set_ylim(*canvas.log_axis(axes.yaxis, 10 ** math.floor(math.log10(lowest)), highest))
        canvas.value_axis(axes, f"{label} (log scale)", from_zero=False)
    else:
        axes.set_ylim(0, highest * 1.06 if highest > 0 else 1.0)
        canvas.value_axis(axes, label)
    bottom = axes.get_ylim()[0]
    lo, ready, most = (np.maximum(rate, bottom) for rate in (lo, ready, most))  # a log axis has no place for 0
    if _finite(ready):
        axes.fill_between(x, ready, most, color=canvas.CAPACITY, alpha=0.16, linewidth=0)
        area = axes.fill_between(x, bottom, ready, color=canvas.CAPACITY, alpha=0.28, linewidth=0)
        axes.plot(x, ready, color=canvas.CAPACITY, linewidth=1.0)
        ends.append(End(_last(ready), "ready capacity", area))
    if binned:
        axes.fill_between(x, lo, hi, color=canvas.INK, alpha=0.22, linewidth=0)
    (line,) = axes.plot(x, mean, color=canvas.INK, linewidth=1.3)
    ends.append(End(_last(mean), "let in", line))
    if _kept_out(table):
        (dotted,) = axes.plot(x, potential, color=canvas.INK, alpha=0.6, linewidth=1.1, linestyle=":")
        ends.append(End(_last(potential), "all demand", dotted))
    canvas.name_ends(axes, ends, size)


def _queue(axes: Any, facts: Facts, table: "pd.DataFrame", binned: bool) -> None:
    start, end = table["start_s"].to_numpy(), table["end_s"].to_numpy()
    s, mean, worst = series.stepped(start, end, table["queue"].to_numpy(), table["queue_hi"].to_numpy())
    x = canvas.dates(facts, s)
    if binned:
        axes.fill_between(x, mean, worst, color=canvas.FELT, alpha=0.35, linewidth=0)
    axes.plot(x, mean, color=canvas.FELT, linewidth=1.3)
    top = max(_finite(worst), default=0.0)
    axes.set_ylim(0, top * 1.08 if top > 0 else 1.0)
    canvas.value_axis(axes, "waiting")
    axes.locator_params(axis="y", nbins=3)


def _busiest(facts: Facts) -> list[str]:
    """Workloads by requests, the busiest first, at most four."""
    counts = facts.run.timeseries.groupby("workload")["offered"].sum()
    names = sorted(facts.scenario.workloads, key=lambda name: (-int(counts.get(name, 0)), name))
    return names[:_MAX_PANELS]


def _slo_words(facts: Facts) -> str:
    promises = {(w.slo.share, w.slo.latency_s) for phase in facts.phases for w in phase.scenario.workloads.values()}
    if len(promises) != 1:
        return "as each workload and phase has it"
    ((part, limit),) = promises
    return f"{share(part)} of requests that ended, answered within {duration(limit)}"


def _kept_out(table: "pd.DataFrame") -> bool:
    """Whether phases let in less than all potential demand."""
    return bool(table["offered_per_s"].sum() < _ALL_LET_IN * table["potential_per_s"].sum())


def _highest(table: "pd.DataFrame") -> float:
    """The highest rate that is drawn, requests per second."""
    shown = ["offered_hi_per_s", "capacity_hi_per_s", *(["potential_per_s"] if _kept_out(table) else [])]
    return max(_finite(table[shown]), default=0.0)


def _dwarfed(table: "pd.DataFrame") -> bool:
    """Whether even the busiest window would lie on the bottom of a linear axis."""
    peak = max(_finite(table["offered_hi_per_s"]), default=0.0)
    return 0 < _RATES_LOG_FROM * peak < _highest(table)


def _scale(table: "pd.DataFrame") -> str:
    why = "demand would lie on the bottom of a linear one"
    return f" The upper axis is logarithmic, as {why}." if _dwarfed(table) else ""


def _market(table: "pd.DataFrame") -> str:
    return " The dotted line is all demand, of which a phase lets a share in." if _kept_out(table) else ""


def _rented(facts: Facts) -> str:
    return (
        " While an API serves, capacity is not ours to count." if any(p.serving == "api" for p in facts.phases) else ""
    )


def _finite(values: "pd.Series[float] | pd.DataFrame | NDArray[np.float64]") -> list[float]:
    import numpy as np

    array = np.asarray(values, dtype=np.float64).ravel()
    return [float(value) for value in array[np.isfinite(array)]]


def _last(values: "NDArray[np.float64]") -> float:
    return (_finite(values) or [0.0])[-1]
