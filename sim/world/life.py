"""From a Scenario to a Run."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sim import __version__
from sim.clock.calendar import to_ns
from sim.record.progress import Progress
from sim.scenario import Scenario
from sim.scenario.checks import remarks
from sim.scenario.model import is_call
from sim.serving.own import Discipline
from sim.world.build import World
from sim.world.policies import own_notes, own_policies
from sim.world.run import Run

OUTCOMES = ("potential", "offered", "hit", "completed", "throttled", "rejected", "timed_out", "in_system", "failed")


def simulate(
    scenario: Scenario, *, seed: int | None = None, replication: int = 0,
    progress: Callable[[Progress], None] | None = None, decided_s: Mapping[str, float | None] | None = None,
    spool: Path | None = None, policies: Mapping[str, Any] | None = None,
    disciplines: Mapping[str, Discipline] | None = None,
) -> Run:  # fmt: skip
    """Play a scenario from its start to its horizon.

    seed: instead of the scenario's; replication: r for the r-th independent replication of the same seed; progress:
    called at the close of every record window; decided_s: phases that are decided at these times (s since the start;
    None: never), whatever their dates and gates say; spool: folder in which a request log grows while the run goes on
    (None: one of the system's); policies: controllers by the name of the pool that each is to scale, instead of the
    scenario's autoscaler, in every phase (see `sim.policy.autoscaling`); disciplines: a user's own functions by name,
    see `sim.serving.own`. The same scenario and seed give the same frames, to the byte. Raises InputError for a
    workload's file that cannot be played, for an unknown pool or an object that is no policy, and for an own discipline
    that is not there, RunError when a law is broken or a policy or discipline of the user's fails, OSError where
    the log cannot be written; the log is gone then.
    """
    from sim.streams import Streams

    root = scenario.seed if seed is None else seed
    decided_ns = {phase: None if at_s is None else to_ns(at_s) for phase, at_s in (decided_s or {}).items()}
    own = own_policies(scenario, policies or {})
    world = World(scenario, Streams(root, replication), progress, decided_ns, spool, own, disciplines)
    try:
        world.run()
    except BaseException:
        world.records.discard()
        raise
    return _run_of(world, root, replication)


def _run_of(world: World, seed: int, replication: int) -> Run:
    counters = world.plane.workloads
    totals = {name: int(counters[name].sum()) for name in OUTCOMES}
    totals |= {name: int(counters[name].sum()) for name in world.records.windows.more}
    if any(is_call(workload) for lived_in in world.effective.values() for workload in lived_in.workloads.values()):
        totals |= {name: int(counters[name].sum()) for name in ("retries", "hedges")}
    return Run(
        scenario=world.scenario,
        seed=seed,
        calendar=world.calendar,
        timeseries=world.records.windows.timeseries(),
        latency_histogram=world.records.windows.latency_histogram(),
        pool_times=world.records.pools,
        ledger=world.books.ledger.frame(),
        value=world.books.value.frame(),
        events=world.events.frame(world.calendar),
        scalings=sorted((s for fleet in world.fleets.values() for s in fleet.scalings), key=lambda s: s.at_s),
        request_log=world.records.log,
        totals=totals,
        phases_effective=world.lifecycle.spans,
        gates_checked=world.promotions.rows,
        thresholds=world.promotions.thresholds,
        notes=[
            *own_notes(world.policies),
            *remarks(world.scenario),
            *(n for s in world.sources for n in s.notes),
            *_never_in_effect(world),
        ],
        manifest={
            "version": __version__,
            "seed": seed,
            "replication": replication,
            "engine": world.scenario.engine,
        },
    )


def _never_in_effect(world: World) -> list[str]:
    reached = {name for name, _, _ in world.lifecycle.spans}
    return [
        f"phase {name} never took effect: {_why(world, name)}" for name in world.scenario.phases if name not in reached
    ]


def _why(world: World, phase: str) -> str:
    if "phase_decided" in world.events.kinds_of(phase):
        return "its replicas were not ready before the scenario's end"
    refused = world.promotions.refused(phase)
    if refused:
        return f"its gate did not fire; at its last review: {refused}"
    names = list(world.scenario.phases)
    before = names[names.index(phase) - 1]
    reached = before in {name for name, _, _ in world.lifecycle.spans}
    return "no review of its gate came in time" if reached else f"{before}, the phase before it, never did"
