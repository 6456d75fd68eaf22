"""X-TAIL: how slow is the slowest of n, and what does a second try of the slow ones save?"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

from experiments.estimates import Estimate
from experiments.judgement import Got
from experiments.settings import Settings, read

if TYPE_CHECKING:
    from sim import Run
    from sim.report.canvas import Plot

HERE = Path(__file__).parent
APART_S = 10.0  # mean time between two requests
LOOSE_END_S = 300.0  # those who ask later are not looked at: some of their answers would come after the horizon


class Leaf(NamedTuple):
    """A leaf server's lognormal time: its mean (s) and coefficient of variation, and when it is asked again (s)."""

    mean_s: float
    cv: float
    again_s: float = math.inf

    def over(self, time_s: float) -> float:
        """Probability that there is no answer within `time_s`, of the first try or the second."""
        return self._once(time_s) * (self._once(time_s - self.again_s) if time_s > self.again_s else 1.0)

    def _once(self, time_s: float) -> float:
        sigma = math.sqrt(math.log1p(self.cv**2))
        return 1 - NormalDist(math.log(self.mean_s) - sigma**2 / 2, sigma).cdf(math.log(time_s))


def run(small: bool) -> dict[str, Got]:
    """Shares of requests slower than a second, and than the exact 99.9 % quantile; second tries a leaf and their work.

    waited_s: seconds that leaves waited for a server, in all cases together: none, or the exact answers are another's.
    """
    settings = read(HERE)
    own = settings.own
    got: dict[str, Got] = {}
    busy_s: dict[str, float] = {}
    waited_s = 0.0
    for case, requests in own["forms"]["small" if small else "full"].items():
        life = played(settings, case, requests)
        busy_s[case] = float(life.timeseries["busy_s"].sum())
        waited_s += float(life.timeseries["wait_sum_s"].sum())
        latency_s, exact = latencies_s(life), request_over(settings, case)
        for name, times_s in (("over_a_second", own["over_s"]), ("over_p999", own["p999_s"])):
            if case in times_s:
                share = exact(times_s[case])
                slower = sum(one > times_s[case] for one in latency_s)
                got[f"{name}_{case}"] = share_of(slower, len(latency_s), share)
                got[f"exact_{name}_{case}"] = share
        if case.endswith("_hedged"):
            hedges, offered = (int(life.timeseries[name].sum()) for name in ("hedges", "offered"))
            leaves = offered * fan_out(settings, case)
            got[f"second_tries_{case}"] = share_of(hedges, leaves, own["asked_again"])
            more = busy_s[case] / busy_s[case.removesuffix("_hedged")] - 1
            got[f"added_work_{case}"] = added_work(more, leaves, own["asked_again"], settings)
    return got | {"waited_s": waited_s}


def played(settings: Settings, case: str, requests: int) -> "Run":
    """About so many requests of a case."""
    from sim import simulate

    horizon_s = requests * APART_S
    record = {"requests": "all", "interval": f"{min(horizon_s, 86_400.0):.0f} s"}
    return simulate(settings.load(case, horizon=f"{horizon_s:.0f} s", record=record))


def latencies_s(life: "Run") -> list[float]:
    """Latency (s) of every completed request, but those of the loose end."""
    log = life.requests
    assert log is not None
    early = log[log["arrival_ns"] < (life.scenario.horizon_s - LOOSE_END_S) * 1e9]
    assert set(early["outcome"]) == {"completed"}
    return [1e-9 * ns for ns in (early["end_ns"] - early["arrival_ns"]).tolist()]


def share_of(some: int, many: int, exact: float) -> Estimate:
    """A share of independent draws, with the standard error that the exact share gives it (binomial)."""
    return Estimate(some / many, math.sqrt(exact * (1 - exact) / many), many)


def added_work(more: float, leaves: int, asked_again: float, settings: Settings) -> Estimate:
    """What second tries add to the work of the first, which are the same draws in both cases.

    Standard error: of a sum of `leaves` independent times of which a share `asked_again` counts, over their mean sum.
    """
    cv = float(settings.values["pool"]["service"]["cv"])
    return Estimate(more, math.sqrt((asked_again * (1 + cv**2) - asked_again**2) / leaves), leaves)


def request_over(settings: Settings, case: str) -> Callable[[float], float]:
    """Exact probability that a request of a case is slower than so many seconds: 1 - (1 - p)^n of a leaf's p."""
    service = settings.load(case, horizon="1 s", record={"interval": "1 s"}).pools["main"].service
    after = settings.cases[case]["workload"]["stages"]["leaf"].get("hedge", {}).get("after")
    leaf = Leaf(service.mean_s(1), service.cv, math.inf if after is None else float(after.split()[0]) / 1e3)
    n = fan_out(settings, case)
    return lambda time_s: -math.expm1(n * math.log1p(-leaf.over(time_s)))


def fan_out(settings: Settings, case: str) -> int:
    """Leaves that a request of a case asks."""
    return int(settings.cases[case]["workload"]["stages"]["leaf"]["fan_out"])


def figure(got: Mapping[str, Got]) -> "Plot":
    """Share of requests slower than a time, exact and simulated: one leaf and a hundred, asked once or twice."""
    from sim.report.canvas import FIXED, INK, VARIABLE, log_axis, plot

    settings = read(HERE)
    styles = {"n1": (FIXED, "-"), "n1_hedged": (FIXED, "--"), "n100": (VARIABLE, "-"), "n100_hedged": (VARIABLE, "--")}
    grid = [0.05 * 1.06**i for i in range(96)]
    exact = {case: request_over(settings, case) for case in styles}
    points = [
        (case, settings.own[key][case], e)
        for key, name in (("over_s", "over_a_second"), ("p999_s", "over_p999"))
        for case in styles
        if case in settings.own[key] and isinstance(e := got[f"{name}_{case}"], Estimate)
    ]
    once, twice = (got[f"over_a_second_{case}"] for case in ("n100", "n100_hedged"))
    tries = got["second_tries_n100_hedged"]
    assert isinstance(once, Estimate)
    assert isinstance(twice, Estimate)
    assert isinstance(tries, Estimate)
    finding = (
        f"Of a hundred leaves, {100 * once.value:.0f} % of requests wait over a second for the slowest; "
        f"{100 * tries.value:.0f} % more tries make it {100 * twice.value:.0f} %"
    )

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        for case, (colour, style) in styles.items():
            axes.loglog(grid, [exact[case](time_s) for time_s in grid], style, color=colour)
        axes.errorbar(
            [time_s for _, time_s, _ in points], [e.value for *_, e in points],
            yerr=[e.half_width(0.99) for *_, e in points], fmt="o", color=INK, markersize=4, capsize=3,
        )  # fmt: skip
        axes.set_xlim(*log_axis(axes.xaxis, grid[0], 12.0))
        axes.set_ylim(*log_axis(axes.yaxis, 5e-4, 1.0))
        axes.text(0.06, 0.2, "one leaf", color=FIXED)
        axes.text(1.3, 0.62, "100 leaves", color=VARIABLE)
        axes.text(0.06, 1e-3, "dashed: the slowest 5 %\nare asked again", color=INK)
        axes.set_xlabel("time (s, log scale)")
        axes.set_ylabel("share of requests slower (1, log scale)")
        axes.set_title(finding, loc="left", fontsize=6 if size.narrow else 10.5)
        page.subplots_adjust(right=0.97)

    csv = "case,time_s,simulated_share_slower,half_width_99,exact\n" + "".join(
        f"{case},{time_s:.8g},{e.value:.6g},{e.half_width(0.99):.3g},{exact[case](time_s):.8g}\n"
        for case, time_s, e in points
    )
    sentence = "Lines are exact, points are simulated with 99 % intervals."
    return plot("x-tail", "How slow is the slowest of n?", finding, sentence, paint, csv)
