"""The metrics of a HorizontalPodAutoscaler's manifest; there and back.

Source: kubernetes/kubernetes pkg/apis/autoscaling/v2/types.go (MetricSpec, MetricTarget). A Pods metric that stands for
a number of the whole pool is taken as an external one with an average value: what all replicas have together, shared
out among them, is their average.
"""

from collections.abc import Mapping
from typing import Any

from sim.policy.manifests.fields import Node, Policy
from sim.policy.manifests.quantities import as_quantity, plain, quantity, text, whole

_KEYS = {
    "Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods", "Object": "object",
    "External": "external",
}  # fmt: skip
_TARGETS = {"Utilization": "averageUtilization", "Value": "value", "AverageValue": "averageValue"}
_POOL = ("arrivals", "queue", "in_flight_total", "in_flight")


def read_metric(node: Node) -> Policy | None:
    """One metric as an entry of `metrics`; None where it is refused."""
    kind = node.one_of("type", {name: name for name in _KEYS})
    if kind is None:
        return None
    inner = node.node(_KEYS[kind], needed=True)
    node.finish()
    if inner is None:
        return None
    if kind in ("Resource", "ContainerResource"):
        return _resource(inner, node, kind)
    metric = inner.node("metric", needed=True)
    target = inner.node("target", needed=True)
    inner.finish(names=("describedObject",))
    if metric is None or target is None:
        return None
    name = metric.need("name", text, "queue_depth")
    metric.finish({"selector": "a pool has one series of each metric"})
    choices = ("in_flight", "arrivals", "queue", "in_flight_total") if kind == "Pods" else _POOL
    word = None if name is None else metric.found.meaning(metric.at("name"), [name], choices)
    found = _amount(target, ("AverageValue",) if kind == "Pods" else ("AverageValue", "Value"))
    if word is None or found is None:
        return None
    how, amount = found
    node.found.places[(*node.ours, "target")] = (target.at(_TARGETS[how]), target.value[_TARGETS[how]])
    if kind == "Pods" and word == "in_flight":
        return {"kind": "pods", "name": "in_flight", "target": plain(amount)}
    word = "in_flight_total" if word == "in_flight" else word
    ours = {
        "kind": "object" if kind == "Object" else "external",
        "name": word,
        "type": "value" if how == "Value" else "average_value",
    }
    return ours | {"target": f"{plain(amount)!r} req/s" if word == "arrivals" else plain(amount)}


def _resource(inner: Node, node: Node, kind: str) -> Policy | None:
    name, target = inner.need("name", text, "cpu"), inner.node("target", needed=True)
    why = {"container": "a replica has one container"} if kind == "ContainerResource" else {}
    inner.finish(why)
    if name is None or target is None:
        return None
    word = inner.found.meaning(inner.at("name"), [name], ("utilisation",), "utilisation" if name == "cpu" else None)
    how = target.one_of("type", {key: key for key in _TARGETS})
    if how is not None and how != "Utilization":
        message = "a replica's cores are not counted here, its share of time busy is. Type Utilization."
        target.found.refuse(target.at("type"), how, message)
    if word is None or how != "Utilization":
        return None
    per_cents = target.need("averageUtilization", whole, "70")
    target.finish()
    if per_cents is None:
        return None
    if not 1 <= per_cents <= 100:
        message = "out of range. A replica is busy 1 to 100 per cent of the time; type, say, 70."
        target.found.refuse(target.at("averageUtilization"), per_cents, message)
        return None
    node.found.places[(*node.ours, "target")] = (target.at("averageUtilization"), per_cents)
    return {"kind": "resource", "name": "utilisation", "target": f"{per_cents} %"}


def _amount(target: Node, allowed: tuple[str, ...]) -> tuple[str, float] | None:
    how = target.one_of("type", {key: key for key in allowed})
    if how is None:
        return None
    amount = target.need(_TARGETS[how], quantity, '"10"')
    target.finish()
    if amount is not None and not amount > 0.0:
        target.found.refuse(target.at(_TARGETS[how]), target.value[_TARGETS[how]], "out of range. It must be above 0.")
        return None
    return None if amount is None else (how, amount)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two metrics are one but for their targets."""
    return all(one.get(key) == other.get(key) for key in ("kind", "name", "type"))


def entry(metric: Mapping[str, Any]) -> dict[str, Any]:
    """A new entry without its target's number. Its metric has our name, which reads back as it is."""
    kind = metric["kind"]
    if kind == "resource":
        return {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}
    target = {"type": "Value" if metric.get("type") == "value" else "AverageValue"}
    inner = {"metric": {"name": metric["name"]}, "target": target}
    if kind == "object":
        inner = {"describedObject": {"apiVersion": "v1", "kind": "Service", "name": "main"}, **inner}
    return {"type": kind.capitalize(), kind: inner}


def set_target(written: dict[str, Any], metric: Mapping[str, Any], path: str, lost: list[str]) -> None:
    """Set the number of an entry's target; lost: gets a sentence where a milli-unit is too coarse for it."""
    target, amount = written[_KEYS[written["type"]]]["target"], metric["target"]
    key = _TARGETS[target["type"]]
    if metric["kind"] == "resource":
        if key not in target or whole(target[key]) != round(amount * 100):
            target[key] = round(amount * 100)
        return
    if key in target and quantity(target[key]) == amount:
        return  # in whatever way it was written
    target[key] = as_quantity(amount)
    if round(amount * 1000) / 1000 != amount:
        lost.append(f"{path}: a target of {amount!r} rounded to {target[key]}.")
