"""The same life at half and at twice its traffic: everything else as it was, promotion dates and random draws too."""

import os
from dataclasses import replace
from typing import Any

from sim.analysis.scale_check import scale_check
from sim.config import InputError, Problem
from sim.scenario import Scenario
from sim.study.processes import Workers
from sim.workload.parameters import ClosedLoopWorkload, RatedWorkload, doubled
from sim.world import Run, simulate

FACTORS = (0.5, 1.0, 2.0)


def with_scale_check(run: Run) -> Run:
    """The run, with `scale_check` worked out: its life is played again at each of FACTORS, with its promotion dates.

    Raises InputError where a workload's traffic cannot be doubled.
    """
    lives = {factor: scaled(run.scenario, factor) for factor in FACTORS}
    decided = run.events[run.events["kind"] == "phase_decided"]
    decided_s: dict[str, float | None] = dict.fromkeys(list(run.scenario.phases)[1:])
    decided_s |= dict(zip(decided["subject"], decided["at_s"], strict=True))
    replication = int(run.manifest["replication"])
    with Workers(min(len(lives), os.cpu_count() or 1)) as processes:
        tasks = [(factor, life, run.seed, replication, decided_s) for factor, life in lives.items()]
        runs = {task[0]: played for task, played in processes.map(_play, tasks)}
    return replace(run, scale_check=scale_check({factor: runs[factor] for factor in lives}))


def scaled(scenario: Scenario, factor: float) -> Scenario:
    """The scenario with `factor` (at most 2) times its exposure, of the same potential requests for every factor.

    Potential demand is doubled and thinned again, so that 100 % exposure can double too, and each factor lets in a part
    of what the next one lets in. Thinning a Poisson process leaves a Poisson process; other arrivals become somewhat
    less bursty than at their own exposure, at every factor alike. Recorded traffic is not doubled: its exposures must
    be at most 50 %. Raises InputError where they are not, and for closed loops, whose traffic follows from the service.
    """
    loops = [name for name, workload in scenario.workloads.items() if isinstance(workload, ClosedLoopWorkload)]
    if loops:
        message = (
            f"workload {loops[0]} is a closed loop: its users ask as often as they are answered, so that there is no "
            "traffic to double. Leave --scale-check out and compare two runs, the second with twice the "
            "workload.users, or choose workload=poisson."
        )
        raise InputError(Problem("--scale-check", None, message))
    recorded = [name for name, workload in scenario.workloads.items() if not isinstance(workload, RatedWorkload)]
    highest = max(phase.exposure for phase in scenario.phases.values())
    if recorded and highest * max(FACTORS) > 1:
        message = (
            f"workload {recorded[0]} plays recorded traffic, which cannot be doubled, and a phase lets in "
            f"{highest:.3g} of it. Type exposures of at most 50 %."
        )
        raise InputError(Problem("--scale-check", None, message))
    more = 1.0 if recorded else max(FACTORS)
    workloads: dict[str, Any] = {name: doubled(w, more) if more > 1 else w for name, w in scenario.workloads.items()}
    phases = {
        name: phase.model_copy(update={"exposure": phase.exposure * factor / more})
        for name, phase in scenario.phases.items()
    }
    return scenario.model_copy(update={"workloads": workloads, "phases": phases})


def _play(_: float, scenario: Scenario, seed: int, replication: int, decided_s: dict[str, float | None]) -> Run:
    unlogged = scenario.record.model_copy(update={"requests": 0.0})
    scenario = scenario.model_copy(update={"record": unlogged})
    return simulate(scenario, seed=seed, replication=replication, decided_s=decided_s)
