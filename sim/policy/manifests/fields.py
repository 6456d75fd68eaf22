"""A manifest's fields, walked with their paths: what is read, what is refused, and what is left over and so ignored."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar

from sim.config import Problem

T = TypeVar("T")
Policy = dict[str, Any]
"""The keys of an autoscaler node, with values as a user types them."""
MEANINGS = ("utilisation", "in_flight", "in_flight_total", "queue", "arrivals", "requests")
"""What a manifest's metric can stand for; which of them, its place decides."""
_KEY = re.compile(r"[A-Za-z0-9_./-]+")  # a name that Hydra's grammar takes as a key: a query is none


@dataclass
class Findings:
    """What reading one manifest has found so far.

    source: the file, for messages; at: the node that it stands in ("autoscaler"); metrics: what its metrics mean, by
    name; ignored: "field ignored: why"; places: key path of ours -> the field it came from and its value there; seen:
    names of metrics that it has.
    """

    source: str
    at: str = "autoscaler"
    metrics: Mapping[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    places: dict[tuple[str, ...], tuple[str, Any]] = field(default_factory=dict)
    seen: dict[str, None] = field(default_factory=dict)

    def refuse(self, path: str, value: Any, message: str) -> None:
        """Note a problem at a field."""
        shown = None if isinstance(value, (Mapping, list, tuple)) else value
        self.problems.append(Problem(f"{self.source}, {path}" if path else self.source, shown, message))

    def ignore(self, path: str, why: str) -> None:
        """Note a field that counts for nothing."""
        self.ignored.append(f"{path} ignored: {why}")

    def meaning(self, path: str, names: Sequence[str], choices: Sequence[str], known: str | None = None) -> str | None:
        """What the metric with these names is here; None where it is refused. names: the first is its own; the
        first that can be typed as a key is what a refusal says to type; choices: what it can be in its place; known:
        what it is unless the user says otherwise.
        """
        names = [name for name in names if name]
        self.seen |= dict.fromkeys(names)
        said = next((self.metrics[name] for name in names if name in self.metrics), known)
        if said is None:
            said = next((name for name in names if name in choices), None)
        if said in choices:
            return str(said)
        listed = ", ".join(choices)
        key = next((name for name in names if _KEY.fullmatch(name)), names[0])
        if said is None:
            self.refuse(
                path, names[0],
                f"unknown metric. Say what it is here, one of {listed}: type "
                f"'{self.at}.manifest_metrics={{{key}: {choices[0]}}}'.",
            )  # fmt: skip
        else:
            told = next((name for name in names if name in self.metrics), key)
            where = f"{self.at}.manifest_metrics.{told}"
            message = f"nothing that a metric at {path} of {self.source} can be. Allowed: {listed}."
            self.problems.append(Problem(where, said, message))
        return None


class Node:
    """A group of fields; ours: key path of what it becomes."""

    def __init__(self, value: Mapping[Any, Any], path: str, found: Findings, ours: tuple[str, ...] = ()) -> None:
        self.value = {str(key): inner for key, inner in value.items()}
        self.path, self.found, self.ours = path, found, ours
        self._left = dict.fromkeys(key for key, inner in self.value.items() if inner is not None)
        self._asked: dict[str, None] = {}

    def at(self, key: str) -> str:
        """The path of a field."""
        if "/" in key:  # an annotation
            return f"{self.path}[{key}]"
        return f"{self.path}.{key}" if self.path else key

    def raw(self, key: str) -> Any:
        """A field as it is; None where it is missing or null."""
        self._left.pop(key, None)
        self._asked[key] = None
        return self.value.get(key)

    def get(self, key: str, parse: Callable[[Any], T]) -> T | None:
        """A field; None where it is missing, null or refused."""
        value = self.raw(key)
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as e:
            self.found.refuse(self.at(key), value, str(e))
            return None

    def need(self, key: str, parse: Callable[[Any], T], example: str) -> T | None:
        """A field that must be there; None where it is refused."""
        if self.value.get(key) is None:
            self.found.refuse(self.at(key), None, f"missing. Type {key}: {example}.")
            return None
        return self.get(key, parse)

    def take(
        self, into: Policy, ours: str, key: str, parse: Callable[[Any], Any], *, least: float | None = None
    ) -> Any:
        """Put a field, where it is there, under our key. least: below it, it is refused. Returns what was put."""
        value = self.get(key, parse)
        if value is None:
            return None
        if least is not None and number_of(value) < least:
            self.found.refuse(self.at(key), self.value[key], f"out of range. It must be at least {least:g}.")
            return None
        into[ours] = value
        self.found.places[(*self.ours, ours)] = (self.at(key), self.value[key])
        return value

    def one_of(self, key: str, choices: Mapping[str, T], default: str | None = None) -> T | None:
        """A word out of a few, and what it stands for. default: where it is missing; None: it must be there."""
        value = self.raw(key)
        if value is None and default is not None:
            return choices[default]
        listed = ", ".join(choices)
        if value is None:
            self.found.refuse(self.at(key), None, f"missing. Type one of {listed}.")
        elif isinstance(value, str) and value in choices:
            return choices[value]
        else:
            close = get_close_matches(str(value), list(choices), n=1)
            meant = f"Did you mean {close[0]}? " if close else ""
            self.found.refuse(self.at(key), value, f"not one of the choices. {meant}Allowed: {listed}.")
        return None

    def node(self, key: str, *, ours: tuple[str, ...] = (), needed: bool = False) -> "Node | None":
        """A group of fields inside this one."""
        value = self.raw(key)
        if value is None:
            if needed:
                self.found.refuse(self.at(key), None, "missing. Take the whole manifest.")
            return None
        if not isinstance(value, Mapping):
            self.found.refuse(self.at(key), value, "not a group of fields.")
            return None
        return Node(value, self.at(key), self.found, (*self.ours, *ours))

    def nodes(self, key: str, *, ours: tuple[str, ...] = ()) -> "list[Node]":
        """A list of groups of fields; ours: of the list."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            self.found.refuse(self.at(key), value, "not a list of groups of fields.")
            return []
        return [
            Node(item, f"{self.at(key)}[{i}]", self.found, (*self.ours, *ours, str(i))) for i, item in enumerate(value)
        ]

    def finish(
        self, why: Mapping[str, str] | None = None, *, names: Iterable[str] = (), known: Iterable[str] = ()
    ) -> None:
        """Say of every field that nobody asked for that it is ignored.

        why: of some; names: those that only name a thing or say where it is, and steer nothing; known: other fields
        that exist, to tell them from mistakes in writing.
        """
        why = why or {}
        for key in self._left:
            if key in names:
                continue
            close = get_close_matches(key, [*self._asked, *known], n=1, cutoff=0.8) if key not in known else []
            meant = f"; did you mean {close[0]}?" if close else ""
            self.found.ignore(self.at(key), why.get(key, f"nothing here reads it{meant}"))


def number_of(value: Any) -> float:
    """The number that a value begins with."""
    return float(value.split()[0]) if isinstance(value, str) else float(value)


def versioned(top: Node, version: str, remedy: str) -> None:
    """Refuse a manifest of another version of its kind."""
    value = top.raw("apiVersion")
    top.raw("kind")
    if value != version:
        top.found.refuse("apiVersion", value, f"not a version that is read. Expected {version}{remedy}.")


def ordered(node: Node, low: str, high: str, policy: Policy) -> None:
    """Refuse limits that contradict each other. low, high: their fields."""
    least, most = policy.get("min_replicas"), policy.get("max_replicas")
    if least is not None and most is not None and least > most:
        message = f"more than {high} ({most}). Raise {high} to at least {least}, or lower {low}."
        node.found.refuse(node.at(low), least, message)
        del policy["min_replicas"], policy["max_replicas"]
