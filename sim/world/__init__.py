"""The wiring: a Scenario becomes a world of SimPy processes around a data plane, and its life becomes a Run."""

from sim.world.life import simulate
from sim.world.run import Run

__all__ = ["Run", "simulate"]
