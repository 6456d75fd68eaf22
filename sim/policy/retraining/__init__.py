"""Policies that decide when a model is trained anew, one file each.

A policy is its parameter class with `begin(now_ns) -> state`, `decide(observation, state, now_ns) -> (decision,
state)` and `wake_ns(state)`, the moment at which it wants to be asked even without news (None: it waits for labels).
All are pure. It is asked at each delivery of labels and at each of its own moments, also while a training runs, and
must then answer that nothing is to be started.
"""

from typing import Annotated

from pydantic import Field

from sim.policy.retraining.never import Never
from sim.policy.retraining.observation import Decision, Observation
from sim.policy.retraining.periodic import Periodic
from sim.policy.retraining.threshold import Threshold

Retraining = Annotated[Never | Periodic | Threshold, Field(discriminator="kind")]

__all__ = ["Decision", "Never", "Observation", "Periodic", "Retraining", "Threshold"]
