"""X-RETRAIN: how often should a model be retrained?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from experiments.estimates import Estimate
from experiments.judgement import Got
from experiments.settings import read

if TYPE_CHECKING:
    from sim.report.canvas import Plot

HERE = Path(__file__).parent


class Cost(NamedTuple):
    """USD a day: value lost to staleness, and trainings."""

    staleness: float
    training: float

    @property
    def total(self) -> float:
        """Both."""
        return self.staleness + self.training


def run(small: bool) -> dict[str, Got]:
    """The best of the periods and its cost, with a training of a second and with a long one."""
    own = settings()
    cycles = own["forms"]["small" if small else "full"]["cycles"]
    costs = {period: cost_usd_per_day(own, period, cycles) for period in own["periods_d"]}
    best = min(costs, key=lambda period: costs[period].total)
    slow_d = float(own["long_training_d"])
    slow = {period: cost_usd_per_day(own, period, cycles, slow_d) for period in own["periods_d"] if period >= slow_d}
    return {
        "best_period_d": float(best),
        "least_cost_usd_per_day": costs[best].total,
        "cost_usd_per_day_at_5_d": costs[5].total,
        "cost_usd_per_day_at_20_d": costs[20].total,
        "training_usd_per_day_at_best": costs[best].training,
        "freshness_usd_per_day_long_training": slow[10].staleness - costs[10].staleness,
        "best_period_d_long_training": float(min(slow, key=lambda period: slow[period].total)),
    }


def settings() -> Mapping[str, Any]:
    """What config.yaml says."""
    return read(HERE).own


def loss_usd_per_day2(own: Mapping[str, Any]) -> float:
    """s: by how much a day of drift raises the loss, USD a day and day."""
    learning, value = _nodes(own, 30.0, None)
    return float(own["answers_per_day"] * learning.drift.loss / (learning.drift.over_s / 86_400) * value.usd)


def cost_usd_per_day(own: Mapping[str, Any], period_d: float, cycles: int, training_d: float | None = None) -> Cost:
    """Cost a day over `cycles` whole periods, after as many that are not counted.

    period_d: from one training's start to the next (days); training_d: its duration, None: as config.yaml has it.
    """
    from sim.clock.calendar import NS_PER_DAY
    from sim.clock.environment import Clock
    from sim.clock.ranks import Rank
    from sim.cost.ledger import Ledger
    from sim.model.life import ModelLife
    from sim.model.lines import training_lines, value_lines
    from sim.streams import Streams

    learning, value = _nodes(own, period_d, training_d)
    clock, costs, worth = Clock(), Ledger(), Ledger()
    per_day, period_ns = own["answers_per_day"], round(period_d * NS_PER_DAY)
    end_ns = 2 * cycles * period_ns + period_ns // 2

    def answered() -> int:
        return int(clock.now * per_day // NS_PER_DAY)

    life = ModelLife(
        clock, "main", learning, answered, Streams(1), lambda *event: None, lambda: None, horizon_ns=end_ns
    )  # fmt: skip
    life.begin()
    # books close half a period after a training's start, so that none falls on their edge
    last_ns = last_answers = last_jobs = 0
    for turn in (1, 2):
        now = (turn * cycles) * period_ns + period_ns // 2
        clock.play(lambda t, rank: True, clock.at(now, Rank.CLOSE))
        jobs = sum(trained.jobs for trained in life.trained(now).values())
        if turn == 2:
            training_lines(costs, now / 1e9, 0.0, jobs - last_jobs, learning.training, "", "main")
            quality = life.quality_mean(last_ns, now)
            value_lines(worth, now / 1e9, answered() - last_answers, 0, 0, quality, life.fresh, value, "", "main")
        last_ns, last_answers, last_jobs = now, answered(), jobs
    days = cycles * period_d
    return Cost(worth.total_nano("lost") / 1e9 / days, costs.total_nano("fixed") / 1e9 / days)


def _nodes(own: Mapping[str, Any], period_d: float, training_d: float | None) -> tuple[Any, Any]:
    """The `learning` and `value` nodes as parameters."""
    from pydantic import TypeAdapter

    from sim.model.parameters import ModelLearning
    from sim.model.value import Value

    training = {**own["training"]} if training_d is None else {**own["training"], "duration": f"{training_d} d"}
    tree = {**own["learning"], "training": training, "retraining": {"kind": "periodic", "period": f"{period_d} d"}}
    door = {"door": True}
    return ModelLearning.model_validate(tree, context=door), TypeAdapter(Value).validate_python(
        own["value"], context=door
    )


def figure(got: Mapping[str, Got]) -> "Plot":
    """Cost a day against the period: its two parts, their sum as simulated, and the closed form."""
    from sim.report.canvas import FIXED, INK, QUALITY, log_axis, plot

    own = settings()
    rows = [(period, cost_usd_per_day(own, period, cycles=4)) for period in own["periods_d"]]
    best, least = got["best_period_d"], got["least_cost_usd_per_day"]
    assert not isinstance(best, Estimate)
    assert not isinstance(least, Estimate)
    loss, price = loss_usd_per_day2(own), _nodes(own, 30.0, None)[0].training.data_usd
    finding = f"A period of {best:g} days is cheapest, at {least:.0f} USD a day"

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        axes.grid(axis="y")
        grid = [4 + i / 10 for i in range(211)]
        axes.semilogx(grid, [loss * t / 2 for t in grid], "--", color=QUALITY)
        axes.semilogx(grid, [price / t for t in grid], "--", color=FIXED)
        axes.semilogx(grid, [loss * t / 2 + price / t for t in grid], color=INK, linewidth=1)
        axes.semilogx([t for t, _ in rows], [cost.total for _, cost in rows], "o", color=INK, markersize=4)
        axes.set_xlim(*log_axis(axes.xaxis, 4, 25))
        axes.set_ylim(0, 160)
        axes.text(25, 51, "stale answers,\ns T / 2", color=QUALITY, ha="right", va="center")
        axes.text(4, 51, "trainings,\nK / T", color=FIXED, va="center")
        axes.annotate("both", (10, 100), (-8, 8), textcoords="offset points")
        axes.set_xlabel("days from one training to the next, T (log scale)")
        axes.set_ylabel("cost (USD a day)")
        axes.set_title(finding, loc="left", fontsize=6.5 if size.narrow else 12)
        page.subplots_adjust(right=0.95)

    csv = "period_d,staleness_usd_per_day,training_usd_per_day,closed_form_usd_per_day\n" + "".join(
        f"{t:g},{cost.staleness:.6g},{cost.training:.6g},{loss * t / 2 + price / t:.6g}\n" for t, cost in rows
    )
    sentence = "Dots: a simulated model's life; lines: the closed form, with s = 10 USD a day and day and K = 500 USD."
    return plot("x-retrain", "How often should a model be retrained?", finding, sentence, paint, csv)
