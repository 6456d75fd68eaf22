"""Candidates side by side: means with intervals, paired differences, who holds the SLO, and who is worth a thought."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim.analysis.paired import NOTHING, ConfidenceInterval, mean_interval, paired_difference
from sim.study.candidates import Candidate
from sim.study.figures import MEASURES, Figures

if TYPE_CHECKING:
    import pandas as pd

_ROUNDING = 1e-12  # "99.9 %" times 0.01 is a hair above 0.999


@dataclass(frozen=True)
class Row:
    """One candidate.

    intervals: of every measure; differences: of every measure from the reference, by replication (NOTHING for the
    reference itself); margin: the least that the mean attainment of a workload in a phase is above its promise, a share
    (None: nothing ended), with its interval; held: whether it is none below; front: no other candidate is both as cheap
    and as good, and better in one of them; figures: of each replication.
    """

    candidate: Candidate
    intervals: dict[str, ConfidenceInterval]
    differences: dict[str, ConfidenceInterval]
    margin: ConfidenceInterval
    held: bool | None
    front: bool
    figures: tuple[Figures, ...]

    @property
    def name(self) -> str:
        """Of the candidate."""
        return self.candidate.name


@dataclass(frozen=True)
class Comparison:
    """Rows in the order in which candidates were typed.

    cost: the measure that candidates are ranked by: serving_usd where all else costs the same with all of them,
    otherwise total_usd. reference: whom the differences are from: the cheapest that holds the SLO, or the first.
    """

    scenario: str
    seed: int
    cost: str
    rows: tuple[Row, ...]
    reference: str

    @property
    def replications(self) -> int:
        """How many each candidate had."""
        return len(self.rows[0].figures)

    @cached_property
    def best(self) -> Row | None:
        """The cheapest candidate that holds the SLO; None where none does."""
        held = [row for row in self.rows if row.held]
        return min(held, key=lambda row: _number(row.intervals[self.cost].mean), default=None)

    @cached_property
    def runner_up(self) -> Row | None:
        """The next cheapest candidate that holds the SLO."""
        held = [row for row in self.rows if row.held and row is not self.best]
        return min(held, key=lambda row: _number(row.intervals[self.cost].mean), default=None)

    @cached_property
    def nearest(self) -> Row:
        """The candidate with the largest margin above its promise, or the least below: the best reached."""
        return max(self.rows, key=lambda row: -1.0 if row.margin.mean is None else row.margin.mean)

    @property
    def promised(self) -> float | None:
        """The share promised, where all workloads of all phases and candidates promise the same."""
        shares = {share for row in self.rows for figures in row.figures for _, share in figures["promises"].values()}
        return shares.pop() if len(shares) == 1 else None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "replications": self.replications,
            "ranked_by": self.cost,
            "best": None if self.best is None else self.best.name,
            "reference": self.reference,
            "candidates": [_row_json(row) for row in self.rows],
        }

    def frame(self) -> "pd.DataFrame":
        """A row a candidate: mean, lo and hi of every measure, and of its difference from the reference."""
        import pandas as pd

        columns = []
        for row in self.rows:
            cells: dict[str, Any] = {"candidate": row.name, "overrides": " ".join(row.candidate.typed)}
            cells |= {"slo_held": row.held, "on_front": row.front, "replications": self.replications}
            for key in MEASURES:
                for part in ("mean", "lo", "hi"):
                    cells[f"{key}_{part}"] = getattr(row.intervals[key], part)
            for key in MEASURES:
                for part in ("mean", "lo", "hi"):
                    cells[f"{key}_difference_{part}"] = getattr(row.differences[key], part)
            columns.append(cells)
        return pd.DataFrame(columns)

    def replications_frame(self) -> "pd.DataFrame":
        """A row a candidate and replication."""
        import pandas as pd

        return pd.DataFrame([
            {"candidate": row.name, "replication": r, **{key: figures[key] for key in MEASURES}}
            for row in self.rows
            for r, figures in enumerate(row.figures)
        ])  # fmt: skip


def compared(candidates: Sequence[Candidate], played: Sequence[Sequence[Figures]]) -> Comparison:
    """From the figures of each candidate, as many of each (`campaign.play`), to their comparison."""
    cost = _ranked_by(played)
    margins = [_margin(figures) for figures in played]
    held = [None if margin.mean is None else margin.mean >= -_ROUNDING for margin in margins]
    intervals = [{key: mean_interval([f[key] for f in figures]) for key in MEASURES} for figures in played]
    costs = [_number(own[cost].mean) for own in intervals]
    holders = [i for i, holds in enumerate(held) if holds]
    reference = min(holders, key=lambda i: costs[i], default=0)
    points = [(costs[i], _number(own["slo_attainment"].mean, absent=-1.0)) for i, own in enumerate(intervals)]
    rows = [
        Row(
            candidate, intervals[i], NO_DIFFERENCE if i == reference else _differences(played[i], played[reference]),
            margins[i], held[i], on_front(points, i), tuple(played[i]),
        )
        for i, candidate in enumerate(candidates)
    ]  # fmt: skip
    scenario = candidates[0].scenario
    return Comparison(scenario.name, scenario.seed, cost, tuple(rows), candidates[reference].name)


NO_DIFFERENCE = dict.fromkeys(MEASURES, NOTHING)


def on_front(points: Sequence[tuple[float, float]], i: int) -> bool:
    """Whether no other point (cost, attainment) is at most as dear and at least as good, and better in one of them."""
    cost, good = points[i]
    return not any(c <= cost and g >= good and (c, g) != (cost, good) for c, g in points)


def _differences(own: Sequence[Figures], others: Sequence[Figures]) -> dict[str, ConfidenceInterval]:
    return {key: paired_difference([f[key] for f in own], [f[key] for f in others]) for key in MEASURES}


def _margin(figures: Sequence[Figures]) -> ConfidenceInterval:
    """Of the workload and phase whose mean attainment is furthest below its promise, or least above."""
    above: dict[str, list[float]] = {}
    for own in figures:
        for key, (attained, promised) in own["promises"].items():
            above.setdefault(key, []).append(attained - promised)
    return min((mean_interval(values) for values in above.values()), key=lambda i: _number(i.mean), default=NOTHING)


def _ranked_by(played: Sequence[Sequence[Figures]]) -> str:
    """serving_usd where what comes beside it is the same with all candidates, in every replication."""
    for replications in zip(*played, strict=True):
        rest = [figures["total_usd"] - figures["serving_usd"] for figures in replications]
        if max(rest) - min(rest) > 1e-6:  # amounts are whole nano-dollars, their differences floats
            return "total_usd"
    return "serving_usd"


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "overrides": list(row.candidate.typed),
        "slo_held": row.held,
        "slo_margin": row.margin.as_json(),
        "on_front": row.front,
        **{key: row.intervals[key].as_json() for key in MEASURES},
        "differences": {key: row.differences[key].as_json() for key in MEASURES},
    }


def _number(value: float | None, absent: float = float("inf")) -> float:
    return absent if value is None else value
