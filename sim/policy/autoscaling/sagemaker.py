"""Automatic scaling of an Amazon SageMaker endpoint: target tracking on its invocations per instance.

Sources, AWS documentation as read in November 2026: Amazon SageMaker Developer Guide, "Auto scaling policy overview"
(SageMakerVariantInvocationsPerInstance, "such as 70 invocations per instance per minute"; an endpoint scales to and
from zero by step scaling alone) and "Load testing your auto scaling configuration" (target = largest requests per
second of one instance x safety factor x 60). How it tracks: target_tracking.py. Assumption: a minute's metric can be
seen a minute after its end.
"""

from typing import Literal

from sim.config import Seconds
from sim.policy.autoscaling.target_tracking import Tracking


class SageMaker(Tracking):
    """Parameters of a variant's scaling policy; target: invocations per instance and minute."""

    kind: Literal["sagemaker"] = "sagemaker"
    metric: Literal["requests"] = "requests"  # SageMakerVariantInvocationsPerInstance
    metric_delay_s: Seconds = 60.0  # assumption: CloudWatch has a minute's metric within the next one
