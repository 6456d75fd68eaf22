"""From names and overrides to a valid Scenario, or to every problem at once."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from sim.config import InputError, Problem
from sim.scenario import (
    cache_checks,
    call_checks,
    checks,
    life_checks,
    loop_checks,
    own_checks,
    plant_checks,
    routing_checks,
    timeline,
)
from sim.scenario.compose import DEFAULT, Composed, compose, is_path
from sim.scenario.disturbance_checks import disturbances
from sim.scenario.errors import Refusal, refusals
from sim.scenario.model import Scenario, Workload
from sim.scenario.overrides import TYPED
from sim.scenario.patches import (
    KeyPath,
    Tree,
    depth,
    effective,
    leaves,
    merge,
    override_of,
    resolve,
    settle,
    typed_path,
    value_at,
)
from sim.workload.parameters import FileWorkload

if TYPE_CHECKING:
    from sim.workload.ends import TraceEnds

# Stands in for a start that is wrong, so that everything else is judged in the same go.
_SOME_DAY = datetime(2026, 1, 1)


def load(scenario: str = DEFAULT, *typed: str, **changes: Any) -> Scenario:
    """The scenario with this name (see `poc2scale list scenario`) or in this .yaml file, with overrides.

    typed: overrides as on the command line ("workload.timeout=30 s", "autoscaler=fixed"); changes: values of top-level
    keys from Python (seed=3, workload={"path": "trace.csv"}). Raises InputError with every problem at once.
    """
    if "=" in scenario and not is_path(scenario.partition("=")[0]):
        scenario, typed = DEFAULT, (scenario, *typed)
    return assemble(compose(scenario, typed, changes))


def assemble(composed: Composed) -> Scenario:
    """Judge a composed tree whole, with every phase's effective scenario. Raises InputError with every problem."""
    tree = composed.tree
    ends, problems, known = _ends(tree)
    line = timeline.read(tree, ends, known=known)
    typed = [path for source, layer in composed.layers if source == TYPED for path, _ in leaves(layer)]
    problems += [
        *line.problems,
        *checks.phase_dates(tree, line),
        *checks.override_keys(tree),
        *checks.unreached(tree, typed),
    ]
    problems = [_with_source(p, composed) for p in problems]
    whole = {**tree, "start": line.start or _SOME_DAY, "horizon": line.horizon_s or 1e9}
    scenario, found = _judge(whole, composed)
    problems += found
    phases = tree.get("phases")
    for name in phases if isinstance(phases, dict) else ():
        problems += _judge_phase(whole, name, composed, scenario is not None)
    if scenario is not None and line.horizon_s is not None:
        problems += [_problem(r, composed, tree) for r in checks.windows(tree, scenario)]
    if scenario is None or problems:
        raise InputError(*_distinct(problems))
    settled = _validated(settle(whole))
    lived_in = phase_scenarios(settled)
    refused = [
        *checks.places(lived_in),
        *cache_checks.room(lived_in),
        *life_checks.gates(lived_in),
        *life_checks.demand(settled),
        *disturbances(settled),
    ]
    if refused:
        raise InputError(*(_problem(r, composed, tree) for r in refused))
    return settled


def phase_scenarios(scenario: Scenario) -> dict[str, Scenario]:
    """The scenario that each phase lives in, by phase name in order: its override merged in."""
    # As numbers, not as text: a bare number is in its field's unit, as nothing here comes from a user's file.
    tree = scenario.model_dump(by_alias=True)
    scenarios = {}
    for name, phase in scenario.phases.items():
        merged = merge(tree, phase.override)
        try:
            scenarios[name] = Scenario.model_validate(merged, by_alias=True, by_name=False)
        except ValidationError as e:
            found = [
                Problem(f"phases.{name}.override: " + ".".join(r.path), r.value, r.message)
                for r in refusals(e, merged, Scenario)
            ]
            raise InputError(*found) from None
    return scenarios


def _validated(tree: Tree) -> Scenario:
    # By alias alone, so that a key and its Python name (`timeout`, `timeout_s`) can never both be given.
    plain = {**tree, "horizon": f"{float(tree['horizon'])!r} s"} if isinstance(tree["horizon"], float) else tree
    return Scenario.model_validate(plain, context={"door": True}, by_alias=True, by_name=False)


def _judge(tree: Tree, composed: Composed) -> tuple[Scenario | None, list[Problem]]:
    resolved = resolve(tree)
    try:
        return _validated(resolved), []
    except ValidationError as e:
        found = [r for r in refusals(e, resolved, Scenario) if not _judged_before(r.path)]
        return None, [_problem(r, composed, tree) for r in found]


def _judged_before(path: KeyPath) -> bool:
    """Dates are judged by the time line, which knows more about them."""
    return path in (("start",), ("horizon",), ("timezone",)) or (
        len(path) == 3 and path[0] == "phases" and path[2] == "start"
    )


def _judge_phase(tree: Tree, phase: str, composed: Composed, base_is_valid: bool) -> list[Problem]:
    """Problems of one phase's effective scenario; while the base is wrong, only those that the override brings in."""
    merged, override = effective(tree, phase), override_of(tree, phase)
    resolved = resolve(merged)
    try:
        lived_in = _validated(resolved)
        found = [
            *checks.serving(lived_in, phase),
            *checks.overflows(lived_in),
            *routing_checks.routing(lived_in, phase),
            *own_checks.own(lived_in),
            *loop_checks.loops(lived_in, phase),
            *cache_checks.replicas(lived_in, phase),
            *call_checks.calls(lived_in, phase),
            *plant_checks.plants(lived_in, phase),
            *life_checks.learning(lived_in),
        ]
    except ValidationError as e:
        found = [r for r in refusals(e, resolved, Scenario) if r.path[:1] != ("phases",) and not _judged_before(r.path)]
    problems = []
    for refusal in found:
        where = typed_path(merged, refusal.path)
        if _brought_in(override, where):
            full = ("phases", phase, "override", *where)
            problems.append(
                Problem(".".join(full), refusal.value, _said(refusal, merged), composed.nearest_source(full))
            )
        elif base_is_valid:
            problems.append(_problem(refusal, composed, tree))
    return problems


def _brought_in(override: Tree, where: KeyPath) -> bool:
    """Whether an override sets the key at `where`, or replaces the node around it by one of another kind."""
    around = value_at(override, where[:-1]) if len(where) > 1 else None
    return depth(override, where) == len(where) or (isinstance(around, dict) and "kind" in around)


def _problem(refusal: Refusal, composed: Composed, tree: Tree) -> Problem:
    where = typed_path(tree, refusal.path)
    # A whole node has many sources, and no one of them is to blame.
    source = None if isinstance(value_at(tree, where), dict) else composed.nearest_source(where)
    return Problem(".".join(where), refusal.value, _said(refusal, tree), source)


def _said(refusal: Refusal, tree: Tree) -> str:
    if not refusal.close:
        return refusal.message
    meant = ".".join(typed_path(tree, refusal.close))
    return refusal.message.replace("unknown key. ", f"unknown key. Did you mean {meant}? ", 1)


def _with_source(problem: Problem, composed: Composed) -> Problem:
    if problem.source is not None or "/" in problem.where:
        return problem
    return Problem(
        problem.where, problem.value, problem.message, composed.nearest_source(tuple(problem.where.split(".")))
    )


def _distinct(problems: Iterable[Problem]) -> list[Problem]:
    seen: dict[tuple[str, str, str], Problem] = {}
    for problem in problems:
        seen.setdefault((problem.where, str(problem.value), problem.message), problem)
    return list(seen.values())


def _ends(tree: Tree) -> "tuple[list[TraceEnds], list[Problem], bool]":
    """The spans of all recorded traffic, read from the files' schemas and ends; what is wrong with the files; and
    whether all spans are known."""
    ends: list[TraceEnds] = []
    known = True
    problems: list[Problem] = []
    workloads = resolve(tree)["workloads"]
    for name, node in workloads.items() if isinstance(workloads, dict) else ():
        try:
            workload: Any = TypeAdapter(Workload).validate_python(
                node, context={"door": True}, by_alias=True, by_name=False
            )
        except ValidationError:
            known = False  # judged with everything else
            continue
        if not isinstance(workload, FileWorkload):
            continue
        from sim.workload.ends import check_file

        try:
            ends.append(check_file(workload, ".".join(typed_path(tree, ("workloads", name)))))
        except InputError as e:
            problems += e.problems
    return ends, problems, known and not problems
