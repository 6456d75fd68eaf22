"""A Ray Serve config (also as the serveConfigV2 of a RayService) as the policy `ray_serve`; there and back.

Source: ray-project/ray 2.60.0, python/ray/serve/config.py (AutoscalingConfig, GangSchedulingConfig) and schema.py
(ServeDeploySchema, DeploymentSchema; num_replicas "auto" is 1 to 100 replicas unless its config says otherwise).
"""

from copy import deepcopy
from typing import Any

from sim.config import InputError, Problem
from sim.policy.autoscaling.ray_serve import RayServe
from sim.policy.manifests.fields import Findings, Node, Policy, ordered
from sim.policy.manifests.losses import beyond
from sim.policy.manifests.quantities import number, plain, seconds, whole

WHAT = "Ray Serve config (applications, or a RayService)"
KINDS = ("ray_serve",)
_LOOP = (
    "15 s"  # assumption: as often as a pool is scraped; Ray's own 0.1 s sees no more (conf/autoscaler/ray_serve.yaml)
)
_FUNCTIONS = {"mean": "mean", "max": "max", "min": "min"}
_AMOUNTS = {
    "target_ongoing_requests": "target_ongoing_requests", "upscaling_factor": "upscaling_factor",
    "downscaling_factor": "downscaling_factor",
}  # fmt: skip
_TIMES = {
    "upscale_delay": "upscale_delay_s", "downscale_delay": "downscale_delay_s",
    "downscale_to_zero_delay": "downscale_to_zero_delay_s", "metrics_push_interval": "metrics_interval_s",
    "look_back_period": "look_back_period_s",
}  # fmt: skip
_OLD = {
    "smoothing_factor": "gone from Ray: type upscaling_factor and downscaling_factor",
    "upscale_smoothing_factor": "gone from Ray: type upscaling_factor",
    "downscale_smoothing_factor": "gone from Ray: type downscaling_factor",
    "target_num_ongoing_requests_per_replica": "gone from Ray: type target_ongoing_requests",
}
_NAMES = (
    "name", "ray_actor_options", "user_config", "placement_group_bundles", "placement_group_strategy",
    "max_replicas_per_node", "logging_config",
)  # fmt: skip


def known(document: dict[str, Any]) -> bool:
    """Whether a document is one of these."""
    if "kind" in document:
        return bool(document["kind"] == "RayService")
    return any(key in document for key in ("applications", "deployments", "autoscaling_config"))


def read(document: dict[str, Any], found: Findings, name: str | None = None) -> Policy:
    """The policy, and in `found` what is wrong or ignored. name: of the deployment, where several scale."""
    node = Node(*_deployment(document, found, name), found)
    policy = Policy(kind="ray_serve", max_replicas=1, control_loop_interval=_LOOP)
    auto = node.raw("num_replicas") == "auto"
    if auto:
        policy["max_replicas"] = 100
    elif node.value.get("num_replicas") is not None:
        message = "a fixed number beside autoscaling_config, which Ray refuses. Leave it out, or type auto."
        found.refuse(node.at("num_replicas"), node.value["num_replicas"], message)
    config = node.node("autoscaling_config", needed=not auto)
    if config is not None:
        _config(config, policy)
    gang = node.node("gang_scheduling_config")
    if gang is not None:
        gang.take(policy, "gang_size", "gang_size", whole, least=1)
        gang.finish(names=("gang_placement_strategy", "runtime_failure_policy"))
    limit = "how many requests a replica takes at once is the pool's (pool.batching, pool.service)"
    queued = "how many requests may wait is the pool's (pool.queue.capacity)"
    drain = "how long replicas drain is the pool's"
    why = {"max_ongoing_requests": limit, "max_queued_requests": queued}
    why |= dict.fromkeys(("graceful_shutdown_wait_loop_s", "graceful_shutdown_timeout_s"), drain)
    node.finish(why, names=_NAMES)
    return policy


def _config(config: Node, policy: Policy) -> None:
    config.take(policy, "min_replicas", "min_replicas", whole, least=0)
    config.take(policy, "max_replicas", "max_replicas", whole, least=1)
    ordered(config, "min_replicas", "max_replicas", {"min_replicas": 1} | policy)
    config.take(policy, "initial_replicas", "initial_replicas", whole, least=0)
    for ours, theirs in _AMOUNTS.items():
        config.take(policy, ours, theirs, lambda value: plain(number(value)))
    for ours, theirs in _TIMES.items():
        config.take(policy, ours, theirs, seconds)
    policy["aggregation"] = config.one_of("aggregation_function", _FUNCTIONS, "mean") or "mean"
    if config.raw("policy") is not None:
        message = (
            "a policy of your own, which would take the place of all this. Leave it out, or register it "
            "(autoscaler=plugin)."
        )
        config.found.refuse(config.at("policy"), config.value["policy"], message)
    for key, why in _OLD.items():
        if config.raw(key) is not None:
            config.found.refuse(config.at(key), config.value[key], f"{why}.")
    config.finish()


def _serve_config(document: dict[str, Any], source: str) -> dict[str, Any]:
    """The config inside a RayService, or the document itself."""
    if document.get("kind") != "RayService":
        return document
    import yaml

    spec = document.get("spec")
    inner = spec.get("serveConfigV2") if isinstance(spec, dict) else None
    where = f"{source}, spec.serveConfigV2"
    if inner is None:
        raise InputError(Problem(where, None, "missing. Type the config of the applications."))
    try:
        config = yaml.safe_load(inner) if isinstance(inner, str) else inner
    except yaml.YAMLError as e:
        raise InputError(Problem(where, None, f"not valid YAML: {str(e).splitlines()[0]}.")) from None
    if not isinstance(config, dict):
        raise InputError(Problem(where, None, "not a group of fields. Type the config of the applications."))
    return config


def _scaling(config: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Every deployment that scales, and its path."""
    if "autoscaling_config" in config:
        return [(config, "")]
    applications = config.get("applications")
    places = [(config, "")] if applications is None else _items(applications, "applications")
    found = [item for app, path in places for item in _items(app.get("deployments"), f"{path}.deployments".lstrip("."))]
    return [
        (d, path) for d, path in found if d.get("autoscaling_config") is not None or d.get("num_replicas") == "auto"
    ]


def _items(value: Any, path: str) -> list[tuple[dict[str, Any], str]]:
    items = value if isinstance(value, list) else []
    return [(item, f"{path}[{i}]") for i, item in enumerate(items) if isinstance(item, dict)]


def _deployment(document: dict[str, Any], found: Findings, name: str | None) -> tuple[dict[str, Any], str]:
    inside = "spec.serveConfigV2." if document.get("kind") == "RayService" else ""
    scaling = _scaling(_serve_config(document, found.source))
    chosen = [(d, path) for d, path in scaling if name is None or d.get("name") == name or len(scaling) == 1]
    if len(chosen) == 1:
        return chosen[0][0], f"{inside}{chosen[0][1]}".rstrip(".")
    names = [str(d.get("name")) for d, _ in scaling]
    if not scaling:
        message = "no deployment with an autoscaling_config. Type one, such as {min_replicas: 1, max_replicas: 10}."
        raise InputError(Problem(found.source, None, message))
    if not chosen:
        raise InputError(
            Problem(f"{found.at}.manifest_name", name, f"no such deployment. There is: {', '.join(names)}.")
        )
    message = (
        f"{len(chosen)} deployments scale: {', '.join(names)}. Say which: type {found.at}.manifest_name={names[0]}."
    )
    raise InputError(Problem(found.source, None, message))


def write(
    policy: RayServe, like: dict[str, Any] | None, found: Findings, name: str | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The manifest, and what it has no field for. like: a manifest to change."""
    document = deepcopy(like) if like is not None else _new()
    whole_config = _serve_config(document, found.source)
    deployment, _ = _deployment(whole_config, found, name)
    config = dict(deployment.get("autoscaling_config") or {})
    defaults = {n: f.default for n, f in RayServe.model_fields.items()}
    fields = {"initial_replicas": "start_replicas", "min_replicas": "min_replicas", **_AMOUNTS}
    fields |= {theirs: f"{ours}_s" for ours, theirs in _TIMES.items()} | {"aggregation_function": "aggregation"}
    for theirs, ours in fields.items():
        value = getattr(policy, ours)
        if value is None:
            config.pop(theirs, None)
        elif value != defaults[ours] or theirs in config:
            config[theirs] = plain(value) if isinstance(value, float) else value
    config["max_replicas"] = policy.max_replicas
    deployment["autoscaling_config"] = config
    gang = deployment.get("gang_scheduling_config")
    if policy.gang_size != 1 or gang is not None:
        deployment["gang_scheduling_config"] = {**(gang or {}), "gang_size": policy.gang_size}
    if document.get("kind") == "RayService":
        _put_back(document, whole_config)
    loop = {"control_loop_interval_s": "the environment variable RAY_SERVE_CONTROL_LOOP_INTERVAL_S"}
    return document, [] if policy.control_loop_interval_s == 15.0 else beyond(policy, loop)


def _put_back(document: dict[str, Any], config: dict[str, Any]) -> None:
    import yaml

    if isinstance(document["spec"]["serveConfigV2"], str):
        document["spec"]["serveConfigV2"] = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120)


def _new() -> dict[str, Any]:
    deployment: dict[str, Any] = {"name": "main", "autoscaling_config": {"min_replicas": 1}}
    application = {"name": "main", "route_prefix": "/", "import_path": "main:app", "deployments": [deployment]}
    return {"applications": [application]}
