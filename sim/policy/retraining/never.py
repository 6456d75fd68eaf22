"""A model that stays as it was deployed."""

from typing import Literal, NamedTuple

from sim.config import Parameters
from sim.policy.retraining.observation import Decision, Observation


class NeverState(NamedTuple):
    """Nothing is remembered."""


class Never(Parameters):
    """No training after the first, whatever the labels say."""

    kind: Literal["never"] = "never"

    def begin(self, now_ns: int) -> NeverState:
        """State at the start."""
        return NeverState()

    def wake_ns(self, state: NeverState) -> int | None:
        """Never."""
        return None

    def decide(self, observation: Observation, state: NeverState, now_ns: int) -> tuple[Decision, NeverState]:
        """No."""
        return Decision(False, "never retrained"), state
