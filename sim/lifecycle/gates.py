"""Gates between phases: on which conditions a promotion is decided, and the pure judgement of a window by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self, Union, get_args

from pydantic import AfterValidator, Discriminator, Tag, model_validator

from sim.clock.calendar import DAY_S
from sim.config import Parameters, PositiveLongSeconds
from sim.lifecycle.checks import Check, check, wanted
from sim.lifecycle.conditions import Condition
from sim.lifecycle.measures import Measures

WINDOW_S = 7 * DAY_S  # assumption: a whole week, in which every hour of the week counts once
# A civil day may last 23 hours: a window of whole days counts as whole if no more than this is missing, s.
_DAYLIGHT_SAVING_S = 3600.0


def _tag(value: Any) -> str:
    """What a condition of a gate is: a text (a name), or its kind; pydantic refuses what has neither."""
    if isinstance(value, str):
        return "str"
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) else ""


if TYPE_CHECKING:
    Asked = str | Condition
else:
    _CLASSES = {str(c.model_fields["kind"].default): c for c in get_args(get_args(Condition)[0])}
    Asked = Annotated[
        Union[Annotated[str, Tag("str")], *(Annotated[c, Tag(kind)] for kind, c in _CLASSES.items())],
        Discriminator(
            _tag,
            custom_error_type="gate_condition",
            custom_error_message=(
                "not a condition. Expected the name of one of the scenario's gates, or a group of keys such as "
                f"{{kind: traffic, at_least: 2 req/s}}; kinds: {', '.join(_CLASSES)}"
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
    window_s: Days = WINDOW_S
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

    def conditions(self, named: Mapping[str, Condition]) -> tuple[Condition, ...]:
        """Every condition, those called by name looked up. Raises ValueError for a name that is none."""
        return tuple(_named(condition, named) for condition in (*self.all, *self.any))

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
    whole = _whole(measures, gate.window_s)
    groups = []
    for conditions in (gate.all, gate.any):
        groups.append([check(_named(c, named), measures, known=whole) for c in conditions])
    needed, enough = groups
    fired = not [c for c in needed if not c.passed] and (not enough or bool([c for c in enough if c.passed]))
    return Verdict(fired, (*needed, *enough))


def _whole(measures: Measures, window_s: float) -> bool:
    return measures.span_s >= window_s - _DAYLIGHT_SAVING_S


def _named(condition: str | Condition, named: Mapping[str, Condition]) -> Condition:
    if not isinstance(condition, str):
        return condition
    if condition not in named:
        raise ValueError(f"no gate is called {condition!r}; there are: {', '.join(named) or 'none'}")
    return named[condition]


def gate_rows(phase: str, verdict: Verdict) -> list[dict[str, Any]]:
    """A promotion's checks, one row each: phase (the new one), condition, value, passed."""
    return [{"phase": phase, "condition": c.text, "value": c.value, "passed": bool(c.passed)} for c in verdict.checks]


def threshold_rows(
    phase: str, named: Mapping[str, Condition], measures: Measures, window_s: float
) -> list[dict[str, Any]]:  # fmt: skip
    """The scenario's gates as thresholds on the last window of a phase, one row each, judged as a gate would then.

    passed is None where nothing was measured, be it that nobody measures it or that the phase was shorter than the
    window. said: a true sentence.
    """
    whole = _whole(measures, window_s)
    rows = []
    for name, condition in named.items():
        c = check(condition, measures, known=whole)
        said = c.text if c.passed is not None else f"{c.what} not measured, asked for {wanted(condition)}"
        rows.append({
            "phase": phase, "name": name, "measure": c.measure, "value": c.value, "limit": c.limit,
            "passed": c.passed, "said": said,
        })  # fmt: skip
    return rows
