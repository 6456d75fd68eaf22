"""What is compared: scenarios that differ in what a user lists, each with a name."""

import re
from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

from sim.config import InputError, Problem
from sim.scenario import Scenario, load
from sim.scenario.compose import DEFAULT
from sim.scenario.overrides import TYPED

MOST = 1000  # assumption: candidates of one study; a table of more is read by nobody
_NEXT = re.compile(r"\s+(?=[+~]{0,2}[A-Za-z_][\w.@/-]*=|~[A-Za-z_])")  # a space before the next key=value, or ~key
_INTERVAL = re.compile(r"^\s*interval\s*\(")
_NO_LIST = "not a list of values. Type {key}=A,B,C; an interval is searched by `poc2scale tune`."

_MEANT = re.compile(r"Did you mean [^ ]+\? ")
_TWICE = "two candidates have this name. List each value once, and type another name for one of them in --candidate."


class Candidate(NamedTuple):
    """name: in tables; typed: what sets it apart, as typed after `poc2scale run`; scenario: what is played."""

    name: str
    typed: tuple[str, ...]
    scenario: Scenario


class Axis(NamedTuple):
    """A key and the values that were listed for it, as texts."""

    key: str
    values: tuple[str, ...]


def split(typed: Iterable[str]) -> tuple[list[str], list[Axis]]:
    """What all candidates have in common, and the lists of values in what was typed, in Hydra's grammar of sweeps.

    Raises InputError for a list of seeds, a key that is listed twice, and for intervals, which only `tune` searches.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import ValueType
    from hydra.errors import HydraException

    parser, common, axes, problems = OverridesParser.create(), [], list[Axis](), []
    for text in typed:
        key, _, value = text.partition("=")
        try:
            override = parser.parse_override(text)
        except HydraException:
            if _INTERVAL.match(value):  # with units, which Hydra's grammar has not
                problems.append(Problem(key, value, _NO_LIST.format(key=key), TYPED))
            else:
                common.append(text)  # the scenario's own judge says what is wrong with it
            continue
        if not override.is_sweep_override():
            common.append(text)
        elif override.value_type in (ValueType.INTERVAL_SWEEP, ValueType.GLOB_CHOICE_SWEEP):
            problems.append(Problem(key, value, _NO_LIST.format(key=key), TYPED))
        elif key == "seed":
            message = "all candidates share their random numbers. Leave the list out, and type --replications 20."
            problems.append(Problem(key, value, message, TYPED))
        elif any(axis.key == key for axis in axes):
            problems.append(Problem(key, value, f"listed twice. Type {key} once, with all of its values.", TYPED))
        else:
            axes.append(Axis(key, tuple(str(v).replace("\\ ", " ") for v in override.sweep_string_iterator())))
    if problems:
        raise InputError(*problems)
    return common, axes


def grid(axes: Sequence[Axis]) -> list[tuple[str, tuple[str, ...]]]:
    """Name and overrides of every combination of the axes' values, the last axis fastest. Raises InputError."""
    count = 1
    for axis in axes:
        count *= len(axis.values)
    if count > MOST:
        message = f"{count:,} combinations. At most {MOST:,} are compared at once; type fewer values."
        raise InputError(Problem(" ".join(axis.key for axis in axes), None, message, TYPED))
    return [
        (
            ", ".join(_called(axis.key, value, axes) for axis, value in zip(axes, values, strict=True)),
            tuple(f"{axis.key}={value}" for axis, value in zip(axes, values, strict=True)),
        )
        for values in product(*(axis.values for axis in axes))
    ]


def named(texts: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """From "name: key=value key=value". Raises InputError."""
    found: list[tuple[str, tuple[str, ...]]] = []
    problems = []
    for text in texts:
        name, colon, rest = text.partition(":")
        if not colon or not name.strip() or "=" in name or not rest.strip():
            message = 'not a name and what it sets. Type --candidate "half: autoscaler=hpa autoscaler.target=50 %".'
            problems.append(Problem("--candidate", text, message, TYPED))
            continue
        found.append((name.strip(), tuple(_NEXT.split(rest.strip()))))
    if problems:
        raise InputError(*problems)
    return found


def candidates(common: Sequence[str], cells: Sequence[tuple[str, tuple[str, ...]]]) -> list[Candidate]:
    """The scenario of each of the cells. Raises InputError with all problems, and the candidates that have them."""
    seen: set[str] = set()
    for name, _ in cells:
        if name in seen:
            raise InputError(Problem("candidate", name, _TWICE, TYPED))
        seen.add(name)
    made: list[Candidate] = []
    refused: dict[tuple[str, str, str], tuple[Problem, list[str]]] = {}
    for name, typed in cells:
        try:
            made.append(Candidate(name, typed, load(DEFAULT, *common, *typed)))
        except InputError as e:
            for problem in e.problems:
                same = (problem.where, str(problem.value), problem.message)
                refused.setdefault(same, (problem, []))[1].append(name)
    if refused:
        raise InputError(
            *(_of(_own(problem, names, common, cells), names, len(cells)) for problem, names in refused.values())
        )
    return made


def _own(
    problem: Problem, names: list[str], common: Sequence[str], cells: Sequence[tuple[str, tuple[str, ...]]]
) -> Problem:
    """The problem, and what to type where a key that was typed for all candidates is unknown to some alone."""
    typed = next((text for text in common if text.partition("=")[0].lstrip("+") == problem.where), None)
    knowing = [cell for cell in cells if cell[0] not in names]
    if typed is None or not knowing or not problem.message.startswith("unknown key"):
        return problem
    without = next(cell for cell in cells if cell[0] in names)
    message = (
        f"{_MEANT.sub('', problem.message)} Keys of one candidate alone are typed with it: "
        f"{_as_typed(*without)} {_as_typed(knowing[0][0], (*knowing[0][1], typed))}."
    )
    return Problem(problem.where, problem.value, message, problem.source)


def _as_typed(name: str, typed: Iterable[str]) -> str:
    return f'--candidate "{name}: {" ".join(typed)}"'


def _of(problem: Problem, names: list[str], count: int) -> Problem:
    """The problem with the candidates that have it, where not all have."""
    if len(names) == count:
        return problem
    which = f"candidate {names[0]}" if len(names) == 1 else f"candidates {', '.join(names)}"
    return Problem(f"{which}: {problem.where}", problem.value, problem.message, problem.source)


def _called(key: str, value: str, axes: Sequence[Axis]) -> str:
    """A choice by its option's name; a value with the last part of its key, or as much of it as tells keys apart."""
    value = value.strip("\"'")
    if "." not in key and "@" not in key and not any(c in value for c in "{["):
        return value if sum("." not in axis.key for axis in axes) == 1 else f"{key}={value}"
    parts = key.split(".")
    for length in range(1, len(parts) + 1):
        short = ".".join(parts[-length:])
        if sum(axis.key == short or axis.key.endswith(f".{short}") for axis in axes) == 1:
            break
    return f"{short}={value}"
