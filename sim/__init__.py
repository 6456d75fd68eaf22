"""poc2scale: the life of a machine-learning product, request by request, in money.

    scenario = sim.load("document_assistant")
    run = sim.simulate(scenario, seed=1)
    run.summary(), run.ledger, run.timeseries

Everything is bound at first use, so that importing `sim` costs nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.config.errors import InputError, RunError
    from sim.scenario.load import load
    from sim.scenario.model import Scenario
    from sim.study.replications import Replications, replicate
    from sim.world import Run, simulate

__version__ = "0.1.0"
__all__ = ["InputError", "Replications", "Run", "RunError", "Scenario", "__version__", "load", "replicate", "simulate"]

_HOMES = {
    "InputError": "sim.config.errors",
    "Replications": "sim.study.replications",
    "RunError": "sim.config.errors",
    "Run": "sim.world",
    "Scenario": "sim.scenario.model",
    "load": "sim.scenario.load",
    "replicate": "sim.study.replications",
    "simulate": "sim.world",
}


def __getattr__(name: str) -> object:
    """Import the home of a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
