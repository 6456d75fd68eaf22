"""Checks of the life that a scenario goes through: gates that can fire, labels that arrive, launches inside it."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from sim.config.units import span_text
from sim.lifecycle.impossible import LifeFacts, PhaseFacts, gate_problems
from sim.model.checks import learning_problems, learning_remarks
from sim.model.parameters import ModelLearning, NoMonitor
from sim.scenario.errors import Refusal
from sim.scenario.model import Scenario, fastest_s, typical_s
from sim.serving.admission import AnswerCache, NoCache
from sim.workload.attributes import UniqueKeys
from sim.workload.disturbances import concerns, most_with
from sim.workload.problems import demand_problems, most_per_s


def gates(phases: Mapping[str, Scenario]) -> Iterator[Refusal]:
    """Gates that can never fire, and conditions that nobody can meet. phases: effective scenarios, in order."""
    scenario = next(iter(phases.values()))
    calendar = scenario.calendar()
    end = calendar.start + timedelta(seconds=scenario.horizon_s)
    life = LifeFacts(tuple(scenario.workloads), end, scenario.horizon_s)
    facts = {name: _facts(effective, name) for name, effective in phases.items()}
    for path, value, message in gate_problems(scenario.phases, scenario.gates, life, facts):
        yield Refusal(path, value, message)


def _facts(effective: Scenario, phase: str) -> PhaseFacts:
    """What gates can measure while a phase lasts."""
    by_api = effective.phases[phase].serving == "api"
    fastest, quality, alarms, most = {}, {}, {}, {}
    for name, workload in effective.workloads.items():
        # an API answers with any latency above 0, if seldom; a cache in no time
        cached = not isinstance(workload.cache, NoCache)
        fastest[name] = 0.0 if by_api or cached else fastest_s(effective, name)
        potential_per_s = most_per_s(workload, effective.horizon_s)
        if potential_per_s is not None:
            storms = [storm for storm in effective.disturbances.values() if concerns(storm, name)]
            most[name] = most_with(potential_per_s, storms) * effective.phases[phase].exposure
        learning = workload.learning
        if isinstance(learning, ModelLearning) and not isinstance(learning.monitor, NoMonitor):
            quality[name] = learning.quality
            rate = workload.value.false_positives(learning.quality, learning.quality)
            if rate is not None:
                alarms[name] = rate
    valued = frozenset(name for name, workload in effective.workloads.items() if workload.value.kind != "none")
    return PhaseFacts(fastest, quality, alarms, valued, most)


def learning(scenario: Scenario) -> Iterator[Refusal]:
    """Labels and retrainings that come after the scenario's end. scenario: of one phase."""
    for name, workload in scenario.workloads.items():
        for path, value, message in learning_problems(workload.learning, scenario.horizon_s):
            yield Refusal(("workloads", name, "learning", *path), value, message)


def demand(scenario: Scenario) -> Iterator[Refusal]:
    """Launches outside the scenario."""
    for name, workload in scenario.workloads.items():
        for problem in demand_problems(workload, f"workloads.{name}", scenario.calendar()):
            yield Refusal(tuple(problem.where.split(".")), problem.value, problem.message)


def remarks(phases: Mapping[str, Scenario]) -> Iterator[str]:
    """What is no error and may surprise, a sentence each. phases: effective scenarios."""
    for phase, effective in phases.items():
        yield from _too_slow(effective, phase)
        yield from _never_used(effective, phase)
        for name, workload in effective.workloads.items():
            of = f"workload {name}: " if len(effective.workloads) > 1 else ""
            for remark in learning_remarks(workload.learning, effective.horizon_s):
                yield of + remark
            if not isinstance(workload.cache, NoCache) and workload.cache.hit_latency_s > workload.slo.latency_s:
                yield f"{of}an answer from its cache takes longer than its SLO allows (cache.hit_latency)."
            if isinstance(workload.cache, AnswerCache) and isinstance(workload.keys, UniqueKeys):
                yield (
                    f"{of}its cache never answers, as every request asks for something else (keys: unique). Type "
                    "workload.keys={kind: zipf}, or cache=none."
                )


def _too_slow(effective: Scenario, phase: str) -> Iterator[str]:
    """Whoever serves a phase takes longer for a typical answer than a workload's SLO allows: of an API its median, of a
    replica its mean for a request alone, with nobody before it in the queue.
    """
    serving, api = effective.phases[phase].serving, effective.api
    for name, workload in effective.workloads.items():
        slo = f"the SLO of {span_text(workload.slo.latency_s)} of workload {name}"
        if serving == "api" and api.latency.median_s > workload.slo.latency_s:
            yield (
                f"phase {phase}: the median latency of {api.name}, {span_text(api.latency.median_s)}, is beyond {slo}: "
                "fewer than half of its answers can be in time. "
                f"Type phases.{phase}.serving=pool, or managed or committed."
            )
        mean_s = typical_s(effective, name)
        if serving != "api" and mean_s > workload.slo.latency_s:
            who = f"pool {workload.pool} takes" if len(workload.stages) < 2 else "the shortest way through stages takes"
            yield (
                f"phase {phase}: {who} {span_text(mean_s)} for a request alone, beyond {slo}. Take a "
                "smaller model or a faster machine (poc2scale list service)."
            )


def _never_used(effective: Scenario, phase: str) -> Iterator[str]:
    """A commitment to more replicas than the phase's autoscaler may ever ask for."""
    if effective.phases[phase].serving != "committed":
        return
    for name in effective.feeders():
        pool = effective.pools[name]
        base, most = pool.hosting.committed.base_replicas, pool.autoscaler.max_replicas
        if base > most:
            yield (
                f"phase {phase}: pool {name} commits to {base} replicas and never asks for more than {most}, so that "
                f"{base - most} of them {'is' if base - most == 1 else 'are'} paid for and never used. "
                f"Lower hosting.committed.base_replicas to {most}, or let the autoscaler ask for more."
            )
