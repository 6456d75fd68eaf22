"""The `behavior` of a HorizontalPodAutoscaler, in its own manifest and in KEDA's; there and back.

Source: kubernetes/kubernetes pkg/apis/autoscaling/v2/types.go (HPAScalingRules, HPAScalingPolicy).
"""

from typing import Any

from sim.policy.autoscaling.hpa_rules import ScaleDownRules, ScaleUpRules, ScalingRules
from sim.policy.manifests.fields import Node, Policy
from sim.policy.manifests.losses import rounded_s
from sim.policy.manifests.quantities import as_quantity, quantity, share_percent, whole, whole_seconds

_SELECT = {"Max": "max", "Min": "min", "Disabled": "disabled"}
_TYPES = {"Pods": "pods", "Percent": "percent"}
DIRECTIONS = {"scaleUp": "scale_up", "scaleDown": "scale_down"}


def read(behavior: Node, policy: Policy) -> None:
    """Put scale_up and scale_down, as far as they are there, into a policy."""
    for field, ours in DIRECTIONS.items():
        rules = behavior.node(field, ours=(ours,))
        if rules is not None:
            policy[ours] = _rules(rules)
    behavior.finish()


def _rules(rules: Node) -> Policy:
    found: Policy = {}
    rules.take(found, "stabilisation", "stabilizationWindowSeconds", whole_seconds, least=0)
    if rules.value.get("selectPolicy") is not None:
        select = rules.one_of("selectPolicy", _SELECT)
        found |= {"select": select} if select else {}
    rules.take(found, "tolerance", "tolerance", share_percent, least=0)
    policies = [_policy(node) for node in rules.nodes("policies", ours=("policies",))]
    if policies:
        found["policies"] = policies
    rules.finish()
    return found


def _policy(node: Node) -> Policy:
    found: Policy = {"type": node.one_of("type", _TYPES)}
    if node.need("value", whole, "4") is not None:
        node.take(found, "value", "value", whole, least=1)
    if node.need("periodSeconds", whole, "15") is not None:
        node.take(found, "period", "periodSeconds", whole_seconds, least=1)
    node.finish()
    return found


def write(policy: Any, behavior: dict[str, Any], path: str, lost: list[str]) -> None:
    """Set the fields of `behavior` to a policy's scale_up and scale_down.

    A field that is neither there nor differs from Kubernetes's default stays away. path: of `behavior`; lost: gets a
    sentence for what has no exact place.
    """
    for field, ours in DIRECTIONS.items():
        rules: ScalingRules = getattr(policy, ours)
        defaults = ScaleUpRules() if ours == "scale_up" else ScaleDownRules()
        inner = dict(behavior.get(field) or {})
        new = _fields(rules, f"{path}.{field}", lost)
        old = _fields(defaults, "", [])
        for key, value in new.items():
            same = (
                key == "tolerance" and None not in (inner.get(key), value) and quantity(inner[key]) == quantity(value)
            )
            if (key in inner or value != old[key]) and not same:
                inner[key] = value
        if rules.tolerance is None:
            inner.pop("tolerance", None)
        if inner:
            behavior[field] = {key: value for key, value in inner.items() if value is not None}


def _fields(rules: ScalingRules, path: str, lost: list[str]) -> dict[str, Any]:
    names, kinds = ({ours: theirs for theirs, ours in words.items()} for words in (_SELECT, _TYPES))
    tolerance = None if rules.tolerance is None else as_quantity(rules.tolerance)
    if rules.tolerance is not None and round(rules.tolerance * 1000) / 1000 != rules.tolerance:
        lost.append(f"{path}.tolerance: {rules.tolerance:g} rounded to {tolerance}.")
    return {
        "stabilizationWindowSeconds": rounded_s(rules.stabilisation_s, f"{path}.stabilizationWindowSeconds", lost),
        "selectPolicy": names[rules.select],
        "policies": [
            {
                "type": kinds[p.type],
                "value": p.value,
                "periodSeconds": rounded_s(p.period_s, f"{path}.policies.periodSeconds", lost, 1),
            }
            for p in rules.policies
        ],
        "tolerance": tolerance,
    }
