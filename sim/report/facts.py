"""Facts of a run that its text, tables and figures share, so that they agree; all from its frames and summary."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from sim.analysis.daily import daily_table, day_edges
from sim.analysis.summary import FinishedRun
from sim.clock.calendar import DAY_S, HOUR_S, MONTH_DAYS, MONTHS, NS_PER_S, SLACK_S, Calendar
from sim.lifecycle.parameters import Serving
from sim.scenario.load import phase_scenarios
from sim.scenario.model import Scenario, Workload
from sim.workload.parameters import CountsWorkload, ReplayWorkload

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MONTHLY_TOLD_DAYS = 28  # the shortest month
MONTHLY_DRAWN_DAYS = 120  # assumption: fewer than four months make a figure of too few steps
DAILY_DAYS = 2  # assumption: a run of less than two days is told by the hour, as it holds no two days to compare


class ReportedRun(FinishedRun, Protocol):
    """What of a run its report is made of (`sim.world.Run`)."""

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""

    @property
    def events(self) -> "pd.DataFrame":
        """What happened when: promotions, scaling."""

    @property
    def value(self) -> "pd.DataFrame":
        """What answers were worth (nature earned) and what was missed (lost): columns of a ledger, no part of cost."""

    @property
    def notes(self) -> Sequence[str]:
        """What the user must be told."""

    def summary(self) -> dict[str, Any]:
        """The summary as `sim.analysis.summary.summarise` gives it."""


@dataclass(frozen=True)
class Pace:
    """Over which time cost is told: `unit` ("month", "day", "hour"), its mean length in days, and its shortest."""

    unit: str
    days: float
    shortest_days: float


@dataclass(frozen=True)
class PhaseFacts:
    """A phase: its entry in the summary, when it was in effect (s since the start), and the scenario it lived in."""

    name: str
    start_s: float
    end_s: float
    said: Mapping[str, Any]
    scenario: Scenario

    @property
    def serving(self) -> Serving:
        """How it is served: api, managed, pool or committed."""
        return self.scenario.phases[self.name].serving

    @property
    def on_machines(self) -> bool:
        """Whether replicas that we pay for by the hour serve it, be they managed, on demand or committed."""
        return self.serving != "api"

    @property
    def workloads(self) -> list[Mapping[str, Any]]:
        """Its workloads' entries in the summary, each with what it promised and attained."""
        return list(self.said["workloads"])

    @property
    def worst(self) -> Mapping[str, Any] | None:
        """The workload that is furthest under its promise, or least above; None where no request ended."""
        judged = [w for w in self.workloads if w["slo_attainment"] is not None]
        return min(judged, key=lambda w: float(w["slo_attainment"] - w["slo_share"])) if judged else None

    @property
    def margin(self) -> float:
        """By how much of a share `worst` is above its promise (under: negative); infinite where no request ended."""
        worst = self.worst
        return math.inf if worst is None else float(worst["slo_attainment"] - worst["slo_share"])

    @property
    def total_usd(self) -> float:
        """Fixed and variable cost."""
        return float(self.said["fixed_usd"] + self.said["variable_usd"])

    @property
    def missed(self) -> bool:
        """Whether users of any workload got less than its SLO promised; not where nobody asked."""
        return any(w["slo_held"] is False for w in self.workloads)

    def lasts(self, pace: Pace) -> bool:
        """Whether it is as long as the pace's unit, so that its cost can be told by that unit."""
        return float(self.said["days"]) >= pace.shortest_days

    def per(self, pace: Pace) -> float:
        """Cost in USD per unit of `pace`."""
        return self.total_usd / self.said["days"] * pace.days if self.said["days"] else 0.0

    def a_month(self, usd: float) -> float:
        """What an amount of the whole phase comes to in a month, USD; 0 for a phase of no length."""
        days = float(self.said["days"])
        return usd / days * MONTH_DAYS if days else 0.0


@dataclass(frozen=True)
class Facts:
    """A run with what was worked out of it once.

    summary: `run.summary()`; phases: those in effect, in order; days: `daily_table`; periods: one row per stretch of
    time of the cost figure (start_s, end_s, label, fixed_usd, variable_usd); told: pace of sentences; drawn: pace of
    the cost figure.
    """

    run: ReportedRun
    summary: Mapping[str, Any]
    phases: tuple[PhaseFacts, ...]
    days: "pd.DataFrame"
    periods: "pd.DataFrame"
    told: Pace
    drawn: Pace

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.run.scenario

    @property
    def calendar(self) -> Calendar:
        """Its civil time."""
        return self.run.calendar

    @property
    def horizon_s(self) -> float:
        """Its length."""
        return self.run.calendar.horizon_ns / NS_PER_S

    @property
    def notes(self) -> list[str]:
        """What the user must be told, files by their names alone: a report is read by people with other folders."""
        paths = (recorded_path(workload) for workload in self.scenario.workloads.values())
        names = {path: path.replace("\\", "/").rpartition("/")[2] for path in paths}
        return [_renamed(note, names) for note in self.run.notes]

    @property
    def total_usd(self) -> float:
        """Everything that was spent."""
        return float(self.summary["totals"]["total_usd"])

    @property
    def requests(self) -> int:
        """Requests let in, over all phases."""
        return sum(int(phase.said["requests"]) for phase in self.phases)

    @property
    def asked(self) -> tuple[PhaseFacts, ...]:
        """Phases in which anybody asked anything."""
        return tuple(phase for phase in self.phases if phase.said["requests"])


def gather(run: ReportedRun) -> Facts:
    """Work out the facts of a run."""
    summary = run.summary()
    lived_in = phase_scenarios(run.scenario)
    phases = tuple(
        PhaseFacts(name, start_s, end_s, said, lived_in[name])
        for (name, start_s, end_s), said in zip(run.phases_effective, summary["phases"], strict=True)
    )
    days = run.calendar.horizon_ns / NS_PER_S / DAY_S
    month, day = Pace("month", MONTH_DAYS, MONTHLY_TOLD_DAYS), Pace("day", 1.0, 1.0)
    hour = Pace("hour", HOUR_S / DAY_S, HOUR_S / DAY_S)
    return Facts(
        run=run,
        summary=summary,
        phases=phases,
        days=daily_table(run.timeseries, run.ledger, run.calendar, run.phases_effective),
        periods=periods(run.ledger, run.calendar),
        told=month if days >= MONTHLY_TOLD_DAYS else day if days >= DAILY_DAYS else hour,
        drawn=month if days >= MONTHLY_DRAWN_DAYS else day if days >= DAILY_DAYS else hour,
    )


def recorded_path(workload: Workload) -> str:
    """The file that a recorded demand comes from, as it was typed; empty for any other demand."""
    if not isinstance(workload, (CountsWorkload, ReplayWorkload)) or workload.path is None:
        return ""
    return workload.path


def periods(ledger: "pd.DataFrame", calendar: Calendar) -> "pd.DataFrame":
    """Cost by civil month (120 days or more) or civil day: start_s, end_s, label, fixed_usd, variable_usd."""
    import pandas as pd

    edges, monthly = period_edges(calendar)
    belongs = period_of(ledger["at_s"].to_numpy(dtype="float64"), edges)
    frame = pd.DataFrame({"start_s": edges[:-1], "end_s": edges[1:]})
    frame["label"] = [_label(calendar, start_s, monthly) for start_s in edges[:-1]]
    for nature in ("fixed", "variable"):
        chosen = (ledger["nature"] == nature).to_numpy()
        frame[f"{nature}_usd"] = nano_sums(ledger.loc[chosen, "amount_nano_usd"], belongs[chosen], len(frame)) / 1e9
    return frame


def period_edges(calendar: Calendar) -> "tuple[NDArray[np.float64], bool]":
    """Edges in seconds of the cost figure's periods, and whether they are months (else days)."""
    import numpy as np

    monthly = calendar.horizon_ns / NS_PER_S / DAY_S >= MONTHLY_DRAWN_DAYS
    if not monthly:
        return day_edges(calendar), False
    return np.array([0, *calendar.month_starts(), calendar.horizon_ns], dtype=np.float64) / NS_PER_S, True


def period_of(at_s: "NDArray[np.float64]", edges: "NDArray[np.float64]") -> "NDArray[np.int64]":
    """Index of the period in which each accrual ended; what ends at an edge belongs to the period before."""
    import numpy as np

    return np.clip(np.searchsorted(edges, at_s - SLACK_S, side="left") - 1, 0, len(edges) - 2).astype(np.int64)


def nano_sums(nano: "pd.Series[int]", group: "NDArray[np.int64]", groups: int) -> "NDArray[np.float64]":
    """Sums of nano-dollars by group, added as whole numbers."""
    import numpy as np

    sums = [0] * groups
    for index, amount in zip(group.tolist(), nano.tolist()):
        sums[index] += amount
    return np.array([float(total) for total in sums])


def civil_date(calendar: Calendar, at_s: float) -> str:
    """1 April 2026."""
    moment = calendar.civil(round(at_s * NS_PER_S))
    return f"{moment.day} {_month(moment)}"


def civil_moment(calendar: Calendar, at_s: float) -> str:
    """1 April 2026, with the time of day where it is not midnight: 16 November 2023 18:17."""
    moment = calendar.civil(round(at_s * NS_PER_S))
    date = civil_date(calendar, at_s)
    if moment.second:
        return f"{date} {moment:%H:%M:%S}"
    return date if (moment.hour, moment.minute) == (0, 0) else f"{date} {moment:%H:%M}"


def _label(calendar: Calendar, at_s: float, monthly: bool) -> str:
    return _month(calendar.civil(round(at_s * NS_PER_S))) if monthly else civil_date(calendar, at_s)


def _month(moment: datetime) -> str:
    """April 2026, whatever language the process speaks: the report is in English, and the same bytes everywhere."""
    return f"{MONTHS[moment.month - 1]} {moment.year}"


def _renamed(note: str, names: Mapping[str, str]) -> str:
    for path in sorted(names, key=len, reverse=True):
        if names[path] != path:
            note = note.replace(path, names[path])
    return note
