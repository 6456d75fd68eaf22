"""X-BATCH: does the batching server answer as fast as the exact chain says?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.estimates import Estimate, ratio
from experiments.judgement import Got
from experiments.settings import read

if TYPE_CHECKING:
    from sim import Scenario
    from sim.report.canvas import Plot

HERE = Path(__file__).parent
CASES = {f"rho_{rho}": rho for rho in (0.1, 0.3, 0.5, 0.7, 0.8, 0.9)}


def run(small: bool) -> dict[str, Got]:
    """Mean latency (ms) and utilisation at each rho: simulated, exact, and the exact one over Inoue's bound."""
    from sim.analysis.queueing import inoue_bounds, take_all_waiting

    settings = read(HERE)
    form = settings.own["forms"]["small" if small else "full"]
    got: dict[str, Got] = {}
    for case in CASES:
        scenario = settings.load(case, horizon=form["horizon"], record={"interval": form["interval"]})
        rate, per_item_s, base_s = _queue(scenario)
        exact = take_all_waiting(rate, per_item_s, base_s)
        latency_ms, utilisation = felt(scenario)
        got[f"latency_ms_{case}"] = latency_ms
        got[f"utilisation_{case}"] = utilisation
        got[f"chain_ms_{case}"] = 1e3 * exact.latency_s
        got[f"chain_utilisation_{case}"] = exact.utilisation
        got[f"chain_over_bound_{case}"] = exact.latency_s / min(inoue_bounds(rate, per_item_s, base_s))
    return got


def felt(scenario: "Scenario") -> tuple[Estimate, Estimate]:
    """Mean latency (ms) and utilisation after the warm-up (the first record window), by batch means over windows."""
    from sim import simulate

    windows = simulate(scenario).timeseries.iloc[1:]
    spans = (windows["end_s"] - windows["start_s"]).tolist()
    latency_ms = ratio((1e3 * windows["latency_sum_s"]).tolist(), windows["completed"].tolist())
    return latency_ms, ratio(windows["busy_s"].tolist(), spans)


def _queue(scenario: "Scenario") -> tuple[float, float, float]:
    """Arrivals per second, seconds per item and per batch, as the scenario has them."""
    workload, service = scenario.workloads["main"], scenario.pools["main"].service
    assert workload.kind == "poisson"
    return workload.rate_per_s, service.per_item_s, service.base_s


def figure(got: Mapping[str, Got]) -> "Plot":
    """Mean latency against rho: simulated with intervals, exact, and Inoue's two bounds."""
    from sim.analysis.queueing import inoue_bounds, take_all_waiting
    from sim.report.canvas import CAPACITY, FIXED, INK, VARIABLE, log_axis, plot

    _, per_item_s, base_s = _queue(read(HERE).load("rho_0.1", horizon="1 s", record={"interval": "1 s"}))
    rows = []
    for case, rho in CASES.items():
        estimate, exact = got[f"latency_ms_{case}"], got[f"chain_ms_{case}"]
        assert isinstance(estimate, Estimate)
        assert isinstance(exact, float)
        rows.append((rho, estimate, estimate.half_width(0.99), exact))
    covered = sum(abs(e.value - exact) <= half for _, e, half, exact in rows)
    finding = f"{covered} of {len(rows)} simulated 99 % intervals cover the exact mean latency"
    grid = [i / 100 for i in range(5, 92)]
    chain = [1e3 * take_all_waiting(rho / per_item_s, per_item_s, base_s).latency_s for rho in grid]
    bounds = [[1e3 * b for b in inoue_bounds(rho / per_item_s, per_item_s, base_s)] for rho in grid]

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        axes.grid(axis="y")
        axes.semilogy(grid, [b[0] for b in bounds], ":", color=CAPACITY)
        axes.semilogy(grid, [b[1] for b in bounds], "--", color=VARIABLE)
        axes.semilogy(grid, chain, color=FIXED)
        axes.errorbar(
            [r[0] for r in rows], [r[1].value for r in rows], yerr=[r[2] for r in rows], fmt="o", color=INK,
            markersize=4, capsize=3,
        )  # fmt: skip
        axes.set_ylim(*log_axis(axes.yaxis, 2.5, 60))
        axes.set_xlim(0, 1)
        axes.annotate("bound φ₁", (0.055, 3.13), (0.01, 6.5), color=VARIABLE, arrowprops={"arrowstyle": "-"})
        for text, place, colour in (
            ("bound φ₀", (0.27, 15), CAPACITY), ("exact", (0.5, 4.6), FIXED), ("simulated, 99 %", (0.72, 8), INK),
        ):  # fmt: skip
            axes.text(*place, text, color=colour)
        axes.set_xlabel("load ρ = arrival rate × time per item (1)")
        axes.set_ylabel("mean latency (ms, log scale)")
        axes.set_title(finding, loc="left", fontsize=7.5 if size.narrow else 12)
        page.subplots_adjust(right=0.97)

    csv = "rho,simulated_ms,half_width_99_ms,exact_ms\n" + "".join(
        f"{rho},{e.value:.8g},{half:.4g},{exact:.8g}\n" for rho, e, half, exact in rows
    )
    sentence = "Batch means over record windows; the exact curve is the chain of batch sizes."
    return plot("x-batch", "How fast does a batching server answer?", finding, sentence, paint, csv)
