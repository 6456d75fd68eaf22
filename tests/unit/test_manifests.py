"""Manifests of real autoscalers read as policies: what each field becomes, and what is ignored, said field by field."""

import json

import pytest

from sim.config import InputError
from sim.policy.autoscaling import StepScaling
from sim.policy.manifests import read, write
from sim.policy.manifests.quantities import as_go_duration, as_quantity, go_duration, quantity
from tests.unit.manifest_examples import (
    HPA,
    HPA_CPU,
    HPA_METRICS,
    KEDA,
    KEDA_BY_THE_CLOCK,
    KEDA_METRICS,
    KNATIVE,
    RAY,
    RAY_SERVICE,
    SAGEMAKER,
    STEPS,
    STEPS_METRICS,
    STEPS_OF_SUMS,
    TRACKING,
)


def test_every_field_of_an_hpa_has_its_place() -> None:
    found = read(HPA, "hpa.yaml", metrics=HPA_METRICS)
    assert found.policy == {
        "kind": "hpa", "min_replicas": 3, "max_replicas": 24, "behaviour": "rules",
        "metrics": [
            {"kind": "resource", "name": "utilisation", "target": "65 %"},
            {"kind": "external", "name": "arrivals", "type": "average_value", "target": "1.5 req/s"},
            {"kind": "object", "name": "in_flight_total", "type": "value", "target": 2000},
            {"kind": "external", "name": "queue", "type": "average_value", "target": 30},
        ],
        "scale_up": {
            "stabilisation": "0 s", "select": "min", "tolerance": "5 %",
            "policies": [
                {"type": "percent", "value": 100, "period": "60 s"}, {"type": "pods", "value": 4, "period": "60 s"},
            ],
        },
        "scale_down": {"stabilisation": "600 s", "select": "disabled"},
    }  # fmt: skip
    assert found.ignored == (
        "spec.metrics[3].external.metric.selector ignored: a pool has one series of each metric",
    )  # fmt: skip


def test_an_hpa_with_one_metric_is_the_short_form_and_without_behavior_the_legacy_path() -> None:
    found = read(HPA_CPU)
    assert found.policy == {
        "kind": "hpa", "min_replicas": 2, "max_replicas": 10, "metric": "utilisation", "target": "50 %",
        "behaviour": "legacy",
    }  # fmt: skip
    assert found.places[("target",)] == ("spec.metrics[0].resource.target.averageUtilization", 50)


def test_a_pods_metric_of_requests_in_flight_is_the_short_form() -> None:
    metric = "- type: Pods\n      pods: {metric: {name: busy}, target: {type: AverageValue, averageValue: 250m}}"
    text = HPA_CPU[: HPA_CPU.index("- type")] + metric
    assert read(text, metrics={"busy": "in_flight"}).policy["target"] == 0.25


def test_every_field_of_a_scaled_object_has_its_place() -> None:
    found = read(KEDA, "keda.yaml", metrics=KEDA_METRICS)
    assert found.policy == {
        "kind": "keda", "min_replicas": 2, "max_replicas": 40, "idle_replicas": 0, "polling_interval": "15 s",
        "cooldown": "120 s", "initial_cooldown": "30 s",
        "fallback": {"failure_threshold": 3, "replicas": 6, "behaviour": "current_if_higher"},
        "scale_down": {"stabilisation": "120 s"},
        "triggers": [
            {"type": "queue", "target": 20, "activation": 5}, {"type": "arrivals", "target": "12.5 req/s"},
        ],
    }  # fmt: skip
    assert [note.partition(" ignored")[0] for note in found.ignored] == [
        "metadata.annotations[autoscaling.keda.sh/paused]", "spec.advanced.restoreToOriginalReplicaCount",
    ]  # fmt: skip


def test_triggers_of_the_clock_and_of_the_cpu_have_their_place() -> None:
    found = read(KEDA_BY_THE_CLOCK)
    assert found.policy["triggers"] == [
        {
            "type": "cron", "timezone": "Asia/Kolkata", "start": "0 6 * * mon-fri", "end": "30 20 * * *",
            "desired_replicas": 10,
        },
        {"type": "cpu", "target": "65 %"},
    ]  # fmt: skip
    assert found.ignored == ()
    # as it was written before KEDA 2.7
    old = KEDA_BY_THE_CLOCK.replace("      metricType: Utilization\n", "").replace(
        'value: "65"', 'type: Utilization\n        value: "65"'
    )
    assert read(old).policy == found.policy


def test_an_alarm_on_a_sum_of_requests_is_a_rate() -> None:
    # 3000 in five minutes are 10 a second, and 1500 beyond them 5
    out = read(STEPS_OF_SUMS, metrics={"Hits": "arrivals"}).policy["scale_out"]
    assert (out["threshold"], out["period"], out["statistic"]) == ("10.0 req/s", "300 s", "average")
    assert [step.get("upper") for step in out["steps"]] == ["5.0 req/s", None]
    # an average is by the minute, as is a sum over one
    for changed in ('"Average"', '"Sum"'):
        text = STEPS_OF_SUMS.replace('"Sum"', changed).replace("300,", "60,")
        out = read(text, metrics={"Hits": "arrivals"}).policy["scale_out"]
        assert (out["threshold"], out["steps"][0]["upper"]) == ("3000 req/min", "1500 req/min")


@pytest.mark.parametrize(
    ("typed", "period", "written"),
    [("20 req/s", 300, 6000), ("90 req/min", 300, 450), ("90 req/min", 60, 90), ("0.1 req/s", 60, 6)],
)
def test_a_rate_is_written_as_the_sum_over_its_period(typed: str, period: int, written: int) -> None:
    text = STEPS_OF_SUMS.replace("300,", f"{period},")
    said = {**read(text, metrics={"Hits": "arrivals"}).policy}
    said["scale_out"] = {**said["scale_out"], "threshold": typed}
    policy = StepScaling.model_validate(said, context={"door": True}, by_alias=True, by_name=False)
    (alarm,) = json.loads(write(policy, text, metrics={"Hits": "arrivals"}))["MetricAlarms"]
    assert (alarm["Threshold"], alarm["Statistic"], alarm["Period"]) == (written, "Sum", period)
    # a new manifest says requests a minute
    (alarm,) = json.loads(write(policy))["MetricAlarms"]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("arrivals", policy.scale_out.threshold * 60)


def test_a_scaled_object_without_limits_goes_from_none_to_a_hundred() -> None:
    text = KEDA.replace("  minReplicaCount: 2\n", "").replace("  maxReplicaCount: 40\n", "")
    policy = read(text.replace("  idleReplicaCount: 0\n", ""), metrics=KEDA_METRICS).policy
    assert (policy.get("min_replicas", 0), policy["max_replicas"]) == (0, 100)


def test_every_annotation_of_a_knative_service_has_its_place() -> None:
    found = read(KNATIVE)
    assert found.policy == {
        "kind": "knative", "metric": "rps", "target": "150 req/s", "min_replicas": 1, "max_replicas": 30,
        "initial_replicas": 3, "stable_window": "90 s", "scale_down_delay": "900 s", "panic_window": "20 %",
        "panic_threshold": "150 %", "target_utilisation": "80 %", "aggregation": "weighted",
    }  # fmt: skip
    assert found.ignored == (
        "metadata.annotations[autoscaling.knative.dev/minScale] ignored: Knative reads those of "
        "spec.template.metadata.annotations",
    )


@pytest.mark.parametrize(("annotated", "aimed_at"), [("", 20), ('target: "50"', 20), ('target: "5"', 5)])
def test_the_hard_limit_of_a_container_caps_the_target(annotated: str, aimed_at: int) -> None:
    text = KNATIVE.replace("metric: rps", "metric: concurrency").replace('target: "150"', annotated or 'x: ""')
    text = text.replace("    spec:\n      containers", "    spec:\n      containerConcurrency: 20\n      containers")
    assert read(text).policy["target"] == aimed_at


@pytest.mark.parametrize("text", [RAY, RAY_SERVICE])
def test_the_deployment_that_scales_is_found_in_a_ray_serve_config(text: str) -> None:
    found = read(text)
    assert found.policy == {
        "kind": "ray_serve", "min_replicas": 0, "initial_replicas": 2, "max_replicas": 12, "aggregation": "max",
        "target_ongoing_requests": 3, "upscale_delay": "5 s", "downscale_delay": "120.5 s",
        "downscale_to_zero_delay": "300 s", "upscaling_factor": 0.5, "metrics_push_interval": "2 s",
        "look_back_period": "10 s", "control_loop_interval": "15 s",
    }  # fmt: skip
    (note,) = found.ignored
    assert "deployments[1].max_ongoing_requests ignored" in note


def test_replicas_set_to_auto_are_a_hundred_at_most() -> None:
    policy = read("deployments: [{name: A, num_replicas: auto, autoscaling_config: {min_replicas: 2}}]").policy
    assert (policy["min_replicas"], policy["max_replicas"]) == (2, 100)


def test_target_tracking_reads_per_cents_and_leaves_limits_to_the_target() -> None:
    assert read(TRACKING).policy == {
        "kind": "target_tracking", "metric": "utilisation", "target": "62.5 %", "scale_out_cooldown": "60 s",
        "scale_in_cooldown": "240 s", "disable_scale_in": False,
    }  # fmt: skip


def test_invocations_per_instance_are_sagemakers() -> None:
    assert read(SAGEMAKER).policy == {
        "kind": "sagemaker", "metric": "requests", "target": 70, "min_replicas": 2, "max_replicas": 9,
    }  # fmt: skip


def test_step_policies_find_their_alarms() -> None:
    found = read(STEPS, metrics=STEPS_METRICS)
    assert found.policy == {
        "kind": "step_scaling", "min_replicas": 0, "max_replicas": 15,
        "scale_out": {
            "metric": "queue", "threshold": 200, "period": "60 s", "statistic": "maximum", "evaluation_periods": 3,
            "datapoints_to_alarm": 2, "adjustment": "change", "cooldown": "60 s",
            "steps": [{"lower": 0, "upper": 100, "adjustment": 1}, {"lower": 100, "adjustment": 3}],
        },
        "scale_in": {
            "metric": "utilisation", "threshold": "20.5 %", "period": "60 s", "statistic": "average",
            "evaluation_periods": 10, "adjustment": "percent", "min_adjustment_magnitude": 1,
            "steps": [{"upper": "0 %", "adjustment": -50}],
        },
    }  # fmt: skip
    (note,) = found.ignored
    assert note.startswith("MetricAlarms[0].ComparisonOperator GreaterThanThreshold ignored")


# kubernetes/apimachinery pkg/api/resource, quantity.go: suffixes; its tests' values
@pytest.mark.parametrize(
    ("text", "value"),
    [("70", 70.0), ("500m", 0.5), ("1k", 1000.0), ("2Ki", 2048.0), ("1.5M", 1.5e6), ("1e3", 1000.0), (5, 5.0),
     ("3Gi", 3.0 * 2**30), (".5", 0.5), ("100n", 1e-7), ("2E2", 200.0), ("1E", 1e18)],
)  # fmt: skip
def test_quantities_are_kuberneteses(text: object, value: float) -> None:
    assert quantity(text) == value


@pytest.mark.parametrize("text", ["", "abc", "5 m", "1K", "1mm", True, None, "--5", "1e"])
def test_what_is_no_quantity_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        quantity(text)


# Go, time.ParseDuration
@pytest.mark.parametrize(
    ("text", "ours"),
    [("2m30s", "150 s"), ("90s", "90 s"), ("1h", "3600 s"), ("1.5s", "1.5 s"), ("500ms", "0.5 s"), ("0", "0 s")],
)
def test_durations_are_gos(text: str, ours: str) -> None:
    assert go_duration(text) == ours


@pytest.mark.parametrize("text", ["", "5", "5 s", "1d", "abc", 5, None, "s"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        go_duration(text)


def test_amounts_are_written_as_kubernetes_and_go_read_them() -> None:
    assert (as_quantity(1.5), as_quantity(30.0), as_go_duration(90.0), as_go_duration(0.25)) == (
        "1500m", "30", "90s", "0.25s",
    )  # fmt: skip


def test_the_one_manifest_of_a_known_kind_is_taken_out_of_many() -> None:
    text = f"kind: Deployment\nmetadata: {{name: web}}\n---\n{HPA_CPU}---\nkind: Service\napiVersion: v1\n---\n"
    assert read(text).policy == read(HPA_CPU).policy


def test_one_of_several_is_named() -> None:
    text = f"{HPA_CPU}---\n{HPA_CPU.replace('name: api', 'name: web').replace('50', '70')}"
    assert read(text, name="web").policy["target"] == "70 %"
    with pytest.raises(InputError, match=r"2 manifests to choose from.*HorizontalPodAutoscaler web.*manifest_name=api"):
        read(text)


def test_a_mistake_in_writing_a_field_is_pointed_at() -> None:
    found = read(HPA_CPU.replace("minReplicas", "minReplica"))
    assert found.ignored == ("spec.minReplica ignored: nothing here reads it; did you mean minReplicas?",)
    assert "min_replicas" not in found.policy
