"""Overrides as a user types them, in Hydra's grammar: choices of a group's option, and values of single keys."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sim.config import Problem
from sim.scenario import choices
from sim.scenario.errors import listed, nearest
from sim.scenario.patches import KeyPath, depth, merge, value_at

TYPED = "command line"
_SWEEP = re.compile(r"^\s*(interval|choice|range|glob)\s*\((.*)\)\s*$")


@dataclass(frozen=True)
class Choice:
    """`group=option`, put where the group stands or, after an @, elsewhere: `machine@pools.a.machine=aws_m5_large`."""

    group: str
    option: str
    package: str | None


@dataclass(frozen=True)
class Change:
    """`key.path=value`; added: typed with a + and so free to make new entries; removed: typed with a ~."""

    path: KeyPath
    value: Any
    added: bool = False
    removed: bool = False


def parse(typed: Iterable[str]) -> tuple[list[Choice], list[Change], list[Problem]]:
    """Split what was typed into choices and changes; one problem for each that is neither."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser, groups = OverridesParser.create(), choices.groups()
    chosen: list[Choice] = []
    changes: list[Change] = []
    problems: list[Problem] = []
    for text in typed:
        try:
            override = parser.parse_override(text)
        except HydraException:
            problems.append(Problem(text, None, _ungrammatical(text, groups), TYPED))
            continue
        key, removed = override.key_or_group, override.is_delete()
        if not key:
            problems.append(
                Problem(text, None, "no key before the equals sign. Type key=value, such as seed=3.", TYPED)
            )
        elif override.is_sweep_override():
            problems.append(Problem(key, text.partition("=")[2], _several(text), TYPED))
        elif key in groups and removed:
            problems.append(Problem(key, None, f"cannot be removed. Choose another option: {_options(key)}.", TYPED))
        elif key in groups and not isinstance(override.value(), dict):
            _choose(key, override.value(), override.package, chosen, problems)
        elif override.package is not None:
            problems.append(Problem(key, text, f"not a group. {nearest(key, groups)}Groups: {listed(groups)}.", TYPED))
        else:
            added = override.is_add() or override.is_force_add()
            changes.append(Change(tuple(key.split(".")), override.value(), added, removed))
    return chosen, changes, problems


def apply(tree: dict[str, Any], change: Change) -> Problem | None:
    """Set, merge or remove one value in the tree, in place; a problem when there is nothing it could belong to."""
    path = change.path
    if change.removed:
        if depth(tree, path) < len(path):
            return Problem("~" + ".".join(path), None, "nothing there to remove.", TYPED)
        _parent(tree, path).pop(path[-1])
        return None
    if len(path) > 1 and path[0] == "phases" and not change.added and depth(tree, path[:2]) < 2:
        known = list(tree.get("phases") or {})
        close = nearest(path[1], known, "phases.")
        message = f"no such phase. {close}Phases: {listed(known)}. A new one is added with +phases.{path[1]}.…"
        return Problem(".".join(path), change.value, message, TYPED)
    parent = _parent(tree, path)
    if path[-1] == "kind" and parent.get("kind", change.value) != change.value:
        for key in parent.keys() - {"manifest", "manifest_metrics", "manifest_name"}:
            del parent[key]  # the keys of another kind are not this one's
    parent[path[-1]] = merge(parent[path[-1]], change.value) if path[-1] in parent else change.value
    return None


def forget_in_phases(tree: dict[str, Any], path: KeyPath) -> None:
    """Take what phases change inside the node at `path` out of them, unless they choose its kind themselves."""
    phases = tree.get("phases")
    for name in phases if isinstance(phases, Mapping) else ():
        place = ("phases", name, "override", *path)
        patch = value_at(tree, place)
        if isinstance(patch, Mapping) and not {"kind", "manifest"} & patch.keys():
            apply(tree, Change(place, None, removed=True))


def nested(path: KeyPath, value: Any) -> Any:
    """The value as a tree: {"a": {"b": value}} for the path a.b."""
    for key in reversed(path):
        value = {key: value}
    return value


def _parent(tree: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    for key in path[:-1]:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        tree = tree[key]
    return tree


def _choose(group: str, value: Any, package: str | None, chosen: list[Choice], problems: list[Problem]) -> None:
    if isinstance(value, str) and value in choices.names(group):
        chosen.append(Choice(group, value, package))
        return
    close = nearest(str(value), choices.names(group), f"{group}=")
    more = " A file of your own is given by its path, ending in .yaml." if group == "scenario" else ""
    problems.append(
        Problem(
            group, value if value != "" else None, f"no such option. {close}Choices: {_options(group)}.{more}", TYPED
        )
    )


def _options(group: str) -> str:
    return listed(choices.names(group))


def _several(text: str) -> str:
    key, _, value = text.partition("=")
    swept = _SWEEP.match(value)
    if swept is not None:
        return _elsewhere(key, *swept.groups())
    if "(" in value:
        return (
            f"a sweep over several values. Give one value, or quote text that holds parentheses: '{key}=\"{value}\"'."
        )
    return (
        "several values. Give one, or let `poc2scale compare` play each; put brackets around a list "
        f"({key}=[{value}]), and quotes around text that holds a comma ('{key}=\"{value}\"')."
    )


def _elsewhere(key: str, sweep: str, inside: str) -> str:
    """Where the words of a sweep belong, which one world has no use for."""
    if sweep == "interval":
        there = f"`poc2scale tune` searches an interval ({key}=interval({inside}))"
    else:
        values = inside if sweep == "choice" else "A,B,C"
        there = f"`poc2scale sweep` plays every value of a list ({key}={values})"
    quoted = f"{sweep}({inside})".replace('"', '\\"')
    return f"a sweep, and one world has one value. {there}. Type one value here; as text it is '{key}=\"{quoted}\"'."


def _ungrammatical(text: str, groups: list[str]) -> str:
    key, equals, value = text.partition("=")
    if not equals:
        if key in choices.names("scenario"):
            return f"a scenario is named with its key. Type scenario={key}."
        if key in groups:
            return f"a group without an option. Type {key}=OPTION with one of: {_options(key)}."
        return (
            "neither choice nor key=value. Type group=option, such as autoscaler=fixed, or key=value, such as seed=3."
        )
    if not all(c.isalnum() or c in "._-/@:$~+" for c in key) or any(not part for part in key.split(".")):
        return "not a key path. Type names joined by dots, such as workload.pool=main."
    swept = _SWEEP.match(value)
    if swept is not None:
        return _elsewhere(key, *swept.groups())
    quoted = value.replace('"', '\\"')
    return (
        "the value holds characters that need quotes. Put double quotes around it and single quotes around the whole: "
        f"'{key}=\"{quoted}\"'."
    )
