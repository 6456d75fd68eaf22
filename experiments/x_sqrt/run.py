"""X-SQRT: how many servers does a load need, and what does pooling save?"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.estimates import Estimate
from experiments.judgement import Got
from experiments.settings import read

if TYPE_CHECKING:
    from sim.report.canvas import Plot

HERE = Path(__file__).parent


def run(small: bool) -> dict[str, Got]:
    """Servers for each load. The small form is the full one: it takes milliseconds."""
    from sim.analysis.queueing import servers_for

    own = read(HERE).own
    return {f"servers_r{load}": float(servers_for(float(load), own["p_wait"])) for load in own["loads"]}


def figure(got: Mapping[str, Got]) -> "Plot":
    """Servers beyond the load, as a share of it, against the load; and the square-root rule."""
    from sim.analysis.queueing import halfin_whitt_beta
    from sim.report.canvas import FIXED, INK, log_axis, plot

    own = read(HERE).own
    beta = halfin_whitt_beta(own["p_wait"])
    rows = []
    for load in own["loads"]:
        servers = got[f"servers_r{load}"]
        assert not isinstance(servers, Estimate)
        rows.append((load, int(servers), 100 * (servers / load - 1), 100 * beta / math.sqrt(load)))
    finding = f"Pooling cuts spare servers from {rows[0][2]:.0f} % of a load of 1 to {rows[-1][2]:.1f} % of 10,000"

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        axes.grid(axis="y")
        loads = [row[0] for row in rows]
        axes.loglog(loads, [row[3] for row in rows], "--", color=INK, linewidth=1)
        axes.loglog(loads, [row[2] for row in rows], "o", color=FIXED)
        axes.set_xlim(*log_axis(axes.xaxis, loads[0], loads[-1]))
        axes.set_ylim(*log_axis(axes.yaxis, rows[-1][3], rows[0][2]))
        for load, servers, spare, _ in rows:
            axes.annotate(f"{servers:,}", (load, spare), (6, 4), textcoords="offset points")
        axes.annotate(f"{beta:.2f} / √R", (loads[1], rows[1][3]), (-46, -16), textcoords="offset points")
        axes.set_xlabel("load R (erlangs, log scale); labels: fewest servers at which at most 10 % wait")
        axes.set_ylabel("spare servers (% of load, log scale)")
        axes.set_title(finding, loc="left", fontsize=6.5 if size.narrow else 12)
        page.subplots_adjust(right=0.95)

    csv = "load_erlangs,servers,spare_percent,square_root_rule_percent\n" + "".join(
        f"{load},{servers},{spare:.6g},{rule:.6g}\n" for load, servers, spare, rule in rows
    )
    sentence = "Dots: exact by Erlang's formula; dashed: the square-root rule of Halfin and Whitt."
    return plot("x-sqrt", "How many servers does a load need?", finding, sentence, paint, csv)
