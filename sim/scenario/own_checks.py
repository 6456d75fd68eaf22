"""Checks of a user's own disciplines: only the engine that is plain Python can ask them."""

from collections.abc import Iterator

from sim.scenario.errors import Refusal
from sim.scenario.model import Scenario
from sim.serving.own import OwnDiscipline

_COMPILED = "the compiled engine calls no function of yours. Type engine=reference, or "


def own(scenario: Scenario) -> Iterator[Refusal]:
    """Own disciplines under the compiled engine. scenario: effective in some phase."""
    if scenario.engine == "reference":
        return
    for name, pool in scenario.pools.items():
        if isinstance(pool.routing, OwnDiscipline):
            yield Refusal(
                ("pools", name, "routing", "kind"), "own", _COMPILED + "another routing such as power_of_two."
            )
        if pool.queue.order is not None:
            yield Refusal(("pools", name, "queue", "order", "kind"), "own", _COMPILED + "order: null.")
