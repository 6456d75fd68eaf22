"""A policy of AWS Application Auto Scaling in JSON as `target_tracking`, `sagemaker` or `step_scaling`; there and back.

Sources, AWS documentation as read in November 2026: Application Auto Scaling API Reference (PutScalingPolicy,
DescribeScalingPolicies, RegisterScalableTarget, TargetTrackingScalingPolicyConfiguration), Amazon CloudWatch API
Reference (MetricAlarm). Read are what `put-scaling-policy --cli-input-json` takes, its configuration alone, and the
answers of describe-scaling-policies, describe-scalable-targets and describe-alarms as one object: {"ScalableTargets":
[...], "ScalingPolicies": [...], "MetricAlarms": [...]}.
"""

from copy import deepcopy
from typing import Any, NamedTuple

from sim.config import InputError, Problem
from sim.policy.autoscaling.step_scaling import StepScaling
from sim.policy.autoscaling.target_tracking import Tracking
from sim.policy.manifests import aws_steps
from sim.policy.manifests.aws_steps import STEPS
from sim.policy.manifests.fields import Findings, Node, Policy, ordered
from sim.policy.manifests.losses import beyond, rounded_s
from sim.policy.manifests.quantities import number, per_cents, percent, plain, text, truth, whole, whole_seconds

WHAT = "AWS Application Auto Scaling policy (JSON)"
KINDS = ("target_tracking", "sagemaker", "step_scaling")
_TRACKING = "TargetTrackingScalingPolicyConfiguration"
_SAGEMAKER = ("SageMakerVariantInvocationsPerInstance", "SageMakerInferenceComponentInvocationsPerCopy")
_PREDEFINED = {
    "ECSServiceAverageCPUUtilization": "utilisation", "ASGAverageCPUUtilization": "utilisation",
    "ALBRequestCountPerTarget": "requests", **dict.fromkeys(_SAGEMAKER, "requests"),
}  # fmt: skip
_CHOICES = ("utilisation", "requests")
_NAMES = (
    "PolicyName", "PolicyARN", "ServiceNamespace", "ResourceId", "ScalableDimension", "CreationTime", "Alarms",
    "ScalableTargetARN", "RoleARN", "ScalingPolicies", "MetricAlarms", "MinCapacity", "MaxCapacity",
)  # fmt: skip
_COOLDOWNS = {"ScaleOutCooldown": "scale_out_cooldown", "ScaleInCooldown": "scale_in_cooldown"}
_OURS = {
    "start_replicas": "the capacity there is when the policy comes",
    "metric_delay_s": "CloudWatch's own",
    "sync_period_s": "how a minute's mean is sampled here",
}


class _Parts(NamedTuple):
    """Policies (group and path), and the limits' group and path."""

    policies: list[tuple[dict[str, Any], str]]
    target: tuple[dict[str, Any], str] | None


def known(document: dict[str, Any]) -> bool:
    """Whether a document is one of these, of whatever form."""
    keys = ("ScalingPolicies", "PolicyType", _TRACKING, STEPS, "TargetValue", "StepAdjustments")
    return "kind" not in document and any(key in document for key in keys)


def _groups(document: dict[str, Any], key: str) -> list[tuple[dict[str, Any], str]]:
    items = document.get(key)
    items = [items] if isinstance(items, dict) else items if isinstance(items, list) else []
    return [(item, f"{key}[{i}]") for i, item in enumerate(items) if isinstance(item, dict)]


def _parts(document: dict[str, Any], found: Findings, name: str | None) -> _Parts:
    if "ScalingPolicies" in document:
        policies = [p for p in _groups(document, "ScalingPolicies") if name in (None, p[0].get("PolicyName"))]
    elif "TargetValue" in document:
        policies = [({_TRACKING: document}, "")]
    elif "StepAdjustments" in document:
        policies = [({STEPS: document}, "")]
    else:
        policies = [(document, "")]
    steps = [STEPS in policy for policy, _ in policies]
    if not policies or not (len(policies) == 1 or (len(policies) == 2 and all(steps))):
        names = ", ".join(str(p.get("PolicyName")) for p, _ in _groups(document, "ScalingPolicies")) or "none"
        message = (
            f"one policy that tracks a target is read, or one or two of steps. There is: {names}. Say which: type "
            f"{found.at}.manifest_name=NAME."
        )
        raise InputError(Problem(f"{found.source}, ScalingPolicies", name, message))
    targets = _groups(document, "ScalableTargets")
    own = [(document, "")] if "MinCapacity" in document or "MaxCapacity" in document else []
    return _Parts(policies, next(iter([*targets, *own]), None))


def read(document: dict[str, Any], found: Findings, name: str | None = None) -> Policy:
    """The policy, and in `found` what is wrong or ignored."""
    parts, policy = _parts(document, found, name), Policy()
    if parts.target is not None:
        target = Node(*parts.target, found)
        target.take(policy, "min_replicas", "MinCapacity", whole, least=0)
        target.take(policy, "max_replicas", "MaxCapacity", whole, least=1)
        ordered(target, "MinCapacity", "MaxCapacity", policy)
        if target.value.get("SuspendedState") is not None:
            found.ignore(target.at("SuspendedState"), "what is simulated is not suspended")
    alarms = _groups(document, "MetricAlarms")
    if any(STEPS in group for group, _ in parts.policies):
        return {"kind": "step_scaling", **policy, **aws_steps.read(parts.policies, alarms, found)}
    node = Node(*parts.policies[0], found)
    kinds = {"TargetTrackingScaling": "tracking", "StepScaling": "steps"}
    node.one_of("PolicyType", kinds, "TargetTrackingScaling")
    namespace = node.value.get("ServiceNamespace")
    inner = node.node(_TRACKING, needed=True)
    node.finish({"PredictiveScalingPolicyConfiguration": "take autoscaler=predictive"}, names=_NAMES)
    if inner is None:
        return {"kind": "target_tracking", **policy}
    if document.get("TargetValue") is not None:
        inner.path = ""  # the configuration stands alone
    return _tracking(inner, str(namespace), policy)


def _tracking(node: Node, namespace: str, policy: Policy) -> Policy:
    metric = _metric(node)
    sagemaker = metric is not None and metric[0] == "requests" and (metric[1] in _SAGEMAKER or namespace == "sagemaker")
    policy = {"kind": "sagemaker" if sagemaker else "target_tracking", **policy}
    if metric is not None:
        policy["metric"] = metric[0]
    shares = policy.get("metric") == "utilisation"
    if node.need("TargetValue", number, "70") is not None and metric is not None:
        node.take(policy, "target", "TargetValue", percent if shares else lambda value: plain(number(value)))
    for theirs, ours in _COOLDOWNS.items():
        node.take(policy, ours, theirs, whole_seconds, least=0)
    node.take(policy, "disable_scale_in", "DisableScaleIn", truth)
    node.finish()
    return policy


def _metric(node: Node) -> tuple[str, str] | None:
    """What is tracked, in our word and in theirs; None where it is refused."""
    predefined, own = node.node("PredefinedMetricSpecification"), node.node("CustomizedMetricSpecification")
    if predefined is not None:
        name = predefined.need("PredefinedMetricType", text, "ECSServiceAverageCPUUtilization")
        predefined.finish(names=("ResourceLabel",))
        where = predefined.at("PredefinedMetricType")
        word = None if name is None else node.found.meaning(where, [name], _CHOICES, _PREDEFINED.get(name))
    elif own is not None:
        if own.value.get("Metrics") is not None:
            message = "metric math is not reckoned here. Track one metric, with a MetricName."
            node.found.refuse(own.at("Metrics"), None, message)
            return None
        name = own.need("MetricName", text, "GPUUtilization")
        own.finish(names=("Namespace", "Dimensions", "Statistic", "Unit"))
        word = None if name is None else node.found.meaning(own.at("MetricName"), [name], _CHOICES)
    else:
        node.found.refuse(node.at("PredefinedMetricSpecification"), None, "missing. Say which metric is tracked.")
        return None
    return None if word is None or name is None else (word, name)


def write(
    policy: Tracking | StepScaling, like: dict[str, Any] | None, found: Findings, name: str | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The JSON, and what it has no field for. like: one to change, of the same kind."""
    document = deepcopy(like) if like is not None else _new(policy)
    lost = beyond(policy, {key: why for key, why in _OURS.items() if key in type(policy).model_fields})
    parts = _parts(document, found, name)
    if parts.target is not None:
        parts.target[0].update(MinCapacity=policy.min_replicas, MaxCapacity=policy.max_replicas)
    else:
        limits = f"MinCapacity {policy.min_replicas}, MaxCapacity {policy.max_replicas}"
        lost.append(f"{limits}: `aws application-autoscaling register-scalable-target` sets them.")
    if isinstance(policy, StepScaling):
        aws_steps.write(policy, document, parts.policies, found, lost)
        return document, lost
    config = parts.policies[0][0][_TRACKING]
    _write_metric(policy, config, found)
    shares = policy.metric == "utilisation"
    config["TargetValue"] = per_cents(policy.target) if shares else plain(policy.target)
    for theirs, ours in _COOLDOWNS.items():
        value = rounded_s(getattr(policy, f"{ours}_s"), f"{_TRACKING}.{theirs}", lost)
        if value != 300 or theirs in config:
            config[theirs] = value
    if policy.disable_scale_in or "DisableScaleIn" in config:
        config["DisableScaleIn"] = policy.disable_scale_in
    return document, lost


def _write_metric(policy: Tracking, config: dict[str, Any], found: Findings) -> None:
    there = _metric(Node(config, "", found)) if len(config) else None
    if there is not None and there[0] == policy.metric:
        return
    config.pop("CustomizedMetricSpecification", None)
    names = {"utilisation": "ECSServiceAverageCPUUtilization", "requests": "ALBRequestCountPerTarget"}
    name = _SAGEMAKER[0] if getattr(policy, "kind", "") == "sagemaker" else names[policy.metric]
    config["PredefinedMetricSpecification"] = {"PredefinedMetricType": name}
    if name == "ALBRequestCountPerTarget":
        config["PredefinedMetricSpecification"]["ResourceLabel"] = "app/main/1/targetgroup/main/1"


def _new(policy: Tracking | StepScaling) -> dict[str, Any]:
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/main/main",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    if getattr(policy, "kind", "") == "sagemaker":
        target = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": "endpoint/main/variant/main",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }
    document: dict[str, Any] = {"ScalableTargets": [dict(target)]}
    if isinstance(policy, StepScaling):
        return document | aws_steps.new(policy, target)
    tracked = {"PolicyName": "main", **target, "PolicyType": "TargetTrackingScaling", _TRACKING: {}}
    return document | {"ScalingPolicies": [tracked]}
