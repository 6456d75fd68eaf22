"""X-VARIETY: what does it cost to give every segment its own pool?"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.estimates import Estimate, ratio
from experiments.judgement import Got
from experiments.settings import Settings, read

if TYPE_CHECKING:
    from sim import Run, Scenario
    from sim.report.canvas import Plot

HERE = Path(__file__).parent
ENOUGH = (
    "k1_c115",
    "k10_c16",
    "k50_c5",
)  # fewest servers a segment at which at most 10 % wait; others: one fewer


def run(small: bool) -> dict[str, Got]:
    """Servers by number of segments; P(wait) of the simulated worlds; what their machines cost beside one pool's."""
    from sim.analysis.queueing import servers_for

    settings = read(HERE)
    own = settings.own
    form = own["forms"]["small" if small else "full"]
    got: dict[str, Got] = {
        f"servers_k{k}": float(k * servers_for(own["load"] / k, own["p_wait"])) for k in own["segments"]
    }
    usd_per_h = {}
    for case in settings.cases:
        scenario = world(settings, case, form["horizon"][case])
        p_wait, usd_per_h[case] = played(scenario, form["replications"][case])
        got[f"p_wait_{case}"] = p_wait
        if case in ENOUGH:
            got[f"p_wait_at_most_{case}"] = p_wait
            if case != ENOUGH[0]:
                got[f"cost_ratio_{case}"] = usd_per_h[case] / usd_per_h[ENOUGH[0]]
        else:
            got[f"at_once_upper_{case}"] = 1 - p_wait.value + 2 * p_wait.standard_error
    return got


def world(settings: Settings, case: str, horizon: str) -> "Scenario":
    """K segments (a workload and a pool of its own each) with an even share of the load, as the case's name says."""
    segments, servers = (int(number) for number in re.findall(r"\d+", case))
    names = [f"s{i}" for i in range(1, segments + 1)]
    rate = settings.own["load"] / segments  # a service takes one second, so that erlangs are requests per second
    return settings.load(
        case,
        horizon=horizon,
        workloads={name: {"pool": name, "rate": f"{rate:g} req/s"} for name in names},
        pools={name: {"autoscaler": {"replicas": servers}} for name in names},
    )


def played(scenario: "Scenario", replications: int) -> tuple[Estimate, float]:
    """P(wait) after the warm-up (the first record window), and what all machines cost (USD/h).

    Parts of the estimate are replications times segments: each segment has its own random numbers.
    """
    from sim import simulate

    waited: list[float] = []
    offered: list[float] = []
    for replication in range(replications):
        life = simulate(scenario, replication=replication)
        windows = life.timeseries
        sums = windows[windows["start_s"] > 0].groupby("workload")[["waited", "offered"]].sum()
        waited += sums["waited"].tolist()
        offered += sums["offered"].tolist()
    return ratio(waited, offered), _machine_usd_per_h(life)


def _machine_usd_per_h(life: "Run") -> float:
    """Cost of the machines of a run, busy or idle, per hour of the run (USD/h)."""
    machine = life.ledger[life.ledger["account"].str.startswith("serving.machine.")]
    return int(machine["amount_nano_usd"].sum()) / 1e9 / (life.scenario.horizon_s / 3600)


def figure(got: Mapping[str, Got]) -> "Plot":
    """Servers in all against the number of segments, and the load that they serve."""
    from sim.report.canvas import FIXED, INK, VARIABLE, log_axis, plot, value_axis

    own = read(HERE).own
    load = own["load"]
    rows: list[tuple[int, int, float]] = []
    for k in own["segments"]:
        servers = got[f"servers_k{k}"]
        assert not isinstance(servers, Estimate)
        rows.append((k, int(servers), 100 * (servers / rows[0][1] - 1) if rows else 0.0))
    seen = {int(case.split("_")[0][1:]): got[f"p_wait_{case}"] for case in ENOUGH}
    last = rows[-1]
    finding = f"{last[0]} pools need {last[2]:.0f} % more servers than one for the same load"

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        axes.semilogx([k for k, *_ in rows], [servers for _, servers, _ in rows], "o-", color=FIXED)
        axes.axhline(load, color=INK, linewidth=1, linestyle="--")
        axes.text(1, 0.97 * load, "load in erlangs", va="top")
        for k, servers, _ in rows:
            axes.annotate(f"{servers}", (k, servers), (0, 7), textcoords="offset points", ha="center")
            estimate = seen.get(k)
            if isinstance(estimate, Estimate):
                axes.annotate(
                    f"{100 * estimate.value:.1f} %", (k, servers), (0, 22), textcoords="offset points", ha="center",
                    color=VARIABLE,
                )  # fmt: skip
        axes.set_xlim(*log_axis(axes.xaxis, rows[0][0], rows[-1][0]))
        axes.set_ylim(0, 1.2 * last[1])
        value_axis(axes, "servers in all (1)")
        axes.set_xlabel("segments, each with its own pool (log scale); orange: share that waits, simulated")
        axes.set_title(finding, loc="left", fontsize=7 if size.narrow else 12)
        page.subplots_adjust(right=0.97)

    csv = "segments,servers,more_than_one_pool_percent,simulated_p_wait,standard_error\n" + "".join(
        f"{k},{servers},{more:.6g},"
        + (f"{e.value:.6g},{e.standard_error:.3g}\n" if isinstance(e := seen.get(k), Estimate) else ",\n")
        for k, servers, more in rows
    )
    sentence = "Fewest servers at which at most 10 % of requests wait, by Erlang's formula, 100 erlangs in all."
    return plot("x-variety", "What does it cost to give every segment its own pool?", finding, sentence, paint, csv)
