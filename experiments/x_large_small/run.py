"""X-LARGE-SMALL: how much faster is a small model, alone, in batches and under load?"""

import math
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
SIZES = ("large", "small")
BATCHES = (1, 8, 16)
TERMS, WITHIN = 1000, 1000  # the demonstration's test: 1,000 uniform numbers, a sum within 1/1000 of its mean


def run(small: bool) -> dict[str, Got]:
    """Latencies (ms), throughputs (1/s) and their ratios, large over small in time; and the chance of a success."""
    settings = read(HERE)
    form = settings.own["forms"]["small" if small else "full"]
    got: dict[str, Got] = {}

    full = settings.load("source_full", horizon=form["full"], record={"requests": "all", "interval": form["full"]})
    first_ms, per_s = flat_out(full)
    for size in SIZES:
        got[f"alone_ms_{size}"] = first_ms[size]
        got[f"throughput_per_s_{size}"] = per_s[size]
    got["alone_ratio"] = first_ms["large"] / first_ms["small"]
    got["throughput_ratio"] = per_s["small"] / per_s["large"]

    for case in ("source", "bert"):
        span = form["loaded"][case]
        record = {"requests": "none", "interval": span["interval"]}
        loaded = felt(settings.load(f"{case}_loaded", horizon=span["horizon"], record=record))
        got |= {f"{case}_loaded_ms_{size}": loaded[size] for size in SIZES}
        got[f"{case}_loaded_ratio"] = quotient(loaded["large"], loaded["small"])

    for batch in BATCHES:
        scenario = settings.load(
            f"bert_full_b{batch}", horizon=form["full"], record={"requests": "all", "interval": form["full"]}
        )
        _, per_s = flat_out(scenario)
        got[f"bert_throughput_ratio_b{batch}"] = per_s["small"] / per_s["large"]
        got[f"bert_measured_ratio_b{batch}"] = per_s["small"] / per_s["large"]

    chance = near_the_mean(TERMS, WITHIN)
    got |= {"success_published": chance, "success_exact": chance}
    return got


def flat_out(scenario: "Scenario") -> tuple[dict[str, float], dict[str, float]]:
    """By workload: latency (ms) of the first request, which finds the server free, and requests per second later on.

    Throughput is requests completed over the time between two completions, so that it has no loose ends; the first
    fifth of the run is dropped, in which the queue fills.
    """
    from sim import simulate

    log = simulate(scenario).requests
    assert log is not None
    first_ms, per_s = {}, {}
    for size in SIZES:
        ended = log[(log["workload"] == size) & (log["outcome"] == "completed")].sort_values("end_ns")
        first_ms[size] = float(ended["end_ns"].iloc[0] - ended["arrival_ns"].iloc[0]) / 1e6
        late = ended.loc[ended["end_ns"] > scenario.horizon_s * 0.2e9, "end_ns"]
        begin, end = int(late.iloc[0]), int(late.iloc[-1])
        per_s[size] = float((late > begin).sum()) / ((end - begin) / 1e9)
    return first_ms, per_s


def felt(scenario: "Scenario") -> dict[str, Estimate]:
    """By workload, mean latency (ms) after the warm-up (the first record window), by batch means over windows."""
    from sim import simulate

    windows = simulate(scenario).timeseries
    windows = windows[windows["start_s"] > 0]
    return {
        str(size): ratio((1e3 * own["latency_sum_s"]).tolist(), own["completed"].tolist())
        for size, own in windows.groupby("workload")
    }


def quotient(above: Estimate, below: Estimate) -> Estimate:
    """One independent estimate over another; the standard error by linearisation."""
    value = above.value / below.value
    relative = math.hypot(above.standard_error / above.value, below.standard_error / below.value)
    return Estimate(value, value * relative, min(above.parts, below.parts))


def near_the_mean(terms: int, per: int) -> float:
    """Probability that a sum of uniform numbers on [0, 1] lies within 1 / per of its mean, exactly.

    By the distribution of Irwin and Hall (1927), P(S <= x) = sum over k <= x of (-1)^k C(n, k) (x - k)^n / n!, in whole
    numbers at x = (terms per / 2 + 1) / per; the distribution is symmetric. terms: even; per: 1 or more.
    """
    top = terms * per // 2 + 1  # of x = top / per
    below = sum((-1) ** k * math.comb(terms, k) * (top - k * per) ** terms for k in range(top // per + 1))
    whole = math.factorial(terms) * per**terms
    return float((2 * below - whole) / whole)


def figure(got: Mapping[str, Got]) -> "Plot":
    """How many times longer the large model takes: alone, in batches, under load."""
    from sim.report.canvas import FIXED, INK, VARIABLE, plot, value_axis

    rows = [
        ("alone", "source", "alone_ratio"),
        ("flat out,\nbatch 1", "source", "throughput_ratio"),
        ("at 7 req/s\neach", "source", "source_loaded_ratio"),
        *((f"flat out,\nbatch {b}", "bert", f"bert_throughput_ratio_b{b}") for b in BATCHES),
        ("at 60 req/s\neach", "bert", "bert_loaded_ratio"),
    ]
    bars = [(text, pair, e.value if isinstance(e := got[key], Estimate) else e) for text, pair, key in rows]
    finding = f"A model {bars[0][2]:.2f} times as fast alone answers {bars[2][2]:.1f} times as fast under load"

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        places = [i + (0.6 if pair == "bert" else 0.0) for i, (_, pair, _) in enumerate(bars)]
        colours = [FIXED if pair == "source" else VARIABLE for _, pair, _ in bars]
        axes.bar(places, [value for *_, value in bars], 0.7, color=colours)
        for place, (*_, value) in zip(places, bars, strict=True):
            axes.annotate(f"{value:.3g}", (place, value), (0, 3), textcoords="offset points", ha="center")
        axes.set_xticks(places, [text for text, *_ in bars], fontsize=5 if size.narrow else 9)
        top = max(value for *_, value in bars)
        axes.set_ylim(0, 1.2 * top)
        value_axis(axes, "large over small (1)")
        for place, text, colour in (
            (1.0, "a demonstration,\n100 and 30 ms", FIXED), (4.1, "BERT large and\nsix layers, T4", VARIABLE),
        ):  # fmt: skip
            axes.text(place, 1.14 * top, text, color=colour, ha="center", va="top", fontsize=8 if size.narrow else 10)
        axes.axhline(10 / 3, color=INK, linewidth=0.8, linestyle=":")
        axes.set_title(finding, loc="left", fontsize=7 if size.narrow else 12)
        page.subplots_adjust(bottom=0.16, right=0.97)

    csv = "case,pair,large_over_small\n" + "".join(
        f"{text.replace(chr(10), ' ').replace(',', '')},{pair},{value:.8g}\n" for text, pair, value in bars
    )
    sentence = "Time or throughput of the small model over the large one's; the dotted line is 100 ms over 30 ms."
    return plot("x-large-small", "How much faster is a small model?", finding, sentence, paint, csv)
