"""Controllers that set a pool's number of replicas, one file each.

A controller is its parameter class with `begin(now_ns) -> state` and `decide(observation, state, now_ns) -> (decision,
state)`, both pure, and the attributes `min_replicas`, `max_replicas`, `initial_replicas` and `sync_period_s` (None:
nothing it sees can change its mind, so it is asked once).
"""

from typing import Annotated

from pydantic import Field

from sim.policy.autoscaling.fixed import Fixed
from sim.policy.autoscaling.hpa import HorizontalPodAutoscaler
from sim.policy.autoscaling.ray_serve import RayServe

Autoscaler = Annotated[
    Fixed | HorizontalPodAutoscaler | RayServe,
    Field(discriminator="kind"),
]

__all__ = [
    "Autoscaler",
    "Fixed",
    "HorizontalPodAutoscaler",
    "RayServe",
]
