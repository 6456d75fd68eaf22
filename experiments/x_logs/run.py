"""X-LOGS: what do a product's logs cost to take in and to keep?"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.judgement import Got
from experiments.settings import Settings, read

if TYPE_CHECKING:
    from sim import Run, Scenario
    from sim.report.canvas import Plot

HERE = Path(__file__).parent
CASES = ("gb_750", "gb_750_30_d", "rps_1000")


def run(small: bool) -> dict[str, Got]:
    """Ingest and storage (USD) of each month's logs: by the accruals alone, and from the ledger of a run."""
    settings = read(HERE)
    got: dict[str, Got] = {}
    for case in CASES:
        scenario = settings.replay(case, HERE / "arrivals.csv")
        volume = settings.own["days"] * scenario.workloads["main"].log_bytes
        accrued = kept(scenario, volume, settings.own["month"] * 3600)
        posted = billed(scenario)
        for name, one, other in zip(("ingest", "storage"), accrued, posted, strict=True):
            got |= {f"accrued_{name}_usd_{case}": one, f"ledger_{name}_usd_{case}": other}
    long_running = settings.replay("gb_750", HERE / "arrivals.csv")
    got["steady_storage_usd_gb_750"] = steady(long_running, settings.own["month"] * 3600)
    horizon = settings.own["forms"]["small" if small else "full"]["horizon"]
    got["live_ingest_usd_30_d"] = live(settings, horizon)
    return got


def kept(scenario: "Scenario", volume: float, month_s: float) -> tuple[float, float]:
    """Ingest and storage (USD) of one volume (bytes), taken in evenly over a month and followed until it has gone."""
    from sim.cost.accrual import LogStorage, TieredMeter
    from sim.cost.money import to_usd

    logs = scenario.price.logs
    storage = LogStorage(logs)
    gb_months = storage.accrue(month_s, volume) + storage.accrue(month_s + logs.retention_s, 0)
    ingest = TieredMeter(logs.ingest).accrue(volume).amount_nano
    return to_usd(ingest), gb_months * logs.storage_usd_per_gb_month


def steady(scenario: "Scenario", month_s: float) -> float:
    """Storage (USD) of a month in which as much is taken in as goes: the third one of an even 750 GB a month."""
    from sim.cost.accrual import LogStorage

    storage = LogStorage(scenario.price.logs)
    months = [storage.accrue(k * month_s, 750e9) for k in (1, 2, 3)]
    return months[2] * scenario.price.logs.storage_usd_per_gb_month


def billed(scenario: "Scenario") -> tuple[float, float]:
    """Ingest and storage (USD) in the ledger of a run."""
    from sim import simulate

    life = simulate(scenario)
    return _account_usd(life, "log_ingest"), _account_usd(life, "log_storage")


def live(settings: Settings, horizon: str) -> float:
    """What 30 days of 1,000 requests a second cost to take in (USD), by the bill of each of a short run's requests."""
    from sim import simulate

    chosen = replace(settings, choices=tuple(settings.own["live_choices"]))
    life = simulate(chosen.load("live", horizon=horizon))
    each_usd = _account_usd(life, "log_ingest") / life.totals["offered"]
    return float(each_usd * 1000 * settings.own["days"] * 86_400)


def _account_usd(life: "Run", name: str) -> float:
    """Sum (USD) of the ledger lines of observability.<name>."""
    from sim.cost.money import to_usd

    lines = life.ledger[life.ledger["account"] == f"observability.{name}"]
    return to_usd(int(lines["amount_nano_usd"].sum()))


def figure(got: Mapping[str, Got]) -> "Plot":
    """Ingest and storage over the life of a month's logs, by day."""
    from itertools import accumulate

    from sim import simulate
    from sim.report.canvas import FIXED, INK, VARIABLE, plot, value_axis

    life = simulate(read(HERE).replay("gb_750", HERE / "arrivals.csv"))
    days = range(int(life.scenario.horizon_s / 86_400) + 1)
    curves = {}
    for name in ("log_ingest", "log_storage"):
        lines = life.ledger[life.ledger["account"] == f"observability.{name}"]
        daily = (lines["amount_nano_usd"].groupby((lines["at_s"] / 86_400).round().astype(int)).sum() / 1e9).to_dict()
        curves[name] = list(accumulate(daily.get(day, 0.0) for day in days))
    ingest, storage = curves.values()
    finding = f"750 GB of logs cost {ingest[-1]:.2f} USD to take in and {storage[-1]:.2f} USD to keep for a month"

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        axes.plot(days, ingest, color=VARIABLE)
        axes.plot(days, [a + b for a, b in zip(ingest, storage, strict=True)], color=FIXED)
        axes.fill_between(days, ingest, [a + b for a, b in zip(ingest, storage, strict=True)], color=FIXED, alpha=0.3)
        axes.axvline(30, color=INK, linewidth=0.6, linestyle=":")
        axes.set_xlim(0, days[-1])
        axes.set_ylim(0, 450)
        value_axis(axes, "cost so far (USD)")
        axes.text(17, 175, "taken in", color=VARIABLE)
        axes.text(40, 408, "and kept", color=FIXED)
        axes.set_xlabel("days since the first log; traffic ends at the dotted line")
        axes.set_title(finding, loc="left", fontsize=6 if size.narrow else 12)
        page.subplots_adjust(right=0.97)

    csv = "day,ingest_so_far_usd,storage_so_far_usd\n" + "".join(
        f"{day},{a:.6f},{b:.6f}\n" for day, a, b in zip(days, ingest, storage, strict=True)
    )
    sentence = "From the ledger of a run: 750 GB in 30 days, each log kept for a mean month of 730.5 h."
    return plot("x-logs", "What do logs cost to take in and to keep?", finding, sentence, paint, csv)
