"""What a run rests on: the scenario's main values with their sources."""

from typing import NamedTuple

from sim.policy.autoscaling import Fixed, HorizontalPodAutoscaler
from sim.report.assumptions_demand import CHOSEN, demand_source, demand_words
from sim.report.assumptions_life import life_rows, pool_rows, workload_rows
from sim.report.facts import Facts
from sim.report.nodes import served
from sim.report.numbers import duration, share, three, usd
from sim.scenario.model import Pool
from sim.serving.services import LinearService, Service


class Assumption(NamedTuple):
    """One thing that the run takes as given: what, how much, and who says so."""

    what: str
    value: str
    source: str


def assumptions(facts: Facts) -> list[Assumption]:
    """Demand, promises, machines, models, prices and people of the scenario, with their sources."""
    scenario = facts.scenario
    rows = []
    for name, workload in scenario.workloads.items():
        rows.append(Assumption(f"demand of {name}", demand_words(workload), demand_source(workload)))
        slo = workload.slo
        promise = f"{share(slo.share)} of requests that ended, answered within {duration(slo.latency_s)}"
        promise += f"; timeout {duration(workload.timeout_s)}"
        rows.append(Assumption(f"promise to {name}", promise, CHOSEN))
        tokens = f"{three(workload.prompt_tokens)} tokens in, {three(workload.output_tokens)} out"
        size = f"{three(workload.response_bytes / 1e3, 'kB')} response, {three(workload.log_bytes / 1e3, 'kB')} of log"
        rows.append(Assumption(f"a request of {name}", f"{tokens}; {size}" if workload.prompt_tokens else size, CHOSEN))
        rows += [Assumption(what, value, CHOSEN) for what, value in workload_rows(name, workload)]
    if any(phase.on_machines for phase in facts.phases):
        for name, pool in scenario.pools.items():
            rows += _pool(name, pool)
            rows += [Assumption(what, value, CHOSEN) for what, value in pool_rows(facts, name, pool)]
    if any(not phase.on_machines for phase in facts.phases):
        rows.append(_api(facts))
    price = scenario.price
    egress, logs = (usd(tiered.tiers[0].price_usd_per_gb) for tiered in (price.egress, price.logs.ingest))
    volume = f"egress from {egress} per GB, logs {logs} per GB"
    rows.append(Assumption(f"network and logs, {price.name}", volume, price.source))
    for phase in facts.phases:
        staff = scenario.phases[phase.name].staff
        people = ", ".join(
            f"{three(role.fte)} {name.replace('_', ' ')} at {usd(role.salary_usd_per_year)} a year"
            for name, role in staff.items()
        )
        exposure = f"{share(scenario.phases[phase.name].exposure)} of demand let in, served by {served(phase.serving)}"
        rows.append(Assumption(f"phase {phase.name}", f"{exposure}; {people or 'no staff'}", CHOSEN))
    rows += [Assumption(what, value, CHOSEN) for what, value in life_rows(facts)]
    return rows


def _pool(name: str, pool: Pool) -> list[Assumption]:
    machine, model, service = pool.machine, pool.model, pool.service
    kind = f"{machine.name} ({machine.accelerator}) at {usd(machine.price_usd_per_h)} per hour"
    boot = f"{duration(machine.provisioning_s)} to boot, {duration(model.load_s)} to load {model.name}"
    time = f"{service_words(service)}; batches of at most {pool.batching.max_batch_size}"
    return [
        Assumption(f"machine of pool {name}", f"{kind}; {boot}", machine.source),
        Assumption(f"service time of pool {name}", f"{time}, on {service.hardware}", service.source),
        Assumption(f"autoscaler of pool {name}", _autoscaler(pool), CHOSEN),
    ]


def service_words(service: Service) -> str:
    """Mean time of a batch, what spreads around it, and a new replica's slow first requests."""
    if isinstance(service, LinearService):
        words = f"{duration(service.base_s)} + {duration(service.per_item_s)} a request"
        words += f" of size one (cv of sizes {three(service.size_cv)}" if service.size_cv else ""
        words += (", padded to the largest)" if service.padding else ")") if service.size_cv else ""
    else:
        first, last = service.points[0], service.points[-1]
        words = f"{duration(first.time_s)} for a request alone"
        words += f" to {duration(last.time_s)} for {last.batch:,}, by table" if last.batch > 1 else ""
    words += "" if service.distribution == "constant" else f", {service.distribution}"
    words += f" (cv {three(service.cv)})" if service.cv else ""
    if service.warm_up:
        words += f"; first {service.warm_up.requests:,} of a new replica {three(service.warm_up.factor)} times as long"
    return words


def _autoscaler(pool: Pool) -> str:
    scaler = pool.autoscaler
    if isinstance(scaler, Fixed):
        return f"fixed at {scaler.replicas} replicas"
    bounds = f"{scaler.min_replicas} to {scaler.max_replicas} replicas"
    if not isinstance(scaler, HorizontalPodAutoscaler):
        return f"{scaler.kind.replace('_', ' ')}, {bounds}"
    if scaler.metrics:
        return f"Kubernetes HPA, {bounds}, by {', '.join(metric.name.replace('_', ' ') for metric in scaler.metrics)}"
    target = share(scaler.target) if scaler.metric == "utilisation" else three(scaler.target)
    metric = scaler.metric.replace("_", " ")
    return f"Kubernetes HPA, {bounds}, {metric} at {target}"


def _api(facts: Facts) -> Assumption:
    api = facts.scenario.api
    parts = [f"{usd(api.request_usd)} per request"] if api.request_usd else []
    parts.append(f"{usd(api.prompt_usd_per_mtok)} per million tokens in, {usd(api.output_usd_per_mtok)} out")
    latency = f"{duration(api.latency.median_s)} at the median (cv {three(api.latency.cv)})"
    return Assumption(f"API {api.name}", f"{', '.join(parts)}; {latency}", api.source)
