"""A KEDA ScaledObject, keda.sh/v1alpha1, as the policy `keda`; there and back.

Sources: kedacore/keda v2.17, apis/keda/v1alpha1/scaledobject_types.go and withtriggers_types.go; names of a trigger's
thresholds: keda.sh, Scalers, 2.17.
"""

from copy import deepcopy
from typing import Any

from sim.policy.autoscaling.keda import Keda
from sim.policy.manifests import behaviour
from sim.policy.manifests.fields import Findings, Node, Policy, ordered, versioned
from sim.policy.manifests.keda_triggers import read_trigger, write_triggers
from sim.policy.manifests.losses import beyond, rounded_s
from sim.policy.manifests.quantities import whole, whole_seconds

WHAT = "KEDA ScaledObject (keda.sh/v1alpha1)"
KINDS = ("keda",)
_MOST = 100  # scaledobject_types.go: maxReplicaCount where it is left out
_BEHAVIOURS = {
    "static": "static", "currentReplicas": "current", "currentReplicasIfHigher": "current_if_higher",
    "currentReplicasIfLower": "current_if_lower",
}  # fmt: skip
_HPA = "kube-controller-manager --horizontal-pod-autoscaler-"
_FLAGS = {
    "start_replicas": "the Deployment's own count when the ScaledObject comes",
    "hpa_sync_period_s": f"{_HPA}sync-period",
    "tolerance": f"{_HPA}tolerance",
    "cpu_initialisation_period_s": f"{_HPA}cpu-initialization-period",
    "initial_readiness_delay_s": f"{_HPA}initial-readiness-delay",
}


def known(document: dict[str, Any]) -> bool:
    """Whether a document is one of these, of whatever version."""
    return document.get("kind") == "ScaledObject"


def read(document: dict[str, Any], found: Findings, name: str | None = None) -> Policy:
    """The policy, and in `found` what is wrong or ignored."""
    top, policy = Node(document, "", found), Policy(kind="keda")
    versioned(top, "keda.sh/v1alpha1", "")
    _paused(top)
    spec = top.node("spec", needed=True)
    top.finish(names=("status",))
    if spec is None:
        return policy
    policy["max_replicas"] = _MOST
    spec.take(policy, "min_replicas", "minReplicaCount", whole, least=0)
    spec.take(policy, "max_replicas", "maxReplicaCount", whole, least=1)
    ordered(spec, "minReplicaCount", "maxReplicaCount", policy)
    spec.take(policy, "idle_replicas", "idleReplicaCount", whole, least=0)
    spec.take(policy, "polling_interval", "pollingInterval", whole_seconds, least=1)
    spec.take(policy, "cooldown", "cooldownPeriod", whole_seconds, least=0)
    spec.take(policy, "initial_cooldown", "initialCooldownPeriod", whole_seconds, least=0)
    _fallback(spec, policy)
    _advanced(spec, policy)
    if not spec.value.get("triggers"):
        found.refuse("spec.triggers", None, "missing. A ScaledObject has at least one trigger.")
    found.places[("triggers",)] = (spec.at("triggers"), None)
    triggers = [read_trigger(node) for node in spec.nodes("triggers", ours=("triggers",))]
    policy["triggers"] = [trigger for trigger in triggers if trigger is not None]
    spec.finish(names=("scaleTargetRef",))
    return policy


def _paused(top: Node) -> None:
    metadata = top.node("metadata")
    annotations = metadata.node("annotations") if metadata is not None else None
    if annotations is None:
        return
    for key in annotations.value:
        if key.startswith("autoscaling.keda.sh/paused"):
            top.found.ignore(annotations.at(key), "what is simulated is not paused")


def _fallback(spec: Node, policy: Policy) -> None:
    fallback = spec.node("fallback", ours=("fallback",))
    if fallback is None:
        return
    kept: Policy = {}
    if fallback.need("failureThreshold", whole, "3") is not None:
        fallback.take(kept, "failure_threshold", "failureThreshold", whole, least=0)
    if fallback.need("replicas", whole, "6") is not None:
        fallback.take(kept, "replicas", "replicas", whole, least=0)
    word = fallback.one_of("behavior", _BEHAVIOURS, "static")
    policy["fallback"] = kept | ({"behaviour": word} if word else {})
    fallback.finish()


def _advanced(spec: Node, policy: Policy) -> None:
    advanced = spec.node("advanced")
    config = advanced.node("horizontalPodAutoscalerConfig") if advanced is not None else None
    rules = config.node("behavior") if config is not None else None
    if rules is not None:
        behaviour.read(rules, policy)
    if config is not None:
        config.finish(names=("name",))
    if advanced is not None:
        formula = "each trigger counts by itself here, and the highest wins"
        restore = "a ScaledObject is never taken away here"
        advanced.finish({"scalingModifiers": formula, "restoreToOriginalReplicaCount": restore})


def write(
    policy: Keda, like: dict[str, Any] | None, found: Findings, name: str | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The manifest, and what it has no field for. like: a manifest to change; found: how to read its triggers."""
    document = deepcopy(like) if like is not None else _new()
    spec, lost = document["spec"], beyond(policy, _FLAGS)
    seconds = {
        key: rounded_s(value, f"spec.{key}", lost, least)
        for key, value, least in (
            ("pollingInterval", policy.polling_interval_s, 1),
            ("cooldownPeriod", policy.cooldown_s, 0),
            ("initialCooldownPeriod", policy.initial_cooldown_s, 0),
        )
    }
    defaults = {"minReplicaCount": 0, "pollingInterval": 30, "cooldownPeriod": 300, "initialCooldownPeriod": 0}
    for key, value in {"minReplicaCount": policy.min_replicas, **seconds}.items():
        if value != defaults[key] or key in spec:
            spec[key] = value
    spec["maxReplicaCount"] = policy.max_replicas
    if policy.idle_replicas is not None:
        spec["idleReplicaCount"] = policy.idle_replicas
    else:
        spec.pop("idleReplicaCount", None)
    _write_fallback(policy, spec)
    _write_rules(policy, spec, lost)
    spec["triggers"] = write_triggers(policy, list(spec.get("triggers") or []), found, lost)
    return document, lost


def _new() -> dict[str, Any]:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "main"},
        "spec": {"scaleTargetRef": {"name": "main"}},
    }


def _write_fallback(policy: Keda, spec: dict[str, Any]) -> None:
    if policy.fallback is None:
        spec.pop("fallback", None)
        return
    words = {ours: theirs for theirs, ours in _BEHAVIOURS.items()}
    kept = dict(spec.get("fallback") or {})
    kept |= {"failureThreshold": policy.fallback.failure_threshold, "replicas": policy.fallback.replicas}
    if policy.fallback.behaviour != "static" or "behavior" in kept:
        kept["behavior"] = words[policy.fallback.behaviour]
    spec["fallback"] = kept


def _write_rules(policy: Keda, spec: dict[str, Any], lost: list[str]) -> None:
    advanced = dict(spec.get("advanced") or {})
    config = dict(advanced.get("horizontalPodAutoscalerConfig") or {})
    rules = dict(config.get("behavior") or {})
    behaviour.write(policy, rules, "spec.advanced.horizontalPodAutoscalerConfig.behavior", lost)
    if rules:
        spec["advanced"] = advanced | {"horizontalPodAutoscalerConfig": config | {"behavior": rules}}
