"""The annotations autoscaling.knative.dev/* of a Knative Service as the policy `knative`; there and back.

Source: knative/serving pkg/apis/autoscaling/register.go (names, in both spellings) and pkg/reconciler/autoscaling/
resources/target.go (a target is never above containerConcurrency), commit 98e5ef9.
"""

from copy import deepcopy
from typing import Any

from sim.policy.autoscaling.knative import Knative
from sim.policy.manifests.fields import Findings, Node, Policy, ordered, versioned
from sim.policy.manifests.losses import beyond
from sim.policy.manifests.quantities import (
    as_go_duration,
    go_duration,
    number,
    per_cents,
    percent,
    plain,
    whole,
)

WHAT = "Knative Service (serving.knative.dev/v1)"
KINDS = ("knative",)
_GROUP = "autoscaling.knative.dev/"
_CLASS = "kpa.autoscaling.knative.dev"
_PLACE = ("spec", "template", "metadata", "annotations")
_ALGORITHMS = {"linear": "linear", "weightedExponential": "weighted"}
_METRICS = {"concurrency": "concurrency", "rps": "rps"}
_SPELLINGS = {
    "min-scale": "minScale", "max-scale": "maxScale", "initial-scale": "initialScale", "activation-scale": "",
    "scale-down-delay": "scaleDownDelay", "window": "", "target": "",
    "target-utilization-percentage": "targetUtilizationPercentage", "target-burst-capacity": "targetBurstCapacity",
    "panic-window-percentage": "panicWindowPercentage", "panic-threshold-percentage": "panicThresholdPercentage",
    "scale-to-zero-pod-retention-period": "scaleToZeroPodRetentionPeriod", "class": "", "metric": "",
    "metric-aggregation-algorithm": "metricAggregationAlgorithm",
}  # fmt: skip
_AT_ONCE = "how many requests a replica takes at once is the pool's (pool.batching, pool.service)"
_CONFIG = "of the whole cluster: config-autoscaler's"
_FLAGS = {
    "sync_period_s": "part of Knative's autoscaler, which ticks every 2 s",
    "max_scale_up_rate": f"{_CONFIG} max-scale-up-rate",
    "max_scale_down_rate": f"{_CONFIG} max-scale-down-rate",
    "scale_to_zero_grace_s": f"{_CONFIG} scale-to-zero-grace-period",
    "reachable": "a matter of routes",
}


def known(document: dict[str, Any]) -> bool:
    """Whether a document is one of these, of whatever version."""
    return document.get("kind") == "Service" and str(document.get("apiVersion")).startswith("serving.knative.dev")


def read(document: dict[str, Any], found: Findings, name: str | None = None) -> Policy:
    """The policy, and in `found` what is wrong or ignored."""
    top, policy = Node(document, "", found), Policy(kind="knative")
    versioned(top, "serving.knative.dev/v1", "")
    _misplaced(top.node("metadata"))
    spec = top.node("spec", needed=True)
    template = spec.node("template", needed=True) if spec is not None else None
    metadata = template.node("metadata") if template is not None else None
    top.finish(names=("status",))
    if spec is None or template is None:
        return policy
    spec.finish({"traffic": "all requests go to what is simulated"})
    annotations = metadata.node("annotations") if metadata is not None else None
    inner = annotations.value if annotations is not None else {}
    there = Node({key: value for key, value in inner.items() if key.startswith(_GROUP)}, ".".join(_PLACE), found)
    _read_annotations(there, policy)
    container = template.node("spec")
    if container is not None:
        _capped(container, policy)
    return policy


def _misplaced(metadata: Node | None) -> None:
    annotations = metadata.node("annotations") if metadata is not None else None
    for key in annotations.value if annotations is not None else ():
        if annotations is not None and key.startswith(_GROUP):
            annotations.found.ignore(annotations.at(key), f"Knative reads those of {'.'.join(_PLACE)}")


def _key(there: Any, name: str) -> str:
    """The name of an annotation in the spelling that is there."""
    other = _SPELLINGS[name]
    return _GROUP + (other if other and _GROUP + other in there and _GROUP + name not in there else name)


def _read_annotations(there: Node, policy: Policy) -> None:
    def take(ours: str, name: str, parse: Any, least: float | None = None) -> Any:
        return there.take(policy, ours, _key(there.value, name), parse, least=least)

    there.one_of(_key(there.value, "class"), {_CLASS: _CLASS}, _CLASS)
    metric = there.one_of(_key(there.value, "metric"), _METRICS, "concurrency")
    policy["metric"] = metric or "concurrency"
    take("min_replicas", "min-scale", whole, 0)
    take("max_replicas", "max-scale", whole, 0)
    if policy.get("max_replicas") == 0:
        del policy["max_replicas"]  # no limit, as where it is left out
    ordered(there, _key(there.value, "min-scale"), _key(there.value, "max-scale"), policy)
    take("initial_replicas", "initial-scale", whole, 0)
    take("activation_replicas", "activation-scale", whole, 1)
    rps = policy["metric"] == "rps"
    take("target", "target", lambda value: f"{plain(number(value))!r} req/s" if rps else plain(number(value)))
    take("target_utilisation", "target-utilization-percentage", percent)
    take("stable_window", "window", go_duration)
    take("scale_down_delay", "scale-down-delay", go_duration)
    take("scale_to_zero_retention", "scale-to-zero-pod-retention-period", go_duration)
    take("panic_window", "panic-window-percentage", percent)
    take("panic_threshold", "panic-threshold-percentage", percent)
    take("target_burst_capacity", "target-burst-capacity", lambda value: plain(number(value)))
    algorithm = there.one_of(_key(there.value, "metric-aggregation-algorithm"), _ALGORITHMS, "linear")
    policy["aggregation"] = algorithm or "linear"
    there.finish(known=[_GROUP + name for name in _SPELLINGS])


def _capped(container: Node, policy: Policy) -> None:
    """The hard limit of a container is its target where no annotation asks for less."""
    limit = container.get("containerConcurrency", whole)
    if not limit:
        return
    if policy["metric"] != "concurrency":
        container.found.ignore(container.at("containerConcurrency"), _AT_ONCE)
        return
    if limit < policy.get("target", limit + 1):
        container.take(policy, "target", "containerConcurrency", whole, least=0)
    container.found.ignore(container.at("containerConcurrency"), f"but as the target: {_AT_ONCE}")


def write(
    policy: Knative, like: dict[str, Any] | None, found: Findings, name: str | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The manifest, and what it has no annotation for. like: a manifest to change."""
    document = deepcopy(like) if like is not None else _new()
    node = document
    for key in _PLACE:
        if not isinstance(node.get(key), dict):
            node[key] = {}
        node = node[key]
    for name, (value, default) in _values(policy).items():
        key = _key(node, name)
        if value == default and name != "max-scale" and (key not in node or value is None):
            node.pop(key, None)
        elif not _same(node.get(key), str(value)):
            node[key] = str(value)
    lost = beyond(policy, _FLAGS)
    limit = (document["spec"]["template"].get("spec") or {}).get("containerConcurrency")
    if limit and policy.metric == "concurrency" and limit < policy.target:
        lost.append(f"target {policy.target:g}: above spec.template.spec.containerConcurrency, {limit}, which counts.")
    elif limit and policy.metric == "concurrency":
        node[_key(node, "target")] = repr(plain(policy.target))
    return document, lost


def _same(one: Any, other: str) -> bool:
    """Whether two texts of an annotation say the same number, duration or word."""
    for parse in (number, go_duration):
        try:
            return bool(parse(one) == parse(other))
        except ValueError:
            continue
    return bool(one == other)


def _new() -> dict[str, Any]:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "main"},
        "spec": {"template": {"metadata": {"annotations": {}}, "spec": {"containers": [{"image": "main"}]}}},
    }


def _values(policy: Knative) -> dict[str, tuple[Any, Any]]:
    """The value of every annotation, and what counts where it is left out."""
    algorithms = {ours: theirs for theirs, ours in _ALGORITHMS.items()}
    target = 100 if policy.metric == "concurrency" else 200
    return {
        "metric": (policy.metric, "concurrency"),
        "min-scale": (policy.min_replicas, 0),
        "max-scale": (policy.max_replicas, 0),
        "initial-scale": (policy.start_replicas, None),
        "activation-scale": (policy.activation_replicas, 1),
        "target": (plain(policy.target), target),
        "target-utilization-percentage": (per_cents(policy.target_utilisation), 70),
        "window": (as_go_duration(policy.stable_window_s), "60s"),
        "scale-down-delay": (as_go_duration(policy.scale_down_delay_s), "0s"),
        "scale-to-zero-pod-retention-period": (as_go_duration(policy.scale_to_zero_retention_s), "0s"),
        "panic-window-percentage": (per_cents(policy.panic_window), 10),
        "panic-threshold-percentage": (per_cents(policy.panic_threshold), 200),
        "target-burst-capacity": (plain(policy.target_burst_capacity), 211),
        "metric-aggregation-algorithm": (algorithms[policy.aggregation], "linear"),
    }
