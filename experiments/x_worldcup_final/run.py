"""X-WORLDCUP-FINAL: which controller carries the World Cup's final within its SLO, and for how much?"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from experiments.data import measured
from experiments.judgement import Got
from experiments.settings import Settings, read

if TYPE_CHECKING:
    import pandas as pd

    from sim.report.canvas import Plot

HERE = Path(__file__).parent
_CAPACITY_PER_S = 20.0  # of a replica, by config.yaml: 50 ms a request
_AIM = 0.8  # the oracle's target, conf/autoscaler/oracle.yaml
# where names stand beside their points: right or left, up or down
_PLACES = {
    "predictive": (1, 1), "queue_delay": (1, -1), "keda": (-1, 1), "hpa": (-1, -1), "hpa_80": (1, -1),
    "oracle": (-1, 1), "slo_feedback": (-1, 1), "target_tracking": (1, -1),
}  # fmt: skip


class Played(NamedTuple):
    """What a controller came to: serving cost, share within the SLO, latency, replica-hours billed, scaling actions,
    requests offered.
    """

    usd: float
    attainment: float
    p99_s: float
    replica_hours: float
    actions: int
    requests: int


def run(small: bool) -> dict[str, Got]:
    """What must hold of the controllers, whatever they come to; raises Skipped without the data."""
    form = "small" if small else "full"
    settings = read(HERE)
    came = minutes(settings, form)
    all_of = played(form)
    oracle = all_of["oracle"]
    as_good = [one.usd for name, one in all_of.items() if name != "oracle" and one.attainment >= oracle.attainment]
    hours = len(came) / 60
    needed_h = float(came["count"].sum()) / _CAPACITY_PER_S / 3600
    return {
        "requests_not_played": max(abs(one.requests - int(came["count"].sum())) for one in all_of.values()),
        "fixed_peak_hours": all_of["fixed_peak"].replica_hours / (replicas_for(float(came["count"].max())) * hours),
        "fixed_peak_attainment": all_of["fixed_peak"].attainment,
        "fixed_mean_attainment": all_of["fixed_mean"].attainment,
        "oracle_attainment": oracle.attainment,
        "oracle_hours_over_needed": oracle.replica_hours * _AIM / needed_h,
        "least_hours_over_work": min(one.replica_hours / (one.attainment * needed_h) for one in all_of.values()),
        "cheapest_as_good_over_oracle": min(as_good) / oracle.usd,
        "oracle_on_front": float(front(form, "oracle")),
    }


def minutes(settings: Settings, form: str) -> "pd.DataFrame":
    """Recorded requests a minute of a form's hours: minute (UTC), count."""
    import pandas as pd

    hours = settings.own["forms"][form]
    table = pd.read_parquet(measured(settings.own["data"]))
    start = pd.Timestamp(hours["start"], tz="Europe/Paris").tz_convert("UTC").tz_localize(None)
    end = start + pd.Timedelta(hours=int(hours["horizon"].split()[0]))
    return table[(table["minute"] >= start) & (table["minute"] < end)]


def replicas_for(per_minute: float) -> int:
    """Replicas that serve so many requests a minute at the oracle's utilisation."""
    return math.ceil(per_minute / 60 / _CAPACITY_PER_S / _AIM)


@cache
def played(form: str) -> dict[str, Played]:
    """What every controller came to, by name; without the predictive one where its package is not installed."""
    from importlib.util import find_spec

    from sim import simulate
    from sim.study.figures import figures_of

    settings = read(HERE)
    came = minutes(settings, form)
    result: dict[str, Played] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "minutes.csv"
        came.to_csv(path, index=False)
        for name, chosen in settings.own["controllers"].items():
            if chosen["kind"] == "predictive" and find_spec("statsmodels") is None:
                continue
            choices = (*settings.choices, f"autoscaler={chosen['kind']}")
            scenario = replace(settings, choices=choices, cases={name: {}}).load(
                name, **settings.own["forms"][form], autoscaler=values(settings, name, came),
                pool=chosen.get("pool", {}), workload={"path": str(path)},
            )  # fmt: skip
            figures = figures_of(simulate(scenario))
            result[name] = Played(*(figures[key] for key in settings.own["measures"]))
    return result


def values(settings: Settings, name: str, came: "pd.DataFrame") -> dict[str, Any]:
    """The autoscaler's values of a controller."""
    chosen = settings.own["controllers"][name]
    if chosen["kind"] == "fixed":
        count = came["count"].max() if name == "fixed_peak" else came["count"].mean()
        return {"replicas": replicas_for(float(count))}
    common = {} if chosen["kind"] == "scheduled" else settings.own["common"]
    return {**common, **chosen.get("autoscaler", {})}


def front(form: str, name: str) -> bool:
    """Whether no other controller is at most as dear and at least as good, and better in one of them."""
    from sim.study.comparison import on_front

    all_of = played(form)
    return on_front([(one.usd, one.attainment) for one in all_of.values()], list(all_of).index(name))


def figure(_: Mapping[str, Got]) -> "Plot":
    """Share of requests outside the SLO against cost, a point a controller, and the front."""
    from sim.report.canvas import FIXED, INK, QUALITY, VARIABLE, log_axis, plot, value_axis

    settings = read(HERE)
    all_of, promise = played("full"), settings.own["promise"]
    missed = {name: max(1 - one.attainment, 0.5 / one.requests) for name, one in all_of.items()}
    oracle, hot, usual = (all_of[name] for name in ("oracle", "hpa_80", "hpa"))
    held = sum(one.attainment >= promise for one in all_of.values())
    saved, hot_saved = (100 * (1 - oracle.usd / one.usd) for one in (usual, hot))
    finding = (
        f"{held} of {len(all_of)} hold the SLO. Foresight costs {saved:.0f} % less than an HPA at 60 %, and "
        f"{hot_saved:.0f} % less than one at 80 %"
    )

    def paint(page: Any, size: Any) -> None:
        axes = page.add_subplot()
        for name, one in all_of.items():
            colour = VARIABLE if one.attainment < promise else QUALITY if name == "oracle" else FIXED
            axes.plot([one.usd], [missed[name]], "o", color=colour, markersize=6)
            right, up = _PLACES.get(name, (1, 0))
            axes.annotate(
                name, (one.usd, missed[name]), (7 * right, 7 * up), textcoords="offset points", va="center",
                ha={1: "left", 0: "center", -1: "right"}[right], fontsize=6 if size.narrow else 9,
            )  # fmt: skip
        line = sorted((one.usd, missed[name]) for name, one in all_of.items() if front("full", name))
        axes.plot([x for x, _ in line], [y for _, y in line], color=INK, alpha=0.4, linewidth=1.0, zorder=1)
        axes.set_yscale("log")
        axes.set_ylim(*reversed(log_axis(axes.yaxis, 2e-8, 1.0)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        axes.axhline(1 - promise, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=0.5)
        value_axis(axes, "requests outside the SLO (log scale)", from_zero=False)
        axes.set_xlim(10, 60)
        axes.set_xlabel("serving cost of the twelve hours (USD)")
        axes.set_title(finding, loc="left", fontsize=4.5 if size.narrow else 9.5)
        page.subplots_adjust(left=0.13, right=0.97)

    csv = "controller," + ",".join(settings.own["measures"]) + ",on_front\n" + "".join(
        f"{name}," + ",".join(f"{value:.10g}" for value in one) + f",{'yes' if front('full', name) else 'no'}\n"
        for name, one in all_of.items()
    )  # fmt: skip
    sentence = "Up and left is better; the dashes are the promise; who missed nothing is drawn at half a request."
    return plot("x-worldcup-final", "What does the final cost?", finding, sentence, paint, csv)
