"""The `behavior` of a HorizontalPodAutoscaler as a user states it: windows and policies, with Kubernetes's defaults.

Sources: defaults, kubernetes/kubernetes pkg/apis/autoscaling/v2/defaults.go; limits,
pkg/apis/autoscaling/validation/validation.go (periods up to 1,800 s, windows up to 3,600 s).
"""

from typing import Literal

from pydantic import Field, field_validator

from sim.clock.calendar import to_ns
from sim.config import Count, Parameters, PositiveSeconds, Seconds, Share
from sim.policy.autoscaling.hpa_behaviour import Rate, Rates
from sim.policy.bounds import Tolerated

_MAX_PERIOD_S = 1800.0
_MAX_STABILISATION_S = 3600.0


class ScalingPolicy(Parameters):
    """At most `value` pods, or `value` per cent of the replicas at the period's start, in any period of `period_s`."""

    type: Literal["pods", "percent"]
    value: Count
    period_s: PositiveSeconds

    @field_validator("value")
    @classmethod
    def _some_change(cls, value: int) -> int:
        if value < 1:
            raise ValueError(
                "a policy that allows no change. It must be at least 1; to forbid it, type select: disabled."
            )
        return value

    @field_validator("period_s")
    @classmethod
    def _period(cls, value: float) -> float:
        if value > _MAX_PERIOD_S:
            raise ValueError('longer than Kubernetes allows. Expected at most "30 min".')
        return value


class ScalingRules(Parameters):
    """What limits scaling in one direction; tolerance: of this direction alone (None: the controller's)."""

    stabilisation_s: Seconds
    select: Literal["max", "min", "disabled"]
    policies: tuple[ScalingPolicy, ...]
    tolerance: Share | None = None  # types.go HPAScalingRules.Tolerance, 1.33 and later

    @field_validator("stabilisation_s")
    @classmethod
    def _window(cls, value: float) -> float:
        if value > _MAX_STABILISATION_S:
            raise ValueError('longer than Kubernetes allows. Expected at most "1 h".')
        return value

    @field_validator("policies")
    @classmethod
    def _some_policy(cls, value: tuple[ScalingPolicy, ...]) -> tuple[ScalingPolicy, ...]:
        if not value:
            raise ValueError(
                "no policies. Expected at least one such as {type: pods, value: 4, period: 15 s}; "
                "to forbid scaling in this direction, type select: disabled."
            )
        return value

    def rates(self) -> Rates:
        """The policies as plain numbers for the arithmetic."""
        return Rates(
            self.select,
            tuple(Rate(p.type == "percent", p.value, to_ns(p.period_s)) for p in self.policies),
        )


def _up_policies() -> tuple[ScalingPolicy, ...]:
    # defaults.go: scaleUpLimitMinimumPods 4, scaleUpLimitPercent 100, scaleUpPeriod 15
    return (
        ScalingPolicy(type="pods", value=4, period_s=15.0),
        ScalingPolicy(type="percent", value=100, period_s=15.0),
    )


def _down_policies() -> tuple[ScalingPolicy, ...]:
    # defaults.go: scaleDownLimitPercent 100, scaleDownPeriod 15
    return (ScalingPolicy(type="percent", value=100, period_s=15.0),)


class ScaleUpRules(ScalingRules):
    """Limits on the way up; what is not given is Kubernetes's default."""

    stabilisation_s: Seconds = 0.0  # defaults.go: scaleUpStabilizationSeconds
    select: Literal["max", "min", "disabled"] = "max"  # defaults.go: MaxChangePolicySelect
    policies: tuple[ScalingPolicy, ...] = Field(default_factory=_up_policies)


class ScaleDownRules(ScalingRules):
    """Limits on the way down; what is not given is Kubernetes's default."""

    # kube-controller-manager --horizontal-pod-autoscaler-downscale-stabilization 5m0s
    stabilisation_s: Seconds = 300.0
    select: Literal["max", "min", "disabled"] = "max"  # defaults.go: MaxChangePolicySelect
    policies: tuple[ScalingPolicy, ...] = Field(default_factory=_down_policies)
    tolerance: Tolerated | None = None  # a wider one would let nothing scale down

    def beyond_windows(self) -> bool:
        """Whether anything but the window differs from Kubernetes's defaults."""
        return self != ScaleDownRules(stabilisation_s=self.stabilisation_s)
