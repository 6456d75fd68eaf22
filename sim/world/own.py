"""A user's own disciplines: the functions that a scenario names, as handed over or registered by installed packages."""

from collections.abc import Iterator, Mapping

from sim.config import InputError, Problem
from sim.scenario import Scenario
from sim.scenario.errors import listed, nearest
from sim.serving.own import GROUP, Discipline


def disciplines_of(
    effective: Mapping[str, Scenario], given: Mapping[str, Discipline] | None = None
) -> dict[str, Discipline]:
    """The functions that any phase's scenario names. given: by name, before those that are registered.

    Raises InputError, with every problem, for the compiled engine, for names that nobody gave or registered, for entry
    points that cannot be loaded and for what is no function.
    """
    named: dict[str, str] = {}  # where each name stands first
    for scenario in effective.values():
        for where, name in _named(scenario):
            named.setdefault(name, where)
    if not named:
        return {}
    from importlib.metadata import entry_points

    registered = {point.name: point for point in entry_points(group=GROUP)}
    known, found, problems = sorted({*(given or {}), *registered}), {}, []
    if any(scenario.engine != "reference" for scenario in effective.values()):
        problems.append(Problem("engine", "exact", "it calls no function of yours. Type engine=reference."))
    for name, where in named.items():
        if name not in known:
            problems.append(Problem(where, name, _unknown(name, known)))
            continue
        try:
            function = given[name] if given and name in given else registered[name].load()
        except Exception as e:  # a user's package may fail in any way
            problems.append(
                Problem(where, name, f"the entry point {registered[name].value} fails: {type(e).__name__}: {e}.")
            )
            continue
        if not callable(function):
            problems.append(Problem(where, name, f"of type {type(function).__name__}, not a function."))
        found[name] = function
    if problems:
        raise InputError(*problems)
    return found


def _named(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """(key path, name) of every own discipline in a scenario."""
    for name, pool in scenario.pools.items():
        node = "pool" if [*scenario.pools] == ["main"] else f"pools.{name}"
        if not isinstance(pool.routing, str) and pool.routing.kind == "own":
            yield f"{node}.routing.name", pool.routing.name
        if pool.queue.order is not None:
            yield f"{node}.queue.order.name", pool.queue.order.name


def _unknown(name: str, known: list[str]) -> str:
    there = f"There are: {listed(known)}." if known else "There are none."
    return (
        f"no such discipline. {nearest(name, known)}{there} Hand it over in Python, sim.simulate(scenario, "
        f"disciplines={{{name!r}: function}}), or install a package with an entry point {name} in the group {GROUP}."
    )
