"""X-CHE: does the simulated response cache answer as many requests as Che's approximation says?"""

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
EXPONENTS, CAPACITIES = (0.8, 1.0, 1.2), (100, 1000)
CASES = {f"a{a:g}_c{c}": (a, c) for a in EXPONENTS for c in CAPACITIES}


def run(small: bool) -> dict[str, Got]:
    """Share of requests answered by the cache in each case: simulated, and by Che's fixed point."""
    from sim.analysis.caching import che_hit_ratio, zipf

    settings = read(HERE)
    form = settings.own["forms"]["small" if small else "full"]
    got: dict[str, Got] = {}
    for case in CASES:
        scenario = settings.load(case, horizon=form["horizon"], record={"interval": form["interval"]})
        catalogue, exponent, capacity = _cache(scenario)
        got[f"hit_ratio_{case}"] = answered(scenario)
        got[f"che_{case}"] = che_hit_ratio(zipf(catalogue, exponent), capacity)
    return got


def answered(scenario: "Scenario") -> Estimate:
    """Share of requests that the cache answers after the warm-up (the first record window), by batches of windows."""
    from sim import simulate

    windows = simulate(scenario).timeseries.iloc[1:]
    return ratio(windows["hit"].tolist(), windows["offered"].tolist())


def _cache(scenario: "Scenario") -> tuple[int, float, int]:
    """Keys, exponent of their popularity and entries of the cache, as the scenario has them."""
    workload = scenario.workloads["main"]
    assert workload.keys.kind == "zipf"
    assert workload.cache.kind == "lru"
    return workload.keys.catalogue, workload.keys.exponent, workload.cache.capacity


def figure(got: Mapping[str, Got]) -> "Plot":
    """Hit ratio against entries: simulated with intervals, and Che's curves."""
    from sim.analysis.caching import che_hit_ratio, zipf
    from sim.report.canvas import CAPACITY, FIXED, INK, VARIABLE, plot

    rows = []
    for case, (exponent, capacity) in CASES.items():
        estimate, che = got[f"hit_ratio_{case}"], got[f"che_{case}"]
        assert isinstance(estimate, Estimate)
        assert isinstance(che, float)
        rows.append((exponent, capacity, estimate, che))
    farthest = max(abs(estimate.value - che) for _, _, estimate, che in rows)
    finding = f"Simulated hit ratios lie within {farthest:.4f} of Che's approximation"
    entries = [round(10 ** (i / 10)) for i in range(10, 41)]
    curves = {a: [che_hit_ratio(zipf(10_000, a), c) for c in entries] for a in EXPONENTS}

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        axes.grid(axis="y")
        for (exponent, curve), colour in zip(curves.items(), (CAPACITY, FIXED, VARIABLE), strict=True):
            axes.semilogx(entries, curve, color=colour)
            axes.text(12, curve[0] + 0.045, f"exponent {exponent:g}", color=colour)
        axes.errorbar(
            [capacity for _, capacity, _, _ in rows], [e.value for _, _, e, _ in rows],
            yerr=[e.half_width(0.99) for _, _, e, _ in rows], fmt="o", color=INK, markersize=4, capsize=3,
        )  # fmt: skip
        axes.text(130, 0.09, "simulated, 99 %", color=INK)
        axes.set_ylim(0, 1)
        axes.set_xticks([10, 100, 1000, 10_000], ["10", "100", "1,000", "10,000"])
        axes.set_xlabel("entries of the cache (log scale), of 10,000 keys")
        axes.set_ylabel("share of requests answered (1)")
        axes.set_title(finding, loc="left", fontsize=7.5 if size.narrow else 12)
        page.subplots_adjust(right=0.97)

    csv = "exponent,entries,simulated,half_width_99,che\n" + "".join(
        f"{a:g},{c},{e.value:.6g},{e.half_width(0.99):.3g},{che:.6g}\n" for a, c, e, che in rows
    )
    sentence = "Dots are runs of the simulator, lines are Che's fixed point."
    return plot("x-che", "How many requests does a cache answer?", finding, sentence, paint, csv)
