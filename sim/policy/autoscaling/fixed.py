"""A fixed number of replicas, whatever the load."""

from typing import Literal, NamedTuple

from sim.policy.autoscaling.controller import Controller
from sim.policy.bounds import FixedReplicas
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting


class FixedState(NamedTuple):
    """A fixed size remembers nothing."""


class Fixed(Controller):
    """Always the same number of replicas; 0 means none at all."""

    kind: Literal["fixed"] = "fixed"
    replicas: FixedReplicas

    @property
    def min_replicas(self) -> int:
        """Smallest count it asks for."""
        return self.replicas

    @property
    def max_replicas(self) -> int:
        """Largest count it asks for."""
        return self.replicas

    @property
    def initial_replicas(self) -> int:
        """Count at the start."""
        return self.replicas

    @property
    def sync_period_s(self) -> float | None:
        """Never asked again: no observation changes the answer."""
        return None

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> FixedState:
        """State at the start."""
        return FixedState()

    def decide(self, observation: Observation, state: FixedState, now_ns: int) -> tuple[Decision, FixedState]:
        """The fixed count."""
        return Decision(self.replicas, "FixedSize"), state
