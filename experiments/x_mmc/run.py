"""X-MMC: does the simulated M/M/c wait as Erlang says?"""

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
SYSTEMS = {"r6.8_c8": (6.8, 8), "r10_c16": (10.0, 16), "r100_c115": (100.0, 115), "r1000_c1046": (1000.0, 1046)}
STAFFED = ("r10_c16", "r100_c115", "r1000_c1046")  # fewest servers at which at most 10 % wait


def run(small: bool) -> dict[str, Got]:
    """P(wait) and mean wait (s) of each system, simulated and by the product's own closed form."""
    from sim.analysis.queueing import erlang_c, mmc_wait_s

    settings = read(HERE)
    form = settings.own["forms"]["small" if small else "full"]
    got: dict[str, Got] = {}
    for case, (load, servers) in SYSTEMS.items():
        scenario = settings.load(case, horizon=form["horizon"][case])
        p_wait, wait_s = waits(scenario, form["replications"])
        got |= {f"p_wait_{case}": p_wait, f"mean_wait_s_{case}": wait_s}
        got |= {f"erlang_c_{case}": erlang_c(servers, load), f"erlang_wait_s_{case}": mmc_wait_s(servers, load, 1.0)}
        if case in STAFFED:
            got[f"p_wait_at_most_{case}"] = p_wait
    return got


def waits(scenario: "Scenario", replications: int) -> tuple[Estimate, Estimate]:
    """P(wait) and mean wait (s) after the warm-up (the first record window), over independent replications."""
    from sim import simulate

    parts = []
    for replication in range(replications):
        windows = simulate(scenario, replication=replication).timeseries.iloc[1:]
        parts.append([float(windows[name].sum()) for name in ("waited", "wait_sum_s", "offered")])
    waited, wait_s, offered = zip(*parts, strict=True)
    return ratio(waited, offered), ratio(wait_s, offered)


def figure(got: Mapping[str, Got]) -> "Plot":
    """Every simulated value minus Erlang's, in standard errors."""
    from sim.report.canvas import INK, VARIABLE, plot, value_axis

    rows = []
    for case, (load, servers) in SYSTEMS.items():
        for what, key, law in (("P(wait)", "p_wait", "erlang_c"), ("mean wait", "mean_wait_s", "erlang_wait_s")):
            estimate, exact = got[f"{key}_{case}"], got[f"{law}_{case}"]
            assert isinstance(estimate, Estimate)
            assert isinstance(exact, float)
            off = (estimate.value - exact) / estimate.standard_error
            rows.append((f"{what}\n{load:,g} on\n{servers:,}", off, estimate, exact))
    inside = sum(abs(off) <= 2 for _, off, _, _ in rows)
    finding = f"{inside} of {len(rows)} simulated values lie within two standard errors of Erlang's"

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        axes.axhspan(-2, 2, color=INK, alpha=0.07, linewidth=0)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.plot(range(len(rows)), [off for _, off, _, _ in rows], "o", color=VARIABLE)
        axes.set_xticks(range(len(rows)), [text for text, *_ in rows], fontsize=6 if size.narrow else 9)
        axes.set_ylim(-3.2, 3.2)
        value_axis(axes, "simulated minus exact (standard errors)", from_zero=False)
        axes.set_xlabel("value, and load (erlangs) on how many servers")
        axes.set_title(finding, loc="left", fontsize=8 if size.narrow else 12)
        page.subplots_adjust(bottom=0.22, right=0.97)

    csv = "value,simulated,standard_error,exact,difference_in_standard_errors\n" + "".join(
        f"{text.replace(chr(10), ' ').replace(',', '')},{e.value:.8g},{e.standard_error:.4g},{exact:.8g},{off:.4f}\n"
        for text, off, e, exact in rows
    )
    sentence = "Independent replications; the grey band is plus and minus two standard errors."
    return plot("x-mmc", "Does the simulated queue wait as Erlang says?", finding, sentence, paint, csv)
