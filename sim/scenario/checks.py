"""What no single room can judge: names that must exist, phases in order, patience against service time, windows."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sim.config import Problem
from sim.scenario import call_checks, disturbance_checks, life_checks, loop_checks, plant_checks, scaling_checks
from sim.scenario.errors import Refusal, listed, nearest
from sim.scenario.model import Pool, Scenario, fastest_s, pools_of
from sim.scenario.patches import ENTRIES, INSIDE, OVERRIDABLE, KeyPath, Tree, depth, override_of, resolve
from sim.scenario.timeline import Timeline, civil
from sim.serving.waiting import REJECT
from sim.workload.parameters import DEMAND_KEYS

# Rows of the time series, one a window and workload: 86,400 windows of one workload took 123 MB more than 2,000 of them
# (measured 2026-11), so that as many as this fit into 500 MB with everything else.
MAX_ROWS = 100_000
# Replicas that all pools may reach in all phases. Each takes 2 to 4 places, and a router's order has room for 2**20.
MAX_REPLICAS_IN_ALL = 200_000
MIN_INTERVAL_S, MAX_INTERVAL_S = 1.0, 86_400.0


def phase_dates(tree: Tree, line: Timeline) -> Iterator[Problem]:
    """Phases begin with the scenario, follow each other and lie inside it."""
    phases = tree.get("phases")
    if not isinstance(phases, Mapping):
        return
    before_name, before = None, None
    for i, (name, phase) in enumerate(phases.items()):
        value = phase.get("start") if isinstance(phase, Mapping) else None
        where = f"phases.{name}.start"
        if value is None:
            if i > 0:
                if not _gated(phase):
                    yield Problem(where, None, _NO_BEGINNING)
            elif line.start is not None:
                before_name, before = name, line.aware(line.start)
            continue
        try:
            moment = line.aware(civil(value))
        except ValueError as e:
            yield Problem(where, value, str(e))
            continue
        if line.start is not None:
            yield from _placed(where, value, moment, i, line)
        if before is not None and moment <= before:
            yield Problem(
                where, value, f"not after the start of {before_name}. Phases stand in the order of their dates."
            )
        before_name, before = name, moment


_NO_BEGINNING = (
    'missing. Only the first phase may leave both start and gate out; type a date such as "2026-04-01", or a gate such '
    "as {all: [{kind: traffic, at_least: 2 req/s}]}."
)


def _gated(phase: Any) -> bool:
    return isinstance(phase, Mapping) and phase.get("gate") is not None


def _placed(where: str, value: Any, moment: Any, i: int, line: Timeline) -> Iterator[Problem]:
    assert line.start is not None
    name = where.split(".")[1]
    if i == 0 and moment != line.aware(line.start):
        yield Problem(
            where, value, f"not the scenario's start, {line.start}. Leave the first phase's start out, or type that."
        )
    elif i > 0 and moment <= line.aware(line.start):
        yield Problem(where, value, f"not after the scenario's start, {line.start}. Type a later date.")
    elif line.end is not None and moment >= line.end:
        end = line.end.astimezone(line.zone).replace(tzinfo=None)
        yield Problem(
            where,
            value,
            f"not before the scenario's end, {end}. Type a longer horizon, or leave the phase out: '~phases.{name}'.",
        )


def override_keys(tree: Tree) -> Iterator[Problem]:
    """A phase overrides nodes it may, entries that exist, and nothing that shapes potential demand."""
    phases = tree.get("phases")
    entries = resolve(tree)
    for name in phases if isinstance(phases, Mapping) else ():
        override = override_of(tree, name)
        where = f"phases.{name}.override"
        for key, value in override.items():
            if key not in OVERRIDABLE:
                reason = (
                    "belongs to the whole scenario"
                    if key in Scenario.model_fields or key == "horizon"
                    else "unknown key"
                )
                close = nearest(key, OVERRIDABLE) if reason == "unknown key" else ""
                yield Problem(
                    f"{where}.{key}", None, f"{reason}. {close}A phase may override: {', '.join(OVERRIDABLE)}."
                )
            elif not isinstance(value, Mapping):
                yield Problem(
                    f"{where}.{key}", value, "not a group of keys. Expected the keys to change, such as {timeout: 5 s}."
                )
            elif key in ("workloads", "pools"):
                known = entries.get(key) or {}
                for entry in (name for name in value if name not in known):
                    yield Problem(
                        f"{where}.{key}.{entry}",
                        None,
                        f"no such entry. {nearest(entry, known)}There are: {listed(known)}.",
                    )
        yield from _demand(where, override)


def _demand(where: str, override: Tree) -> Iterator[Problem]:
    nodes = {f"{where}.workload": override.get("workload")}
    several = override.get("workloads")
    if isinstance(several, Mapping):
        nodes |= {f"{where}.workloads.{name}": patch for name, patch in several.items()}
    for node, patch in nodes.items():
        for key in patch if isinstance(patch, Mapping) else ():
            if key in DEMAND_KEYS:
                message = (
                    "a phase cannot change demand, which does not react to the product's phases. Use the phase's "
                    "exposure, or the workload's growth."
                )
                yield Problem(f"{node}.{key}", None, message)


def unreached(tree: Tree, changed: Iterable[KeyPath]) -> Iterator[Problem]:
    """A base key that was typed and reaches no entry, because each sets its own."""
    homes: dict[str, tuple[str, KeyPath]] = {base: (node, ()) for node, base in ENTRIES.items()}
    homes |= {base: (node, (base,)) for node, bases in INSIDE.items() for base in bases}
    for path in changed:
        node, inside = homes.get(path[0], ("", ()))
        entries = tree.get(node)
        if not isinstance(entries, Mapping) or not entries or len(path) == 1:
            continue
        places = [(node, name, *inside, *path[1:]) for name in entries]
        if all(depth(tree, place) == len(place) for place in places):
            yield Problem(
                ".".join(path),
                None,
                f"reaches nothing: every entry sets its own. Type {' or '.join('.'.join(p) for p in places[:3])}.",
            )


def windows(tree: Tree, scenario: Scenario) -> Iterator[Refusal]:
    """The record interval is between a second and a day, not longer than the scenario, and not too many of them."""
    path, value = ("record", "interval"), tree["record"].get("interval")
    interval = scenario.record.interval_s
    if not MIN_INTERVAL_S <= interval <= MAX_INTERVAL_S:
        yield Refusal(path, value, 'out of range. It must be at least 1 s and at most 1 day, such as "1 h".')
    elif interval > scenario.horizon_s:
        yield Refusal(path, value, f"longer than the scenario ({scenario.horizon_s:g} s). Type a shorter one.")
    elif scenario.horizon_s / interval * len(scenario.workloads) > MAX_ROWS:
        count = round(scenario.horizon_s / interval)
        least = math.ceil(scenario.horizon_s * len(scenario.workloads) / MAX_ROWS)
        many = f" for each of {len(scenario.workloads)} workloads" if len(scenario.workloads) > 1 else ""
        remedy = f"an interval of at least {least} s" if least <= MAX_INTERVAL_S else "fewer workloads"
        yield Refusal(path, value, f"too fine: {count:,} windows{many}, and a run holds {MAX_ROWS:,}. Type {remedy}.")


def places(phases: Mapping[str, Scenario]) -> Iterator[Refusal]:
    """The replicas of all pools in all phases together have places in the data plane. phases: effective scenarios."""
    served = [scenario for name, scenario in phases.items() if scenario.phases[name].serving != "api"]
    most = sum(pool.autoscaler.max_replicas for scenario in served for pool in scenario.pools.values())
    if most > MAX_REPLICAS_IN_ALL:
        yield Refusal(
            ("pools",), None,
            f"up to {most:,} replicas over all pools and phases, and a run has room for {MAX_REPLICAS_IN_ALL:,}. Type "
            "smaller max_replicas (or replicas), or have fewer pools or phases.",
        )  # fmt: skip


def serving(scenario: Scenario, phase: str) -> Iterator[Refusal]:
    """Every workload names a pool that exists, and is patient enough to be served at all in this phase; pools form no
    batches beyond those that their service was measured for.
    """
    yield from _batches(scenario)
    by_api = scenario.phases[phase].serving == "api"
    for name, workload in scenario.workloads.items():
        missing = list(_missing_pools(scenario, name))
        yield from missing
        if missing:
            continue
        patience = ("workloads", name, "timeout")
        shown = workload.model_dump(mode="json", by_alias=True, warnings=False)["timeout"]
        if by_api and workload.timeout_s < scenario.api.latency.median_s:
            least = f"{scenario.api.latency.median_s:g} s"
            yield Refusal(
                patience,
                shown,
                f"shorter than the median latency of {scenario.api.name}, {least}: most requests would time out. "
                f"Type a longer timeout, or phases.{phase}.serving=pool.",
            )
        elif not by_api and workload.timeout_s < fastest_s(scenario, name):
            where = f"of pool {workload.pool}" if len(workload.stages) < 2 else "on the shortest way through its stages"
            yield Refusal(
                patience,
                shown,
                f"shorter than the fastest service {where}, {fastest_s(scenario, name):.4g} s: every request would "
                "time out. Type a longer timeout.",
            )


def _missing_pools(scenario: Scenario, name: str) -> Iterator[Refusal]:
    """Pools that a workload or one of its stages names and that are not there; and an own one on none of its stages."""
    workload = scenario.workloads[name]
    named: dict[tuple[str, ...], str] = {("pool",): workload.pool}
    named |= {("stages", stage, "pool"): s.pool for stage, s in workload.stages.items() if s.pool is not None}
    for where, pool in named.items():
        if pool not in scenario.pools:
            known = f"no such pool. {nearest(pool, scenario.pools)}Pools: {listed(scenario.pools)}."
            yield Refusal(("workloads", name, *where), pool, known)
    if workload.pool in scenario.pools and workload.pool not in pools_of(workload):
        passed = listed(pools_of(workload))
        yield Refusal(
            ("workloads", name, "pool"), workload.pool,
            f"on none of its stages: requests pass {passed}. Type one of these, the one whose model gives the answer.",
        )  # fmt: skip


def overflows(scenario: Scenario) -> Iterator[Refusal]:
    """A queue overflows to another pool, which overflows nowhere itself."""
    for name, pool in scenario.pools.items():
        overflow, where = pool.queue.overflow, ("pools", name, "queue", "overflow")
        others = [other for other, it in scenario.pools.items() if other != name and it.queue.overflow == REJECT]
        instead = f"Type {listed(['reject', *others])}."
        if overflow == REJECT:
            continue
        if overflow not in scenario.pools:
            close = nearest(overflow, [REJECT, *scenario.pools])
            yield Refusal(where, overflow, f"no such pool. {close}{instead}")
        elif overflow == name:
            yield Refusal(where, overflow, f"the pool itself, which has no room left. {instead}")
        elif scenario.pools[overflow].queue.overflow != REJECT:
            yield Refusal(
                where, overflow,
                f"a pool that overflows itself, to {scenario.pools[overflow].queue.overflow}. Requests are passed on "
                f"once: type pools.{overflow}.queue.overflow=reject, or here another pool. {instead}",
            )  # fmt: skip


def _batches(scenario: Scenario) -> Iterator[Refusal]:
    for name, pool in scenario.pools.items():
        most, known = pool.batching.max_batch_size, pool.service.largest_batch
        if most > known:
            yield Refusal(
                ("pools", name, "batching", "max_batch_size"),
                most,
                f"beyond the service times of pool {name}, measured for batches of 1 to {known}. Type at most {known}, "
                "or a service with larger batches.",
            )


def remarks(scenario: Scenario) -> list[str]:
    """What is no error and changes how far results can be trusted, a sentence each: service times of a pool that were
    measured on another accelerator, or with another model, than the ones it runs on; caches and retrainings in vain.

    Of every phase's effective scenario, each sentence once; pools that serve no workload in a pool phase are left out.
    """
    from sim.scenario.load import phase_scenarios

    lived_in = phase_scenarios(scenario)
    rooms = (life_checks, call_checks, plant_checks, scaling_checks, loop_checks, disturbance_checks)
    said = dict.fromkeys(remark for room in rooms for remark in room.remarks(lived_in))
    for name, effective in lived_in.items():
        if effective.phases[name].serving == "api":
            continue
        for pool_name in effective.feeders():
            said |= dict.fromkeys(_borrowed(pool_name, effective.pools[pool_name]))
    return list(said)


def _borrowed(name: str, pool: Pool) -> Iterator[str]:
    """Service times that belong to another machine or model."""
    service, machine, model = pool.service, pool.machine, pool.model
    measured, used = service.hardware.casefold(), (machine.accelerator.casefold(), machine.name.casefold())
    if not any(_names(measured, other) for other in used):
        yield (
            f"pool {name}: service times measured on {service.hardware} are used on {machine.name} "
            f"({machine.accelerator}); take a service fitted on that machine (poc2scale list service)."
        )
    if service.model and service.model != model.name:
        yield (
            f"pool {name}: service times measured with the model {service.model} are used for {model.name}; take a "
            "service fitted with that model (poc2scale list service)."
        )


def _names(one: str, other: str) -> bool:
    """Whether one text holds the other as whole words: "NVIDIA L4" is in "one NVIDIA L4" and not in "NVIDIA L40"."""
    short, long = sorted((one.strip(), other.strip()), key=len)
    return bool(short) and re.search(rf"(?<!\w){re.escape(short)}(?!\w)", long) is not None
