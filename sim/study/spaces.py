"""What a search may choose from, as typed: key=interval(lo, hi), key=choice(a, b) or key=a,b."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from sim.config import InputError, Problem
from sim.scenario.overrides import TYPED
from sim.study.candidates import Axis, split

if TYPE_CHECKING:
    import optuna

_INTERVAL = re.compile(r"^\s*interval\s*\((.*)\)\s*$")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_END = re.compile(rf"^\s*({_NUMBER})\s*([^\d\s][^,]*?)?\s*$")
_DIGITS = 4  # assumption: significant digits of a tuned value; more would be noise


class Interval(NamedTuple):
    """Numbers from lo to hi in a unit (empty: none); whole: whole numbers alone, as both ends were typed as such."""

    key: str
    lo: float
    hi: float
    unit: str
    whole: bool

    def draw(self, trial: "optuna.Trial") -> str:
        """A value, as a user would type it."""
        if self.whole:
            return f"{trial.suggest_int(self.key, int(self.lo), int(self.hi))} {self.unit}".strip()
        value = float(f"{trial.suggest_float(self.key, self.lo, self.hi):.{_DIGITS}g}")
        return f"{min(max(value, self.lo), self.hi):g} {self.unit}".strip()


class Choice(NamedTuple):
    """One of a few texts."""

    key: str
    values: tuple[str, ...]

    def draw(self, trial: "optuna.Trial") -> str:
        """One of them."""
        return str(trial.suggest_categorical(self.key, self.values))


Space = Interval | Choice


def parse_spaces(typed: Iterable[str]) -> tuple[list[str], list[Space]]:
    """What is typed once and for all, and what is searched. Raises InputError."""
    rest: list[str] = []
    intervals: list[Interval] = []
    problems: list[Problem] = []
    for text in typed:
        key, _, value = text.partition("=")
        inside = _INTERVAL.match(value)
        if inside is None:
            rest.append(text)
            continue
        found = _interval(key, inside[1])
        if isinstance(found, Problem):
            problems.append(found)
        else:
            intervals.append(found)
    if problems:
        raise InputError(*problems)
    common, axes = split(rest)
    spaces: list[Space] = [*intervals, *(Choice(*axis) for axis in axes)]
    if not spaces:
        example = '"autoscaler.target=interval(30 %, 90 %)"'
        message = f"nothing to search. Type an interval or a choice for at least one key, such as {example}."
        raise InputError(Problem("tune", None, message))
    twice = {space.key for space in spaces if sum(other.key == space.key for other in spaces) > 1}
    if twice:
        raise InputError(*(Problem(key, None, "searched twice. Type it once.", TYPED) for key in sorted(twice)))
    return common, spaces


def axes_of(spaces: Iterable[Space]) -> list[Axis]:
    """The ends of every interval and all choices, which between them say whether the spaces fit the scenario."""
    return [
        Axis(space.key, space.values)
        if isinstance(space, Choice)
        else Axis(space.key, tuple(f"{end:g} {space.unit}".strip() for end in (space.lo, space.hi)))
        for space in spaces
    ]


def _interval(key: str, inside: str) -> Interval | Problem:
    value, ends = f"interval({inside})", [_END.match(end) for end in inside.split(",")]
    example = f"Type {key}=interval(LO, HI), such as interval(30 %, 90 %) or interval(1, 8)."
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        return Problem(key, value, f"not an interval of two numbers. {example}", TYPED)
    (lo, unit), (hi, other) = ((end[1], end[2] or "") for end in ends if end is not None)
    if unit != other:
        return Problem(key, value, f"two units, {unit or 'none'} and {other or 'none'}. {example}", TYPED)
    if not float(lo) < float(hi):
        return Problem(key, value, f"no room between its ends. Type the lower one first. {example}", TYPED)
    whole = all(end.lstrip("+-").isdigit() for end in (lo, hi))
    return Interval(key, float(lo), float(hi), unit, whole)
