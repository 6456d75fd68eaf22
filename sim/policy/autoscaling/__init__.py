"""Controllers that set a pool's number of replicas, one file each.

A controller is its parameter class (`Controller`) with `begin(now_ns, setting) -> state` and `decide(observation,
state, now_ns) -> (decision, state)`, both pure, and the attributes `min_replicas`, `max_replicas`, `initial_replicas`
and `sync_period_s` (None: nothing it sees can change its mind, so it is asked once). The setting is what is known of
its pool. `controller.py` says what else the loop around it asks: whether a first request wakes it, which quantile of
latency it sees, and whether it uses its setting.
"""

from typing import Annotated

from pydantic import Field

from sim.policy.autoscaling.controller import Controller
from sim.policy.autoscaling.fixed import Fixed
from sim.policy.autoscaling.hpa import HorizontalPodAutoscaler
from sim.policy.autoscaling.keda import Keda
from sim.policy.autoscaling.knative import Knative
from sim.policy.autoscaling.llm_aware import LlmAware
from sim.policy.autoscaling.oracle import Oracle
from sim.policy.autoscaling.plugin import Plugin
from sim.policy.autoscaling.predictive import Predictive
from sim.policy.autoscaling.queue_delay import QueueDelay
from sim.policy.autoscaling.ray_serve import RayServe
from sim.policy.autoscaling.sagemaker import SageMaker
from sim.policy.autoscaling.scheduled import Scheduled
from sim.policy.autoscaling.slo_feedback import SloFeedback
from sim.policy.autoscaling.step_scaling import StepScaling
from sim.policy.autoscaling.target_tracking import TargetTracking

Autoscaler = Annotated[
    Fixed
    | HorizontalPodAutoscaler
    | Keda
    | Knative
    | LlmAware
    | Oracle
    | Plugin
    | Predictive
    | QueueDelay
    | RayServe
    | SageMaker
    | Scheduled
    | SloFeedback
    | StepScaling
    | TargetTracking,
    Field(discriminator="kind"),
]

__all__ = [
    "Autoscaler",
    "Controller",
    "Fixed",
    "HorizontalPodAutoscaler",
    "Keda",
    "Knative",
    "LlmAware",
    "Oracle",
    "Plugin",
    "Predictive",
    "QueueDelay",
    "RayServe",
    "SageMaker",
    "Scheduled",
    "SloFeedback",
    "StepScaling",
    "TargetTracking",
]
