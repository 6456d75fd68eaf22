"""The predicted system: config.yaml's scenario with a GPU's fit and a number of clients, played."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from experiments.settings import Settings
from experiments.x_resnet50.sweep import Fit

if TYPE_CHECKING:
    from sim import Scenario


class Felt(NamedTuple):
    """Answers per second, and mean, median and 99 % quantile of the latency (ms)."""

    per_s: float
    mean_ms: float
    p50_ms: float
    p99_ms: float


def system(settings: Settings, form: Mapping[str, float]) -> "Scenario":
    """config.yaml's scenario over form's warm_up_s and span_s."""
    horizon = f"{form['warm_up_s'] + form['span_s']} s"
    return settings.load("served", horizon=horizon, record={"interval": horizon})


def fitted_to(scenario: "Scenario", fitted: Fit, clients: int) -> "Scenario":
    """The system with a GPU's fit and so many clients: composed once, as 68 of them are asked for."""
    half_s = fitted.per_item_ms / 2e3
    law = {"distribution": "lognormal" if fitted.cv else "constant", "cv": fitted.cv}
    services: dict[str, dict[str, Any]] = {
        "transfer": {"per_item_s": half_s},
        "model": {"base_s": fitted.base_ms / 1e3, "per_item_s": half_s, **law},
    }
    pools = {
        name: pool.model_copy(update={"service": pool.service.model_copy(update=services[name])})
        for name, pool in scenario.pools.items()
    }
    users = scenario.workloads["main"].model_copy(update={"users": clients})
    return scenario.model_copy(update={"pools": pools, "workloads": {"main": users}})


def felt(scenario: "Scenario", fitted: Fit, clients: int, form: Mapping[str, float]) -> Felt:
    """What `clients` feel that ask again as soon as they are answered, over form's span_s after its warm_up_s."""
    from sim import simulate

    log = simulate(fitted_to(scenario, fitted, clients)).requests
    assert log is not None
    answered = log[(log["outcome"] == "completed") & (log["end_ns"] >= form["warm_up_s"] * 1e9)]
    ms = sorted(((answered["end_ns"] - answered["arrival_ns"]) / 1e6).tolist())
    n = len(ms)
    return Felt(n / form["span_s"], sum(ms) / n, ms[(n - 1) // 2], ms[(99 * n - 1) // 100])
