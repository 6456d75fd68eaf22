"""Controllers that are passed in Python, by pool, instead of those that a scenario names."""

from collections.abc import Mapping
from typing import Any

from sim.config import InputError, Problem
from sim.policy.autoscaling import Controller, Plugin
from sim.scenario import Scenario
from sim.scenario.errors import listed, nearest


def own_policies(scenario: Scenario, policies: Mapping[str, Any]) -> dict[str, Plugin]:
    """The controllers around objects that were passed, by pool. Raises InputError with every problem."""
    problems: list[Problem] = []
    own: dict[str, Plugin] = {}
    for pool, policy in policies.items():
        where = f"policies[{pool!r}]"
        if pool not in scenario.pools:
            close = nearest(str(pool), scenario.pools)
            problems.append(Problem(where, None, f"no such pool. {close}Pools: {listed(scenario.pools)}."))
            continue
        try:
            own[pool] = Plugin.of(policy, type(policy).__name__)
        except ValueError as e:
            problems.append(Problem(where, policy, str(e)))
    if problems:
        raise InputError(*problems)
    return own


def with_policies(effective: Mapping[str, Scenario], own: Mapping[str, Plugin]) -> dict[str, Scenario]:
    """Each phase's scenario with these controllers in it; not one to write down, as nobody could read it again."""
    if not own:
        return dict(effective)
    given: dict[str, Controller] = dict(own)
    return {
        phase: scenario.model_copy(
            update={
                "pools": {
                    name: pool.model_copy(update={"autoscaler": given[name]}) if name in given else pool
                    for name, pool in scenario.pools.items()
                }
            }
        )
        for phase, scenario in effective.items()
    }


def own_notes(own: Mapping[str, Plugin]) -> list[str]:
    """What the user must be told, as no file of the run does."""
    return [
        f"pool {pool}: scaled by {policy.name}, an object passed in Python, and not by the scenario's autoscaler."
        for pool, policy in own.items()
    ]
