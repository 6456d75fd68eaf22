"""A policy that is written as a manifest and read again is the same policy, with any manifest as its model."""

from collections.abc import Callable, Mapping
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.policy.autoscaling import (
    Controller,
    HorizontalPodAutoscaler,
    Keda,
    Knative,
    RayServe,
    SageMaker,
    StepScaling,
    TargetTracking,
)
from sim.policy.manifests import read, write, written
from tests.unit import manifest_examples as examples

CLASSES: dict[str, type[Controller]] = {
    "hpa": HorizontalPodAutoscaler, "keda": Keda, "knative": Knative, "ray_serve": RayServe,
    "target_tracking": TargetTracking, "sagemaker": SageMaker, "step_scaling": StepScaling,
}  # fmt: skip
KUBERNETES = ["1.34", kubernetes_validate.latest_version()]
MODEST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def policy_of(text: str, metrics: Mapping[str, str] | None = None, **beside: Any) -> Controller:
    """The controller that a manifest's text stands for."""
    said = {**read(text, metrics=metrics).policy, **beside}
    return CLASSES[said["kind"]].model_validate(said, context={"door": True}, by_alias=True, by_name=False)


# What a manifest can say: whole seconds (Kubernetes, AWS), milli-units, per cents with a digit behind the point.
seconds = st.integers(1, 1800).map(float)
milli = st.integers(1, 10**7).map(lambda n: n / 1000)
shares = st.integers(1, 1000).map(lambda n: n / 1000)
per_cents = st.integers(1, 100).map(lambda n: n / 100)
any_seconds = st.integers(1, 10**6).map(lambda n: n / 1000)


@st.composite
def limits(draw: st.DrawFn, low: int = 0) -> dict[str, int]:
    least = draw(st.integers(low, 20))
    return {"min_replicas": least, "max_replicas": draw(st.integers(max(1, least), 200))}


def rules(default_s: float) -> st.SearchStrategy[dict[str, Any]]:
    entry = st.fixed_dictionaries(
        {"type": st.sampled_from(["pods", "percent"]), "value": st.integers(1, 200), "period_s": seconds}
    )
    return st.fixed_dictionaries(
        {"stabilisation_s": st.one_of(st.just(default_s), st.integers(0, 3600).map(float))},
        optional={
            "select": st.sampled_from(["max", "min", "disabled"]),
            "policies": st.lists(entry, min_size=1, max_size=3),
            "tolerance": st.integers(0, 999).map(lambda n: n / 1000),
        },
    )


@st.composite
def pool_metric(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "kind": draw(st.sampled_from(["object", "external"])),
        "name": draw(st.sampled_from(["queue", "arrivals", "in_flight_total"])),
        "type": draw(st.sampled_from(["value", "average_value"])),
        "target": draw(milli),
    }


@st.composite
def hpas(draw: st.DrawFn) -> Controller:
    resource = st.fixed_dictionaries({"kind": st.just("resource"), "target": per_cents})
    pods = st.fixed_dictionaries({"kind": st.just("pods"), "target": milli})
    several = draw(st.lists(st.one_of(resource, pods, pool_metric()), max_size=3))
    only = several[0] if len(several) == 1 and several[0]["kind"] in ("resource", "pods") else None
    said: dict[str, Any] = {"metrics": several if only is None else []}
    if only is not None:
        said |= {"metric": "utilisation" if only["kind"] == "resource" else "in_flight", "target": only["target"]}
    lasting = any(metric["kind"] in ("object", "external") for metric in said["metrics"])
    said |= draw(limits(0 if lasting else 1))
    if draw(st.booleans()):
        said |= {"scale_up": draw(rules(0.0)), "scale_down": draw(rules(300.0))}
    else:
        said |= {"behaviour": "legacy"}
    return HorizontalPodAutoscaler.model_validate(said)


@st.composite
def kedas(draw: st.DrawFn) -> Controller:
    counted = st.fixed_dictionaries(
        {"type": st.sampled_from(["queue", "arrivals", "in_flight"]), "target": milli},
        optional={"activation": milli},
    )
    cpu = st.fixed_dictionaries({"type": st.just("cpu"), "target": per_cents})
    hours = st.tuples(st.integers(0, 59), st.integers(0, 11)).map(lambda at: f"{at[0]} {at[1]} * * mon-fri")
    cron = st.fixed_dictionaries(
        {
            "type": st.just("cron"), "timezone": st.sampled_from(["UTC", "Asia/Kolkata"]), "start": hours,
            "end": hours.map(lambda text: text.replace("mon-fri", "*")), "desired_replicas": st.integers(0, 90),
        }
    )  # fmt: skip
    trigger = st.one_of(counted, cpu, cron)
    said = draw(limits()) | draw(
        st.fixed_dictionaries(
            {"triggers": st.lists(trigger, min_size=1, max_size=4)},
            optional={
                "polling_interval_s": seconds,
                "cooldown_s": seconds,
                "initial_cooldown_s": seconds,
                "fallback": st.fixed_dictionaries(
                    {
                        "failure_threshold": st.integers(0, 9),
                        "replicas": st.integers(0, 50),
                        "behaviour": st.sampled_from(["static", "current", "current_if_higher", "current_if_lower"]),
                    }
                ),
                "scale_up": rules(0.0),
                "scale_down": rules(300.0),
            },
        )
    )
    if all(found["type"] == "cpu" for found in said["triggers"]):
        said["triggers"].append(draw(counted))  # cpu alone takes neither a minimum of 0 nor a fallback
    if said["min_replicas"] > 0 and draw(st.booleans()):
        said["idle_replicas"] = 0
    return Keda.model_validate(said)


@st.composite
def knatives(draw: st.DrawFn) -> Controller:
    said = draw(limits())
    said |= draw(
        st.fixed_dictionaries(
            {"metric": st.sampled_from(["concurrency", "rps"])},
            optional={
                "target": st.integers(10, 10**6).map(lambda n: n / 1000),
                "target_utilisation": shares,
                "aggregation": st.sampled_from(["linear", "weighted"]),
                "stable_window_s": st.integers(6000, 10**6).map(lambda n: n / 1000),
                "panic_window": st.integers(10, 1000).map(lambda n: n / 1000),
                "panic_threshold": st.integers(1100, 10_000).map(lambda n: n / 1000),
                "scale_down_delay_s": any_seconds,
                "scale_to_zero_retention_s": any_seconds,
                "target_burst_capacity": st.sampled_from([-1.0, 0.0, 7.5, 1000.0]),
                "start_replicas": st.integers(said["min_replicas"], said["max_replicas"]),
                "activation_replicas": st.integers(1, said["max_replicas"]),
            },
        )
    )
    return Knative.model_validate(said)


@st.composite
def rays(draw: st.DrawFn) -> Controller:
    said = {"control_loop_interval_s": 15.0, **draw(limits())}
    said |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "start_replicas": st.integers(said["min_replicas"], said["max_replicas"]),
                "target_ongoing_requests": milli,
                "upscale_delay_s": any_seconds,
                "downscale_delay_s": any_seconds,
                "downscale_to_zero_delay_s": any_seconds,
                "upscaling_factor": milli,
                "downscaling_factor": milli,
                "metrics_push_interval_s": st.integers(1000, 30_000).map(lambda n: n / 1000),
                "look_back_period_s": st.integers(1000, 999_000).map(lambda n: n / 1000),
                "aggregation": st.sampled_from(["mean", "max", "min"]),
            },
        )
    )
    return RayServe.model_validate(said)


@st.composite
def trackings(draw: st.DrawFn, kinds: tuple[type[Controller], ...] = (TargetTracking, SageMaker)) -> Controller:
    said: dict[str, Any] = draw(limits(1))
    said |= draw(st.fixed_dictionaries({}, optional={"scale_out_cooldown_s": seconds, "scale_in_cooldown_s": seconds}))
    said["disable_scale_in"] = draw(st.booleans())
    kind = draw(st.sampled_from(kinds))
    shared = kind is TargetTracking and draw(st.booleans())
    said |= (
        {"metric": "utilisation", "target": draw(shares)} if shared else {"metric": "requests", "target": draw(milli)}
    )
    return kind.model_validate(said)


@st.composite
def step_policy(draw: st.DrawFn, sign: int, metrics: list[str]) -> dict[str, Any]:
    metric = draw(st.sampled_from(metrics))
    unit = 1000 if metric == "utilisation" else 10
    bounds = sorted(draw(st.sets(st.integers(1, 400), max_size=3)))
    edges = [0.0, *(n / unit for n in bounds), None]
    amounts = draw(st.lists(st.integers(1, 50), min_size=len(edges) - 1, max_size=len(edges) - 1))
    steps: list[dict[str, Any]] = [
        {"lower": low, "upper": high, "adjustment": amount}
        for low, high, amount in zip(edges, edges[1:], amounts, strict=False)
    ]
    if sign < 0:
        steps = [
            {
                "lower": None if s["upper"] is None else -s["upper"],
                "upper": -s["lower"] if s["lower"] else 0.0,
                "adjustment": -s["adjustment"],
            }
            for s in steps
        ]
    said: dict[str, Any] = {
        "metric": metric, "steps": steps, "threshold": draw(st.integers(0, 1000)) / unit,
        "adjustment": draw(st.sampled_from(["change", "percent"])), "evaluation_periods": draw(st.integers(1, 9)),
        "period_s": draw(st.integers(60, 300).map(float)), "cooldown_s": draw(seconds),
        "statistic": draw(st.sampled_from(["average", "maximum", "minimum"])),
    }  # fmt: skip
    if draw(st.booleans()):
        said["datapoints_to_alarm"] = draw(st.integers(1, said["evaluation_periods"]))
    if said["adjustment"] == "percent":
        said["min_adjustment_magnitude"] = draw(st.integers(0, 5))
    return said


@st.composite
def steppings(draw: st.DrawFn) -> Controller:
    metrics = ["utilisation", "requests", "queue", "arrivals"]
    said: dict[str, Any] = {**draw(limits(1)), "scale_out": draw(step_policy(1, metrics))}
    if draw(st.booleans()):
        said["scale_in"] = draw(step_policy(-1, metrics))
    return StepScaling.model_validate(said)


POLICIES = {
    "hpa": hpas, "keda": kedas, "knative": knatives, "ray_serve": rays, "tracking": trackings, "steps": steppings,
}  # fmt: skip


@pytest.mark.parametrize("make", POLICIES.values(), ids=POLICIES)
@MODEST
@given(data=st.data())
def test_a_policy_reads_back_from_its_manifest(make: Callable[[], Any], data: st.DataObject) -> None:
    policy = data.draw(make())
    found = written(policy)
    assert (policy_of(found.text), found.left_out) == (policy, ())


MODELS = {
    "hpa": (hpas, "hpa"), "hpa_cpu": (hpas, "hpa_cpu"), "keda": (kedas, "keda"),
    "keda_by_the_clock": (kedas, "keda_by_the_clock"), "knative": (knatives, "knative"),
    "ray": (rays, "ray"), "ray_service": (rays, "ray_service"), "steps": (steppings, "steps"),
    "sagemaker": (lambda: trackings((SageMaker,)), "sagemaker"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "example"), MODELS.values(), ids=MODELS)
@MODEST
@given(data=st.data())
def test_a_policy_reads_back_from_the_likeness_of_any_manifest(
    make: Callable[[], Any], example: str, data: st.DataObject
) -> None:
    policy, (like, metrics) = data.draw(make()), examples.ALL[example]
    text = write(policy, like, metrics=metrics)
    kept = {name: word for name, word in metrics.items() if name in text}
    assert policy_of(text, kept) == policy


@pytest.mark.parametrize("example", examples.ALL)
def test_a_manifest_that_nobody_changed_is_written_as_it_was(example: str) -> None:
    text, metrics = examples.ALL[example]
    beside = {} if "max_replicas" in read(text, metrics=metrics).policy else {"max_replicas": 20}
    policy = policy_of(text, metrics, **beside)
    again = write(policy, text, metrics=metrics)
    assert policy_of(again, metrics, **beside) == policy
    old, new = yaml.safe_load(text), yaml.safe_load(again)
    if example == "ray_service":
        old, new = (yaml.safe_load(found["spec"]["serveConfigV2"]) for found in (old, new))
    assert new == old


@MODEST
@given(policy=hpas())
def test_a_written_hpa_is_valid_by_kuberneteses_own_schema(policy: Controller) -> None:
    for like in (None, examples.HPA, examples.HPA_CPU):
        document = yaml.safe_load(write(policy, like, metrics=examples.HPA_METRICS if like == examples.HPA else None))
        for version in KUBERNETES:
            kubernetes_validate.validate(document, version, strict=True)


def test_names_and_what_is_not_supported_stay_in_a_manifest_that_is_changed() -> None:
    policy = policy_of(examples.KEDA, examples.KEDA_METRICS).model_copy(update={"cooldown_s": 77.0})
    old = yaml.safe_load(examples.KEDA)
    old["spec"]["cooldownPeriod"] = 77
    assert yaml.safe_load(write(policy, examples.KEDA, metrics=examples.KEDA_METRICS)) == old
