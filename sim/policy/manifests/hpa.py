"""A HorizontalPodAutoscaler, autoscaling/v2, as the policy `hpa`; there and back.

Source: kubernetes/kubernetes pkg/apis/autoscaling/v2/types.go and defaults.go, 1.33 and later. Without `behavior` it is
`behaviour: legacy`, as upstream's controller takes another path then.
"""

from copy import deepcopy
from typing import Any

from sim.policy.autoscaling.hpa import HorizontalPodAutoscaler
from sim.policy.manifests import behaviour
from sim.policy.manifests.fields import Findings, Node, Policy, ordered, versioned
from sim.policy.manifests.hpa_metrics import entry, read_metric, same, set_target
from sim.policy.manifests.losses import beyond
from sim.policy.manifests.quantities import whole

WHAT = "HorizontalPodAutoscaler (autoscaling/v2)"
KINDS = ("hpa",)
_FLAGS = {
    "start_replicas": "the Deployment's own count when the autoscaler comes",
    "sync_period_s": "kube-controller-manager --horizontal-pod-autoscaler-sync-period",
    "tolerance": "kube-controller-manager --horizontal-pod-autoscaler-tolerance",
    "cpu_initialisation_period_s": "kube-controller-manager --horizontal-pod-autoscaler-cpu-initialization-period",
    "initial_readiness_delay_s": "kube-controller-manager --horizontal-pod-autoscaler-initial-readiness-delay",
}


def known(document: dict[str, Any]) -> bool:
    """Whether a document is one of these, of whatever version."""
    return document.get("kind") == "HorizontalPodAutoscaler"


def read(document: dict[str, Any], found: Findings, name: str | None = None) -> Policy:
    """The policy, and in `found` what is wrong or ignored."""
    top, policy = Node(document, "", found), Policy(kind="hpa")
    versioned(top, "autoscaling/v2", "; `kubectl get hpa.v2.autoscaling NAME -o yaml` prints it so")
    spec = top.node("spec", needed=True)
    top.finish(names=("metadata", "status"))
    if spec is None:
        return policy
    spec.take(policy, "min_replicas", "minReplicas", whole, least=0)
    if spec.need("maxReplicas", whole, "10") is not None:
        spec.take(policy, "max_replicas", "maxReplicas", whole, least=1)
    ordered(spec, "minReplicas", "maxReplicas", {"min_replicas": 1} | policy)
    _metrics(spec, policy)
    rules = spec.node("behavior")
    policy["behaviour"] = "legacy" if rules is None else "rules"
    if rules is not None:
        behaviour.read(rules, policy)
    spec.finish(names=("scaleTargetRef",))
    return policy


def _metrics(spec: Node, policy: Policy) -> None:
    metrics = [(node, read_metric(node)) for node in spec.nodes("metrics", ours=("metrics",))]
    read = [metric for _, metric in metrics if metric is not None]
    if len(metrics) == 1 and read and read[0]["kind"] in ("resource", "pods"):
        # as the short form, so that one key beside the manifest changes the target
        policy["metric"], policy["target"] = read[0]["name"], read[0]["target"]
        spec.found.places[("target",)] = metrics[0][0].found.places[("metrics", "0", "target")]
    elif read:
        policy["metrics"] = read


def write(
    policy: HorizontalPodAutoscaler, like: dict[str, Any] | None, found: Findings, name: str | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The manifest, and what it has no field for. like: a manifest to change; found: how to read its metrics."""
    document = deepcopy(like) if like is not None else _new()
    spec, lost = document["spec"], beyond(policy, _FLAGS)
    if policy.min_replicas != 1 or "minReplicas" in spec:
        spec["minReplicas"] = policy.min_replicas
    spec["maxReplicas"] = policy.max_replicas
    _write_metrics(policy, spec, found, lost)
    if policy.behaviour == "legacy":
        spec.pop("behavior", None)
        if policy.scale_down.stabilisation_s != 300.0:
            flag = "kube-controller-manager --horizontal-pod-autoscaler-downscale-stabilization"
            lost.append(f"scale_down.stabilisation {policy.scale_down.stabilisation_s:g} s: {flag}.")
    else:
        rules = dict(spec.get("behavior") or {})
        behaviour.write(policy, rules, "spec.behavior", lost)
        # an autoscaler without any of it would take the path without `behavior`
        spec["behavior"] = rules or {"scaleUp": {"selectPolicy": "Max"}}
    return document, lost


def _new() -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "main"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "main"}},
    }


def _write_metrics(policy: HorizontalPodAutoscaler, spec: dict[str, Any], found: Findings, lost: list[str]) -> None:
    wanted = [metric.model_dump() for metric in policy.metrics] or [
        {
            "kind": "resource" if policy.metric == "utilisation" else "pods",
            "name": policy.metric,
            "target": policy.target,
        }
    ]
    there = list(spec.get("metrics") or [])
    if not there and not policy.metrics and (policy.metric, policy.target) == ("utilisation", 0.8):
        return
    entries = []
    for i, metric in enumerate(wanted):
        old = read_metric(Node(there[i], f"spec.metrics[{i}]", found)) if i < len(there) else None
        written = deepcopy(there[i]) if old is not None and same(old, metric) else entry(metric)
        set_target(written, metric, f"spec.metrics[{i}]", lost)
        entries.append(written)
    spec["metrics"] = entries
