"""Pure decisions of the control plane: plain data in, a decision and the next state out; no SimPy, no world."""

from sim.policy.observation import Decision, Observation
from sim.policy.setting import Setting

__all__ = ["Decision", "Observation", "Setting"]
