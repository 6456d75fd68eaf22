"""The triggers of a KEDA ScaledObject; there and back.

Source: keda.sh, Scalers, 2.17: what each calls its threshold and the one from which it is active; cpu and cron.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from sim.policy.autoscaling.keda import Keda
from sim.policy.autoscaling.keda_triggers import CpuTrigger, CronTrigger, Trigger
from sim.policy.manifests.fields import Findings, Node, Policy
from sim.policy.manifests.quantities import number, plain, text, whole

_LAG, _QUEUE = ("lagThreshold", "activationLagThreshold"), ("queueLength", "activationQueueLength")
_LIST, _TARGET = ("listLength", "activationListLength"), ("targetValue", "activationTargetValue")
_THRESHOLD, _VALUE = ("threshold", "activationThreshold"), ("value", "activationValue")
_QUERY = ("queryValue", "activationQueryValue")
_THRESHOLDS = {
    "activemq": ("targetQueueSize", "activationTargetQueueSize"), "apache-kafka": _LAG, "artemis-queue": _QUEUE,
    "aws-cloudwatch": ("targetMetricValue", "activationTargetMetricValue"), "aws-sqs-queue": _QUEUE,
    "azure-eventhub": ("unprocessedEventThreshold", "activationUnprocessedEventThreshold"),
    "azure-monitor": _TARGET, "azure-queue": _QUEUE, "azure-servicebus": ("messageCount", "activationMessageCount"),
    "datadog": _QUERY, "elasticsearch": _TARGET, "gcp-pubsub": _VALUE, "gcp-stackdriver": _TARGET,
    "graphite": _THRESHOLD, "influxdb": ("thresholdValue", "activationThresholdValue"), "kafka": _LAG,
    "loki": _THRESHOLD, "metrics-api": _TARGET, "mongodb": _QUERY, "mysql": _QUERY, "nats-jetstream": _LAG,
    "new-relic": _THRESHOLD, "postgresql": ("targetQueryValue", "activationTargetQueryValue"),
    "prometheus": _THRESHOLD, "pulsar": ("msgBacklogThreshold", "activationMsgBacklogThreshold"),
    "rabbitmq": _VALUE, "redis": _LIST, "redis-cluster": _LIST, "redis-sentinel": _LIST, "stan": _LAG,
}  # fmt: skip
_ELSEWHERE = {
    "memory": "no memory is simulated. Leave it out, or take a trigger on a queue.",
}
_CHOICES = ("queue", "arrivals", "in_flight")


def read_trigger(node: Node) -> Policy | None:
    """One trigger; None where it is refused."""
    kind, name = node.need("type", text, "prometheus"), node.get("name", text)
    metadata = node.node("metadata", needed=True)
    form = _form(node, "Utilization" if kind == "cpu" else "AverageValue")
    cached = {"useCachedMetrics": "what is asked here is what the last scrape saw"}
    node.finish(cached, names=("authenticationRef",))
    if kind is None or metadata is None or form is None:
        return None
    if kind == "cpu":
        return _cpu(metadata)
    if kind == "cron":
        return _cron(metadata)
    if kind not in _THRESHOLDS:
        message = _ELSEWHERE.get(kind, f"not a trigger that is read. Read are: {', '.join(_THRESHOLDS)}.")
        node.found.refuse(node.at("type"), kind, message)
        return None
    names = [name, *(metadata.value.get(key) for key in ("metricName", "queueName", "topic", "query")), kind]
    word = node.found.meaning(node.at("name" if name else "type"), [n for n in names if isinstance(n, str)], _CHOICES)
    threshold, activation = _THRESHOLDS[kind]
    trigger: Policy = {"type": word}
    if metadata.need(threshold, number, '"10"') is None or word is None:
        return None

    def amount(value: Any) -> int | float | str:
        found = plain(number(value))
        return f"{found!r} req/s" if word == "arrivals" else found

    inner = Node(metadata.value, metadata.path, node.found, node.ours)
    inner.take(trigger, "target", threshold, amount)
    inner.take(trigger, "activation", activation, amount)
    return trigger


def _form(node: Node, only: str) -> str | None:
    """The metricType, of which there is one; cpu may say it as `type` in its metadata, as it did before KEDA 2.7."""
    if only != "Utilization":
        return node.one_of("metricType", {only: only}, only)
    metadata = node.value.get("metadata")
    old = isinstance(metadata, Mapping) and metadata.get("type") is not None
    where, key = (Node(metadata or {}, node.at("metadata"), node.found), "type") if old else (node, "metricType")
    if where.raw(key) in (None, only):
        return where.one_of(key, {only: only})
    message = "a replica's cores are not counted here, its share of time busy is. Type Utilization."
    where.found.refuse(where.at(key), where.value[key], message)
    return None


def _cpu(metadata: Node) -> Policy | None:
    per_cents = metadata.need("value", whole, '"60"')
    if metadata.value.get("containerName") is not None:
        metadata.found.ignore(metadata.at("containerName"), "a replica has one container")
    if per_cents is None:
        return None
    if not 1 <= per_cents <= 100:
        message = "out of range. A replica is busy 1 to 100 per cent of the time; type, say, 60."
        metadata.found.refuse(metadata.at("value"), per_cents, message)
        return None
    trigger: Policy = {"type": "cpu"}
    metadata.take(trigger, "target", "value", lambda value: f"{whole(value)} %")
    return trigger


def _cron(metadata: Node) -> Policy | None:
    trigger: Policy = {"type": "cron"}
    for key, example in (("timezone", "Europe/Paris"), ("start", '"0 6 * * *"'), ("end", '"0 20 * * *"')):
        if metadata.need(key, text, example) is not None:
            metadata.take(trigger, key, key, text)
    if metadata.need("desiredReplicas", whole, '"10"') is not None:
        metadata.take(trigger, "desired_replicas", "desiredReplicas", whole, least=0)
    return trigger if len(trigger) == 5 else None


def write_triggers(policy: Keda, there: list[dict[str, Any]], found: Findings, lost: list[str]) -> list[dict[str, Any]]:
    """The triggers of a policy; there: those of a manifest, which are kept where they measure the same."""
    written, names = [], set()
    for i, trigger in enumerate(policy.triggers):
        old = read_trigger(Node(there[i], f"spec.triggers[{i}]", found)) if i < len(there) else None
        new = deepcopy(there[i]) if old is not None and old["type"] == trigger.type else _new(trigger.type)
        if new.get("name") in names:  # they must differ
            new["name"] = f"{new['name']}-{i + 1}"
        names |= {new["name"]} if "name" in new else set()
        if isinstance(trigger, CpuTrigger):
            new["metadata"]["value"] = str(round(trigger.target * 100))
        elif isinstance(trigger, CronTrigger):
            new["metadata"] |= {"timezone": trigger.timezone, "start": trigger.start, "end": trigger.end}
            new["metadata"]["desiredReplicas"] = str(trigger.desired_replicas)
        else:
            _write_counted(trigger, new, i, lost)
        written.append(new)
    return written


def _write_counted(trigger: Trigger, new: dict[str, Any], i: int, lost: list[str]) -> None:
    threshold, activation = _THRESHOLDS[new["type"]]
    new["metadata"][threshold] = _text(trigger.target)
    if trigger.activation or activation in new["metadata"]:
        new["metadata"][activation] = _text(trigger.activation)
    if trigger.outages:
        lost.append(f"triggers[{i}].outages: they are simulated, not configured.")


def _new(word: str) -> dict[str, Any]:
    """A trigger whose query has our name, which reads back as it is."""
    if word == "cpu":
        return {"type": "cpu", "metricType": "Utilization", "metadata": {}}
    if word == "cron":
        return {"type": "cron", "metadata": {}}
    metadata = {"serverAddress": "http://prometheus:9090", "query": word}
    return {"type": "prometheus", "name": word, "metadata": metadata}


def _text(value: float) -> str:
    return repr(plain(value))
