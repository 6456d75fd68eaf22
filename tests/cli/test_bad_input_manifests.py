"""Wrong manifests, and wrong words beside them, as a user types them.

Each is refused with its file and field (or key), its value, what is allowed and what to type; exit code 2; nothing
written.
"""

from pathlib import Path

import pytest

from sim import cli
from tests.cli.refusals import assert_said, refused
from tests.unit.manifest_examples import (
    HPA,
    HPA_CPU,
    KEDA,
    KNATIVE,
    RAY,
    SAGEMAKER,
    STEPS,
    TRACKING,
)

# (manifest, what is typed beside it, how the line that names it begins, words that the line must say)
WRONG = {
    "limits that contradict each other": (
        HPA_CPU.replace("minReplicas: 2", "minReplicas: 12"), [], "m.yaml, spec.minReplicas: 12",
        ["more than maxReplicas (10)", "Raise maxReplicas to at least 12"],
    ),
    "a default that contradicts a limit": (
        HPA_CPU.replace("  minReplicas: 2\n", "").replace("maxReplicas: 10", "maxReplicas: 0"), [],
        "m.yaml, spec.maxReplicas: 0", ["at least 1"],
    ),
    "metrics that nobody knows": (
        HPA, [], "m.yaml, spec.metrics[1].pods.metric.name: http_requests_per_second",
        ["unknown metric", "in_flight, arrivals", "manifest_metrics={http_requests_per_second: in_flight}"],
    ),
    "a memory metric": (
        HPA_CPU.replace("name: cpu", "name: memory"), [], "m.yaml, spec.metrics[0].resource.name: memory",
        ["unknown metric", "utilisation"],
    ),
    "a metric that means nothing": (
        HPA, ["autoscaler.manifest_metrics={queue_depth: length}"], "autoscaler.manifest_metrics.queue_depth: length",
        ["Allowed:", "queue"],
    ),
    "a meaning in the wrong place": (
        HPA, ["autoscaler.manifest_metrics={queue_depth: utilisation}"],
        "autoscaler.manifest_metrics.queue_depth: utilisation",
        ["spec.metrics[3].external.metric.name", "Allowed: arrivals, queue"],
    ),
    "a meaning for a metric that is not there": (
        HPA_CPU, ["autoscaler.manifest_metrics={qeue: queue}"], "autoscaler.manifest_metrics.qeue: queue",
        ["no such metric in m.yaml", "It has: cpu"],
    ),
    "a quantity that does not parse": (
        HPA.replace("1500m", "1500 ms"), ["autoscaler.manifest_metrics={http_requests_per_second: arrivals}"],
        "m.yaml, spec.metrics[1].pods.target.averageValue: 1500 ms", ["not a Kubernetes quantity", '"500m"'],
    ),
    "a share of time above all of it": (
        HPA_CPU.replace("averageUtilization: 50", "averageUtilization: 150"), [],
        "m.yaml, spec.metrics[0].resource.target.averageUtilization: 150", ["1 to 100 per cent", "type, say, 70"],
    ),
    "cores instead of a share": (
        HPA_CPU.replace("type: Utilization, averageUtilization: 50", "type: AverageValue, averageValue: 500m"), [],
        "m.yaml, spec.metrics[0].resource.target.type: AverageValue", ["Type Utilization"],
    ),
    "an older version": (
        HPA_CPU.replace("autoscaling/v2", "autoscaling/v2beta2"), [], "m.yaml, apiVersion: autoscaling/v2beta2",
        ["Expected autoscaling/v2", "kubectl get hpa.v2.autoscaling"],
    ),
    "no spec": (
        HPA_CPU[: HPA_CPU.index("spec:")], [], "m.yaml, spec: missing", ["Take the whole manifest"],
    ),
    "no limit": (
        HPA_CPU.replace("  maxReplicas: 10\n", ""), [], "m.yaml, spec.maxReplicas: missing", ["Type maxReplicas: 10"],
    ),
    "another kind": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n", [], "m.yaml: no manifest of a kind",
        ["Deployment web", "HorizontalPodAutoscaler (autoscaling/v2)", "KEDA"],
    ),
    "several": (
        f"{HPA_CPU}---\n{KEDA}", [], "m.yaml: 2 manifests to choose from",
        ["HorizontalPodAutoscaler api", "ScaledObject order-worker", "autoscaler.manifest_name=api"],
    ),
    "none of this name": (
        HPA_CPU, ["autoscaler.manifest_name=web"], "autoscaler.manifest_name: web", ["HorizontalPodAutoscaler api"],
    ),
    "not YAML": ("kind: [\n", [], "m.yaml, row 2", ["not valid YAML", "Correct this row"]),
    "code in YAML": ("kind: !!python/object/apply:os.system [ls]\n", [], "m.yaml, row 1", ["not valid YAML"]),
    "not JSON": (TRACKING.replace("62.5,", "62.5"), [], "m.yaml, row 9", ["not valid JSON"]),
    "nothing": ("", [], "m.yaml: no manifest", ["Expected groups of fields"]),
    "a window longer than Kubernetes allows": (
        HPA.replace("stabilizationWindowSeconds: 600", "stabilizationWindowSeconds: 4000"),
        ["autoscaler.manifest_metrics={http_requests_per_second: arrivals, pending_requests: queue, "
         "queue_depth: queue}"],
        "m.yaml, spec.behavior.scaleDown.stabilizationWindowSeconds: 4000",
        ["as autoscaler.scale_down.stabilisation", 'at most "1 h"'],
    ),
    "a policy of no change": (
        HPA.replace("value: 4, periodSeconds: 60", "value: 0, periodSeconds: 60"), [],
        "m.yaml, spec.behavior.scaleUp.policies[1].value: 0", ["at least 1"],
    ),
    "a kind that is another's": (
        HPA_CPU, ["autoscaler.kind=keda"], "autoscaler.kind: keda", ["the manifest m.yaml is hpa", "Leave kind out"],
    ),
    "a target beside several metrics": (
        HPA, ["autoscaler.target=50 %", "autoscaler.manifest_metrics={http_requests_per_second: arrivals, "
              "pending_requests: queue, queue_depth: queue}"],
        "autoscaler.target: 50 %", ["metrics of its own", "autoscaler.metrics=[...]"],
    ),
    "an override below a limit": (
        HPA_CPU, ["autoscaler.max_replicas=1"], "autoscaler.max_replicas: 1",
        ["less than min_replicas (2)", "command line"],
    ),
    "a trigger on a schedule that does not say which": (
        KEDA.replace("type: rabbitmq", "type: cron"), [], "m.yaml, spec.triggers[0].metadata.start: missing",
        ['Type start: "0 6 * * *"'],
    ),
    "a trigger on memory": (
        KEDA.replace("type: rabbitmq", "type: memory"), [], "m.yaml, spec.triggers[0].type: memory",
        ["no memory is simulated"],
    ),
    "a trigger on cores": (
        KEDA.replace("type: rabbitmq", "type: cpu\n      metricType: AverageValue"), [],
        "m.yaml, spec.triggers[0].metricType: AverageValue", ["share of time busy", "Type Utilization"],
    ),
    "a trigger that nobody knows": (
        KEDA.replace("type: rabbitmq", "type: rabbit"), [], "m.yaml, spec.triggers[0].type: rabbit",
        ["Read are:", "rabbitmq"],
    ),
    "a trigger's threshold that is no number": (
        KEDA.replace('value: "20"', "value: twenty"), ["autoscaler.manifest_metrics={orders: queue}"],
        "m.yaml, spec.triggers[0].metadata.value: twenty", ["not a number"],
    ),
    "a trigger with no name but its query": (
        KEDA.replace("      name: traffic\n", ""), ["autoscaler.manifest_metrics={orders: queue}"],
        "m.yaml, spec.triggers[1].type: sum(rate(http_requests_total[2m]))",
        ["unknown metric", "'autoscaler.manifest_metrics={prometheus: queue}'"],
    ),
    "idle replicas that KEDA does not support": (
        KEDA.replace("idleReplicaCount: 0", "idleReplicaCount: 1"),
        ["autoscaler.manifest_metrics={orders: queue, traffic: arrivals}"], "m.yaml, spec.idleReplicaCount: 1",
        ["KEDA supports no other count than 0"],
    ),
    "no limit in Knative": (
        KNATIVE.replace('max-scale: "30"', 'max-scale: "0"'), [], "autoscaler.max_replicas: missing",
        ["m.yaml has no limit", "autoscaler.max_replicas=20"],
    ),
    "a duration without a unit": (
        KNATIVE.replace("window: 1m30s", 'window: "90"'), [],
        "m.yaml, spec.template.metadata.annotations[autoscaling.knative.dev/window]: 90", ['"90s"'],
    ),
    "a window shorter than Knative allows": (
        KNATIVE.replace("window: 1m30s", "window: 2s"), [],
        "m.yaml, spec.template.metadata.annotations[autoscaling.knative.dev/window]: 2s", ["shorter than Knative"],
    ),
    "another class of autoscaler": (
        KNATIVE.replace("class: kpa", "class: hpa"), [],
        "m.yaml, spec.template.metadata.annotations[autoscaling.knative.dev/class]: hpa", ["Allowed: kpa"],
    ),
    "several deployments": (
        RAY.replace("num_replicas: 2", "autoscaling_config: {max_replicas: 3}"), [], "m.yaml: 2 deployments scale",
        ["Tokenizer, Translator", "autoscaler.manifest_name=Tokenizer"],
    ),
    "none that scales": (
        "applications: [{name: a, deployments: [{name: A, num_replicas: 3}]}]\n", [],
        "m.yaml: no deployment with an autoscaling_config", ["{min_replicas: 1"],
    ),
    "a name that is gone from Ray": (
        RAY.replace("target_ongoing_requests", "target_num_ongoing_requests_per_replica"), [],
        "m.yaml, applications[0].deployments[1].autoscaling_config.target_num_ongoing_requests_per_replica: 3",
        ["type target_ongoing_requests"],
    ),
    "target tracking without limits": (
        TRACKING, [], "autoscaler.max_replicas: missing", ["autoscaler.max_replicas=20"],
    ),
    "a metric of AWS that nobody knows": (
        SAGEMAKER.replace("SageMakerVariantInvocationsPerInstance", "SageMakerVariantConcurrentRequests"), [],
        "m.yaml, ScalingPolicies[0].TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification."
        "PredefinedMetricType: SageMakerVariantConcurrentRequests", ["utilisation, requests"],
    ),
    "steps without an alarm": (
        STEPS.replace('"MetricAlarms"', '"Alarms"'), [],
        "m.yaml, ScalingPolicies[0].StepScalingPolicyConfiguration: more", ["no alarm", "describe-alarms"],
    ),
    "a gap between steps": (
        STEPS.replace('"MetricIntervalLowerBound": 100', '"MetricIntervalLowerBound": 150'),
        ["autoscaler.manifest_metrics={ApproximateNumberOfMessagesVisible: queue}"],
        "m.yaml, ScalingPolicies[0].StepScalingPolicyConfiguration.StepAdjustments", ["a gap"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "typed", "begins", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_manifest_is_refused(text, typed, begins, words, tmp_path, monkeypatch, capsys) -> None:
    place = tmp_path / "here"
    place.mkdir()
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code = cli.main(["run", "autoscaler.manifest=m.yaml", *typed, "--out", str(place)])
    assert_said(refused(capsys, place, code), begins, words)


KEYS = {
    "no such file": (["autoscaler.manifest=none.yaml"], "autoscaler.manifest: none.yaml", ["no such file", "Looked"]),
    "a folder": (["autoscaler.manifest=."], "autoscaler.manifest: .", ["a folder", "hpa.yaml"]),
    "a number": (["autoscaler.manifest=3"], "autoscaler.manifest: 3", ["not the path of a manifest"]),
    "metrics that are a word": (
        ["autoscaler.manifest=m.yaml", "autoscaler.manifest_metrics=queue"], "autoscaler.manifest_metrics: queue",
        ["{http_requests: arrivals}"],
    ),
    "metrics without a manifest": (
        ["autoscaler.manifest_metrics={a: queue}"], "autoscaler.manifest_metrics: unknown key", ["Allowed here"],
    ),
    "a manifest that reaches no pool": (
        ["autoscaler.manifest=m.yaml", "+pools.main.autoscaler={kind: fixed, replicas: 2}"], "autoscaler.manifest:",
        ["reaches nothing", "pools.main.autoscaler.manifest"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), KEYS.values(), ids=KEYS)
def test_wrong_words_about_a_manifest_are_refused(typed, begins, words, tmp_path, monkeypatch, capsys) -> None:
    place = tmp_path / "here"
    place.mkdir()
    (tmp_path / "m.yaml").write_text(HPA_CPU, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert_said(refused(capsys, place, cli.main(["check", *typed])), begins, words)


VERB = {
    "no such kind": (["--as", "vpa"], "--as: vpa", ["no such kind", "hpa, keda, knative, ray_serve, aws"]),
    "another kind than the policy's": (["--as", "keda"], "--as: keda", ["of pool main is hpa", "autoscaler=keda"]),
    "no such pool": (["--pool", "gpu"], "--pool: gpu", ["no such pool", "main"]),
    "a policy without manifests": (["autoscaler=fixed"], "autoscaler.kind: fixed", ["no manifest holds it", "keda"]),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), VERB.values(), ids=VERB)
def test_the_verb_manifest_refuses(typed, begins, words, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert_said(refused(capsys, Path(tmp_path), cli.main(["manifest", *typed])), begins, words)
