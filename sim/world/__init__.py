"""The wiring: a Scenario becomes a world of SimPy processes around a data plane, and its life becomes a Run."""

from sim.world.run import Run
from sim.world.simulate import simulate

__all__ = ["Run", "simulate"]
