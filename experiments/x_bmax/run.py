"""X-BMAX: where does a bounded batch leave Inoue's curve, and where does it diverge?"""

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
LARGEST = (4, 8, 16)
LOADS = (0.3, 0.6, 0.8, 0.9)
OVERLOAD = 1.05


def run(small: bool) -> dict[str, Got]:
    """Mean latency (ms) for each largest batch and load, simulated and exact; how it lies to Inoue's bound for all
    batches, at the lowest and the highest load; and the throughput of an overloaded server (requests/s).
    """
    from sim.analysis.queueing import inoue_bounds, take_at_most

    settings = read(HERE)
    form = settings.own["forms"]["small" if small else "full"]
    got: dict[str, Got] = {}
    for most in LARGEST:
        ratios: dict[float, float] = {}
        for load in (*LOADS, OVERLOAD):
            case = f"bmax_{most}_load_{load}"
            scenario = settings.load(case, horizon=form["horizon"], record={"interval": form["interval"]})
            latency_ms, throughput_per_s = felt(scenario, form["replications"])
            if load == OVERLOAD:
                got[f"throughput_per_s_bmax_{most}_overload"] = throughput_per_s
                continue
            rate, per_item_s, base_s = _queue(scenario)
            exact_s = take_at_most(most, rate, per_item_s, base_s).latency_s
            got[f"latency_ms_{case}"], got[f"chain_ms_{case}"] = latency_ms, 1e3 * exact_s
            ratios[load] = exact_s / min(inoue_bounds(rate, per_item_s, base_s))
        got[f"chain_over_bound_bmax_{most}_load_{LOADS[0]}"] = ratios[LOADS[0]]
        got[f"bound_over_chain_bmax_{most}_load_{LOADS[-1]}"] = 1 / ratios[LOADS[-1]]
    return got


def felt(scenario: "Scenario", replications: int) -> tuple[Estimate, float]:
    """Mean latency (ms) and requests/s after the warm-up (the first record window), by batch means over the windows of
    independent replications (seeds 1, 2, ...).
    """
    import pandas as pd

    from sim import simulate

    runs = [simulate(scenario.model_copy(update={"seed": seed})) for seed in range(1, replications + 1)]
    windows = pd.concat([run.timeseries.iloc[1:] for run in runs])
    latency_ms = ratio((1e3 * windows["latency_sum_s"]).tolist(), windows["completed"].tolist())
    return latency_ms, float(windows["completed"].sum() / (windows["end_s"] - windows["start_s"]).sum())


def _queue(scenario: "Scenario") -> tuple[float, float, float]:
    """Arrivals per second, seconds per item and per batch, as the scenario has them."""
    workload, service = scenario.workloads["main"], scenario.pools["main"].service
    assert workload.kind == "poisson"
    return workload.rate_per_s, service.per_item_s, service.base_s


def figure(got: Mapping[str, Got]) -> "Plot":
    """Mean latency against arrivals for each largest batch: simulated, exact, and Inoue's bound for unlimited ones."""
    from sim.analysis.queueing import inoue_bounds, take_at_most
    from sim.report.canvas import CAPACITY, FIXED, INK, VARIABLE, log_axis, plot

    _, per_item_s, base_s = _queue(read(HERE).load("bmax_4_load_0.3", horizon="1 s", record={"interval": "1 s"}))
    capacity = {most: most / (base_s + most * per_item_s) for most in LARGEST}
    rows = []
    for most in LARGEST:
        for load in LOADS:
            estimate, exact = got[f"latency_ms_bmax_{most}_load_{load}"], got[f"chain_ms_bmax_{most}_load_{load}"]
            assert isinstance(estimate, Estimate)
            assert isinstance(exact, float)
            rows.append((most, load * capacity[most], estimate, estimate.half_width(0.99), exact))
    covered = sum(abs(e.value - exact) <= half for _, _, e, half, exact in rows)
    finding = f"{covered} of {len(rows)} simulated 99 % intervals cover the exact mean latency"
    shares = [i / 100 for i in range(5, 99)]

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        axes.grid(axis="y")
        rates = [share * capacity[LARGEST[-1]] for share in shares]
        axes.semilogy(rates, [1e3 * min(inoue_bounds(r, per_item_s, base_s)) for r in rates], "--", color=VARIABLE)
        for most in LARGEST:
            rates = [share * capacity[most] for share in shares]
            axes.semilogy(
                rates, [1e3 * take_at_most(most, r, per_item_s, base_s).latency_s for r in rates], color=FIXED
            )
            axes.axvline(capacity[most], linestyle=":", color=CAPACITY)
            axes.text(capacity[most] - 40, 30, f"at most {most}", color=CAPACITY, rotation=90, ha="right", va="top")
        axes.errorbar(
            [r[1] for r in rows], [r[2].value for r in rows], yerr=[r[3] for r in rows], fmt="o", color=INK,
            markersize=4, capsize=3,
        )  # fmt: skip
        axes.set_ylim(*log_axis(axes.yaxis, 2, 40))
        axes.set_xlim(0, 4000)
        axes.text(2900, 4.0, "bound min(φ₀, φ₁)", color=VARIABLE)
        axes.text(700, 4.2, "exact", color=FIXED)
        axes.set_xlabel("arrivals (requests per second)")
        axes.set_ylabel("mean latency (ms, log scale)")
        axes.set_title(finding, loc="left", fontsize=7.5 if size.narrow else 12)
        page.subplots_adjust(right=0.97)

    csv = "largest_batch,arrivals_per_s,simulated_ms,half_width_99_ms,exact_ms\n" + "".join(
        f"{most},{rate:.8g},{e.value:.8g},{half:.4g},{exact:.8g}\n" for most, rate, e, half, exact in rows
    )
    sentence = "Batch means over record windows; dotted: capacity b / (α b + τ₀); dashed: Inoue's bound for any batch."
    return plot("x-bmax", "What does a largest batch cost?", finding, sentence, paint, csv)
