"""Scenario: composition with Hydra, base nodes and patches, judgement with pydantic, every problem at once."""

from sim.scenario.checks import remarks
from sim.scenario.dump import changes_by_phase, dump, to_yaml
from sim.scenario.load import load, phase_scenarios
from sim.scenario.model import Pool, Scenario

__all__ = ["Pool", "Scenario", "changes_by_phase", "dump", "load", "phase_scenarios", "remarks", "to_yaml"]
