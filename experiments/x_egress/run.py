"""X-EGRESS: what does a month's traffic to the internet cost under tiered prices?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.estimates import Estimate
from experiments.judgement import Got
from experiments.settings import read

if TYPE_CHECKING:
    from sim import Scenario
    from sim.report.canvas import Plot

HERE = Path(__file__).parent
TB = 1024 * 10**9  # bytes, as AWS counts and GB are counted here
MONTHS = ("april", "may")


def run(small: bool) -> dict[str, Got]:
    """Bill (USD) of each volume: metered at once, metered response by response, and from the ledger of a run, by month.

    The small form is the full one.
    """
    settings = read(HERE)
    got: dict[str, Got] = {}
    for volume in settings.own["terabytes"]:
        scenario = settings.replay(f"tb_{volume}", HERE / "arrivals.csv")
        got[f"at_once_usd_{volume}_tb"] = metered(scenario, [volume * TB])
        requests = settings.own["requests"]
        got[f"in_parts_usd_{volume}_tb"] = metered(scenario, [scenario.workloads["main"].response_bytes] * requests)
        for month, usd in zip(MONTHS, billed(scenario), strict=True):
            got[f"{month}_usd_{volume}_tb"] = usd
    return got


def metered(scenario: "Scenario", volumes: list[float]) -> float:
    """What one month's volumes (bytes), one after another, cost (USD) by the scenario's price book."""
    from sim.cost.accrual import TieredMeter
    from sim.cost.money import to_usd

    meter = TieredMeter(scenario.price.egress)
    return to_usd(sum(meter.accrue(volume).amount_nano for volume in volumes))


def billed(scenario: "Scenario") -> tuple[float, float]:
    """Egress (USD) in the ledger of a run, in its first and in its second month."""
    from datetime import datetime

    from sim import simulate
    from sim.cost.money import to_usd

    life = simulate(scenario)
    second_s = life.calendar.ns(datetime(2026, 5, 1)) / 1e9
    lines = life.ledger[life.ledger["account"] == "network.egress"]
    first = lines["at_s"] <= second_s  # a day's line stands at its end
    nano = lines["amount_nano_usd"]
    return to_usd(int(nano[first].sum())), to_usd(int(nano[~first].sum()))


def figure(got: Mapping[str, Got]) -> "Plot":
    """Price of a GB, on average and at the margin, against the month's volume."""
    from sim.report.canvas import EGRESS, FIXED, INK, log_axis, plot, value_axis

    settings = read(HERE)
    price = settings.replay("tb_1", HERE / "arrivals.csv").price.egress
    rows = []
    for volume in settings.own["terabytes"]:
        usd = got[f"april_usd_{volume}_tb"]
        assert not isinstance(usd, Estimate)
        rows.append((volume, usd, usd / (volume * TB / 1e9)))
    grid = [10 ** (i / 100) for i in range(-100, 301)]
    average = [price.bill_nano(round(x * TB)) / 1e9 / (x * TB / 1e9) for x in grid]
    best = max(zip(average, grid, strict=True))
    finding = f"A GB is dearest at {best[1]:.0f} TB a month: free volume helps the small, tiers help the large"

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        axes.semilogx(grid, average, color=FIXED)
        axes.semilogx([row[0] for row in rows], [row[2] for row in rows], "o", color=INK, markerfacecolor=EGRESS)
        for volume, usd, per_gb in rows:
            axes.annotate(
                f"{usd:,.2f}", (volume, per_gb), (2, 7), textcoords="offset points",
                ha="left" if volume > 10 else "center", fontsize=6 if size.narrow else 9,
            )  # fmt: skip
        axes.set_xlim(*log_axis(axes.xaxis, 0.1, 1000))
        axes.set_ylim(0, 0.105)
        value_axis(axes, "average price (USD/GB)")
        axes.set_xlabel("egress (TB of 1,024 GB a month, log scale); labels: the month's bill in USD")
        axes.set_title(finding, loc="left", fontsize=6 if size.narrow else 12)
        page.subplots_adjust(right=0.97)

    csv = "terabytes_a_month,bill_usd,average_usd_per_gb\n" + "".join(
        f"{volume},{usd:.2f},{per_gb:.8g}\n" for volume, usd, per_gb in rows
    )
    sentence = "Line: by the price list; dots: bills in the ledger of a run. The first 100 GB of a month are free."
    return plot("x-egress", "What does traffic to the internet cost?", finding, sentence, paint, csv)
