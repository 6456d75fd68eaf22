"""Gates between phases: on which conditions a promotion is decided, and the pure judgement of a window by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Discriminator, Tag, model_validator

from sim.config import Parameters, PositiveLongSeconds
from sim.lifecycle.conditions import (
    Condition,
    CostReduction,
    Date,
    FalsePositiveRate,
    LatencyP99,
    Quality,
    Requests,
    SloAttainment,
    Traffic,
    UnitCost,
    Value,
)
from sim.lifecycle.measures import DAY_S, Check, Measures, check

# A civil day may last 23 hours: a window of whole days counts as whole if no more than this is missing, s.
_DAYLIGHT_SAVING_S = 3600.0


def _tag(value: Any) -> str:
    """What a condition of a gate is: a text (a name), or its kind; pydantic refuses what has neither."""
    if isinstance(value, str):
        return "str"
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) else ""


Asked = Annotated[
    Annotated[str, Tag("str")]
    | Annotated[Date, Tag("date")]
    | Annotated[Traffic, Tag("traffic")]
    | Annotated[Requests, Tag("requests")]
    | Annotated[Quality, Tag("quality")]
    | Annotated[SloAttainment, Tag("slo_attainment")]
    | Annotated[LatencyP99, Tag("latency_p99")]
    | Annotated[FalsePositiveRate, Tag("false_positive_rate")]
    | Annotated[UnitCost, Tag("unit_cost")]
    | Annotated[CostReduction, Tag("cost_reduction")]
    | Annotated[Value, Tag("value")],
    Discriminator(
        _tag,
        custom_error_type="gate_condition",
        custom_error_message=(
            "not a condition. Expected the name of one of the scenario's gates, or a group of keys such as "
            "{kind: traffic, at_least: 2 req/s}; kinds: date, traffic, requests, quality, slo_attainment, latency_p99, "
            "false_positive_rate, unit_cost, cost_reduction, value"
        ),
    ),
]
"""One condition of a gate: the name of one of the scenario's `gates`, or a condition of its own."""


def _whole_days(seconds: float) -> float:
    if seconds < DAY_S or seconds % DAY_S:
        raise ValueError("not whole days. Windows and reviews begin at civil midnight; type one such as 7 d.")
    return seconds


Days = Annotated[PositiveLongSeconds, AfterValidator(_whole_days)]


class Gate(Parameters):
    """When a phase may begin: all conditions of `all` hold and, if `any` has some, at least one of them.

    every_s: how often it is asked, whole days; window_s: what it looks back on, whole days within the phase before.
    """

    every_s: Days = DAY_S  # assumption: money and labels arrive by the day, so nothing new is known sooner
    window_s: Days = 7 * DAY_S  # assumption: a whole week, in which every hour of the week counts once
    all: tuple[Asked, ...] = ()
    any: tuple[Asked, ...] = ()

    @model_validator(mode="after")
    def _something_to_ask(self) -> Self:
        if not self.all and not self.any:
            raise ValueError(
                "no condition. Give at least one, such as all: [{kind: traffic, at_least: 2 req/s}], or leave the gate "
                "out and type a start."
            )
        return self

    def asked(self) -> tuple[tuple[str, int, str | Condition], ...]:
        """Every condition with where it stands: ("all" or "any", place, condition)."""
        return tuple(
            (group, place, condition)
            for group, conditions in (("all", self.all), ("any", self.any))
            for place, condition in enumerate(conditions)
        )


@dataclass(frozen=True)
class Verdict:
    """Whether a gate fired, and every check that says so, those of `all` first."""

    fired: bool
    checks: tuple[Check, ...]

    @property
    def said(self) -> str:
        """All checks in one line."""
        return "; ".join(c.text for c in self.checks)


def judge(gate: Gate, named: Mapping[str, Condition], measures: Measures) -> Verdict:
    """Whether a gate fires. named: the scenario's gates; measures: of the gate's window, now.

    What is not known does not pass; as long as the window is not whole within the phase (`measures.span_s` is shorter
    than it), nothing measured is known, and dates alone can pass. Raises ValueError for a name that is none.
    """
    whole = measures.span_s >= gate.window_s - _DAYLIGHT_SAVING_S
    groups = []
    for conditions in (gate.all, gate.any):
        groups.append([check(_named(c, named), measures, known=whole) for c in conditions])
    needed, enough = groups
    fired = not [c for c in needed if not c.passed] and (not enough or bool([c for c in enough if c.passed]))
    return Verdict(fired, (*needed, *enough))


def _named(condition: str | Condition, named: Mapping[str, Condition]) -> Condition:
    if not isinstance(condition, str):
        return condition
    if condition not in named:
        raise ValueError(f"no gate is called {condition!r}; there are: {', '.join(named) or 'none'}")
    return named[condition]


def gate_rows(phase: str, verdict: Verdict) -> list[dict[str, Any]]:
    """A promotion's checks, one row each: phase (the new one), condition, value, passed."""
    return [{"phase": phase, "condition": c.text, "value": c.value, "passed": bool(c.passed)} for c in verdict.checks]


def threshold_rows(phase: str, named: Mapping[str, Condition], measures: Measures) -> list[dict[str, Any]]:
    """The scenario's gates as thresholds on what a whole phase showed, one row each.

    passed is None where nothing was measured: the threshold does not apply to this phase. said: a true sentence.
    """
    rows = []
    for name, condition in named.items():
        c = check(condition, measures)
        said = c.text if c.passed is not None else c.text.replace(" not known yet, needs ", " not measured, asked for ")
        rows.append({
            "phase": phase, "name": name, "measure": c.measure, "value": c.value, "limit": c.limit,
            "passed": c.passed, "said": said,
        })  # fmt: skip
    return rows
